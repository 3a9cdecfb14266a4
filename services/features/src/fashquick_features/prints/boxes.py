"""Placed prints, logos and labels: where they are on the photo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Box, Print
from fashquick_features.prints.ground import Surface, surface_of
from fashquick_features.prints.groups import NAMES, Group, groups_of
from fashquick_features.recognition.ensemble import Weights, read_weights
from fashquick_features.shape.upright import Upright

MIN_CONFIDENCE = 0.35  # less likely groups are folds, pockets and motifs more often than prints
SAME = 0.4  # part of the smaller of two boxes that both may share before they count as the same print
MAX_SPAN = 0.85  # of the garment's width and height: what spans more of both is a pattern, not a placed print
NEAR_SHARE = 0.05  # of the garment's longer side: boxes closer than this are one print, as an emblem and its words
MAX_PRINTS = 8
MAX_SIGMA = 5.0  # odd groups must not saturate the network
MODEL_FILE: Final = "prints.npz"

Floats = npt.NDArray[np.float64]


class PrintFinder:
    """Finds what is printed, stitched or sewn on; a small neural network tells it from folds, seams and patterns.

    Thread-safe: it keeps nothing of a garment.
    """

    def __init__(self, weights: Weights) -> None:
        """Take the weights as `scripts/train_prints.py` writes them.

        Raises:
            ValueError: They do not fit this version's measures of a group.
        """
        if weights["mean"].shape != (len(NAMES),):
            raise ValueError(f"the weights are for {weights['mean'].size} measures, this version has {len(NAMES)}")
        self._mean, self._scale = weights["mean"].astype(np.float64), weights["scale"].astype(np.float64)
        self._nets = [
            tuple(weights[f"{name}_{index}"].astype(np.float64) for name in ("w1", "b1", "w2", "b2"))
            for index in range(int(weights["nets"]))
        ]

    def find(self, view: Upright, cancel: CancelFlag) -> tuple[Print, ...]:
        """Find a garment's prints.

        Args:
            view: The garment upright, of any size.
            cancel: Checked between the steps.

        Returns:
            Prints without text, largest box first, at most `MAX_PRINTS`; boxes are in pixels of the photo, the hull
            there of the upright box, within the view.

        Raises:
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """
        surface = surface_of(view, cancel)
        rows, columns = np.nonzero(surface.inside.any(axis=1))[0], np.nonzero(surface.inside.any(axis=0))[0]
        if not len(rows):
            return ()
        height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
        placed = [
            group
            for group in groups_of(surface, cancel)
            if group.width <= MAX_SPAN * width or group.height <= MAX_SPAN * height
        ]
        rated = sorted(((self.confidence(group), group) for group in placed), key=_preference)
        kept: list[tuple[float, Group]] = []
        for sure, group in rated:
            if sure < MIN_CONFIDENCE or len(kept) == MAX_PRINTS:
                break
            if all(_shared(group, other) < SAME for _, other in kept):
                kept.append((sure, group))
        kept = _joined(kept, NEAR_SHARE * max(height, width))
        whole = max(1, int(np.count_nonzero(surface.inside)))
        found = [
            Print(box_of(view, surface, group), min(1.0, group.area_px / whole), round(sure, 4)) for sure, group in kept
        ]
        return tuple(sorted(found, key=lambda item: (-item.box.width * item.box.height, item.box.x, item.box.y)))

    def confidence(self, group: Group) -> float:
        """How sure it is, 0 to 1, that the group is a print, a logo or a label."""
        normal = np.clip((group.looks - self._mean) / self._scale, -MAX_SIGMA, MAX_SIGMA)
        logits = [float((np.maximum(normal @ w1 + b1, 0) @ w2 + b2)[0]) for w1, b1, w2, b2 in self._nets]
        # Each network's probability counts alike; logits are kept from overflowing.
        return float(np.mean(1 / (1 + np.exp(-np.clip(logits, -30, 30)))))


def box_of(view: Upright, surface: Surface, group: Group) -> Box:
    """A group's box on the photo: the axis-aligned hull of its upright box."""
    scale = np.array(surface.factor)
    low = np.array([group.left, group.top]) * scale
    high = np.array([group.left + group.width, group.top + group.height]) * scale
    corners = view.places(np.array([low, [high[0], low[1]], high, [low[0], high[1]]]))
    left, top = (float(value) for value in corners.min(axis=0))
    width, height = (float(value) for value in np.ptp(corners, axis=0))
    return Box(left, top, width, height)


def within(prints: Iterable[Print], width: int, height: int) -> tuple[Print, ...]:
    """Cut boxes to the photo: those of a turned garment at its border reach over it.

    Args:
        prints: With or without lines.
        width: Of the photo, pixels.
        height: Of the photo, pixels.

    Returns:
        The prints and lines that lie on the photo.
    """
    kept = []
    for item in prints:
        box = _cut(item.box, width, height)
        if box is None:
            continue
        cut = ((line, _cut(line.box, width, height)) for line in item.lines)
        lines = tuple(replace(line, box=place) for line, place in cut if place is not None)
        kept.append(replace(item, box=box, lines=lines))
    return tuple(kept)


def _cut(box: Box, width: int, height: int) -> Box | None:
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(float(width), box.x + box.width), min(float(height), box.y + box.height)
    return Box(left, top, right - left, bottom - top) if right - left > 0 and bottom - top > 0 else None


def load_finder() -> tuple[PrintFinder, str]:
    """Read the finder that comes with the distribution, and the SHA-256 of its file in hex."""
    weights, digest = read_weights(MODEL_FILE)
    return PrintFinder(weights), digest


def _preference(rated: tuple[float, Group]) -> tuple[float, int, int]:
    return -rated[0], rated[1].top, rated[1].left


def _joined(kept: list[tuple[float, Group]], gap: float) -> list[tuple[float, Group]]:
    """Make one of groups whose boxes lie closer than `gap`; it is as sure as its surest part."""
    for index, (sure, one) in enumerate(kept):
        for other in range(index):
            surer, two = kept[other]
            if _gap(one, two) < gap:
                left, top = min(one.left, two.left), min(one.top, two.top)
                right = max(one.left + one.width, two.left + two.width)
                bottom = max(one.top + one.height, two.top + two.height)
                both = Group(left, top, right - left, bottom - top, one.area_px + two.area_px, two.looks)
                rest = [item for place, item in enumerate(kept) if place not in (index, other)]
                return _joined([*rest, (max(sure, surer), both)], gap)
    return kept


def _gap(one: Group, two: Group) -> float:
    """Pixels between two boxes, the larger of across and down."""
    across = max(one.left, two.left) - min(one.left + one.width, two.left + two.width)
    down = max(one.top, two.top) - min(one.top + one.height, two.top + two.height)
    return float(max(across, down))


def _shared(one: Group, two: Group) -> float:
    """Overlap of two boxes over the smaller one."""
    across = min(one.left + one.width, two.left + two.width) - max(one.left, two.left)
    down = min(one.top + one.height, two.top + two.height) - max(one.top, two.top)
    smaller = min(one.width * one.height, two.width * two.height)
    return max(0, across) * max(0, down) / smaller
