"""From a garment's photo to a picture of a figure that wears it: the orchestrator, called with nothing but its proto.

Run: python examples/try_on.py localhost:7400 examples/garment/photo.jpg worn.png
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc

from fashquick.common.v1.blob_pb2 import BlobHeader, Chunk
from fashquick.tryon.v1.try_on_pb2 import OUTPUT_KIND_PICTURE, Garment, Photo, TryOnHeader, TryOnRequest
from fashquick.tryon.v1.try_on_pb2_grpc import TryOnServiceStub

CHUNK_BYTES = 512 * 1024


def messages(photo: bytes) -> Iterator[TryOnRequest]:
    """Say what will come and what to make of it, then send it."""
    blob = BlobHeader(part="photo", size_bytes=len(photo), sha256=sha256(photo).digest())
    garment = Garment(photos=[Photo(part="photo")])
    yield TryOnRequest(header=TryOnHeader(blobs=[blob], garments=[garment], seed=7))
    for at in range(0, len(photo), CHUNK_BYTES):
        yield TryOnRequest(chunk=Chunk(part="photo", offset=at, data=photo[at : at + CHUNK_BYTES]))


def main(target: str, photo: str, picture: str) -> None:
    """Send the photo, print the progress, write the picture."""
    picture_part, received = "", defaultdict(bytes)
    with grpc.insecure_channel(target) as channel:
        for answer in TryOnServiceStub(channel).TryOn(messages(Path(photo).read_bytes())):
            if answer.HasField("progress"):
                progress = answer.progress.progress
                print(f"stage {answer.progress.stage}: {progress.fraction:4.0%} {progress.step}")
            if answer.part.kind == OUTPUT_KIND_PICTURE:
                picture_part = answer.part.blob.part
            received[answer.chunk.part] += answer.chunk.data
    Path(picture).write_bytes(received[picture_part])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
