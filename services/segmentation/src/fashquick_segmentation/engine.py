"""What a garment segmenter promises, as plain values: no gRPC, no particular method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag

MAX_POINTS = 1_000  # of one question, as the contract says; a network's attention grows with their number


class Side(StrEnum):
    """A side of the photo, as the viewer sees it."""

    LEFT = "left"
    TOP = "top"
    RIGHT = "right"
    BOTTOM = "bottom"


class Presentation(StrEnum):
    """How a garment is presented to the camera."""

    UNKNOWN = "unknown"
    FLAT = "flat"
    HANGER = "hanger"
    WORN = "worn"


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """What a caller knows about a photo beside its pixels.

    Attributes:
        mask: HxW uint8 at the photo's size, 0 ground to 255 garment: a mask, or the alpha channel of an uploaded
            cut-out; or None. It is used when it looks like the matte of a garment.
        presentation: How the garment is presented.
    """

    mask: NDArray[np.uint8] | None = None
    presentation: Presentation = Presentation.UNKNOWN


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One reading of where the garment is.

    Attributes:
        mask: HxW bool at the photo's size.
        score: 0 to 1, the intersection over union that the segmenter expects of this mask.
        scores: What the score is made of, by name as in the contract's CandidateScores; empty where it is one alone.
        source: What was asked to get it, such as "box points 1"; empty where nothing was asked.
        other_garment: Whether it is another garment than the answer: the photo has more than one.
    """

    mask: NDArray[np.bool_]
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    other_garment: bool = False


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a mask can be trusted, and what a better photo would change.

    Attributes:
        confidence: 0 (a guess) to 1 (sure).
        view_agreement: 0 to 1, the smallest intersection over union between what the segmenter finds in one
            view of the photo (a scale, a flip) and what it finds in all of them together.
        separation: 0 (garment and ground have the same colours) to 1 (they share none).
        coverage: Share of the photo's pixels that are garment, 0 to 1.
        border_contact: Share of the photo's border pixels that are garment, 0 to 1.
        cut_off: The sides on which the garment leaves the picture.
        fragments: Number of separate pieces of the mask; 1 for a garment seen whole.
        symmetry: How alike the mask and its mirror image are, 0 to 1.
        boundary_confidence: Share of the outline along which the photo has an edge, 0 to 1.
        sharpness: How much of the garment's detail a blur would take away, 0 (blurred already) to 1.
        lightness: Median CIE L* of the garment, 0 to 100.
        clipped: Share of the garment's pixels that are burnt out or black, 0 to 1.
        hint_used: Whether the photo's own transparency decided where the garment is.
        warnings: Plain sentences for the person who took the photo; empty when there is nothing to say.
    """

    confidence: float
    view_agreement: float
    separation: float
    coverage: float
    border_contact: float
    cut_off: tuple[Side, ...]
    fragments: int
    symmetry: float
    boundary_confidence: float
    sharpness: float
    lightness: float
    clipped: float
    hint_used: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The garment of one photo.

    Attributes:
        mask: HxW bool at the photo's size; exactly the pixels whose alpha is at least 128.
        alpha: HxW uint8 at the photo's size: 255 inside, 0 outside, between them only in a narrow band.
        quality: How far the mask can be trusted.
        candidates: Readings of the photo, the answer first, then others that differ from it, best first.
    """

    mask: NDArray[np.bool_]
    alpha: NDArray[np.uint8]
    quality: Quality
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Where a caller says that the garment is and is not.

    Attributes:
        points: Nx2 float32, x and y in pixels, the middle of the first pixel at 0.5; N may be 0.
        on_garment: N bool: whether the garment is there.
        box: Left, top, right and bottom of a box round the garment in pixels, or None.
        mask: HxW uint8 at the photo's size, 0 ground to 255 garment: a coarse mask, or None.
        counted_in: Height and width in pixels of the photo as the caller sees it, in which points and box are; None
            for those of the photo that goes with the question.
    """

    points: NDArray[np.float32]
    on_garment: NDArray[np.bool_]
    box: tuple[float, float, float, float] | None = None
    mask: NDArray[np.uint8] | None = None
    counted_in: tuple[int, int] | None = None


class Segmenter(Protocol):
    """Finds the garment in a photo. Calls from several threads are allowed."""

    @property
    def name(self) -> str:
        """The backend's name."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the network file in hexadecimal."""
        ...

    def warm_up(self) -> None:
        """Do once what would make the first photo slow."""
        ...

    def segment(self, photo: NDArray[np.uint8], hints: Hints, cancel: CancelFlag) -> Segmentation:
        """Find the garment.

        Args:
            photo: HxWx3 uint8, sRGB, upright.
            hints: What the caller knows beside.
            cancel: Checked between steps.

        Returns:
            The mask and all that belongs to it.

        Raises:
            NoGarment: Nothing in the photo looks like a garment.
            PhotoNotUsable: A garment is there, but too little of it or too small.
            BadMask: The hinted mask has another size than the photo.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        ...


@runtime_checkable
class Checkpointed(Protocol):
    """What a segmenter that has several checkpoints can do beside."""

    def using(self, checkpoint: str) -> Segmenter:
        """Return the same segmenter with another checkpoint. Reads the list of weights, but no weights.

        Args:
            checkpoint: Its name.

        Raises:
            BadField: There is no checkpoint of that name.
            ModelNotInstalled: Its weights are not in the model store.
        """
        ...


@runtime_checkable
class Promptable(Protocol):
    """What a segmenter that takes prompts can do beside."""

    def answer(
        self, photo: NDArray[np.uint8], question: Question, presentation: Presentation, cancel: CancelFlag
    ) -> Segmentation:
        """Find what a caller points at. Asking about the same photo again is cheap.

        Args:
            photo: HxWx3 uint8, sRGB, upright.
            question: Where the garment is.
            presentation: How the garment is presented.
            cancel: Checked between steps.

        Raises:
            BadField: The question makes no sense: points outside the photo, too many, an empty box, or parts that
                contradict each other.
            NoGarment: Nothing is found there.
            PhotoNotUsable: A garment is there, but too little of it or too small.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        ...
