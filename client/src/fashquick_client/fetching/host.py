"""The host of weights: a server that speaks as huggingface.co does."""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from fashquick_common.errors import BadField, FashquickError, ModelNotInstalled, NotFound, UnavailableError
from fashquick_common.models.profiles import ProfileFile, Source

DEFAULT_HOST = "https://huggingface.co"
_TIMEOUT_S = 30.0  # Without a byte.
_READ_BYTES = 1024 * 1024
_PAUSE_S = 60.0
_DIGEST = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_MAX_SAID = 200


class RangeRefused(Exception):
    """The host has nothing from that byte on."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A file that the host sends.

    Attributes:
        offset: Its first byte that comes.
        size_bytes: Bytes of the whole file; None where the host does not say.
        sha256: SHA-256 of the whole file as the host states it; None where it does not.
        origin: File and host, for messages.
    """

    offset: int
    size_bytes: int | None
    sha256: str | None
    origin: str
    _response: http.client.HTTPResponse

    def chunks(self) -> Iterator[bytes]:
        """Yield what comes; the caller compares with the size: a connection can break off without a word.

        Raises:
            UnavailableError: The connection broke.
        """
        while True:
            try:
                chunk = self._response.read(_READ_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise UnavailableError(f"{self.origin} broke off: {_said(error)}", retry_after_s=0) from error
            if not chunk:
                return
            yield chunk


class Host:
    """Where weights are fetched from."""

    def __init__(self, address: str = DEFAULT_HOST, token: str | None = None) -> None:
        """Make it; nothing is connected yet.

        Args:
            address: Its `https://` address; `http://` for a mirror that has no other.
            token: What repositories with an agreement ask for; only this host is told it.

        Raises:
            BadField: The address is none.
        """
        try:
            parts = urllib.parse.urlsplit(address)
        except ValueError:
            parts = urllib.parse.urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise BadField(
                f"{address!r} is not the address of a host, such as {DEFAULT_HOST}; correct HF_ENDPOINT, or unset it",
                field="HF_ENDPOINT",
            )
        self._address = address.rstrip("/")
        self._token = token

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Host:
        """Make the one that HF_ENDPOINT and HF_TOKEN say, as other programs read them."""
        return cls(environment.get("HF_ENDPOINT") or DEFAULT_HOST, environment.get("HF_TOKEN") or None)

    @property
    def address(self) -> str:
        """Its address."""
        return self._address

    @contextmanager
    def sending(self, file: ProfileFile, source: Source, offset: int = 0) -> Iterator[Sending]:
        """Ask for a file, and yield it while it comes.

        Args:
            file: Which.
            source: Where it is.
            offset: First byte that is wanted. The host may send all the same: see `Sending.offset`.

        Raises:
            NotFound: There is no such repository, commit or file.
            ModelNotInstalled: The repository asks for an agreement, or for a token that has it.
            UnavailableError: The host cannot be reached, or is busy.
            BadField: It sends elsewhere without encryption.
            RangeRefused: The file is shorter.
        """
        where = f"{file.path} of {source.repository}"
        redirects = Redirects(self._address, self._token)
        try:
            response = _opener(redirects).open(self._request(file, source, offset), timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, where, self._address) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: it redirects to what is no address.
            raise UnavailableError(
                f"{self._address} cannot be reached for {where}: {_said(error)}; try again later, "
                "or name a mirror with HF_ENDPOINT",
                retry_after_s=_PAUSE_S,
            ) from error
        with response:
            yield _sending(response, redirects.linked, f"{where} from {self._address}", offset)

    def _request(self, file: ProfileFile, source: Source, offset: int) -> urllib.request.Request:
        path = urllib.parse.quote(f"{source.repository}/resolve/{source.revision}/{file.path}")
        request = urllib.request.Request(f"{self._address}/{path}")  # noqa: S310 - the scheme is checked above
        request.add_header("User-Agent", "fashquick")
        if offset:
            request.add_header("Range", f"bytes={offset}-")
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return request


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to the servers that hold the bytes, never from https to less; keeps what the host says of the file."""

    def __init__(self, address: str, token: str | None) -> None:
        self._origin = _origin(address)
        self._token = token
        self.linked: dict[str, str] = {}

    def redirect_request(  # noqa: PLR0917 - urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """See the class."""
        # Not req.type and req.host, which a proxy changes.
        before, after = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if after.scheme not in ("http", "https") or (before.scheme == "https" and after.scheme == "http"):
            raise _elsewhere(
                f"{before.hostname} redirects from {before.scheme} to {after.scheme}:, which others could change"
            )
        for name in ("X-Linked-ETag", "X-Linked-Size"):
            if (value := headers.get(name)) is not None:
                self.linked.setdefault(name, value)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and self._token and _origin(newurl) == self._origin:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return request


def _opener(redirects: Redirects) -> urllib.request.OpenerDirector:
    # Not build_opener, whose opener also reads files, FTP and data: addresses.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        redirects,
    ):
        opener.add_handler(handler)
    return opener


def _sending(response: http.client.HTTPResponse, linked: Mapping[str, str], origin: str, asked: int) -> Sending:
    said = {**dict(response.headers.items()), **linked}
    etag = next((value for name, value in said.items() if name.lower() == "x-linked-etag"), "")
    digest = _DIGEST.fullmatch(etag)
    begins, size = 0, _number(response.headers.get("Content-Length"))
    if response.status == http.client.PARTIAL_CONTENT:
        part = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if part is None or int(part[1]) != asked:
            raise UnavailableError(f"{origin}: another part came than was asked for", retry_after_s=0)
        begins, size = asked, _number(part[2])
    return Sending(
        offset=begins,
        size_bytes=size if size is not None else _number(linked.get("X-Linked-Size")),
        sha256=digest[1] if digest else None,
        origin=origin,
        _response=response,
    )


def _refusal(error: urllib.error.HTTPError, where: str, address: str) -> FashquickError | RangeRefused:
    if error.code < http.client.BAD_REQUEST:
        return _elsewhere(f"{where}: {address} redirects to where it cannot be followed: {_said(error)}")
    said = error.headers.get("X-Error-Code", "")
    match error.code:
        case http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return RangeRefused()
        case http.client.UNAUTHORIZED | http.client.FORBIDDEN if said != "RepoNotFound":
            return ModelNotInstalled(
                f"{where}: {address} wants an agreement first ({error.code}); agree to it on the repository's page, "
                "and set HF_TOKEN to a token of that account"
            )
        case http.client.UNAUTHORIZED | http.client.NOT_FOUND | http.client.GONE:
            return NotFound(
                f"{where} is not at {address} ({error.code}); correct the profile, or name a mirror that has it "
                "with HF_ENDPOINT"
            )
    return UnavailableError(
        f"{where}: {address} answers {error.code} {_said(error)}; try again later", retry_after_s=_PAUSE_S
    )


def _elsewhere(why: str) -> BadField:
    return BadField(f"{why}; name another mirror with HF_ENDPOINT", field="HF_ENDPOINT")


def _origin(address: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.netloc


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None


def _said(error: Exception) -> str:
    """What an error says, printable and short: a host's words can be anything."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return f"no byte for {_TIMEOUT_S:g} s"
    text = os.strerror(reason.errno) if isinstance(reason, OSError) and reason.errno else str(reason)
    return "".join(char if char.isprintable() else "\ufffd" for char in (text or type(reason).__name__)[:_MAX_SAID])
