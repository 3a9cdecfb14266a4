"""What happens during a try-on and what comes out, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_common.garment import Category, FidelityReport, Passport
from fashquick_common.image import OutputFormat
from fashquick_common.priority import Priority
from fashquick_common.rpc.blobs import Blob


class Stage(IntEnum):
    """A part of the way, numbered as in `fashquick.tryon.v1.Stage`."""

    IMAGE = try_on_pb2.STAGE_IMAGE
    SEGMENTATION = try_on_pb2.STAGE_SEGMENTATION
    FEATURES = try_on_pb2.STAGE_FEATURES
    GENERATION = try_on_pb2.STAGE_GENERATION
    ENCODING = try_on_pb2.STAGE_ENCODING
    FIDELITY = try_on_pb2.STAGE_FIDELITY
    REPAIR = try_on_pb2.STAGE_REPAIR

    @property
    def label(self) -> str:
        """Name for errors and metrics."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment of a valid request.

    Attributes:
        photo: The uploaded photo.
        mask: Its mask from the caller, or None.
        category_hint: Kind of garment from the caller, or None.
        fit: Number of the `fashquick.generation.v1.Fit`.
    """

    photo: Blob
    mask: Blob | None
    category_hint: Category | None
    fit: int


@dataclass(frozen=True, slots=True)
class Repairs:
    """When a garment in a picture by diffusion is made again.

    Attributes:
        floor: Least overall fidelity, 0 to 1, that is left as it is.
        most: Most repairs of each garment in each picture.
    """

    floor: float
    most: int


@dataclass(frozen=True, slots=True)
class TryOnJob:
    """A valid request.

    Attributes:
        request_id: Id of the job.
        seed: Start of all random numbers.
        garments: What is worn, innermost first.
        scene: What to picture as generation is told it, every default filled in; nobody changes it.
        outputs: Kinds wanted beside the picture, numbers of `fashquick.tryon.v1.OutputKind`.
        segmentation_backend: Number of the `fashquick.segmentation.v1.Backend`.
        generation_backend: Number of the `fashquick.generation.v1.Backend`.
        allow_fallback: Whether another backend may be used.
        picture_format: "png", "jpeg" or "webp".
        fidelity: Whether the pictures are compared with the garments.
        diffusion: Settings of the diffusion backend, which then makes the pictures; None: none were said.
        repairs: When a garment in a picture by diffusion is made again.
        priority: Who goes first where calls wait.
    """

    request_id: str
    seed: int
    garments: tuple[Garment, ...]
    scene: scene_pb2.Scene
    outputs: frozenset[int]
    segmentation_backend: int
    generation_backend: int
    allow_fallback: bool
    picture_format: OutputFormat
    fidelity: bool
    diffusion: scene_pb2.DiffusionSettings | None
    repairs: Repairs
    priority: Priority


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """Measures of a mask, as in `fashquick.segmentation.v1.MaskQuality`; what was not measured is 0.

    Attributes:
        cut_off: Numbers of the `fashquick.segmentation.v1.Side`.
    """

    confidence: float
    coverage: float
    border_contact: float
    fragments: int
    warnings: tuple[str, ...]
    symmetry: float = 0.0
    boundary_confidence: float = 0.0
    sharpness: float = 0.0
    lightness: float = 0.0
    clipped: float = 0.0
    cut_off: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StageRun:
    """What made a stage's answer.

    Attributes:
        backend: Name of the backend.
        backend_digest: SHA-256 of its data, in hexadecimal.
        version: Version of the service.
        compute_seconds: Seconds of computation.
        attempts: Calls that were needed.
    """

    backend: str
    backend_digest: str
    version: str
    compute_seconds: float
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: `fraction` 0 to 1 never falls."""

    stage: Stage
    step: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Preview:
    """An early look at the picture, a JPEG file."""

    blob: Blob


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage has finished after `seconds`, perhaps with something to tell of a garment in a view."""

    stage: Stage
    seconds: float
    finding: MaskQuality | Passport | FidelityReport | None = None
    garment: int = 0
    view: int = 0


@dataclass(frozen=True, slots=True)
class ResultPart:
    """A part of the answer; `kind` is a number of `fashquick.tryon.v1.OutputKind`."""

    kind: int
    blob: Blob
    garment: int = 0
    view: int = 0


@dataclass(frozen=True, slots=True)
class TryOnResult:
    """The end of a job.

    Attributes:
        parts: Everything made, in the order in which it was told.
        manifest: How it was made.
    """

    parts: tuple[ResultPart, ...]
    manifest: try_on_pb2.Manifest


@dataclass(frozen=True, slots=True)
class RepairAttempt:
    """One repair of a garment in a picture.

    Attributes:
        seed: Of its noise.
        report: How alike the garment was then; None where there was no picture or it could not be told.
        kept: Whether its picture was better than the one before.
        failure: Why there was no picture; empty where there was.
    """

    seed: int
    report: FidelityReport | None = None
    kept: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a garment that had not survived in a picture well enough.

    Attributes:
        garment: Its index.
        before: How alike it was.
        after: How alike it is in the picture that was kept.
        attempts: In their order.
    """

    garment: int
    before: FidelityReport
    after: FidelityReport
    attempts: tuple[RepairAttempt, ...]


Passing = Progress | Preview
"""Events of which only the newest matters."""

Lasting = StageFinished | ResultPart
"""Events that all matter."""
