"""Finds the garment in a photo: the segmentation service, called with nothing but its proto.

Run: python examples/segment.py localhost:7401 examples/garment/photo.jpg mask.pbm alpha.pgm
"""

import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc

from fashquick.common.v1.blob_pb2 import BlobHeader, Chunk
from fashquick.segmentation.v1.segmentation_pb2 import SegmentHeader, SegmentRequest, SegmentResult
from fashquick.segmentation.v1.segmentation_pb2_grpc import SegmentationServiceStub

CHUNK_BYTES = 512 * 1024


def messages(photo: bytes) -> Iterator[SegmentRequest]:
    """Say what will come, then send it."""
    blob = BlobHeader(part="photo", size_bytes=len(photo), sha256=sha256(photo).digest())
    yield SegmentRequest(header=SegmentHeader(blobs=[blob], photo_part="photo"))
    for at in range(0, len(photo), CHUNK_BYTES):
        yield SegmentRequest(chunk=Chunk(part="photo", offset=at, data=photo[at : at + CHUNK_BYTES]))


def main(target: str, photo: str, mask: str, alpha: str) -> None:
    """Send the photo, write mask and soft alpha, print how good they are."""
    result, parts = SegmentResult(), defaultdict(bytes)
    with grpc.insecure_channel(target) as channel:
        for answer in SegmentationServiceStub(channel).Segment(messages(Path(photo).read_bytes())):
            if answer.HasField("result"):
                result = answer.result
            parts[answer.chunk.part] += answer.chunk.data
    size = f"{result.width} {result.height}"
    # BITS1 unpacked is the body of a PBM file, GRAY8 that of a PGM file.
    Path(mask).write_bytes(f"P4\n{size}\n".encode() + zlib.decompress(parts[result.mask_part]))
    Path(alpha).write_bytes(f"P5\n{size}\n255\n".encode() + zlib.decompress(parts[result.alpha_part]))
    print(f"{result.quality.coverage:.0%} of {size} pixels is garment", *result.quality.warnings, sep="\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
