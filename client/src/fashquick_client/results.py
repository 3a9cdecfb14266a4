"""What calls return."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fashquick_client.files import write_atomically

if TYPE_CHECKING:
    from fashquick.tryon.v1 import try_on_pb2
    from fashquick_client.events import OutputKind, Stage
    from fashquick_client.pixels import PixelMap
    from fashquick_client.quality import MaskQuality
    from fashquick_common.garment import FidelityGrade, FidelityReport


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """What speaks for one candidate of SAM 2; each from 0 to 1, more is better.

    Attributes:
        predicted_iou: The intersection over union that the network expects of its own mask.
        stability: How little the mask hangs on the threshold of its logits.
        prior: Agreement with the embedded network.
        edges: Edges in the photo along the outline.
        solidity: Being one compact piece.
        border: Keeping off the photo's border.
    """

    predicted_iou: float
    stability: float
    prior: float
    edges: float
    solidity: float
    border: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another mask that was considered.

    Attributes:
        mask: The mask.
        score: Higher is better, 0 to 1.
        scores: What the score is made of; None where the backend has one score alone.
        source: What was asked to get it, such as "box points 1"; empty where nothing was asked.
        other_garment: Whether it shows another garment than the answer: the photo has more than one.
    """

    mask: PixelMap
    score: float
    scores: CandidateScores | None
    source: str
    other_garment: bool


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Where the garment is in a photo.

    Mask, alpha and foreground have the size of the upright photo after reduction to the server's working size.

    Attributes:
        mask: What is garment and what is not.
        alpha: The same with a soft edge, 0 ground to 255 garment.
        foreground: The garment's own colours, also where the photo has them mixed with the ground's; None unless
            asked for, and from servers that have none.
        quality: How good the mask is.
        candidates: Other masks that were considered, best first.
        backend: Backend that made the mask.
        backend_digest: SHA-256 over the backend's weights, in hexadecimal.
        compute_seconds: Seconds of computation.
    """

    mask: PixelMap
    alpha: PixelMap
    foreground: PixelMap | None
    quality: MaskQuality
    candidates: tuple[Candidate, ...]
    backend: str
    backend_digest: str
    compute_seconds: float


@dataclass(frozen=True, slots=True)
class FidelityResult:
    """Whether a garment survived in a picture.

    Attributes:
        report: The grade and what was measured.
        backend: Backend that measured.
        backend_digest: SHA-256 over the backend's data, in hexadecimal.
        compute_seconds: Seconds of computation.
        version: Version of the service.
    """

    report: FidelityReport
    backend: str
    backend_digest: str
    compute_seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture by diffusion that was made once more, for itself.

    Attributes:
        kind: Which: "garment", "face", "hand-left", "hand-right" or "repair"; "unknown" of a newer server.
        prompt: What it should show; empty where it has no prompt of its own.
        seed: Of its noise; None where it was left as it was.
        note: Why it was left; empty where it was made again.
    """

    kind: str
    prompt: str
    seed: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Making:
    """How diffusion made a picture.

    Attributes:
        profile: Name of the profile.
        weights: SHA-256 over the digests of its files, in hexadecimal.
        prompt: What it should show.
        negative_prompt: What it should not.
        seed: Of the first pass.
        steps: Denoising steps.
        strength: How far it might leave the studio's picture, 0 to 1.
        guidance: Scale of classifier-free guidance.
        control: Scale of the ControlNets.
        scheduler: Name of the scheduler.
        plan: Name of the memory plan.
        batch_size: Most pictures that were denoised together.
        device: Such as "cpu" or "cuda:0".
        precision: Such as "float16".
        regions: What was done about each region, in order.
    """

    profile: str
    weights: str
    prompt: str
    negative_prompt: str
    seed: int
    steps: int
    strength: float
    guidance: float
    control: float
    scheduler: str
    plan: str
    batch_size: int
    device: str
    precision: str
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class RepairAttempt:
    """One repair.

    Attributes:
        seed: Of its noise.
        grade: How alike the garment was in its picture; None where there was none or it could not be told.
        overall: Likewise, 0 (lost) to 1 (kept).
        kept: Whether its picture was better than the one before, and was kept.
        failure: Why it made no picture; empty where it did.
    """

    seed: int
    grade: FidelityGrade | None
    overall: float
    kept: bool
    failure: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a garment that had not survived in a picture well enough.

    Attributes:
        garment: Its index, from 0.
        grade_before: How alike it was.
        overall_before: Likewise, 0 (lost) to 1 (kept).
        grade_after: How alike it is in the picture that was kept.
        overall_after: Likewise.
        attempts: The repairs in their order.
    """

    garment: int
    grade_before: FidelityGrade | None
    overall_before: float
    grade_after: FidelityGrade | None
    overall_after: float
    attempts: tuple[RepairAttempt, ...]


@dataclass(frozen=True, slots=True)
class ViewResult:
    """A picture, and what is known of it.

    Attributes:
        picture: An image file.
        media_type: Such as "image/png".
        maps: Maps of the view that were asked for, by kind.
        fidelity: Whether the garments survived in the picture, by index of the garment; empty where that was not wanted
            or could not be told, and where the picture shows them from the side or from behind.
        keypoints: Of the figure, by COCO's names, such as "left_elbow", as x and y in pixels; where asked for.
        making: How diffusion made it; None from other backends.
        repairs: What was made again because a garment had not survived well enough.
    """

    picture: bytes
    media_type: str
    maps: Mapping[OutputKind, PixelMap]
    fidelity: Mapping[int, FidelityReport]
    keypoints: Mapping[str, tuple[float, float]]
    making: Making | None = None
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True)
class TryOnResult:
    """The outcome of a try-on.

    Attributes:
        views: A picture for each view asked for.
        garments: Masks of each garment's photo that were asked for, by kind.
        stage_seconds: Seconds of each stage with transport, in the order of the stages; of stages that work on several
            garments side by side, of the slowest.
        manifest: How the pictures were made, enough to make them again.
        turntable: The figure as it turns, an animated image file, where asked for.
    """

    views: tuple[ViewResult, ...]
    garments: tuple[Mapping[OutputKind, PixelMap], ...]
    stage_seconds: Mapping[Stage, float]
    manifest: try_on_pb2.Manifest
    turntable: bytes | None = None

    @property
    def picture(self) -> bytes:
        """The first picture, an image file."""
        return self.views[0].picture

    @property
    def media_type(self) -> str:
        """Of the first picture, such as "image/png"."""
        return self.views[0].media_type

    @property
    def maps(self) -> Mapping[OutputKind, PixelMap]:
        """Maps of the first view and masks of the first garment that were asked for, by kind."""
        return {**self.garments[0], **self.views[0].maps}

    @property
    def fidelity(self) -> FidelityReport | None:
        """Whether the first garment survived in the first picture; None where that is not known."""
        return self.views[0].fidelity.get(0)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the first picture; a reader sees the old file or the whole new one, never a part.

        The bytes are written as they came: name the file for the format that was asked for.

        Raises:
            OSError: The folder is missing or not writable.
        """
        write_atomically(path, self.picture)
