"""What outline and photo tell about a neckline and about a front that hangs open, as likelihoods of every answer.

Collars, hoods and turtlenecks stand high over narrow necks; scoops and straps lie wide and flat. An open front shows
a band along the axis in another colour, that of the lining or of what lies behind, between edges that mirror each
other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Front, Landmark, LandmarkName, Neckline
from fashquick_common.image.spaces import linear_of_srgb, oklab_of_linear
from fashquick_features.shape.outline import Outline, Points, UprightFrame

# Centre and spread over 220 labelled photos, medians and median deviations: height of the neck points over the
# shoulders and of the outline between the neck points over these, both in half-widths of the neck; width of the neck
# as a part of that between the shoulders.
NECK_HEIGHT: Final = {
    Neckline.CREW: (0.53, 0.35),
    Neckline.V: (0.51, 0.35),
    Neckline.SCOOP: (0.25, 0.25),
    Neckline.COLLAR: (1.8, 0.6),
    Neckline.HOOD: (1.3, 0.8),
    Neckline.HIGH: (1.7, 0.75),
    Neckline.STRAPS: (0.15, 0.35),
}
RISE: Final = {
    Neckline.CREW: (-0.07, 0.14),
    Neckline.V: (-0.07, 0.17),
    Neckline.SCOOP: (-0.08, 0.16),
    Neckline.COLLAR: (0.14, 0.13),
    Neckline.HOOD: (0.12, 0.3),
    Neckline.HIGH: (0.04, 0.13),
    Neckline.STRAPS: (-0.3, 0.25),
}
NECK_WIDTH: Final = {
    Neckline.CREW: (0.44, 0.13),
    Neckline.V: (0.43, 0.11),
    Neckline.SCOOP: (0.55, 0.13),
    Neckline.COLLAR: (0.27, 0.08),
    Neckline.HOOD: (0.40, 0.11),
    Neckline.HIGH: (0.29, 0.09),
    Neckline.STRAPS: (0.65, 0.12),
}
INDEPENDENCE = 0.6  # power of the product: the three lengths say partly the same
FLOOR = 0.02  # likelihood that a landmark lies anywhere
MIDDLE = 0.6  # of the neck's half width: where the outline between the neck points is looked at

ROWS, COLUMNS = 64, 81  # raster of the body: rows along the axis, columns across it, in half-widths of each row
BODY_ZONE = (0.25, 0.92)  # v between neck and hem
REACH = 0.9  # half-widths looked at on either side of the axis
BANDS: Final = np.linspace(0.10, 0.50, 9)  # half-widths of the opening; a placket is narrower
MIN_SPREAD = 0.02  # OKLab: noise and folds
# ln of the colour step at the opening's edges over the spread within band and halves: centre and spread over 48 open
# and 110 closed fronts. It tells little (area under the ROC curve 0.66): black linings of black jackets do not show.
STEP: Final = {Front.CLOSED: (-0.97, 0.50), Front.OPEN: (-0.55, 0.65)}


def neckline_evidence(
    outline: Outline, frame: UprightFrame, landmarks: Mapping[LandmarkName, Landmark]
) -> dict[Neckline, float]:
    """Likelihood of every neckline, up to a common factor."""
    names = (
        LandmarkName.NECK_LEFT,
        LandmarkName.NECK_RIGHT,
        LandmarkName.SHOULDER_LEFT,
        LandmarkName.SHOULDER_RIGHT,
    )
    level = dict.fromkeys(NECK_HEIGHT, 1.0)
    if any(name not in landmarks for name in names):
        return level
    left, right, one, two = frame.to_frame(np.array([(landmarks[name].x, landmarks[name].y) for name in names]))
    half = 0.5 * float(left[0] - right[0])
    across = float(one[0] - two[0])
    if half <= 0 or across <= 0:
        return level
    centre = 0.5 * (left + right)
    points = frame.to_frame(outline.points)
    near = points[(np.abs(points[:, 0] - centre[0]) < MIDDLE * half) & (points[:, 1] < centre[1] + 2 * half)]
    seen = [
        (0.5 * float(one[1] + two[1]) - float(centre[1])) / half,
        (float(centre[1]) - float(near[:, 1].min())) / half if len(near) else None,
        2 * half / across,
    ]
    evidence = level
    for value, normal in zip(seen, (NECK_HEIGHT, RISE, NECK_WIDTH), strict=True):
        if value is not None:
            evidence = {answer: evidence[answer] * _normal(value, *normal[answer]) for answer in normal}
    return {answer: likelihood**INDEPENDENCE for answer, likelihood in evidence.items()}


def front_evidence(photo: npt.NDArray[np.uint8], outline: Outline, frame: UprightFrame) -> dict[Front, float]:
    """Likelihood of an open and of a closed front, up to a common factor."""
    step = front_step(photo, frame.to_frame(outline.points), frame)
    if step is None:
        return dict.fromkeys(STEP, 1.0)
    value = math.log(max(step, 1e-3))
    return {answer: _normal(value, *normal) for answer, normal in STEP.items()}


def front_step(photo: npt.NDArray[np.uint8], points: Points, frame: UprightFrame) -> float | None:
    """How far a band along the axis differs in colour from the halves beside it, in spreads within them.

    Args:
        photo: HxWx3 uint8, sRGB.
        points: Outline in the upright frame.
        frame: That frame.

    Returns:
        The largest step over all widths of the band; None where the garment is too small.
    """
    levels = np.linspace(*BODY_ZONE, ROWS)
    inner = np.abs(points[:, 0]) > 0.02
    half = np.array(
        [
            min(
                np.abs(points[side & inner & (np.abs(points[:, 1] - level) < 0.04), 0]).min(initial=np.inf)
                for side in (points[:, 0] > 0, points[:, 0] < 0)
            )
            for level in levels
        ]
    )
    usable = np.isfinite(half)
    if usable.sum() < ROWS // 2:
        return None
    width = float(np.median(half[usable]))
    if width * frame.height_px < 20:
        return None
    across = np.linspace(-REACH, REACH, COLUMNS)
    grid = np.stack(np.broadcast_arrays(across[None] * width, levels[usable][:, None]), axis=-1)
    places = frame.to_photo(grid.reshape(-1, 2)).reshape(*grid.shape) - 0.5
    shrink = min(1.0, COLUMNS / (2 * width * frame.height_px) * 1.5)
    small = cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else photo
    at = (places * shrink).astype(np.float32)
    body = cv2.remap(small, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lab = oklab_of_linear(linear_of_srgb(np.asarray(body, np.uint8)))
    column = np.median(lab, axis=0)
    best = 0.0
    for band in BANDS:
        inside, beside = np.abs(across) < band - 0.02, (np.abs(across) > band + 0.02) & (np.abs(across) < 2 * band)
        left, right = beside & (across < 0), beside & (across > 0)
        if min(inside.sum(), left.sum(), right.sum()) < 2:
            continue
        middle = column[inside].mean(axis=0)
        steps = [float(np.hypot.reduce(middle - column[side].mean(axis=0))) for side in (left, right)]
        spread = MIN_SPREAD + float(column[inside].std(axis=0).max()) + float(column[left | right].std(axis=0).max())
        best = max(best, min(steps) / spread)
    return best


def _normal(value: float, centre: float, spread: float) -> float:
    return math.exp(-(((value - centre) / spread) ** 2) / 2) / spread + FLOOR
