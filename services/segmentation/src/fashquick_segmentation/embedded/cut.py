"""Moving the network's outline onto the edge that the colours show.

Where the network is in doubt, the colours near a pixel are asked (`evidence`); what is still open is cut by GrabCut
(Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH
2004): two colour mixtures, garment and ground, and a cut where they and the local contrast say. Left alone GrabCut
loses white shirts on white beds, and a stripe that it once took for ground becomes one of the ground's colours; so
the mixtures are learned from settled pixels alone, and not again while cutting.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.embedded.evidence import colour_evidence

SURE_GROUND = 0.02  # below it the network is right even where colours say otherwise
SURE_GARMENT = 0.9  # at 0.98, panels in the ground's colours are lost
FAR_SHARE = 0.05  # of the long side; farther from the network's outline there is no hem that it missed
SURE_GROUND_FAR = 0.2  # there; else the cut floods walls of the cloth's colour that the network half doubts
DOUBT = 0.01  # the network's probability is not believed closer to 0 or 1 than this
SETTLED = 4.0  # log-odds of network and colours together, from which on a pixel is not left to the cut
FREE_PIXELS_MAX = 50_000  # cv2.grabCut cannot be interrupted; where the colours mix, twice as many take 0.2 s
LEARN_PIXELS_MAX = 30_000  # settled pixels that the mixtures are fitted to, evenly spread: all take 0.05 s more
LEARN_PIXELS_MIN = 64  # on either side, so that five Gaussians have something to be fitted to
RNG_SEED = 1  # k-means starts the mixtures from OpenCV's random numbers
MODEL_SIZE = (1, 65)  # of a mixture in OpenCV: five Gaussians of 13 numbers
WHOLE = (0, 0, 0, 0)  # cv2.grabCut reads its rectangle only when it starts from one


def cut(
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    mask: NDArray[np.bool_],
    cancel: CancelFlag,
) -> NDArray[np.bool_]:
    """Cut the garment out along its colours.

    Sets the seed of OpenCV's random numbers in the calling thread, so that the same photo gives the same mask.
    A photo in which more than `FREE_PIXELS_MAX` stay open is cut at a smaller size.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        probability: HxW float32, 0 to 1.
        mask: HxW bool, the outline to start from, and the answer when the colours cannot give one.
        cancel: Checked before and between the steps; the cut itself is one step.

    Returns:
        HxW bool; the mask unchanged when there are too few pixels of garment or ground to learn colours from.
    """
    height, width = mask.shape
    garment, ground = probability > SURE_GARMENT, _sure_ground(probability, mask)
    if min(np.count_nonzero(garment), np.count_nonzero(ground)) < LEARN_PIXELS_MIN:
        return mask
    cancel.check()
    trimap = _trimap(probability, colour_evidence(photo, garment, ground, cancel), garment, ground)
    free = np.count_nonzero(trimap == cv2.GC_PR_BGD)
    if not free:
        return np.asarray(trimap == cv2.GC_FGD)
    if free > FREE_PIXELS_MAX:
        shrink = math.sqrt(FREE_PIXELS_MAX / free)
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        trimap = np.asarray(cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    cancel.check()
    ground_model, garment_model = _learn(photo, trimap)
    cancel.check()
    # What is settled beyond the open pixels' neighbours decides nothing, and costs as much.
    left, top, across, down = cv2.boundingRect((trimap == cv2.GC_PR_BGD).astype(np.uint8))
    part = slice(max(0, top - 1), top + down + 1), slice(max(0, left - 1), left + across + 1)
    piece = np.ascontiguousarray(trimap[part])
    colours = np.ascontiguousarray(photo[part])
    cv2.grabCut(colours, piece, WHOLE, ground_model, garment_model, 1, cv2.GC_EVAL_FREEZE_MODEL)
    trimap[part] = piece
    answer = (trimap & cv2.GC_FGD).astype(np.float32)  # the bit that GC_FGD and GC_PR_FGD share
    return np.asarray(cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR)) > 0.5


def _sure_ground(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ground by the network alone; away from the mask it is asked for less, lest the cut floods a wall."""
    away = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5))
    far = away > FAR_SHARE * max(mask.shape)
    sure: NDArray[np.bool_] = (probability < SURE_GROUND) | (far & (probability < SURE_GROUND_FAR))
    return sure


def _trimap(
    probability: NDArray[np.float32],
    evidence: NDArray[np.float32],
    garment: NDArray[np.bool_],
    ground: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Mark what is settled and what is free, in the values of `cv2.GrabCutClasses`."""
    believed = np.clip(probability, DOUBT, 1 - DOUBT)
    odds = np.log(believed / (1 - believed)) + evidence
    trimap = np.full(odds.shape, cv2.GC_PR_BGD, np.uint8)  # with fixed mixtures, a guess changes nothing
    trimap[(odds > SETTLED) | garment] = cv2.GC_FGD
    trimap[(odds < -SETTLED) | ground] = cv2.GC_BGD
    return trimap


def _learn(photo: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the mixtures of ground and garment to the settled pixels: GrabCut on a picture of nothing else."""
    settled = np.flatnonzero((trimap == cv2.GC_BGD) | (trimap == cv2.GC_FGD))
    settled = settled[:: len(settled) // LEARN_PIXELS_MAX + 1]
    ground_model, garment_model = np.zeros(MODEL_SIZE), np.zeros(MODEL_SIZE)
    cv2.setRNGSeed(RNG_SEED)
    cv2.grabCut(
        np.ascontiguousarray(photo.reshape(-1, 3)[settled][np.newaxis]),
        np.ascontiguousarray(trimap.ravel()[settled][np.newaxis]),
        WHOLE,
        ground_model,
        garment_model,
        1,
        cv2.GC_INIT_WITH_MASK,
    )
    return ground_model, garment_model
