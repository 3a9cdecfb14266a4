"""What a stage or the orchestrator can be asked: its RPC and good requests, made from `examples/garment`."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from PIL import Image

from fashquick.features.v1 import features_pb2
from fashquick.garment.v1 import passport_pb2
from fashquick.generation.v1 import generation_pb2, scene_pb2
from fashquick.segmentation.v1 import segmentation_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_common.encodings import encode_gray8, encode_rgb8
from fashquick_common.rpc.blobs import ENCODING_GRAY8, ENCODING_RGB8, Blob, make_blob
from tests.support.calls import EXTRACT_FEATURES, GENERATE, SEGMENT, TRY_ON, Rpc, generate_header, try_on_header

GARMENT = Path(__file__).parents[2] / "examples" / "garment"
SEED = 7
WIDTH, HEIGHT = 256, 384  # Of pictures: the smallest that keep a figure's shape cost the least time.


@dataclasses.dataclass(frozen=True)
class Contract:
    """One service's RPC on the wire.

    Attributes:
        rpc: How its messages are made.
        full_name: gRPC name of the service.
        method: Name of the RPC.
        response: Its answers.
    """

    rpc: Rpc
    full_name: str
    method: str
    response: type[Message]

    @property
    def service(self) -> str:
        return self.rpc.service

    @property
    def is_stage(self) -> bool:
        return self.service != "orchestrator"

    def blobs(self, photo: Blob | None = None) -> list[Blob]:
        """The parts of a good request as files; another photo in place of the good one."""
        return [photo or photo_file(), *(alpha_file() for part in self.rpc.parts if part == "alpha")]

    def raw_blobs(self) -> list[Blob]:
        """The parts of a good request as raw pixels, the photo of more than one chunk."""
        return [photo_raw(), *(alpha_raw() for part in self.rpc.parts if part == "alpha")]

    def request(self, change: Callable[[Any], object] = lambda _: None, blobs: Sequence[Blob] = ()) -> list[Any]:
        """A good request, its header changed."""
        messages = self.rpc.messages(blobs or self.blobs())
        change(messages[0].header)
        return messages


@functools.cache
def passport() -> passport_pb2.Passport:
    return Parse((GARMENT / "passport.json").read_text(encoding="utf-8"), passport_pb2.Passport())


@functools.cache
def photo_pixels() -> np.ndarray:
    """The photo, HxWx3 uint8."""
    return np.array(Image.open(GARMENT / "photo.jpg").convert("RGB"))


@functools.cache
def alpha_pixels() -> np.ndarray:
    """Its soft mask, HxW uint8."""
    return np.array(Image.open(GARMENT / "alpha.png").convert("L"))


def photo_size() -> tuple[int, int]:
    """Width and height in pixels."""
    height, width = photo_pixels().shape[:2]
    return width, height


def photo_file() -> Blob:
    return make_blob("photo", (GARMENT / "photo.jpg").read_bytes(), name="photo.jpg", media_type="image/jpeg")


def alpha_file() -> Blob:
    return make_blob("alpha", (GARMENT / "alpha.png").read_bytes(), name="alpha.png", media_type="image/png")


def photo_raw() -> Blob:
    width, height = photo_size()
    return make_blob("photo", encode_rgb8(photo_pixels()), ENCODING_RGB8, width=width, height=height)


def alpha_raw() -> Blob:
    return gray_blob("alpha", alpha_pixels())


def gray_blob(part: str, pixels: np.ndarray) -> Blob:
    height, width = pixels.shape
    return make_blob(part, encode_gray8(pixels), ENCODING_GRAY8, width=width, height=height)


def png_blob(part: str, pixels: np.ndarray) -> Blob:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return make_blob(part, out.getvalue())


def _small_picture(blobs: Sequence[Blob]) -> generation_pb2.GenerateRequest:
    create = {"scene": scene_pb2.Scene(width=WIDTH, height=HEIGHT)}
    return generate_header(blobs, passport=passport(), create=create, seed=SEED)


def _small_try_on(blobs: Sequence[Blob]) -> try_on_pb2.TryOnRequest:
    return try_on_header(blobs, options=try_on_pb2.TryOnOptions(width=WIDTH, height=HEIGHT), seed=SEED)


CONTRACTS = {
    contract.service: contract
    for contract in (
        Contract(
            SEGMENT,
            "fashquick.segmentation.v1.SegmentationService",
            "Segment",
            segmentation_pb2.SegmentResponse,
        ),
        Contract(
            EXTRACT_FEATURES,
            "fashquick.features.v1.FeaturesService",
            "ExtractFeatures",
            features_pb2.ExtractFeaturesResponse,
        ),
        Contract(
            dataclasses.replace(GENERATE, header=_small_picture),
            "fashquick.generation.v1.GenerationService",
            "Generate",
            generation_pb2.GenerateResponse,
        ),
        Contract(
            dataclasses.replace(TRY_ON, header=_small_try_on),
            "fashquick.tryon.v1.TryOnService",
            "TryOn",
            try_on_pb2.TryOnResponse,
        ),
    )
}
