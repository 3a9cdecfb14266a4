"""How far a mask can be trusted, and when to refuse it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import NoGarment, PhotoNotUsable
from fashquick_segmentation.engine import Quality, Side
from fashquick_segmentation.refinement.coach import HOW_TO, advice
from fashquick_segmentation.refinement.measures import Measures

# Floors below which a photo is refused. They are low on purpose: a doubtful mask comes with a warning, and only
# what no later stage could work with is an error.
COVERAGE_MIN = 0.005  # of the photo; less is a speck on any ground
COVERAGE_MAX = 0.97  # no ground left: a picture of cloth, not of a garment
CONFIDENCE_MIN = 0.4  # right masks were seen from 0.59 on
GARMENT_SIDE_MIN_PX = 64  # long side of the mask's bounding box; less shows neither seams nor print
EVIDENCE_MIN = 0.3  # confidence x separation x (1 - border contact) of a mask that reaches the border: bare floors,
# walls and bedspreads, in which the network sees a garment nevertheless, stay below it, cut-off garments above it
BORDER_CONTACT_FREE = 0.02  # up to here a mask stands free, and white on white is as good as any
BORDER_CONTACT_MAX = 0.6  # the garment runs out of the picture nearly everywhere: it has no outline

CUT_OFF_SHARE = 0.03  # of a side's length; less is a corner that touches it


def expected_iou(mask: NDArray[np.bool_], probability: NDArray[np.float32]) -> float:
    """The intersection over union that a mask is expected to have if the probabilities are right.

    Expected intersection over expected union (the "soft Jaccard" of segmentation losses).

    Args:
        mask: HxW bool.
        probability: HxW float32, 0 to 1.

    Returns:
        0 to 1; 0 for an empty mask.
    """
    intersection = float(probability[mask].sum(dtype=np.float64))
    union = float(np.count_nonzero(mask)) + float(probability[~mask].sum(dtype=np.float64))
    return intersection / union if intersection > 0 else 0.0


def colour_separation(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """How little the colours inside and outside a mask have in common.

    One minus the intersection of both Lab histograms (Swain and Ballard, "Color indexing", IJCV 7, 1991).

    Args:
        photo: HxWx3 uint8, sRGB.
        mask: HxW bool.

    Returns:
        0 to 1; 0 when one side is empty.
    """
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
    inside = np.bincount(_lab_bins(lab[mask]), minlength=_LAB_BIN_COUNT)
    outside = np.bincount(_lab_bins(lab[~mask]), minlength=_LAB_BIN_COUNT)
    if not inside.any() or not outside.any():
        return 0.0
    return 1.0 - float(np.minimum(inside / inside.sum(), outside / outside.sum()).sum())


def assess(
    mask: NDArray[np.bool_],
    measures: Measures,
    *,
    expected: float,
    view_agreement: float,
    separation: float,
    hint_used: bool,
    garments: int = 1,
) -> Quality:
    """Measure a mask and put its weaknesses into words.

    Args:
        mask: HxW bool at the photo's size.
        measures: What was measured of its photo.
        expected: Expected intersection over union, 0 to 1.
        view_agreement: Smallest agreement between the views of the photo, 0 to 1.
        separation: What `colour_separation` says, 0 to 1.
        hint_used: Whether the photo's transparency decided.
        garments: How many garments the photo shows.

    Returns:
        The quality with its warnings.
    """
    sides = _sides(mask)
    quality = Quality(
        confidence=float(np.sqrt(expected * view_agreement)),
        view_agreement=view_agreement,
        separation=separation,
        coverage=float(mask.mean()),
        border_contact=float(np.concatenate(list(sides.values())).mean()),
        cut_off=tuple(side for side, line in sides.items() if line.mean() > CUT_OFF_SHARE),
        fragments=int(cv2.connectedComponents(mask.astype(np.uint8))[0]) - 1,
        symmetry=measures.symmetry,
        boundary_confidence=measures.boundary_confidence,
        sharpness=measures.sharpness,
        lightness=measures.lightness,
        clipped=measures.clipped,
        hint_used=hint_used,
        warnings=(),
    )
    return replace(quality, warnings=advice(mask, quality, garments))


def refuse_unusable(mask: NDArray[np.bool_], quality: Quality) -> None:
    """Let a mask pass, or say why no later stage could work with it.

    Args:
        mask: HxW bool at the photo's size.
        quality: What `assess` says about it.

    Raises:
        NoGarment: The mask is empty or full, the confidence is below `CONFIDENCE_MIN`, or the mask runs out of
            the picture with too little to tell it from its ground.
        PhotoNotUsable: The garment runs out of the picture nearly everywhere, or is too small to be seen.
    """
    if quality.coverage < COVERAGE_MIN:
        raise NoGarment(f"no garment found: {quality.coverage:.1%} of the photo looks like one; {HOW_TO}")
    if quality.coverage > COVERAGE_MAX:
        raise NoGarment(
            f"no outline found: {quality.coverage:.1%} of the photo looks like cloth; step back and {HOW_TO}"
        )
    if quality.confidence < CONFIDENCE_MIN:
        raise NoGarment(
            f"no garment found for sure: confidence {quality.confidence:.2f}, needed {CONFIDENCE_MIN}; {HOW_TO}"
        )
    evidence = quality.confidence * quality.separation * (1 - quality.border_contact)
    if quality.border_contact > BORDER_CONTACT_FREE and evidence < EVIDENCE_MIN:
        raise NoGarment(
            f"no garment can be told from its ground: what could be one shares {1 - quality.separation:.0%} of its "
            f"colours with the ground and leaves the picture; {HOW_TO}"
        )
    if quality.border_contact > BORDER_CONTACT_MAX:
        raise PhotoNotUsable(
            f"the garment leaves the picture along {quality.border_contact:.0%} of its border; "
            "step back until all of it is in the picture"
        )
    _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if max(width, height) < GARMENT_SIDE_MIN_PX:
        raise PhotoNotUsable(
            f"the garment is only {width}x{height} pixels large, at least {GARMENT_SIDE_MIN_PX} are needed on its "
            "long side; go closer until it fills the picture, or send the photo at full resolution"
        )


def _lab_bins(lab: NDArray[np.generic]) -> NDArray[np.int64]:
    """The histogram cell of each colour: 16 steps of lightness, 32 each of a and b."""
    cell = lab.astype(np.int64) // (16, 8, 8)
    return np.asarray(cell @ np.array([32 * 32, 32, 1]), np.int64)


_LAB_BIN_COUNT = 16 * 32 * 32


def _sides(mask: NDArray[np.bool_]) -> dict[Side, NDArray[np.bool_]]:
    return {Side.LEFT: mask[:, 0], Side.TOP: mask[0], Side.RIGHT: mask[:, -1], Side.BOTTOM: mask[-1]}
