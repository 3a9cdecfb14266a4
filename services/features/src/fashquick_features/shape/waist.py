"""Waist and hips of a dress or a coat, between its armpits and its hem.

On a shaped garment the waist is where the side seams come nearest to each other; on a straight one it is looked for
where a body has it. Bodies have the waist about as far below the armpit as that is below the neck, and the hips
nearly as far below the waist again (ISO 8559-1: about 21, 20 and 20 cm).
"""

from __future__ import annotations

import numpy as np

from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.outline import Points

WAIST_ZONE = (1.35, 2.5)  # neck to waist in neck-to-armpit drops: what is looked at
USUAL_WAIST = 1.95
HIP_DROP = 0.9  # waist to hips in the same unit
LEVELS = 40
PULL = 0.01  # width that a level loses per drop away from the usual place: decides on straight garments
SURE_DIP = 0.05  # narrowing, in garment heights, from which on the waist is beyond doubt
STRAIGHT, SHAPED = 0.45, 0.9  # confidence factor without and with a waist to be seen
LEAST_BELOW = 0.04  # v that must be left between a line and the hem

Found = dict[Name, tuple[Points, float]]


def waist_and_hips(seams: tuple[Points, Points], found: Found) -> Found:
    """Find waist and hips.

    Args:
        seams: Side seams from armpit to hem, Nx2 in the upright frame, u growing outwards: wearer's left, right.
        found: The garment's other landmarks.

    Returns:
        The four points, with confidence; fewer where the garment ends above them.
    """
    neck = 0.5 * float(found[Name.NECK_LEFT][0][1] + found[Name.NECK_RIGHT][0][1])
    pit = 0.5 * float(found[Name.ARMPIT_LEFT][0][1] + found[Name.ARMPIT_RIGHT][0][1])
    hem = min(float(seam[-1, 1]) for seam in seams)
    drop = pit - neck
    first, last = neck + WAIST_ZONE[0] * drop, min(neck + WAIST_ZONE[1] * drop, hem - LEAST_BELOW)
    if drop <= 0 or last <= first:
        return {}
    levels = np.linspace(first, last, LEVELS)
    width = _across(seams[0], levels) + _across(seams[1], levels)
    at = int((width + PULL * np.abs((levels - neck) / drop - USUAL_WAIST)).argmin())
    dip = min(float(width[: at + 1].max()), float(width[at:].max())) - float(width[at])
    sure = found[Name.ARMPIT_LEFT][1], found[Name.ARMPIT_RIGHT][1]
    shaped = STRAIGHT + (SHAPED - STRAIGHT) * min(1.0, dip / SURE_DIP)
    result = _line(seams, float(levels[at]), (Name.WAIST_LEFT, Name.WAIST_RIGHT), shaped * min(sure))
    hips = float(levels[at]) + HIP_DROP * drop
    if hips < hem - LEAST_BELOW:
        result |= _line(seams, hips, (Name.HIP_LEFT, Name.HIP_RIGHT), STRAIGHT * min(sure))
    return result


def _across(seam: Points, levels: Points) -> Points:
    """Distance of a seam from the axis at heights v, by its lowest-running reading where it folds back."""
    height = np.maximum.accumulate(seam[:, 1])
    return np.asarray(np.interp(levels, height, seam[:, 0]))


def _line(seams: tuple[Points, Points], level: float, names: tuple[Name, Name], confidence: float) -> Found:
    at = np.array([level])
    return {
        names[0]: (np.array([float(_across(seams[0], at)[0]), level]), confidence),
        names[1]: (np.array([-float(_across(seams[1], at)[0]), level]), confidence),
    }
