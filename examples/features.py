"""Describes a garment: the features service, called with nothing but its proto.

Run: python examples/features.py localhost:7402 examples/garment/photo.jpg examples/garment/alpha.png > passport.json
"""

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToJson

from fashquick.common.v1.blob_pb2 import BlobHeader, Chunk
from fashquick.features.v1.features_pb2 import ExtractFeaturesHeader, ExtractFeaturesRequest
from fashquick.features.v1.features_pb2_grpc import FeaturesServiceStub

CHUNK_BYTES = 512 * 1024


def messages(parts: dict[str, bytes]) -> Iterator[ExtractFeaturesRequest]:
    """Say what will come, then send it part by part."""
    blobs = [BlobHeader(part=part, size_bytes=len(data), sha256=sha256(data).digest()) for part, data in parts.items()]
    yield ExtractFeaturesRequest(header=ExtractFeaturesHeader(blobs=blobs, photo_part="photo", alpha_part="alpha"))
    for part, data in parts.items():
        for at in range(0, len(data), CHUNK_BYTES):
            yield ExtractFeaturesRequest(chunk=Chunk(part=part, offset=at, data=data[at : at + CHUNK_BYTES]))


def main(target: str, photo: str, alpha: str) -> None:
    """Send photo and alpha, print the passport."""
    parts = {"photo": Path(photo).read_bytes(), "alpha": Path(alpha).read_bytes()}
    with grpc.insecure_channel(target) as channel:
        answer = FeaturesServiceStub(channel).ExtractFeatures(messages(parts))
    print(MessageToJson(answer.passport))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
