"""What the colours near a pixel say about it: does it look like garment or like ground around here?

As in sampling-based matting (Wang and Cohen, "Optimized color sampling for robust matting", CVPR 2007), a pixel is
compared with known pixels of either side near it. A dark stripe that ends at the hem meets other dark stripes of
the shirt within reach but no dark ground; two colour mixtures of the whole picture could not tell.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.refinement.measures import lab_of

REACH_SHARE = 0.08  # of the long side: at least one period of broad stripes, hardly the next plank
SAMPLES = 60  # places a pixel is compared with, spread evenly over the disc of that radius
NEAREST = 3  # of either side's samples, their mean distance counts: one alone may be noise or a stray pixel
NOISE_SIGMA_PX = 0.7  # of the smoothing before colours are compared
UNIT_DE = 4.0  # CIE76; so much nearer to one side is one unit of log-odds
STRONGEST = 2.0  # log-odds; colours alone never overrule a network that is surer than 7 to 1
UNKNOWN_DE = 12.0  # from here on a pixel is like neither side, at twice this distance nothing is said
FARTHEST_DE = 60.0  # stands for no sample at all
CHECK_EVERY = 10  # samples between cancel checks: 25 ms at most


def colour_evidence(
    photo: NDArray[np.uint8],
    garment: NDArray[np.bool_],
    ground: NDArray[np.bool_],
    cancel: CancelFlag,
) -> NDArray[np.float32]:
    """Compare every pixel that is neither known garment nor known ground with known ones near it.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        garment: HxW bool, known garment.
        ground: HxW bool, known ground.
        cancel: Checked between groups of samples.

    Returns:
        HxW float32, log-odds of garment within +-`STRONGEST`; 0 where a pixel is known or like neither side.
    """
    evidence = np.zeros(garment.shape, np.float32)
    rows, columns = np.nonzero(~(garment | ground))
    to_garment, to_ground = _distances(photo, (garment, ground), (rows, columns), cancel)
    known_colour = np.clip(2 - np.minimum(to_garment, to_ground) / UNKNOWN_DE, 0, 1)
    odds = np.clip((to_ground - to_garment) / UNIT_DE, -STRONGEST, STRONGEST)
    evidence[rows, columns] = odds * known_colour
    return evidence


def _distances(
    photo: NDArray[np.uint8],
    sides: tuple[NDArray[np.bool_], ...],
    places: tuple[NDArray[np.intp], NDArray[np.intp]],
    cancel: CancelFlag,
) -> list[NDArray[np.float32]]:
    """For each side, how far each place's colour is from the `NEAREST` most like it among its samples."""
    height, width = photo.shape[:2]
    reach = REACH_SHARE * max(height, width)
    margin = math.ceil(reach)
    lab = np.asarray(cv2.GaussianBlur(lab_of(photo), (0, 0), NOISE_SIGMA_PX), np.float32)
    # A margin that belongs to no side spares the test whether a sample lies in the picture.
    colours = np.pad(lab, ((margin, margin), (margin, margin), (0, 0))).reshape(-1, 3)
    members = [np.pad(side, margin).ravel() for side in sides]
    stride = width + 2 * margin
    centre = (places[0] + margin) * stride + places[1] + margin
    here = lab[places]
    nearest = [np.full((NEAREST, len(here)), FARTHEST_DE, np.float32) for _ in sides]
    for number, (down, right) in enumerate(_spiral(SAMPLES, reach)):
        if number % CHECK_EVERY == 0:
            cancel.check()
        there = centre + down * stride + right
        difference = colours[there] - here
        distance = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        for best, member in zip(nearest, members, strict=True):
            _insert(best, np.where(member[there], distance, np.float32(FARTHEST_DE)))
    return [np.asarray(best.mean(axis=0), np.float32) for best in nearest]


def _insert(smallest: NDArray[np.float32], value: NDArray[np.float32]) -> None:
    """Keep the smallest values seen so far, column by column, in rising order."""
    for rank in smallest:
        value, rank[:] = np.maximum(rank, value), np.minimum(rank, value)


def _spiral(count: int, radius: float) -> NDArray[np.intp]:
    """Evenly spread offsets (down, right) in a disc, by the golden angle (Vogel's sunflower)."""
    index = np.arange(count) + 0.5
    angle = index * math.pi * (3 - math.sqrt(5))
    length = radius * np.sqrt(index / count)
    return np.rint(np.column_stack([np.sin(angle), np.cos(angle)]) * length[:, np.newaxis]).astype(np.intp)
