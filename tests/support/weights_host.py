"""A host of weights on loopback that speaks as huggingface.co does: redirects, ranges, stated digests, and trouble."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WeightsHost(ThreadingHTTPServer):
    """Files by their path, such as "owner/name/resolve/main/unet.safetensors".

    Attributes:
        files: Content of each.
        stated: SHA-256 that it states in the place of the true one; None: it states none.
        redirect: Where it sends callers; empty: to itself, as huggingface.co does with large files.
        break_after: Bytes after which a connection breaks, an answer each.
        refusals: Status and X-Error-Code to answer with, an answer each, in the place of the file.
        ranges: Whether it sends parts.
        sized: Whether it says how long files are.
        asked: Path and Range header of each request for bytes.
        tokens: Authorization header of each request, by its path.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.stated: dict[str, str | None] = {}
        self.redirect = ""
        self.break_after: list[int] = []
        self.refusals: list[tuple[int, str]] = []
        self.ranges = True
        self.sized = True
        self.asked: list[tuple[str, str | None]] = []
        self.tokens: dict[str, str | None] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: WeightsHost
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass

    def do_GET(self) -> None:
        path = self.path.removeprefix("/")
        self.server.tokens[path] = self.headers.get("Authorization")
        if self.server.refusals:
            status, code = self.server.refusals.pop(0)
            return self._answer(status, {"X-Error-Code": code, "Content-Length": "0"})
        stored = path.removeprefix("bytes/")
        if stored not in self.server.files:
            return self._answer(404, {"X-Error-Code": "EntryNotFound", "Content-Length": "0"})
        content = self.server.files[stored]
        if path == stored:
            target = self.server.redirect or f"{self.server.address}/bytes/{stored}"
            headers = {"Location": target, "Content-Length": "0"}
            digest = self.server.stated.get(stored, hashlib.sha256(content).hexdigest())
            if digest is not None:
                headers["X-Linked-ETag"] = f'"{digest}"'
            if self.server.sized:
                headers["X-Linked-Size"] = str(len(content))
            return self._answer(302, headers)
        self.server.asked.append((stored, self.headers.get("Range")))
        return self._send(content)

    def _send(self, content: bytes) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if self.server.ranges else 0
        if begin >= len(content):
            return self._answer(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        headers = {"Content-Length": str(len(content) - begin)} if self.server.sized else {"Connection": "close"}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        self._answer(206 if begin else 200, headers)
        limit = self.server.break_after.pop(0) if self.server.break_after else len(content)
        self.close_connection = True
        with suppress(ConnectionError):  # Callers may leave before the end.
            self.wfile.write(content[begin : begin + limit])
        return None

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def weights_host() -> Iterator[WeightsHost]:
    """Run a host until the context ends."""
    with WeightsHost() as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield host
        finally:
            host.shutdown()
            thread.join()
