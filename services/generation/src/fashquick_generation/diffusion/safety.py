"""The safety checker: whether a finished picture shows what it should not, and where; it never changes one.

Stable Diffusion's own checker: CLIP's view of a square against 17 concepts, each with a threshold, which are a little
lower where one of 3 further concepts is near (Rando et al., "Red-teaming the Stable Diffusion safety filter", 2022, say
what they are about). It was published to look at the central square alone; here squares cover the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers.utils.accelerate_utils import apply_forward_hook
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from fashquick_common.errors import InternalError, ModelNotInstalled, PictureRefused
from fashquick_generation.diffusion.denoising.failures import told
from fashquick_generation.diffusion.denoising.rows import UInt8
from fashquick_generation.diffusion.weights.networks import Networks

if TYPE_CHECKING:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

_CARE = 0.01  # what thresholds are lowered by where special care is due


@dataclass(frozen=True, slots=True)
class Finding:
    """A region that the checker would not let pass.

    Attributes:
        left: In pixels, as the others.
        top: From the picture's top.
        right: The first column that is outside.
        bottom: The first row that is outside.
        concepts: Numbers of the concepts that crossed their thresholds, 0 to 16.
    """

    left: int
    top: int
    right: int
    bottom: int
    concepts: tuple[int, ...]


def check_safety(picture: UInt8, networks: Networks) -> None:
    """Refuse a finished picture that the safety checker would not let pass.

    Args:
        picture: HxWx3 uint8, sRGB.
        networks: Whose checker.

    Raises:
        PictureRefused: It shows something; says what and where.
        ModelNotInstalled: The profile has no checker.
        BytesExhausted: The checker does not fit.
        InternalError: It gave no numbers, or the device is lost: nothing passes unseen.
    """
    checker = require_checker(networks)
    with told(networks.device):
        found = findings(picture, checker)
    if found:
        where = "; ".join(f"{one.left},{one.top} to {one.right},{one.bottom}" for one in found)
        concepts = ", ".join(str(number) for number in sorted({number for one in found for number in one.concepts}))
        raise PictureRefused(
            f"the safety checker refuses the picture: its concepts {concepts} crossed their thresholds in the region "
            f"{where} (pixels); try another seed or other words",
            metadata={"region": where, "concepts": concepts},
        )


def require_checker(networks: Networks) -> StableDiffusionSafetyChecker:
    """Return the safety checker.

    Raises:
        ModelNotInstalled: The profile has none.
    """
    if networks.safety is None:
        raise ModelNotInstalled(
            "the safety checker was asked for, but is not installed; "
            f"run `fashquick models pull {networks.profile.name}`, or do without it"
        )
    return networks.safety


def findings(picture: UInt8, checker: StableDiffusionSafetyChecker) -> tuple[Finding, ...]:
    """Look at squares that cover a picture; arguments and `InternalError` as of `check_safety`."""
    squares = _squares(*picture.shape[:2])
    views = [Image.fromarray(picture[top:bottom, left:right]) for left, top, right, bottom in squares]
    crossed = _crossed(views, checker)
    return tuple(
        Finding(*square, concepts=tuple(int(number) for number in np.flatnonzero(concepts)))
        for square, concepts in zip(squares, crossed, strict=True)
        if concepts.any()
    )


def _squares(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Squares along the longer side, each overlapping the next by half or more, one of them in the middle."""
    side, length = min(height, width), max(height, width)
    count = 2 * ceil(length / side - 1) + 1
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    if width > height:
        return [(start, 0, start + side, side) for start in starts]
    return [(0, start, side, start + side) for start in starts]


def _crossed(views: Sequence[Image.Image], checker: StableDiffusionSafetyChecker) -> NDArray[np.bool_]:
    """Which concepts cross their thresholds in each view, nx17; as the checker's own pass, which blackens, has it."""
    pixels = CLIPImageProcessorPil()(list(views), return_tensors="pt").pixel_values
    with torch.inference_mode():
        care, near = _excess(checker, pixels)
    if not (np.isfinite(care).all() and np.isfinite(near).all()):
        raise InternalError("the safety checker gave no numbers (NaN); its weights may be damaged: verify them")
    due = (care.round(3) > 0).any(axis=1, keepdims=True)
    crossed: NDArray[np.bool_] = (near + _CARE * due).round(3) > 0
    return crossed


@apply_forward_hook  # a checker that waits in main memory comes to the device first
def _excess(checker: StableDiffusionSafetyChecker, pixels: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """By how much views, nx3x224x224, are nearer to the 3 concepts of care, nx3, and to the 17 others than allowed."""
    inside = checker.vision_model(pixels.to(checker.device, checker.dtype))[1]
    view = functional.normalize(checker.visual_projection(inside))
    care, near = (
        (view @ functional.normalize(concepts).T).float().cpu().numpy() - thresholds.float().cpu().numpy()
        for concepts, thresholds in (
            (checker.special_care_embeds, checker.special_care_embeds_weights),
            (checker.concept_embeds, checker.concept_embeds_weights),
        )
    )
    return care, near
