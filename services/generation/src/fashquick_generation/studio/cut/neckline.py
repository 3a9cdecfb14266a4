"""The edge of the front panel at the neck.

In a photo of a T-shirt lying flat the outline between the neck points is the back panel's edge; the front panel's
lies below it, inside the garment, and between the two the inside of the back is seen. The edge is looked for as
the curve of a small family (round to V, shallow to deep) along which colours change most, in the spirit of
Daugman's integro-differential operator ("High confidence visual recognition of persons by a test of statistical
independence", 1993, eq. 2).
"""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float32, Float64, UInt8
from fashquick_generation.studio.cut.outline import Outline, resampled

SAMPLES = 61
"""Points along a candidate curve."""
ROUNDNESS = (2.0, 1.6, 1.3, 1.05)
"""Exponents of |x|^p + y^p = 1: an ellipse, two between, almost a V."""
SHAPE_TRUST = (1.0, 0.9, 0.6, 0.5)
"""Round necklines are the common ones; a pointed one must show more clearly."""
SHALLOWEST, DEEPEST = 0.24, 1.35
"""Depth of a neckline under the line between the neck points, as shares of the neck's width."""
BELOW_BACK = 0.17
"""Least distance between the back's edge and the front's, in the same measure: more than a collar's ribbing, whose
seam on the back runs along the back's edge and would be taken for the front's."""
USUAL_DEPTH = 0.45
"""Depth where the photo shows no edge: a crew neck's."""
CUT_OUT = 0.33
"""An outline that sags more than this already is the front's edge: the mask leaves out the inside of the back."""
ORDINARY = 0.6
"""Depth from which necklines become rarer, and must show more clearly, in the same measure."""
AROUND = 0.3
"""Margin around the searched region, in the same measure."""
DEPTHS = 52
CLEAR_EDGE = 1.7
"""An edge counts if colours change this much more along it than along the middle one of all candidates."""
FIRST_SHARE = 0.85
"""A ribbed collar has two edges; the upper one is the opening. It need only be this strong against the lower."""
AGREEING = 35
"""Percentile along a curve that counts: most of it must show the change, and a label's edge is only a piece."""
KNOWN_SHARE = 0.12
"""How exact the passport's lowest point is, as a share of the neck's width; edges near it count up to double."""
STEP_SHARE = 0.05
"""Distance between the two sides that are compared, as a share of the neck's width."""
STRONG_CHANGE = 0.15
"""Colour change (of 1) from which a stronger one does not count more, so that print does not win over cloth."""
FAINTEST_CHANGE = 0.012
"""Colour change that is no more than the cloth's own texture."""


def front_neckline(photo: UInt8, outline: Outline) -> Float64:
    """The front panel's edge from the wearer's right neck point to the left one.

    Args:
        photo: HxWx3 uint8.
        outline: A top's.

    Returns:
        `SAMPLES` x 2 float64, pixels.
    """
    right, left = outline.at(L.NECK_RIGHT), outline.at(L.NECK_LEFT)
    width = float(np.linalg.norm(left - right))
    if _sag(outline, right, left) > CUT_OUT * width:
        return resampled(outline.between(L.NECK_RIGHT, L.NECK_LEFT), SAMPLES)
    least, most, known = _depths(outline, right, left, width)
    depths = np.linspace(least, most, DEPTHS)
    corner = np.maximum(np.floor(np.minimum(right, left) - AROUND * width).astype(int), 0)
    last = np.ceil(np.maximum(right, left) + (AROUND + DEEPEST) * width).astype(int)
    blurred = cv2.GaussianBlur(photo[corner[1] : last[1], corner[0] : last[0]], (0, 0), max(0.006 * width, 0.6))
    smooth = np.asarray(blurred, np.float32) / np.float32(255)
    change = np.array(
        [[_change(smooth, right - corner, left - corner, depth, p) for depth in depths] for p in ROUNDNESS]
    )
    change *= np.array(SHAPE_TRUST)[:, None]
    change /= 1 + np.clip(depths / width - ORDINARY, 0, None)
    if known is not None:
        change *= 1 + outline.collar_confidence * np.exp(-(((depths - known) / (KNOWN_SHARE * width)) ** 2))
    best_shape = int(change.max(axis=1).argmax())
    along = change[best_shape]
    if along.max() < max(CLEAR_EDGE * float(np.median(change)), FAINTEST_CHANGE):
        usual = float(np.clip(known or USUAL_DEPTH * width, least, most))
        return curve(right, left, usual, ROUNDNESS[0])
    strong = np.flatnonzero(along >= FIRST_SHARE * along.max())
    first = strong[0]
    while first + 1 < len(along) and along[first + 1] > along[first]:
        first += 1
    return curve(right, left, float(depths[first]), ROUNDNESS[best_shape])


def curve(right: Float64, left: Float64, depth: float, roundness: float) -> Float64:
    """A neckline: |x|^p + y^p = 1 between the neck points, `depth` pixels deep."""
    angle = np.linspace(np.pi, 0, SAMPLES)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / roundness)
    y = np.sin(angle) ** (2 / roundness)
    half = (left - right) / 2
    down = np.array([-half[1], half[0]]) / np.linalg.norm(half)
    line: Float64 = (left + right) / 2 + x[:, None] * half + depth * y[:, None] * down
    return line


def _depths(outline: Outline, right: Float64, left: Float64, width: float) -> tuple[float, float, float | None]:
    """Least and largest depth of the front's edge, and the passport's, if it has one."""
    least = max(SHALLOWEST * width, _sag(outline, right, left) + BELOW_BACK * width)
    most = max(DEEPEST * width, 1.3 * least)
    if outline.collar_bottom is None:
        return least, most, None
    down = np.array([-(left - right)[1], (left - right)[0]]) / width
    return least, most, float((outline.collar_bottom - right) @ down)


def _sag(outline: Outline, right: Float64, left: Float64) -> float:
    """How far the outline between the neck points lies under the straight line between them, pixels."""
    across = left - right
    down = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    return float(((outline.between(L.NECK_RIGHT, L.NECK_LEFT) - right) @ down).max())


def _change(photo: Float32, right: Float64, left: Float64, depth: float, roundness: float) -> float:
    """Colour difference between the two sides of a candidate that is the same all along it, its ends left out."""
    line = curve(right, left, depth, roundness)
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    step = STEP_SHARE * float(np.linalg.norm(left - right)) / 2
    inner, outer = (_colours(photo, line + sign * step * normal) for sign in (-1.0, 1.0))
    away = (inner - outer)[SAMPLES // 10 : -(SAMPLES // 10)]
    usual = np.median(away, axis=0)
    along = away @ (usual / (np.linalg.norm(usual) + 1e-9))
    return float(np.clip(np.percentile(along, AGREEING), 0, STRONG_CHANGE))


def _colours(photo: Float32, pixels: Float64) -> Float32:
    at = (pixels - 0.5).astype(np.float32)
    colours = cv2.remap(photo, at[:, :1], at[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(colours[:, 0], np.float32)
