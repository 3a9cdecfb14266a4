"""Makes a picture of a figure that wears a garment: the generation service, called with nothing but its proto.

Run: python examples/generate.py localhost:7403 examples/garment/{photo.jpg,alpha.png,passport.json} picture.ppm
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc
from google.protobuf.json_format import Parse

from fashquick.common.v1.blob_pb2 import BlobHeader, Chunk
from fashquick.garment.v1.passport_pb2 import Passport
from fashquick.generation.v1.generation_pb2 import CreateTask, Garment, GenerateHeader, GenerateRequest
from fashquick.generation.v1.generation_pb2_grpc import GenerationServiceStub
from fashquick.generation.v1.scene_pb2 import OUTPUT_KIND_PICTURE, Scene

CHUNK_BYTES = 512 * 1024
WIDTH, HEIGHT = 512, 768


def messages(parts: dict[str, bytes], passport: Passport) -> Iterator[GenerateRequest]:
    """Say what will come and what to make of it, then send it part by part."""
    blobs = [BlobHeader(part=part, size_bytes=len(data), sha256=sha256(data).digest()) for part, data in parts.items()]
    scene = Scene(width=WIDTH, height=HEIGHT)
    garment = Garment(photo_part="photo", alpha_part="alpha", passport=passport)
    create = CreateTask(garments=[garment], scene=scene)
    yield GenerateRequest(header=GenerateHeader(blobs=blobs, create=create))
    for part, data in parts.items():
        for at in range(0, len(data), CHUNK_BYTES):
            yield GenerateRequest(chunk=Chunk(part=part, offset=at, data=data[at : at + CHUNK_BYTES]))


def main(target: str, photo: str, alpha: str, passport: str, picture: str) -> None:
    """Send photo, alpha and passport, print the progress, write the picture."""
    parts = {"photo": Path(photo).read_bytes(), "alpha": Path(alpha).read_bytes()}
    described = Parse(Path(passport).read_text(encoding="utf-8"), Passport(), ignore_unknown_fields=True)
    picture_part, headers, received = "", {}, defaultdict(bytes)
    with grpc.insecure_channel(target) as channel:
        for answer in GenerationServiceStub(channel).Generate(messages(parts, described)):
            if answer.HasField("progress"):
                print(f"{answer.progress.fraction:4.0%} {answer.progress.step}")
            for output in answer.result.outputs:
                if output.kind == OUTPUT_KIND_PICTURE:
                    picture_part = output.part
            headers[answer.blob.part] = answer.blob
            received[answer.chunk.part] += answer.chunk.data
    # RGB8 is the body of a PPM file.
    size = f"{headers[picture_part].width} {headers[picture_part].height}"
    Path(picture).write_bytes(f"P6\n{size}\n255\n".encode() + received[picture_part])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
