"""Every way an upload can go wrong, for any RPC that takes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fashquick.common.v1 import blob_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import MAX_CHUNK_BYTES, Blob, make_blob
from tests.support.calls import Rpc

Messages = list[Any]


def make_chunk(part: str, offset: int, data: bytes) -> blob_pb2.Chunk:
    return blob_pb2.Chunk(part=part, offset=offset, data=data)


def _changed(rpc: Rpc, blobs: list[Blob], **fields: Any) -> Messages:
    """A correct upload whose first part's header lies."""
    header = blob_pb2.BlobHeader()
    header.CopyFrom(blobs[0].header)
    for name, value in fields.items():
        setattr(header, name, value)
    good = rpc.messages(blobs)
    return [rpc.header([Blob(header, blobs[0].data), *blobs[1:]]), *good[1:]]


CASES: dict[str, tuple[Callable[[Rpc, list[Blob]], Messages], type[errors.FashquickError]]] = {
    "nothing": (lambda rpc, blobs: [], errors.UploadOutOfOrder),
    "no header": (lambda rpc, blobs: rpc.messages(blobs)[1:], errors.UploadOutOfOrder),
    "two headers": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.header(blobs), *rpc.messages(blobs)[1:]],
        errors.UploadOutOfOrder,
    ),
    "a header at the end": (lambda rpc, blobs: [*rpc.messages(blobs), rpc.header(blobs)], errors.UploadOutOfOrder),
    "a message without content": (
        lambda rpc, blobs: [rpc.header(blobs), type(rpc.header(blobs))()],
        errors.UploadOutOfOrder,
    ),
    "a chunk of an unknown part": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(make_chunk("other", 0, b"x"))],
        errors.UploadOutOfOrder,
    ),
    "chunks out of order": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(make_chunk("photo", 100, b"x" * 100))],
        errors.UploadOutOfOrder,
    ),
    "overlapping chunks": (
        lambda rpc, blobs: [
            rpc.header(blobs),
            rpc.chunk(make_chunk("photo", 0, b"x" * 100)),
            rpc.chunk(make_chunk("photo", 50, b"x" * 100)),
        ],
        errors.UploadOutOfOrder,
    ),
    "too many chunks": (
        lambda rpc, blobs: [*rpc.messages(blobs), rpc.chunk(make_chunk(blobs[-1].part, len(blobs[-1].data), b"x"))],
        errors.UploadOutOfOrder,
    ),
    "too few chunks": (lambda rpc, blobs: rpc.messages(blobs)[:-1], errors.SizeMismatch),
    "a chunk past the announced end": (
        lambda rpc, blobs: _changed(rpc, blobs, size_bytes=10),
        errors.SizeMismatch,
    ),
    "a header that announces more": (
        lambda rpc, blobs: _changed(rpc, blobs[:1], size_bytes=len(blobs[0].data) + 1),
        errors.SizeMismatch,
    ),
    "another digest": (lambda rpc, blobs: _changed(rpc, blobs, sha256=bytes(32)), errors.DigestMismatch),
    "a digest of 5 bytes": (lambda rpc, blobs: _changed(rpc, blobs, sha256=b"short"), errors.BadField),
    "an empty part": (lambda rpc, blobs: _changed(rpc, blobs, size_bytes=0), errors.BadField),
    "a part of 2^60 bytes": (lambda rpc, blobs: _changed(rpc, blobs, size_bytes=2**60), errors.ImageTooLarge),
    "more than the byte budget": (
        lambda rpc, blobs: _changed(rpc, blobs, size_bytes=8 * 1024 * 1024),
        errors.BytesExhausted,
    ),
    "a part name that is a path": (lambda rpc, blobs: _changed(rpc, blobs, part="../../etc/passwd\n"), errors.BadField),
    "a part twice": (lambda rpc, blobs: [rpc.header([*blobs, blobs[0]])], errors.BadField),
    "a hundred parts": (
        lambda rpc, blobs: [rpc.header([make_blob(f"p{index}", b"x") for index in range(100)])],
        errors.BadField,
    ),
    "a raw picture without size": (lambda rpc, blobs: _changed(rpc, blobs, width=0), errors.BadField),
    "a raw picture of another size": (lambda rpc, blobs: _changed(rpc, blobs, width=100), errors.BadField),
    "an empty chunk": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(make_chunk("photo", 0, b""))],
        errors.BadField,
    ),
    "a chunk over 1 MiB": (
        lambda rpc, blobs: [
            rpc.header([_big()]),
            rpc.chunk(make_chunk("photo", 0, bytes(_big().data[: MAX_CHUNK_BYTES + 1]))),
        ],
        errors.BadField,
    ),
}


def _big() -> Blob:
    return make_blob("photo", b"x" * (2 * MAX_CHUNK_BYTES))
