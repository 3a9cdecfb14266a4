"""What a caller may wish of a picture by diffusion, and the record of how one was made: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PromptWishes:
    """What a caller changes in the prompts, which are otherwise made from the garments' passports.

    Attributes:
        add: Words to add to the positive prompt.
        add_negative: Words to add to the negative prompt.
        replace: The positive prompt, instead of the one that is made; empty: it is made.
        replace_negative: The negative prompt, likewise.
        veto: Phrases that neither prompt may have, whoever put them there.
    """

    add: str = ""
    add_negative: str = ""
    replace: str = ""
    replace_negative: str = ""
    veto: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffusionWishes:
    """What a caller may wish of a picture by diffusion; None is the profile's value.

    Attributes:
        profile: Name of the profile; empty for the server's default.
        steps: Denoising steps of a whole run from noise, 1 to 100.
        strength: How far the first pass may leave the studio's picture, 0 (not at all) to 1 (entirely).
        guidance: Scale of classifier-free guidance, 1 (none) to 20.
        control: Scale of the ControlNets, 0 (none) to 2.
        prompt: What is changed in the prompts.
        deterministic: Whether the picture is made alone on a fixed plan, so that it repeats bit for bit.
        previews: Whether early looks are wanted.
        safety: Whether the safety checker looks at the finished picture.
        colour_guidance: How strongly the garment's palette pulls at every step, 0 (not at all) to 1.
        upscale: Whether the picture is made twice as wide and high, by tiles.
    """

    profile: str = ""
    steps: int | None = None
    strength: float | None = None
    guidance: float | None = None
    control: float | None = None
    prompt: PromptWishes = field(default_factory=PromptWishes)
    deterministic: bool = False
    previews: bool = True
    safety: bool = False
    colour_guidance: float = 0.0
    upscale: bool = False


class RegionKind(StrEnum):
    """A region of the picture that is made once more, for itself."""

    GARMENT = "garment"
    FACE = "face"
    HAND_LEFT = "hand-left"
    HAND_RIGHT = "hand-right"
    REPAIR = "repair"
    """What a caller asks to have made again."""


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """What was done about a region.

    Attributes:
        kind: Which.
        seed: Of its noise; None where it was left as it was.
        note: Why it was left, or which other weights than the picture's have made it again; mostly empty.
    """

    kind: RegionKind
    seed: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DiffusionRecord:
    """How a picture was made: enough to make it, or a region of it, again.

    Attributes:
        profile: Name of the profile.
        weights: SHA-256, in hexadecimal, over the digests of its files.
        prompt: The positive prompt, as it was encoded.
        negative_prompt: The negative one.
        region_prompts: Positive prompts of the regions that have one of their own.
        seed: Of the first pass.
        steps: Of a whole run from noise.
        strength: Of the first pass.
        guidance: Scale of classifier-free guidance.
        control: Scale of the ControlNets.
        scheduler: Name of the scheduler.
        plan: Name of the memory plan.
        batch_size: Pictures that were denoised together, the greatest of all steps.
        device: Such as "cpu" or "cuda:0".
        precision: Of the computation, such as "float16".
        regions: What was done about each region, in order.
    """

    profile: str
    weights: str
    prompt: str
    negative_prompt: str
    region_prompts: Mapping[RegionKind, str]
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
    regions: tuple[RegionRecord, ...] = ()
