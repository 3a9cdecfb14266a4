"""What every picture generator is given and what it gives back: plain values and one protocol."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Passport
from fashquick_common.scene_limits import DEFAULT_BODY, DEFAULT_HEIGHT_PX, DEFAULT_POSE, DEFAULT_WIDTH_PX
from fashquick_generation.wishes import DiffusionRecord, DiffusionWishes

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
    GARMENT_INDEX = "garment-index"
    PROTECTED = "protected"
    SHADOW = "shadow"
    BASE = "base"
    """The studio's picture that a picture by diffusion was made from; with the studio's own there is none."""


REPAIR_MAPS = (MapKind.BASE, MapKind.DEPTH, MapKind.POSE, MapKind.GARMENT_MASK)
"""Maps of a picture that its repair needs."""


class Framing(StrEnum):
    """How much of the figure the picture shows."""

    AUTO = "auto"
    """As much as the garments need."""
    FULL = "full"
    UPPER = "upper"
    LOWER = "lower"


class Fit(StrEnum):
    """How close a garment is to the body."""

    SLIM = "slim"
    REGULAR = "regular"
    OVERSIZE = "oversize"


@dataclass(frozen=True, slots=True)
class GarmentInput:
    """One garment as the stages before have left it.

    Attributes:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, the garment's coverage of each pixel: 0 none, 255 full.
        passport: What is known about the garment; its landmarks refer to `photo`.
        fit: How close it is to the body; None for what its centimetres say, else what is usual for its kind.
    """

    photo: UInt8Array
    alpha: UInt8Array
    passport: Passport
    fit: Fit | None = None


@dataclass(frozen=True, slots=True)
class Phenotype:
    """Shape of an adult body; every value runs from 0 to 1, or is None for that of the body preset.

    Attributes:
        gender: 0 masculine, 1 feminine.
        age: 0 a young adult, 1 old.
        height: 0 small, 1 tall.
        weight: 0 thin, 1 heavy.
        muscle: 0 slack, 1 athletic.
        proportions: 0 uncommon, 1 ideal.
    """

    gender: float | None = None
    age: float | None = None
    height: float | None = None
    weight: float | None = None
    muscle: float | None = None
    proportions: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Who wears the garments.

    Attributes:
        body: Name of a body preset.
        size: Clothes size that the preset is changed to, "XS" to "3XL"; empty for the preset's own.
        phenotype: What is different from the preset's shape.
        finish: Name of the mannequin's finish; empty for the default.
    """

    body: str = DEFAULT_BODY
    size: str = ""
    phenotype: Phenotype = field(default_factory=Phenotype)
    finish: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands and what the figure does.

    Attributes:
        pose: Name of a pose.
        angles: Bone name to further turns, Euler angles in degrees about the fixed x (to the wearer's left), y
            (backward) and z (up) axes, on top of the pose.
        yaw_degrees: Turn of the camera around the figure, any finite angle; 0 is the front, positive angles
            show more of the wearer's left side.
        framing: How much of the figure is in the picture.
    """

    pose: str = DEFAULT_POSE
    angles: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    yaw_degrees: float = 0.0
    framing: Framing = Framing.FULL


class BackdropKind(StrEnum):
    """What is behind the figure."""

    WHITE = "white"
    """A white sweep, as in shop pictures."""
    GREY = "grey"
    COLOUR = "colour"
    GRADIENT = "gradient"
    TRANSPARENT = "transparent"
    """Nothing: the picture gets an alpha, and its shadow a layer of its own."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind the figure.

    Attributes:
        kind: Which.
        top: sRGB of a colour, or of the upper end of a gradient.
        bottom: sRGB of a gradient's lower end.
    """

    kind: BackdropKind = BackdropKind.GREY
    top: tuple[int, int, int] = (255, 255, 255)
    bottom: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class GenerationJob:
    """Pictures to make of one figure in its clothes.

    Attributes:
        garments: What the figure wears, innermost first, 1 to 4.
        figure: Who wears it.
        views: Poses and cameras, 1 to 8; each gives a picture.
        backdrop: What is behind the figure.
        width: Pixels, 256 to 2048.
        height: Pixels, 256 to 3072.
        seed: Same job and seed, same bytes.
        maps: Geometry maps to make beside each picture.
        key_points: Whether to tell where the figure's joints are in each picture.
        turntable: Whether to make an animation of the figure that turns, in the first view's pose.
        diffusion: What is wished of the diffusion backend; others ignore it.
    """

    garments: tuple[GarmentInput, ...]
    figure: Figure = field(default_factory=Figure)
    views: tuple[View, ...] = (View(),)
    backdrop: Backdrop = field(default_factory=Backdrop)
    width: int = DEFAULT_WIDTH_PX
    height: int = DEFAULT_HEIGHT_PX
    seed: int = 0
    maps: frozenset[MapKind] = frozenset()
    key_points: bool = False
    turntable: bool = False
    diffusion: DiffusionWishes = field(default_factory=DiffusionWishes)


@dataclass(frozen=True, slots=True)
class RepairJob:
    """A region of a picture to make again.

    Attributes:
        picture: HxWx3 uint8, sRGB.
        region: HxW uint8, 255 where to work.
        maps: The picture's `REPAIR_MAPS`, as they were returned with it.
        prior: How the picture was made.
        seed: Of the new noise.
        previews: Whether early looks are wanted.
        safety: Whether the safety checker looks at the repaired picture.
        deterministic: Whether it is made alone, so that it repeats bit for bit.
    """

    picture: UInt8Array
    region: UInt8Array
    maps: Mapping[MapKind, UInt8Array]
    prior: DiffusionRecord
    seed: int
    previews: bool = True
    safety: bool = False
    deterministic: bool = False


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


class Visibility(IntEnum):
    """What the picture shows of a key point, with COCO's numbers."""

    OUTSIDE = 0
    """Not in the picture."""
    HIDDEN = 1
    """Behind another part of the figure."""
    VISIBLE = 2
    """On the side towards the camera, be it under cloth."""


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A point of the skeleton in the picture.

    Attributes:
        name: COCO's, or `neck`; left is the wearer's.
        x: Pixels from the picture's left edge; may lie outside the picture.
        y: Pixels from its top edge.
        visibility: Whether it is seen.
    """

    name: str
    x: float
    y: float
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Picture:
    """One view, finished.

    Attributes:
        view: Its index in the job.
        rgb: height x width x 3 uint8, sRGB.
        maps: The maps asked for, uint8 of height x width or, for normal, pose and parts, height x width x 3. The
            garment mask is of all garments, the index tells them apart: 0 none, 1 the innermost. Protected is 255 where
            a later pass must not change the picture: on garments, head and hands. The shadow is the opacity of a black
            layer under the figure. The garment UV map is height x width x 2 float32: where in its garment's photo a
            pixel comes from, 0 to 1 of the photo's width and height, NaN where the picture does not show a front's
            outside.
        facts: Measures of the result, such as `stretch_p99`, the 99th percentile of a cloth edge's length
            over its length at rest.
        alpha: height x width uint8, straight, 0 nothing to 255 opaque; only before a transparent backdrop.
        key_points: OpenPose's 18 key points, where they were asked for.
        making: How diffusion made it; None from other backends.
    """

    view: int
    rgb: UInt8Array
    maps: Mapping[MapKind, UInt8Array | Float32Array]
    facts: Mapping[str, float]
    alpha: UInt8Array | None = None
    key_points: tuple[KeyPoint, ...] = ()
    making: DiffusionRecord | None = None


@dataclass(frozen=True, slots=True)
class Turntable:
    """The figure as it turns.

    Attributes:
        webp: An animated WebP file without metadata, at most 512 pixels on its long side.
    """

    webp: bytes


Event = Progress | Picture | Turntable
"""What is heard of a job while it runs."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that a job gave.

    Attributes:
        pictures: One a view, in the job's order.
        seconds: Wall time by step, of all views together.
        turntable: As in `Turntable`, where it was asked for.
    """

    pictures: tuple[Picture, ...]
    seconds: Mapping[str, float]
    turntable: bytes | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A call's job, for backends that work on several at a time.

    Attributes:
        job: What to make, or to make again.
        hear: As for `Generator.generate`.
        cancel: The call's own flag.
    """

    job: GenerationJob | RepairJob
    hear: Callable[[Event], None]
    cancel: CancelFlag


Outcome = Mapping[str, float] | FashquickError
"""What became of a task: wall time in seconds by step, or why there is none."""


class Generator(Protocol):
    """A backend that makes pictures."""

    @property
    def name(self) -> str:
        """Name of the backend, such as `studio`."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of everything beside the job that decides the pictures' bytes."""
        ...

    def warm_up(self) -> None:
        """Load data and compile or load kernels, so that the first job is as fast as the next."""
        ...

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a picture of each view.

        Args:
            job: What to make.
            hear: Told of progress, and given each picture as soon as it is finished, in any order. Called from the
                computing thread; must return quickly.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            Wall time in seconds by step.

        Raises:
            BadField: A count, size, angle, colour or name is outside its limits.
            BadMask: An alpha is empty, full, or of another size than its photo.
            CategoryNotSupported: The backend does not dress this kind of garment.
            NotBuilt: The backend cannot do this yet.
            PhotoNotUsable: A garment's shape in its photo cannot be worn.
            SimulationFailed: The cloth did not come to rest in a plausible shape.
            ModelNotInstalled: The backend's weights are missing or not the listed ones.
            BytesExhausted: The job does not fit in the memory that is free.
            PictureRefused: The safety checker, where one was asked for, would not let a picture pass.
            InternalError: The backend's networks gave no numbers, or their device is lost.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline has passed.
        """
        ...


@runtime_checkable
class CollectiveGenerator(Generator, Protocol):
    """A backend that repairs, and that works on several calls side by side."""

    def repair(self, job: RepairJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a region of a picture again; the picture is heard as view 0. Arguments and errors as of `generate`.

        Raises:
            BadMask: The region is empty or of another size than the picture.
        """
        ...

    def together(self, job: GenerationJob | RepairJob) -> Hashable | None:
        """What jobs must have in common to be done by one call of `work_on`; None: this one is done by itself."""
        ...

    def work_on(self, tasks: Sequence[Task], cancel: CancelFlag) -> Sequence[Outcome]:
        """Do the jobs of several calls side by side, each with its own progress, cancel and error.

        Args:
            tasks: Whose `together` is the same.
            cancel: Raised when the flags of all tasks are.

        Returns:
            What became of each task, in their order.
        """
        ...


def generated(generator: Generator, job: GenerationJob) -> Result:
    """All pictures of a job at once, for whoever need not hear of it meanwhile; raises what `generate` raises."""
    events: list[Event] = []
    seconds = generator.generate(job, events.append, CancelFlag())
    pictures = sorted((event for event in events if isinstance(event, Picture)), key=lambda picture: picture.view)
    turntables = [event.webp for event in events if isinstance(event, Turntable)]
    return Result(tuple(pictures), seconds, turntables[0] if turntables else None)
