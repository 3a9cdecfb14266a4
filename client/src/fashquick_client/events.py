"""What happens during a try-on, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fashquick.tryon.v1 import try_on_pb2
    from fashquick_client.pixels import PixelMap
    from fashquick_client.quality import MaskQuality
    from fashquick_common.garment import FidelityReport, Passport


class Stage(StrEnum):
    """A part of the way from photo to picture, as in `fashquick.tryon.v1.Stage`."""

    IMAGE = "image"
    SEGMENTATION = "segmentation"
    FEATURES = "features"
    GENERATION = "generation"
    ENCODING = "encoding"
    FIDELITY = "fidelity"
    REPAIR = "repair"
    UNKNOWN = "unknown"
    """A stage that a newer server has and this client does not know."""


class OutputKind(StrEnum):
    """What a part of the answer shows, as in `fashquick.tryon.v1.OutputKind`."""

    PICTURE = "picture"
    PREVIEW = "preview"
    DEPTH = "depth"
    NORMAL = "normal"
    POSE = "pose"
    PARTS = "parts"
    GARMENT_MASK = "garment-mask"
    PHOTO_MASK = "photo-mask"
    PHOTO_ALPHA = "photo-alpha"
    GARMENT_INDEX = "garment-index"
    PROTECTED_MASK = "protected-mask"
    SHADOW = "shadow"
    KEYPOINTS = "keypoints"
    """Numbers, not pixels: they come in the manifest."""
    TURNTABLE = "turntable"
    BASE = "base"
    """The studio's picture that a picture by diffusion was made from."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job was accepted.

    Attributes:
        request_id: Id of the job.
        seed: Seed of the job: the one asked for, or the one the server chose.
    """

    request_id: str
    seed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. A slow reader misses some.

    Attributes:
        stage: The stage.
        step: What is being done, such as "drape".
        fraction: Share of the stage's work that is done, 0 to 1.
    """

    stage: Stage
    step: str
    fraction: float


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage has finished.

    Attributes:
        stage: The stage.
        seconds: From its start to its end, with transport.
        garment: Index of the garment that it is about, from 0.
        view: Index of the view that it is about, from 0.
        mask_quality: After segmentation: how good the mask is.
        passport: After features: what is known about the garment.
        fidelity: After the comparison: whether the garment survived in the picture.
    """

    stage: Stage
    seconds: float
    garment: int = 0
    view: int = 0
    mask_quality: MaskQuality | None = None
    passport: Passport | None = None
    fidelity: FidelityReport | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A smaller early look at the picture.

    Attributes:
        data: An image file.
        media_type: Such as "image/jpeg".
    """

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture.

    Attributes:
        data: An image file.
        media_type: Such as "image/png".
        garment: Index of the garment, from 0.
        sample: Index of the sample, from 0.
        view: Index of the view, from 0.
    """

    data: bytes
    media_type: str
    garment: int = 0
    sample: int = 0
    view: int = 0


@dataclass(frozen=True, slots=True)
class ConditionMap:
    """A mask or map beside the picture.

    Attributes:
        kind: What it shows.
        pixels: The map.
        garment: Index of the garment, from 0.
        sample: Index of the sample, from 0.
        view: Index of the view, from 0.
    """

    kind: OutputKind
    pixels: PixelMap
    garment: int = 0
    sample: int = 0
    view: int = 0


@dataclass(frozen=True, slots=True)
class Turntable:
    """The figure as it turns.

    Attributes:
        data: An animated image file.
        media_type: Such as "image/webp".
    """

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything has arrived and its digests are right.

    Attributes:
        manifest: How the pictures were made, enough to make them again.
    """

    manifest: try_on_pb2.Manifest


Event = Accepted | Progress | StageFinished | Preview | Picture | ConditionMap | Turntable | Finished
