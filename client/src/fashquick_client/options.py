"""What a caller may wish for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from fashquick_client.events import OutputKind
from fashquick_client.photos import PhotoSource
from fashquick_common.garment import Category

BackendName = Literal["auto", "studio", "diffusion"]
BodyName = Literal["woman", "man", "curvy"]
FormatName = Literal["png", "jpeg", "webp"]
PriorityName = Literal["interactive", "bulk"]
ReadTextName = Literal["auto", "never", "required"]
SegmenterName = Literal["auto", "embedded", "sam2"]
MattingName = Literal["fast", "quality"]
PresentationName = Literal["unknown", "flat", "hanger", "worn"]


class TryOnOptions(TypedDict, total=False):
    """Wishes of a try-on; what is left out is the server's choice.

    Attributes:
        seed: Start of all random numbers, 0 to 2**64 - 1.
        size: Width and height of the picture in pixels, 256 to 2048 and 256 to 3072.
        backend: How to make the picture.
        allow_fallback: Whether another backend may be used when the one asked for is not there.
        category: Kind of garment if it is known; it is then not guessed.
        body: Body preset: "woman", "man" or "curvy".
        pose: Pose by name, such as "relaxed".
        outputs: Masks and maps wanted beside the picture.
        picture_format: File format of the picture.
        fidelity: Whether to compare the picture with the garment; without it about a second less, and no report.
        mask: Mask of the photo, a file of its size, 0 ground to 255 garment; the garment is then not searched.
    """

    seed: int | None
    size: tuple[int, int] | None
    backend: BackendName
    allow_fallback: bool
    category: Category | str | None
    body: str
    pose: str
    outputs: Sequence[OutputKind | str]
    picture_format: FormatName
    fidelity: bool
    mask: PhotoSource | None


@dataclass(frozen=True, slots=True)
class Point:
    """A point on the upright photo, in its pixels, from its upper left corner.

    Attributes:
        x: Pixels to the right.
        y: Pixels down.
        on_garment: Whether the garment is there.
    """

    x: float
    y: float
    on_garment: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box round the garment on the upright photo, in its pixels, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class SegmentOptions(TypedDict, total=False):
    """Wishes of a segmentation; what is left out is the server's choice.

    Attributes:
        backend: Who finds the garment; "auto" is the server's choice, and SAM 2 for whoever says where it is: the
            embedded backend takes no prompts.
        checkpoint: Weights of SAM 2 by name, such as "sam2.1-hiera-small".
        matting: How the soft edge is made: "fast" for crisp cloth, "quality" for wool, fringes and fur.
        presentation: How the garment is presented: "flat", "hanger" or "worn"; "unknown" if it is not known.
        foreground: Whether to return the garment's own colours too, for cut-outs without a rim of the ground's.
        max_candidates: Most other masks to return, 0 to 16.
        mask_hint: A rough mask, a file of the photo's size, 0 ground to 255 garment.
    """

    backend: SegmenterName
    checkpoint: str
    matting: MattingName
    presentation: PresentationName
    foreground: bool
    max_candidates: int
    mask_hint: PhotoSource | None


class PromptOptions(TypedDict, total=False):
    """Where the garment is and is not; at least one of them.

    Attributes:
        points: Points on the garment and off it, at most 1,000.
        box: A box round it.
        coarse_mask: A coarse mask, a file of the photo's size and at most 1 MiB, 0 ground to 255 garment.
    """

    points: Sequence[Point]
    box: Box | None
    coarse_mask: PhotoSource | None


class SegmentWishes(SegmentOptions, PromptOptions, total=False):
    """Wishes of a segmentation, and where the garment is if the caller knows it."""
