from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fashquick.common.v1 import blob_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import CHUNK_BYTES, MAX_CHUNK_BYTES, BlobLimits, BlobReader, chunks_of, make_blob

LIMITS = BlobLimits(max_part_bytes=4 * CHUNK_BYTES, max_parts=3)


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=3), st.data())
def test_any_bytes_in_any_chunks_come_out_as_they_went_in(contents: list[bytes], data: st.DataObject) -> None:
    blobs = [make_blob(f"part-{index}", content) for index, content in enumerate(contents)]
    reader = BlobReader(LIMITS)
    for blob in blobs:
        reader.announce(blob.header)
    got = []
    for blob in blobs:
        offset = 0
        while offset < len(blob.data):
            length = data.draw(st.integers(1, len(blob.data) - offset))
            chunk = blob_pb2.Chunk(part=blob.part, offset=offset, data=bytes(blob.data[offset : offset + length]))
            if done := reader.add(chunk):
                got.append((done.part, bytes(done.data)))
            offset += length
    reader.check_complete()
    assert got == [(blob.part, blob.data) for blob in blobs]


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_chunks_follow_each_other_and_fit(size: int) -> None:
    chunks = list(chunks_of(make_blob("photo", bytes(size))))

    assert [chunk.offset for chunk in chunks] == [sum(len(c.data) for c in chunks[:i]) for i in range(len(chunks))]
    assert sum(len(chunk.data) for chunk in chunks) == size
    assert max(len(chunk.data) for chunk in chunks) <= CHUNK_BYTES <= MAX_CHUNK_BYTES


def test_an_announced_size_costs_no_memory_before_bytes_arrive() -> None:
    header = make_blob("photo", b"x").header
    header.size_bytes = 2**40
    reader = BlobReader(BlobLimits(max_part_bytes=2**20, max_parts=1))

    with pytest.raises(errors.ImageTooLarge, match="1099511627776"):
        reader.announce(header)


def test_a_part_is_verified_at_its_end() -> None:
    blob = make_blob("photo", b"what was announced")
    reader = BlobReader(LIMITS)
    reader.announce(blob.header)

    with pytest.raises(errors.DigestMismatch):
        reader.add(blob_pb2.Chunk(part="photo", data=b"what has arrived !"))


@given(st.binary(max_size=300))
def test_random_bytes_as_messages_raise_only_our_errors(noise: bytes) -> None:
    reader = BlobReader(LIMITS)
    try:
        header = blob_pb2.BlobHeader.FromString(noise)
        chunk = blob_pb2.Chunk.FromString(noise)
    except Exception:  # noqa: BLE001 - protobuf refuses most noise itself
        return
    for step in (lambda: reader.announce(header), lambda: reader.add(chunk), reader.check_complete):
        with contextlib.suppress(errors.FashquickError):
            step()
