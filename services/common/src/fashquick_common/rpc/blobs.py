"""Blobs on a stream: announced by a header, sent in chunks, verified at their end.

A request announces all its parts in its first message; a response announces each part when it is ready. Either
way the chunks of one part follow each other without a gap, parts are not interleaved, and size and SHA-256 are
verified when the last byte is there.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fashquick.common.v1 import blob_pb2
from fashquick_common.errors import BadField, DigestMismatch, ImageTooLarge, SizeMismatch, UploadOutOfOrder

CHUNK_BYTES = 512 * 1024  # In Python 16 KiB chunks cost five times as much; larger ones gain nothing.
MAX_CHUNK_BYTES = 1024 * 1024
MAX_NAME_CHARS = 255
_PART_NAME = re.compile(r"[a-z0-9._/-]{1,64}")
_SHOWN_CHARS = 80  # Of a name in a message: no valid one is longer.
_SHA256_BYTES = 32
_MAX_SIDE = 65_535  # No picture format in use goes beyond it.

ENCODING_FILE = blob_pb2.ENCODING_FILE
ENCODING_RGB8 = blob_pb2.ENCODING_RGB8
ENCODING_GRAY8 = blob_pb2.ENCODING_GRAY8
ENCODING_BITS1 = blob_pb2.ENCODING_BITS1
ENCODING_UV16 = blob_pb2.ENCODING_UV16
ENCODING_RGBA8 = blob_pb2.ENCODING_RGBA8


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob with all its bytes.

    Attributes:
        header: What was announced: name, encoding, size, digest.
        data: The bytes; `len(data) == header.size_bytes`.
    """

    header: blob_pb2.BlobHeader
    data: bytes | bytearray | memoryview

    @property
    def part(self) -> str:
        """Name of the part."""
        return self.header.part


def make_blob(
    part: str,
    data: bytes | bytearray | memoryview,
    encoding: blob_pb2.Encoding.ValueType = ENCODING_FILE,
    *,
    width: int = 0,
    height: int = 0,
    name: str = "",
    media_type: str = "",
) -> Blob:
    """Describe `data` by a header with its size and SHA-256.

    Args:
        part: Name of the part.
        data: The bytes, encoded as `encoding` says.
        encoding: How to read the bytes.
        width: Pixels; required for raw encodings.
        height: Pixels; required for raw encodings.
        name: File name for messages to people.
        media_type: Media type, such as "image/png".
    """
    header = blob_pb2.BlobHeader(
        part=part,
        name=name,
        media_type=media_type,
        encoding=encoding,
        width=width,
        height=height,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).digest(),
    )
    return Blob(header, data)


def chunks_of(blob: Blob) -> Iterator[blob_pb2.Chunk]:
    """Cut a blob into chunks of `CHUNK_BYTES`."""
    view = memoryview(blob.data)
    for offset in range(0, len(view), CHUNK_BYTES):
        yield blob_pb2.Chunk(part=blob.part, offset=offset, data=bytes(view[offset : offset + CHUNK_BYTES]))


@dataclass(frozen=True, slots=True)
class BlobLimits:
    """What one message stream may announce.

    Attributes:
        max_part_bytes: Most bytes in one part.
        max_parts: Most parts.
    """

    max_part_bytes: int
    max_parts: int


class _Incoming:
    """One part while its chunks arrive."""

    def __init__(self, header: blob_pb2.BlobHeader) -> None:
        self.header = header
        # Zeroed pages cost nothing until they are written, so a header that lies costs no memory.
        self.data = bytearray(header.size_bytes)
        self.received = 0
        self.sha256 = hashlib.sha256()

    def add(self, chunk: blob_pb2.Chunk) -> None:
        if chunk.offset != self.received:
            raise UploadOutOfOrder(
                f"part {chunk.part!r}: a chunk starts at byte {chunk.offset}, expected {self.received}; "
                "send the chunks of a part in order, without gaps or overlaps",
                field=chunk.part,
            )
        end = self.received + len(chunk.data)
        if end > self.header.size_bytes:
            raise SizeMismatch(
                f"part {chunk.part!r}: {end} bytes arrived, its header announced {self.header.size_bytes}"
            )
        self.data[self.received : end] = chunk.data
        self.sha256.update(chunk.data)
        self.received = end

    def finish(self) -> Blob:
        if self.sha256.digest() != self.header.sha256:
            raise DigestMismatch(
                f"part {self.header.part!r}: SHA-256 of the {self.received} bytes that arrived is "
                f"{self.sha256.hexdigest()}, its header announced {self.header.sha256.hex()}; send it again"
            )
        return Blob(self.header, memoryview(self.data).toreadonly())


class BlobReader:
    """Puts the chunks of a stream together again.

    Announce headers, add chunks; a part is given back once, complete and verified.
    """

    def __init__(self, limits: BlobLimits) -> None:
        """Make a reader that has seen nothing yet."""
        self._limits = limits
        self._expected: deque[blob_pb2.BlobHeader] = deque()
        self._names: set[str] = set()
        self._current: _Incoming | None = None

    def announce(self, header: blob_pb2.BlobHeader) -> None:
        """Expect a part, after all that were announced before.

        Raises:
            BadField: The header is not valid, or its part was announced before, or there are too many.
            ImageTooLarge: It announces more bytes than a part may have.
        """
        check_header(header, self._limits)
        if header.part in self._names:
            raise BadField(f"part {header.part!r} is announced twice; give each part its own name", field="blobs")
        if len(self._names) >= self._limits.max_parts:
            raise BadField(f"more than {self._limits.max_parts} parts are announced", field="blobs")
        self._names.add(header.part)
        self._expected.append(header)

    def add(self, chunk: blob_pb2.Chunk) -> Blob | None:
        """Take a chunk; return its part when this was the last one.

        Raises:
            UploadOutOfOrder: The chunk is not the one that must come next.
            BadField: The chunk is empty or longer than 1 MiB.
            SizeMismatch: The part gets longer than announced.
            DigestMismatch: The part is complete, but its SHA-256 is another one.
        """
        part = chunk.part[:_SHOWN_CHARS]
        if not chunk.data:
            raise BadField(f"part {part!r}: a chunk is empty; leave it out", field="chunk.data")
        if len(chunk.data) > MAX_CHUNK_BYTES:
            raise BadField(
                f"part {part!r}: a chunk has {len(chunk.data)} bytes, at most {MAX_CHUNK_BYTES} are allowed",
                field="chunk.data",
            )
        if self._current is None:
            if not self._expected:
                raise UploadOutOfOrder(
                    f"a chunk of part {part!r} came after everything announced was complete; "
                    "close the stream after the last chunk",
                    field=part,
                )
            self._current = _Incoming(self._expected.popleft())
        expected = self._current.header.part
        if chunk.part != expected:
            raise UploadOutOfOrder(
                f"a chunk of part {part!r} came where part {expected!r} was expected; "
                "send the parts one after the other, in the order of their headers",
                field=part,
            )
        self._current.add(chunk)
        if self._current.received < self._current.header.size_bytes:
            return None
        done, self._current = self._current, None
        return done.finish()

    @property
    def complete(self) -> bool:
        """Whether every announced part has been given back."""
        return self._current is None and not self._expected

    def check_complete(self) -> None:
        """Return if the stream may end here.

        Raises:
            SizeMismatch: A part is missing or cut short.
        """
        if self._current is not None:
            header, received = self._current.header, self._current.received
        elif self._expected:
            header, received = self._expected[0], 0
        else:
            return
        raise SizeMismatch(
            f"the stream ended after {received} bytes of part {header.part!r}, its header announced {header.size_bytes}"
        )


def check_header(header: blob_pb2.BlobHeader, limits: BlobLimits) -> None:
    """Return if a blob's header is valid.

    Raises:
        BadField: A field is outside its limits.
        ImageTooLarge: More bytes are announced than a part may have.
    """
    if not _PART_NAME.fullmatch(header.part):
        raise BadField(
            f"part name {header.part[:_SHOWN_CHARS]!r} is not 1 to 64 of the characters "
            "a-z, 0-9, '-', '.', '/' and '_'",
            field="blobs.part",
        )
    for field, text in (("name", header.name), ("media_type", header.media_type)):
        if len(text) > MAX_NAME_CHARS:
            raise BadField(
                f"part {header.part!r}: its {field} has {len(text)} characters, at most {MAX_NAME_CHARS} are kept",
                field=f"blobs.{field}",
            )
    if len(header.sha256) != _SHA256_BYTES:
        raise BadField(
            f"part {header.part!r}: its SHA-256 has {len(header.sha256)} bytes, not {_SHA256_BYTES}",
            field="blobs.sha256",
        )
    if header.size_bytes == 0:
        raise BadField(f"part {header.part!r} is empty; announce at least 1 byte", field="blobs.size_bytes")
    if header.size_bytes > limits.max_part_bytes:
        raise ImageTooLarge(
            f"part {header.part!r} has {header.size_bytes} bytes, at most {limits.max_part_bytes} are accepted; "
            "send a smaller file",
            field=header.part,
        )
    if header.encoding in _RAW_ENCODINGS and not (0 < header.width <= _MAX_SIDE and 0 < header.height <= _MAX_SIDE):
        raise BadField(
            f"part {header.part!r}: a raw picture needs its width and height, 1 to {_MAX_SIDE}; "
            f"got {header.width} x {header.height}",
            field="blobs.width",
        )


_RAW_ENCODINGS = frozenset({ENCODING_RGB8, ENCODING_RGBA8, ENCODING_GRAY8, ENCODING_BITS1, ENCODING_UV16})


def require_part(blobs: Mapping[str, Blob], part: str, field: str) -> Blob:
    """Return the blob that a field names.

    Raises:
        BadField: The field is empty or names a part that was not sent.
    """
    if part not in blobs:
        raise BadField(
            f"{field} names part {part[:_SHOWN_CHARS]!r}, but the parts sent are {sorted(blobs)}", field=field
        )
    return blobs[part]
