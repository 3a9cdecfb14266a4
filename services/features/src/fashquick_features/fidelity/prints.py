"""Whether what is printed on the garment is still there: by its structure, and by what can be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import cv2
import numpy as np

from fashquick_features.fidelity.expected import Expected
from fashquick_features.fidelity.sights import Bools, Floats32, Image, Sight

WINDOW_PX = 2.0  # sigma of the windows in which structure is compared: about a stroke and what is beside it
SCALES = ((1.0, 0.5), (0.5, 0.3), (0.25, 0.2))  # size of the images, weight: fine structure is what a blur takes
STABLE = 4.0  # of Lab units squared: noise that counts as no structure (the constant of SSIM)
MIN_SEEN = 0.3  # part of a print that the picture must show to judge it


def structure_kept(expected: Expected, picture: Sight, window: Bools) -> float:
    """How much of a print's structure is kept.

    The contrast and structure terms of SSIM (Wang and others, "Image quality assessment", 2004, equation 13) over the
    three channels of CIE L*a*b* together, in windows weighted by how much structure the photo has there, at three
    scales. The brightness term is left out: it is the light's.

    Args:
        expected: The photo's cloth where the picture shows it.
        picture: The picture.
        window: HxW bool, pixels of the picture that show the print.

    Returns:
        0 (gone) to 1 (kept).
    """
    want, have = _lab(expected.sight.rgb), _lab(picture.rgb)
    mask = (window & expected.known).astype(np.float32)
    total = weights = 0.0
    for scale, weight in SCALES:
        size = tuple(max(1, round(scale * side)) for side in mask.shape[::-1])
        one, two, inside = (_resized(plane, size) for plane in (want, have, mask))
        if np.count_nonzero(inside > 0.5) < 16:
            continue
        total += weight * _similarity(one, two, inside)
        weights += weight
    return float(np.clip(total / weights, 0, 1)) if weights else 0.0


def _resized(plane: Floats32, size: tuple[int, ...]) -> Floats32:
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _similarity(want: Floats32, have: Floats32, inside: Floats32) -> float:
    part = np.maximum(cv2.GaussianBlur(inside, (0, 0), WINDOW_PX), 1e-3)

    def mean(plane: Floats32) -> Floats32:
        blurred = cv2.GaussianBlur(plane * inside[..., None], (0, 0), WINDOW_PX).reshape(plane.shape)
        return np.asarray(blurred / part[..., None], np.float32)

    mean_want, mean_have = mean(want), mean(have)
    var_want = np.maximum((mean(want * want) - mean_want**2).sum(axis=2), 0)
    var_have = np.maximum((mean(have * have) - mean_have**2).sum(axis=2), 0)
    shared = (mean(want * have) - mean_want * mean_have).sum(axis=2)
    kept = (2 * shared + STABLE) / (var_want + var_have + STABLE)
    weight = var_want * (inside > 0.5)
    # A part of the picture with structure that the photo lacks counts against it, half as much.
    weight = weight + 0.5 * np.maximum(var_have - var_want, 0) * (inside > 0.5)
    power = float(weight.sum())
    return float((kept * weight).sum() / power) if power > STABLE else 0.0


def has_structure(sight: Sight, window: tuple[int, int, int, int]) -> bool:
    """Whether a print still shows at a sight's size: its colours differ by more than noise."""
    left, top, right, bottom = window
    lab = _lab(sight.rgb[top:bottom, left:right]).reshape(-1, 3)
    return float(lab.var(axis=0).sum()) > 4 * STABLE


def text_kept(wanted: Sequence[str], read: Sequence[str]) -> float:
    """How much of some lines of text is found among others, 0 to 1.

    Ratcliff and Obershelp's ratio of each line with the likest read one, or with all that was read together, weighted
    by the lines' lengths; case and spaces do not count.
    """
    plain = [_plain(line) for line in read]
    candidates = [*plain, "".join(plain)]
    total = kept = 0.0
    for line in map(_plain, wanted):
        total += len(line)
        kept += len(line) * max(SequenceMatcher(None, line, other, autojunk=False).ratio() for other in candidates)
    return kept / total if total else 0.0


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _lab(rgb: Image) -> Floats32:
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
