"""What the mask decoder is asked, and how it becomes tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fashquick_segmentation.sam2.checkpoints import SIDE_PX
from fashquick_segmentation.sam2.network import MASK_SCALE, STRIDE_PX
from fashquick_segmentation.sam2.prompts import OFF, ON

# Further labels of SAM's prompt encoder, for the corners of a box.
BOX_FIRST, BOX_SECOND = 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """One question about one photo. Something of it must be there.

    Coordinates are pixels from the photo's left and top edge: the middle of the first pixel is 0.5. Meta's predictor
    counts from that middle, in pixels of the square.

    Attributes:
        points: Nx2 float32, x and y; N may be 0.
        labels: N int32: 1 on the thing that is looked for, 0 off it.
        box: Left, top, right and bottom of a box round it, or None.
        mask: LxL float32 logits, L a quarter of the encoder's side, of the whole photo squeezed into a square; above
            0 is inside; such as `Answer.next_mask` returns. Or None.
    """

    points: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    labels: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    box: tuple[float, float, float, float] | None = None
    mask: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check what would end in a wrong answer.

        Raises:
            ValueError: Shapes, labels or numbers are wrong, or it asks nothing.
        """
        if self.points.shape != (len(self.labels), 2):
            raise ValueError(f"points have shape {self.points.shape}, labels {self.labels.shape}")
        if not np.isin(self.labels, (OFF, ON)).all():
            raise ValueError(f"labels are {OFF} or {ON}, not {self.labels}")
        if not self.tokens and self.mask is None:
            raise ValueError("a prompt has points, a box or a mask; this one has none of them")
        numbers = (self.points, self.box or (), self.mask if self.mask is not None else ())
        if not all(np.isfinite(values).all() for values in numbers):
            raise ValueError("a prompt has a number that is not finite")

    @property
    def tokens(self) -> int:
        """Number of its points, with the two corners of its box."""
        return len(self.labels) + (2 if self.box is not None else 0)


def prompt_tensors(
    prompts: Sequence[Prompt], photo_sizes: Sequence[tuple[int, int]], side_px: int, device: torch.device
) -> tuple[tuple[Tensor, Tensor] | None, Tensor | None]:
    """Bring prompts to the network's square.

    Args:
        prompts: All with as many tokens, and all with a mask or all without.
        photo_sizes: Height and width of each one's photo in pixels.
        side_px: Side of the square.
        device: Where the tensors go.

    Returns:
        BxTx2 float32 coordinates as SAM counts them and BxT int32 labels, boxes before points; None without tokens.
        Bx1xLxL float32 mask logits; None without masks.

    Raises:
        ValueError: A mask is of another side.
    """
    points = None
    if prompts[0].tokens:
        placed = [_placed(prompt, size, side_px) for prompt, size in zip(prompts, photo_sizes, strict=True)]
        coordinates, labels = (np.stack(part) for part in zip(*placed, strict=True))
        points = torch.from_numpy(coordinates).to(device), torch.from_numpy(labels).to(device)
    given = [prompt.mask for prompt in prompts if prompt.mask is not None]
    if not given:
        return points, None
    cells = mask_side(side_px)
    for mask in given:
        if mask.shape != (cells, cells):
            raise ValueError(f"a mask has shape {mask.shape}; for a side of {side_px} pixels it is {cells}x{cells}")
    return points, torch.from_numpy(np.stack(given)[:, np.newaxis].astype(np.float32)).to(device)


def mask_side(side_px: int = SIDE_PX) -> int:
    """Return the side L of mask logits for a side of the encoder's square."""
    return side_px // STRIDE_PX * MASK_SCALE


def _placed(prompt: Prompt, photo_size: tuple[int, int], side_px: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    height, width = photo_size
    corners = np.array(prompt.box or (), np.float64).reshape(-1, 2)
    at = np.concatenate([corners, prompt.points.astype(np.float64)])
    # The encoder adds the half again.
    square = at / (width, height) * side_px - 0.5
    labels = np.concatenate([np.array([BOX_FIRST, BOX_SECOND][: len(corners)]), prompt.labels])
    return square.astype(np.float32), labels.astype(np.int32)
