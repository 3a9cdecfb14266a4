"""What stands out from the ground, gathered into groups that may be prints, and what each group looks like."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from fashquick_common.cancel import CancelFlag
from fashquick_features.prints.ground import WORKING_PX, Floats, Mask, Surface

LEVELS = (1.2, 2.0, 3.4)  # of `Surface.step`: faint prints stand out little, on creased cloth only strong steps tell
SOFTEST = 0.1  # slope at the border over step within: folds' shadows and washed denim are softer, printed edges sharper
MAX_RIM = 0.25  # part of a border that may lie at the garment's rim: more are collars, cuffs, hems and the background
MIN_PX = 12  # smaller specks are buttons' gleams and noise
REACH_SHARE = 0.018  # of the long side: parts closer than twice this belong together, as letters of a line do
MAX_GROUPS = 12  # the largest are looked at
NAMES = (
    "area", "box", "step", "colour", "hard", "parts", "fill", "aspect", "noise", "aside", "down", "busy", "others",
    "thick", "dark", "around", "tinted", "inland",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pixels that stand out.

    Attributes:
        left, top, width, height: Its box in surface pixels.
        area_px: Pixels that stand out.
        looks: float64 of `NAMES`: what the judgement goes by.
    """

    left: int
    top: int
    width: int
    height: int
    area_px: int
    looks: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Context:
    """What all groups of a garment are compared with.

    Attributes:
        surface: The garment's surface.
        box: Its box: left, top, width, height.
        whole_px: Its pixels.
        inland: hxw float32, distance to its rim.
        noise: Step that two thirds of it stay below.
        slope, inner_px: Sum of the slope over the garment without its rim, and that one's pixels.
    """

    surface: Surface
    box: tuple[int, int, int, int]
    whole_px: int
    inland: Floats
    noise: float
    slope: float
    inner_px: int

    @classmethod
    def of(cls, surface: Surface) -> _Context:
        """Gather it."""
        plane = surface.inside.astype(np.uint8)
        left, top, width, height = cv2.boundingRect(plane)
        inland = np.asarray(cv2.distanceTransform(plane, cv2.DIST_L2, 3), np.float32)
        noise = float(np.quantile(surface.step[surface.inner][::4], 0.65))
        slope = float(surface.slope[surface.inner].sum(dtype=np.float64))
        whole, inner = int(np.count_nonzero(plane)), int(np.count_nonzero(surface.inner))
        return cls(surface, (left, top, width, height), whole, inland, noise, slope, inner)


def groups_of(surface: Surface, cancel: CancelFlag) -> list[Group]:
    """Gather what stands out, at each of `LEVELS`; groups of different levels may be the same thing.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    if not surface.inner.any():
        return []
    context = _Context.of(surface)
    found = []
    for level in LEVELS:
        cancel.check()
        found += _level(context, level)
    return found


def _level(context: _Context, level: float) -> list[Group]:
    kept, labels = _parts(context.surface, level)
    if not kept.any():
        return []
    reach = 2 * max(1, round(REACH_SHARE * WORKING_PX)) + 1
    near = cv2.dilate(kept.astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, joined = cv2.connectedComponents(near, connectivity=8)
    joined[~kept] = 0
    areas = np.bincount(joined.ravel(), minlength=count)
    areas[0] = 0
    order = [int(index) for index in np.argsort(-areas, kind="stable")[:MAX_GROUPS] if areas[index] >= MIN_PX]
    whole = int(areas[order].sum())
    windows = find_objects(joined)
    return [_group(context, joined[windows[index - 1]] == index, windows[index - 1], labels, whole) for index in order]


def _parts(surface: Surface, limit: float) -> tuple[Mask, npt.NDArray[np.int32]]:
    """Pixels of the parts that are neither soft nor at the rim, and all parts' labels."""
    out = (surface.step > limit) & surface.inner
    count, labels, stats, _ = cv2.connectedComponentsWithStats(out.astype(np.uint8), connectivity=8)
    border = out & (cv2.erode(out.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) == 0)
    outside = cv2.dilate((~surface.inner).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    at = labels[border]
    length = np.maximum(np.bincount(at, minlength=count), 1)
    rim = np.bincount(at, outside[border], minlength=count) / length
    slope = np.bincount(at, surface.slope[border], minlength=count) / length
    step = np.bincount(labels.ravel(), surface.step.ravel(), minlength=count) / np.maximum(
        stats[:, cv2.CC_STAT_AREA], 1
    )
    good = (rim <= MAX_RIM) & (slope > SOFTEST * step) & (stats[:, cv2.CC_STAT_AREA] >= MIN_PX)
    good[0] = False
    return np.asarray(good[labels]), np.asarray(labels, np.int32)


def _group(
    context: _Context, part: Mask, window: tuple[slice, slice], labels: npt.NDArray[np.int32], all_px: int
) -> Group:
    """Describe the group `part` (a mask within `window`)."""
    surface, box = context.surface, context.box
    top, left = window[0].start, window[1].start
    height, width = part.shape
    area = int(np.count_nonzero(part))
    plane = np.pad(part, 1).astype(np.uint8)
    border = part & (cv2.erode(plane, np.ones((3, 3), np.uint8))[1:-1, 1:-1] == 0)
    step = float(surface.step[window][part].mean())
    colour = surface.colour[window][part]
    slope, inner = surface.slope[window], surface.inner[window]
    around = context.slope - float(slope[inner].sum(dtype=np.float64))
    around_px = context.inner_px - int(np.count_nonzero(inner))
    looks = [
        np.log(area / context.whole_px),
        np.log(width * height / (box[2] * box[3])),
        np.log(step),
        np.log1p(float(colour.mean())),
        float(slope[border].mean()) / step,
        np.log(len(np.unique(labels[window][part]))),
        area / (width * height),
        np.log(width / height),
        context.noise,
        abs((left + width / 2 - box[0]) / box[2] - 0.5),
        (top + height / 2 - box[1]) / box[3],
        np.log1p(float(slope.mean())),
        1 - area / all_px,
        np.log(float(cv2.distanceTransform(plane, cv2.DIST_L2, 3).max()) / WORKING_PX),
        float(surface.light[window][part].mean()),
        np.log1p(max(0.0, around) / max(1, around_px)),
        np.log1p(float(np.quantile(colour, 0.9))),
        float(context.inland[window][part].min()) / WORKING_PX,
    ]
    return Group(left, top, width, height, area, np.array(looks, np.float64))
