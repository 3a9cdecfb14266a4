"""What to tell the person who took a photo, in plain sentences: what a better photo would change.

Thresholds were picked on 200 photos that no benchmark uses, as they are and blurred, at the worst one in fifty of them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.engine import Quality, Side

CONFIDENCE_DOUBTFUL = 0.8
COVERAGE_SMALL = 0.06
SYMMETRY_LOW = 0.7
BOUNDARY_LOW = 0.7
SHARPNESS_LOW = 0.42  # sharp photos: 0.49 and more; blurred by a three-hundredth of the garment's length: 0.32
CLIPPED_HIGH = 0.2
MIDDLE_LIGHTNESS = 50.0  # CIE L*: lighter garments burn out, darker ones turn black
SLEEVE_SHARE = 0.08  # of the body's width; what reaches farther beside the body is a sleeve
BODY_ROWS = 0.25  # of the garment's height, at the bottom: where its body's width is taken

HOW_TO = "photograph one whole garment, flat or on a hanger, on a plain ground of another colour"


def advice(mask: NDArray[np.bool_], quality: Quality, garments: int) -> tuple[str, ...]:
    """Say what could be better.

    Args:
        mask: HxW bool: the garment.
        quality: What was measured of it.
        garments: How many garments the photo shows.

    Returns:
        Plain sentences, the gravest first; none when all is well.
    """
    said = [f"{_what_leaves(mask, side)} {_WHERE[side]}; leave some ground around it" for side in quality.cut_off]
    if garments > 1:
        said.append(
            f"the photo shows {garments} garments, and this is the largest; photograph one at a time, or choose "
            "another of the candidates"
        )
    if quality.confidence < CONFIDENCE_DOUBTFUL:
        said.append(f"the garment's outline is uncertain here and there; {HOW_TO}")
    elif quality.boundary_confidence < BOUNDARY_LOW:
        said.append(
            f"along {1 - quality.boundary_confidence:.0%} of its outline the garment has the colour of its ground; "
            "lay it on a ground of another colour"
        )
    if quality.coverage < COVERAGE_SMALL:
        said.append(
            f"the garment covers only {quality.coverage:.0%} of the photo; go closer until it fills the picture"
        )
    if quality.fragments > 1:
        said.append(
            f"the garment was found in {quality.fragments} separate pieces; lay it out so that nothing covers it"
        )
    if quality.symmetry < SYMMETRY_LOW:
        said.append("the garment's halves differ much; spread both sleeves or legs, and fold nothing over")
    if quality.sharpness < SHARPNESS_LOW:
        said.append("the garment is blurred; hold the camera still, focus on the cloth, and use more light")
    if quality.clipped > CLIPPED_HIGH:
        lost, light = ("burnt out", "less") if quality.lightness > MIDDLE_LIGHTNESS else ("black", "more")
        said.append(
            f"{quality.clipped:.0%} of the garment is {lost}, its colour and its folds are lost there; "
            f"use {light} light, from the side"
        )
    return tuple(said)


def _what_leaves(mask: NDArray[np.bool_], side: Side) -> str:
    """Name what touches a side: a sleeve where all of it lies beside the garment's body, else the garment."""
    if side in (Side.TOP, Side.BOTTOM):
        return "the garment leaves the picture"
    _, top, _, height = cv2.boundingRect(mask.astype(np.uint8))
    low = mask[top + int((1 - BODY_ROWS) * height) : top + height]
    columns = np.nonzero(low.any(0))[0]
    margin = SLEEVE_SHARE * (columns[-1] - columns[0] + 1)
    beside = columns[0] - margin if side is Side.LEFT else mask.shape[1] - 1 - columns[-1] - margin
    return f"the {side} sleeve leaves the picture" if beside > 0 else "the garment leaves the picture"


_WHERE = {Side.LEFT: "on the left", Side.TOP: "at the top", Side.RIGHT: "on the right", Side.BOTTOM: "at the bottom"}
