"""What a caller may wish for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from fashquick_client.events import OutputKind
from fashquick_client.photos import PhotoSource
from fashquick_common.garment import Category

BackendName = Literal["auto", "studio", "diffusion"]
BodyName = Literal["woman", "man", "curvy"]
FitName = Literal["auto", "slim", "regular", "oversize"]
FramingName = Literal["auto", "full", "upper", "lower"]
FormatName = Literal["png", "jpeg", "webp"]
PriorityName = Literal["interactive", "bulk"]
ReadTextName = Literal["auto", "never", "required"]
SegmenterName = Literal["auto", "embedded", "sam2"]
MattingName = Literal["fast", "quality"]
PresentationName = Literal["unknown", "flat", "hanger", "worn"]


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment to wear.

    Attributes:
        photo: Photo of it, a path or the bytes of an image file.
        category: Kind of garment if it is known; it is then not guessed.
        fit: How close it is to the body; "auto" as is usual for its kind.
        mask: Mask of the photo, a file of its size, 0 ground to 255 garment; the garment is then not searched.
    """

    photo: PhotoSource
    category: Category | str | None = None
    fit: FitName = "auto"
    mask: PhotoSource | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How the figure stands and is seen.

    Attributes:
        pose: Pose by name, such as "relaxed"; empty for the server's choice.
        yaw_degrees: Camera's turn about the figure, -180 to 180: 0 front, positive towards the wearer's left.
        framing: How much of the figure is seen; "auto" as much as the garments need.
        joint_turns: Further turns of joints by name of the bone, degrees about the axes to the wearer's left, backward
            and up.
    """

    pose: str = ""
    yaw_degrees: float = 0.0
    framing: FramingName = "auto"
    joint_turns: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diffusion:
    """Wishes of a picture by diffusion; None is the profile's value.

    Attributes:
        profile: Name of the profile, such as "sd15-4gb"; empty for the server's default.
        steps: Denoising steps, 1 to 100.
        strength: How far the picture may leave the studio's: 0 not at all, 1 entirely.
        guidance: How closely it follows the prompts: scale of classifier-free guidance, 1 to 20.
        control: How closely it follows body and pose: scale of the ControlNets, 0 to 2.
        extra_prompt: Words to add to the prompt that is made from the garments' passports, at most 2,000 bytes.
        extra_negative_prompt: Words to add to the negative prompt, likewise.
        prompt: The whole prompt in its place, likewise.
        negative_prompt: The whole negative prompt, likewise.
        veto: Phrases that neither prompt may have, at most 32 of 200 bytes.
        deterministic: Whether the picture repeats bit for bit on the same device.
        previews: Whether early looks are wanted.
        safety_check: Whether the safety checker looks at the finished picture.
        colour_guidance: How strongly the garment's colours pull at every step, 0 to 1.
        upscale: Whether the picture is made twice as wide and high.
    """

    profile: str = ""
    steps: int | None = None
    strength: float | None = None
    guidance: float | None = None
    control: float | None = None
    extra_prompt: str = ""
    extra_negative_prompt: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    veto: Sequence[str] = ()
    deterministic: bool = False
    previews: bool = True
    safety_check: bool = False
    colour_guidance: float = 0.0
    upscale: bool = False


class TryOnOptions(TypedDict, total=False):
    """Wishes of a try-on; what is left out is the server's choice.

    Attributes:
        seed: Start of all random numbers, 0 to 2**64 - 1.
        size: Width and height of each picture in pixels, 256 to 2048 and 256 to 3072.
        backend: How to make the picture.
        allow_fallback: Whether another backend may be used when the one asked for is not there.
        category: Of a single garment: as in `Garment`.
        fit: Likewise.
        mask: Likewise.
        body: Body preset, such as "woman", "man" or "curvy".
        clothes_size: Clothes size that the body preset is changed to, "XS" to "3XL".
        phenotype: What is different from the preset's shape: gender, age, height, weight, muscle or proportions, each
            from 0 to 1.
        finish: Surface of the mannequin by name, such as "white".
        pose: Pose of a single view by name, such as "relaxed".
        views: How the figure stands and is seen, a picture each, at most 8.
        backdrop: What is behind the figure: "white", "grey", "transparent", a colour such as "#d8cfc4", or two for a
            gradient from top to bottom, such as "#ffffff:#d8cfc4".
        outputs: Masks and maps wanted beside the pictures.
        picture_format: File format of the pictures.
        fidelity: Whether to compare the pictures with the garments; without it about a second less for each, and no
            report.
        diffusion: Wishes of a picture by diffusion, which then makes it unless `backend` says another.
        fidelity_floor: Least overall fidelity, 0 to 1, below which a garment in a picture by diffusion is made again.
        max_repairs: Most times that it is, 0 to 4.
    """

    seed: int | None
    size: tuple[int, int] | None
    backend: BackendName
    allow_fallback: bool
    category: Category | str | None
    fit: FitName
    mask: PhotoSource | None
    body: str
    clothes_size: str
    phenotype: Mapping[str, float]
    finish: str
    pose: str
    views: Sequence[View]
    backdrop: str
    outputs: Sequence[OutputKind | str]
    picture_format: FormatName
    fidelity: bool
    diffusion: Diffusion | None
    fidelity_floor: float | None
    max_repairs: int | None


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
