"""Bringing photos to the network's square and masks back to the photo's size, as SAM 2's own transforms do."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# Mean and deviation of ImageNet's colours, red, green, blue, 0 to 1: what the networks were trained with.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def to_square(photo: NDArray[np.uint8], side_px: int, device: torch.device) -> Tensor:
    """Squeeze a photo into a square by antialiased bilinear interpolation, and normalise its colours.

    Args:
        photo: HxWx3 uint8, sRGB.
        side_px: Side S of the square.
        device: Where to compute; the photo goes there as bytes.

    Returns:
        3xSxS float32 on that device.

    Raises:
        ValueError: The photo is no such array.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise ValueError(f"a photo is HxWx3 uint8, this array has shape {photo.shape} and is {photo.dtype}")
    # Not from_numpy: it warns about arrays that are read-only.
    bytes_ = torch.tensor(np.ascontiguousarray(photo), device=device)
    colours = bytes_.permute(2, 0, 1).contiguous().to(torch.float32) / 255
    square = functional.interpolate(
        colours[None], size=(side_px, side_px), mode="bilinear", align_corners=False, antialias=True
    )[0]
    mean, deviation = (torch.tensor(values, device=device).reshape(3, 1, 1) for values in (MEAN, DEVIATION))
    return (square - mean) / deviation


def enlarge(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring mask logits of the whole photo to its size, by bilinear interpolation on the CPU.

    Args:
        logits: LxL float32.
        size: Height H and width W of the photo.

    Returns:
        HxW float32.
    """
    plane = torch.from_numpy(np.ascontiguousarray(logits))[None, None]
    full = functional.interpolate(plane, size=size, mode="bilinear", align_corners=False)
    return np.asarray(full[0, 0].numpy(), np.float32)
