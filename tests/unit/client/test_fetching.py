"""Fetching a file of weights: whole or not at all, whatever the host and the connection do."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import io
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fashquick_client.fetching import fetch
from fashquick_client.fetching.fetch import Fetched, Fetcher
from fashquick_client.fetching.host import Host, Redirects
from fashquick_common.errors import (
    BadField,
    DigestMismatch,
    ModelNotInstalled,
    NotFound,
    SizeMismatch,
    UnavailableError,
)
from fashquick_common.models import ModelStore, ProfileFile, Role, Source
from tests.support.weights_host import WeightsHost, weights_host

SOURCE = Source("owner/name", "0" * 40, "MIT", "https://example.org/licence")
URL = f"owner/name/resolve/{'0' * 40}/unet/weights.safetensors"
CONTENT = bytes(range(256)) * 20_000  # 5 MB: several reads.
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILE = ProfileFile(Role.UNET, "name/unet.safetensors", "unet/weights.safetensors", SOURCE, len(CONTENT), DIGEST)
PART = 1_500_000


@pytest.fixture
def host() -> Iterator[WeightsHost]:
    with weights_host() as running:
        running.files[URL] = CONTENT
        yield running


def fetched(host: WeightsHost, store: Path, file: ProfileFile = FILE, **options: Any) -> Fetched:
    seen: list[tuple[int, int]] = []
    fetcher = Fetcher(store, Host(host.address, **options), pauses_s=(0.0, 0.0))
    result = fetcher.fetch(file, SOURCE, lambda done, size: seen.append((done, size)))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen) or host.break_after == []
    return result


def left(store: Path) -> list[str]:
    """What is in the store, but for its list and the lock of that."""
    names = [path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()]
    return sorted(name for name in names if "SHA256SUMS" not in name)


def test_a_file_comes_whole_and_is_listed(host: WeightsHost, tmp_path: Path) -> None:
    assert fetched(host, tmp_path) == Fetched(DIGEST, stated=True)
    assert ModelStore(tmp_path).verified(FILE.name).read_bytes() == CONTENT
    assert left(tmp_path) == [FILE.name]


@pytest.mark.parametrize("stated", [True, False])
def test_without_a_digest_in_the_profile_the_hosts_word_or_the_first_fetch_is_believed(
    stated: bool, host: WeightsHost, tmp_path: Path
) -> None:
    if not stated:
        host.stated[URL] = None
    file = replace(FILE, sha256=None, size_bytes=None)
    assert fetched(host, tmp_path, file) == Fetched(DIGEST, stated=stated)
    assert ModelStore(tmp_path).verified(FILE.name)


def test_a_connection_that_breaks_is_gone_on_with(host: WeightsHost, tmp_path: Path) -> None:
    host.break_after = [PART, PART]
    fetched(host, tmp_path)
    assert [asked for _, asked in host.asked] == [None, f"bytes={PART}-", f"bytes={2 * PART}-"]


def test_what_is_kept_of_a_fetch_that_failed_serves_the_next(host: WeightsHost, tmp_path: Path) -> None:
    host.break_after = [PART, 0, 0]
    with pytest.raises(UnavailableError, match=r"1\.5 MB of it are kept"):
        fetched(host, tmp_path)
    assert left(tmp_path) == [f"{FILE.name}.partial"]
    host.asked.clear()
    fetched(host, tmp_path)
    assert [asked for _, asked in host.asked] == [f"bytes={PART}-"]


def test_a_host_without_ranges_sends_it_all_again(host: WeightsHost, tmp_path: Path) -> None:
    host.ranges = False
    host.break_after = [PART]
    fetched(host, tmp_path)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


@pytest.mark.parametrize("rest", [b"of another file" * 1000, CONTENT, CONTENT + b"more"])
def test_what_another_fetch_has_left_does_no_harm(rest: bytes, host: WeightsHost, tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    (tmp_path / f"{FILE.name}.partial").write_bytes(rest)
    fetched(host, tmp_path)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


@pytest.mark.parametrize("knows", ["profile", "host"])
def test_a_changed_byte_is_never_used(knows: str, host: WeightsHost, tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    (tmp_path / FILE.name).write_bytes(b"the one before")
    host.files[URL] = b"X" + CONTENT[1:]
    host.stated[URL] = None if knows == "profile" else DIGEST
    with pytest.raises(DigestMismatch, match=f"stated is {DIGEST}"):
        fetched(host, tmp_path, FILE if knows == "profile" else replace(FILE, sha256=None))
    assert left(tmp_path) == [FILE.name]
    assert (tmp_path / FILE.name).read_bytes() == b"the one before"


def test_another_file_is_refused_before_it_comes(host: WeightsHost, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="as its host states"):
        fetched(host, tmp_path, replace(FILE, sha256="ab" * 32))
    with pytest.raises(SizeMismatch, match=f"has {len(CONTENT)} bytes, the profile says 7"):
        fetched(host, tmp_path, replace(FILE, size_bytes=7))
    assert left(tmp_path) == [f"{FILE.name}.partial"]
    assert (tmp_path / f"{FILE.name}.partial").stat().st_size == 0


def test_a_host_that_sends_without_end_is_cut_off(host: WeightsHost, tmp_path: Path) -> None:
    host.sized = False
    with pytest.raises(SizeMismatch, match="more comes"):
        fetched(host, tmp_path, replace(FILE, size_bytes=PART))
    with pytest.raises(SizeMismatch, match="does not say how long"):
        fetched(host, tmp_path, replace(FILE, name="other.safetensors", size_bytes=None))


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (401, "RepoNotFound", NotFound, "is not at http"),
        (404, "EntryNotFound", NotFound, "correct the profile"),
        (404, "RevisionNotFound", NotFound, "correct the profile"),
        (401, "GatedRepo", ModelNotInstalled, "HF_TOKEN"),
        (403, "GatedRepo", ModelNotInstalled, "agreement"),
        (503, "", UnavailableError, "answers 503 Service Unavailable"),
        (429, "", UnavailableError, "answers 429"),
    ],
)
def test_refusals_say_what_to_do(
    status: int, code: str, error: type[Exception], words: str, host: WeightsHost, tmp_path: Path
) -> None:
    host.refusals = [(status, code)] * 3
    with pytest.raises(error, match=words):
        fetched(host, tmp_path)


def test_a_busy_host_is_asked_again(host: WeightsHost, tmp_path: Path) -> None:
    host.refusals = [(503, ""), (429, "")]
    fetched(host, tmp_path)


def test_a_host_that_refuses_even_the_first_byte_is_told(host: WeightsHost, tmp_path: Path) -> None:
    host.refusals = [(416, "")] * 9
    with pytest.raises(UnavailableError, match="sends no byte"):
        fetched(host, tmp_path)


def test_what_another_fetch_has_left_is_found_out_in_the_last_attempt_too(host: WeightsHost, tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    (tmp_path / f"{FILE.name}.partial").write_bytes(b"of another file" * 1000)
    host.refusals = [(503, ""), (503, "")]
    fetched(host, tmp_path)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:1 cannot be reached .*Connection refused"):
        Fetcher(tmp_path, Host("http://127.0.0.1:1"), pauses_s=()).fetch(FILE, SOURCE, lambda *_: None)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/weights", "data:,x", "gopher://x/"])
def test_a_redirect_to_something_else_is_not_followed(target: str, host: WeightsHost, tmp_path: Path) -> None:
    host.redirect = target
    with pytest.raises(BadField, match="redirects"):
        fetched(host, tmp_path)


def test_encryption_is_not_given_up_on_the_way() -> None:
    redirects = Redirects("https://hub.example", "secret")
    request = urllib.request.Request("https://hub.example/weights")
    arguments = (io.BytesIO(), 302, "Found", http.client.HTTPMessage())
    with pytest.raises(BadField, match=r"hub\.example redirects from https to http:"):
        redirects.redirect_request(request, *arguments, "http://hub.example/weights")
    followed = redirects.redirect_request(request, *arguments, "https://cdn.example/weights")
    assert followed is not None
    assert not followed.has_header("Authorization")


def test_a_redirect_to_no_address_is_told(host: WeightsHost, tmp_path: Path) -> None:
    host.redirect = "http://["
    with pytest.raises(UnavailableError, match="cannot be reached"):
        fetched(host, tmp_path)


def test_a_redirect_in_a_circle_ends(host: WeightsHost, tmp_path: Path) -> None:
    host.redirect = f"/{URL}"
    with pytest.raises(BadField, match="infinite loop"):
        fetched(host, tmp_path)


def test_only_the_host_itself_is_told_the_token(host: WeightsHost, tmp_path: Path) -> None:
    with weights_host() as other:
        other.files[URL] = CONTENT
        host.redirect = f"{other.address}/bytes/{URL}"
        fetched(host, tmp_path, token="secret")
        assert host.tokens == {URL: "Bearer secret"}
        assert other.tokens == {f"bytes/{URL}": None}
    host.redirect = ""
    (tmp_path / FILE.name).unlink()
    fetched(host, tmp_path, token="secret")
    assert host.tokens[f"bytes/{URL}"] == "Bearer secret"


@pytest.mark.parametrize(
    "address", ["", "http://[", "huggingface.co", "ftp://huggingface.co", "https://", "file:///tmp", "x" * 99]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadField, match="HF_ENDPOINT"):
        Host(address)


def test_a_link_out_of_the_store_is_not_followed(host: WeightsHost, tmp_path: Path) -> None:
    store, outside = tmp_path / "store", tmp_path / "outside"
    store.mkdir()
    outside.mkdir()
    (store / "name").symlink_to(outside)
    with pytest.raises(BadField, match="leads out of the model store"):
        fetched(host, store)
    with pytest.raises(BadField, match="leads out of the model store"):
        fetched(host, store, replace(FILE, name="name/deeper/unet.safetensors"))
    assert list(outside.iterdir()) == []
    (store / "name").unlink()
    (store / "name").mkdir()
    (store / f"{FILE.name}.partial").symlink_to(outside / "written")
    with pytest.raises(OSError, match="symbolic links"):
        fetched(host, store)
    assert list(outside.iterdir()) == []


def test_two_fetches_of_a_file_do_not_mix(host: WeightsHost, tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    with (tmp_path / f"{FILE.name}.partial").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UnavailableError, match="another process"):
            fetched(host, tmp_path)
    fetched(host, tmp_path)


def test_a_full_disk_is_told_before(host: WeightsHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 10**18)
    with pytest.raises(OSError, match="MB of room; make room"):
        fetched(host, tmp_path)
    assert host.asked == [(URL, None)]  # Asked for, but not read.
