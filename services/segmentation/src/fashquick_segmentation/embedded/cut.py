"""Moving the network's outline onto the edge that the colours show: GrabCut in a narrow band.

GrabCut (Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
SIGGRAPH 2004) learns two colour mixtures, garment and ground, and cuts where they and the local contrast say.
Left alone it loses white shirts on white beds; here it decides only where the network leaves it open: in a band
along the outline and where the network itself is in doubt.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag

BAND_SHARE = 0.02  # of the long side: about how far the network's outline is off
SURE_GROUND = 0.03  # below it the network is right even where colours say otherwise
SURE_GARMENT = 0.97
FREE_PIXELS_MAX = 50_000  # cv2.grabCut cannot be interrupted: with so many it takes 0.15 s on two cores
LEARN_PIXELS_MIN = 64  # on either side, so that five Gaussians have something to be fitted to
RNG_SEED = 1  # k-means starts the mixtures from OpenCV's random numbers


def cut(
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    mask: NDArray[np.bool_],
    cancel: CancelFlag,
) -> NDArray[np.bool_]:
    """Cut the garment out along its colours.

    Sets the seed of OpenCV's random numbers in the calling thread, so that the same photo gives the same mask.
    A photo in which more than `FREE_PIXELS_MAX` are undecided is cut at a smaller size.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        probability: HxW float32, 0 to 1.
        mask: HxW bool, the outline to start from.
        cancel: Checked before the cut, which is one step.

    Returns:
        HxW bool; the mask unchanged when there are too few pixels of garment or ground to learn colours from.
    """
    height, width = mask.shape
    trimap = _trimap(probability, mask)
    free = np.count_nonzero(trimap & cv2.GC_PR_BGD)  # the bit that GC_PR_BGD and GC_PR_FGD share
    if free > FREE_PIXELS_MAX:
        shrink = math.sqrt(FREE_PIXELS_MAX / free)
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        trimap = np.asarray(cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    garment = np.count_nonzero(trimap & cv2.GC_FGD)  # likewise for GC_FGD and GC_PR_FGD
    if not LEARN_PIXELS_MIN <= garment <= trimap.size - LEARN_PIXELS_MIN:
        return mask
    cancel.check()
    cv2.setRNGSeed(RNG_SEED)
    cv2.grabCut(photo, trimap, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    answer = (trimap & cv2.GC_FGD).astype(np.float32)
    return np.asarray(cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR)) > 0.5


def _trimap(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mark what is fixed and what is free, in the values of `cv2.GrabCutClasses`."""
    solid = mask.astype(np.uint8)
    radius = max(2, int(BAND_SHARE * max(mask.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    core = np.asarray(cv2.erode(solid, disc, borderType=cv2.BORDER_REPLICATE)) > 0
    far = np.asarray(cv2.dilate(solid, disc)) == 0
    trimap = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[core & (probability > SURE_GARMENT)] = cv2.GC_FGD
    trimap[far & (probability < SURE_GROUND)] = cv2.GC_BGD
    return trimap
