"""What every picture generator is given and what it gives back: plain values and one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Passport
from fashquick_common.scene_limits import DEFAULT_BODY, DEFAULT_HEIGHT_PX, DEFAULT_POSE, DEFAULT_WIDTH_PX

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]


class MapKind(StrEnum):
    """Pictures of the scene's geometry that can accompany the picture."""

    DEPTH = "depth"
    NORMAL = "normal"
    POSE = "pose"
    PARTS = "parts"
    GARMENT_MASK = "garment-mask"
    GARMENT_UV = "garment-uv"


class Framing(StrEnum):
    """How much of the figure the picture shows."""

    FULL = "full"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class GarmentInput:
    """One garment as the stages before have left it.

    Attributes:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, the garment's coverage of each pixel: 0 none, 255 full.
        passport: What is known about the garment; its landmarks refer to `photo`.
    """

    photo: UInt8Array
    alpha: UInt8Array
    passport: Passport


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands and what the figure does.

    Attributes:
        pose: Name of a pose.
        yaw_degrees: Turn of the camera around the figure, any finite angle; 0 is the front, positive angles
            show more of the wearer's left side.
        framing: How much of the figure is in the picture.
    """

    pose: str = DEFAULT_POSE
    yaw_degrees: float = 0.0
    framing: Framing = Framing.FULL


@dataclass(frozen=True, slots=True)
class GenerationJob:
    """One picture to make.

    Attributes:
        garment: What the figure wears.
        body: Name of a body preset.
        view: Pose and camera.
        width: Pixels, 256 to 2048.
        height: Pixels, 256 to 3072.
        seed: Same job and seed, same bytes.
        maps: Geometry maps to make beside the picture.
    """

    garment: GarmentInput
    body: str = DEFAULT_BODY
    view: View = field(default_factory=View)
    width: int = DEFAULT_WIDTH_PX
    height: int = DEFAULT_HEIGHT_PX
    seed: int = 0
    maps: frozenset[MapKind] = frozenset()


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life.

    Attributes:
        step: Name of the step that runs now.
        fraction: Share of the whole work that is done, 0 to 1, never falling within a job.
        preview: HxWx3 uint8 sRGB, an early look at the result; None for most messages.
    """

    step: str
    fraction: float
    preview: UInt8Array | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The result.

    Attributes:
        rgb: height x width x 3 uint8, sRGB.
        maps: The maps asked for, each height x width (depth, garment mask) or height x width x 3 (normal,
            pose, parts), uint8; the garment UV map is height x width x 2 float32: where in the photo a pixel comes
            from, 0 to 1 of the photo's width and height, NaN where the picture does not show the front's outside.
        seconds: Wall time of each stage.
        facts: Measures of the result, such as `stretch_p99`, the 99th percentile of a cloth edge's length
            over its length at rest.
    """

    rgb: UInt8Array
    maps: Mapping[MapKind, UInt8Array | Float32Array]
    seconds: Mapping[str, float]
    facts: Mapping[str, float]


class Generator(Protocol):
    """A backend that makes pictures."""

    @property
    def name(self) -> str:
        """Name of the backend, such as `studio`."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of everything beside the job that decides the picture's bytes."""
        ...

    def warm_up(self) -> None:
        """Load data and compile or load kernels, so that the first job is as fast as the next."""
        ...

    def generate(self, job: GenerationJob, on_progress: Callable[[Progress], None], cancel: CancelFlag) -> Picture:
        """Make one picture.

        Args:
            job: What to make.
            on_progress: Called from the computing thread; must return quickly.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            The picture and what was asked for beside it.

        Raises:
            BadField: A size, angle or name is outside its limits.
            BadMask: The alpha is empty, full, or of another size than the photo.
            CategoryNotSupported: The backend does not dress this kind of garment.
            PhotoNotUsable: The garment's shape in this photo cannot be worn.
            SimulationFailed: The cloth did not come to rest in a plausible shape.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline has passed.
        """
        ...
