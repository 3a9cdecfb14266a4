"""The shape of a T-shirt laid flat: outline, panels, seams and landmarks.

Lengths are parts of the body's length, shoulder to hem; u grows to the picture's right, v downwards, and u is 0 in the
middle. The wearer's left is the picture's right.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import LandmarkName

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.float32]

RIB_WIDTH = 0.030
BACK_NECK_SAG = 0.022
HEM_SAG = 0.016
HEM_STITCH = 0.028  # distance of the stitches from hem and cuffs
STITCH_GAP = 0.006  # between two lines of stitches
_SUBPIXEL = 4  # bits of fraction in OpenCV's polygon coordinates

# The half to the picture's right, of a classic fit: half chest 50 cm, length 70 cm, sleeve 20 cm.
_NECK, _SHOULDER = (0.132, 0.0), (0.328, 0.082)
_CUFF_UPPER, _CUFF_LOWER = (0.512, 0.272), (0.408, 0.418)
_ARMPIT, _HEM = (0.356, 0.342), (0.362, 0.978)
_COLLAR_DEPTH = 0.118


@dataclass(frozen=True, slots=True)
class Side:
    """One half's corners, u and v each.

    Attributes:
        neck: Where collar and shoulder meet.
        shoulder: Where shoulder and sleeve meet.
        cuff_upper: The cuff's corner that continues the shoulder.
        cuff_lower: The cuff's corner that continues the underarm seam.
        armpit: Where underarm and side seam meet.
        hem: The hem's corner.
    """

    neck: Points
    shoulder: Points
    cuff_upper: Points
    cuff_lower: Points
    armpit: Points
    hem: Points


@dataclass(frozen=True, slots=True)
class Shirt:
    """A T-shirt's lines in garment units.

    Attributes:
        outline: Nx2, closed.
        sleeves: The two sleeves' polygons, picture's right first.
        opening: Polygon of what is seen through the neck: the inside of the back.
        rib: Polygon of the front collar, with the opening in it.
        back_rib: Polygon of the back collar's inside.
        seams: Lines that are sewn: armholes, shoulders, collar.
        stitches: Lines of stitches beside hem and cuffs.
        sides: The corners, picture's right first.
        collar_bottom: Lowest point of the front neckline.
    """

    outline: Points
    sleeves: tuple[Points, Points]
    opening: Points
    rib: Points
    back_rib: Points
    seams: tuple[Points, ...]
    stitches: tuple[Points, ...]
    sides: tuple[Side, Side]
    collar_bottom: Points

    def landmarks(self) -> dict[LandmarkName, Points]:
        """Where the landmarks are; left is the wearer's, the picture's right."""
        found = {LandmarkName.COLLAR_BOTTOM: self.collar_bottom}
        for side, name in zip(self.sides, ("left", "right"), strict=True):
            for corner in ("neck", "shoulder", "armpit", "hem"):
                found[LandmarkName(f"{corner}-{name}")] = getattr(side, corner)
            found[LandmarkName(f"cuff-{name}-upper")] = side.cuff_upper
            found[LandmarkName(f"cuff-{name}-lower")] = side.cuff_lower
        return found


def make_shirt(rng: np.random.Generator) -> Shirt:
    """Lay out a shirt whose halves differ a little, as laid by hand."""
    right, left = _side(1.0, rng), _side(-1.0, rng)
    hem_middle = np.array([0.0, (right.hem[1] + left.hem[1]) / 2 + HEM_SAG])
    halves = [_half_outline(side, hem_middle, rng) for side in (right, left)]
    back_neck = _bow(left.neck, right.neck, BACK_NECK_SAG)
    outline = np.vstack([back_neck, halves[0], halves[1][::-1]])
    front = _collar_curve(left.neck, right.neck, _COLLAR_DEPTH)
    lower = _collar_curve(left.neck, right.neck, _COLLAR_DEPTH, RIB_WIDTH)
    inner_back = back_neck + np.array([0.0, RIB_WIDTH])
    armholes = tuple(_bow_towards(side.shoulder, side.armpit, -0.016 * np.sign(side.neck[0])) for side in (right, left))
    sleeves = [
        np.vstack([side.shoulder, side.cuff_upper, side.cuff_lower, armhole[::-1]])
        for side, armhole in zip((right, left), armholes, strict=True)
    ]
    return Shirt(
        outline=outline,
        sleeves=(_grown(sleeves[0]), _grown(sleeves[1])),
        opening=np.vstack([back_neck, front[::-1]]),
        rib=np.vstack([back_neck[:1], lower, back_neck[::-1]]),
        back_rib=np.vstack([back_neck, inner_back[::-1]]),
        seams=(*armholes, lower),
        stitches=(*_hem_stitches(right, left), *(_cuff_stitches(side) for side in (right, left))),
        sides=(right, left),
        collar_bottom=front[len(front) // 2],
    )


def fill(polygon: Points, shape: tuple[int, int], to_pixels: npt.NDArray[np.float64]) -> Mask:
    """Rasterise a polygon of garment units, antialiased; HxW, 0 to 1.

    Args:
        polygon: Nx2.
        shape: Height and width.
        to_pixels: 2x3 matrix from garment units to pixels.
    """
    canvas = np.zeros(shape, np.uint8)
    points = polygon @ to_pixels[:, :2].T + to_pixels[:, 2]
    cv2.fillPoly(canvas, [np.round(points * 2**_SUBPIXEL).astype(np.int32)], 255, cv2.LINE_AA, _SUBPIXEL)
    return np.asarray(canvas, np.float32) / np.float32(255)


def stroke(
    line: Points, shape: tuple[int, int], to_pixels: npt.NDArray[np.float64], *, thickness: int = 1, dash: int = 0
) -> Mask:
    """Rasterise a line of garment units; HxW, 0 to 1. With `dash`, every second stretch of so many points is left."""
    canvas = np.zeros(shape, np.uint8)
    points = np.round((line @ to_pixels[:, :2].T + to_pixels[:, 2]) * 2**_SUBPIXEL).astype(np.int32)
    step = dash or len(points)
    parts = [points[at : at + step + (0 if dash else 1)] for at in range(0, len(points), 2 * step)]
    cv2.polylines(canvas, parts, isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=_SUBPIXEL)
    return np.asarray(canvas, np.float32) / np.float32(255)


def resample(line: Points, step: float) -> Points:
    """Points every `step` along a line."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    places = np.arange(0.0, lengths[-1], step)
    return np.stack([np.interp(places, lengths, line[:, axis]) for axis in (0, 1)], axis=1)


def _side(sign: float, rng: np.random.Generator) -> Side:
    corners = np.array([_NECK, _SHOULDER, _CUFF_UPPER, _CUFF_LOWER, _ARMPIT, _HEM])
    corners[1:] += rng.normal(0, 0.006, (5, 2))
    return Side(*(corners * np.array([sign, 1.0])))


def _half_outline(side: Side, hem_middle: Points, rng: np.random.Generator) -> Points:
    """From the neck along shoulder, sleeve and side seam to the middle of the hem, with soft corners."""
    sign = float(np.sign(side.hem[0]))
    edges = [
        _bow_towards(side.neck, side.shoulder, 0.006 * sign),
        _bow_towards(side.shoulder, side.cuff_upper, 0.014 * sign),
        _bow_towards(side.cuff_upper, side.cuff_lower, 0.004 * sign),
        _bow_towards(side.cuff_lower, side.armpit, -0.006 * sign),
        _bow_towards(side.armpit, side.hem, -0.010 * sign),
        _bow_towards(side.hem, hem_middle, 0.004 * sign),
    ]
    line = resample(np.vstack(edges), 0.002)
    reach = 7  # points on either side, about 1 cm of cloth: corners of cloth are never sharp
    kernel = np.hanning(2 * reach + 1)
    kernel /= kernel.sum()
    padded = np.pad(line, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    soft = np.stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in (0, 1)], axis=1)
    knots = np.linspace(0, len(soft), 26)
    wobble = np.interp(np.arange(len(soft)), knots, rng.normal(0, 0.0022, 26))
    ends = np.minimum(1.0, np.minimum(np.arange(len(soft)), np.arange(len(soft))[::-1]) / 40)
    along = np.gradient(soft, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    return np.asarray(soft + normal * (wobble * ends)[:, None])


def _bow(start: Points, end: Points, sag: float) -> Points:
    """Line from start to end that hangs down by `sag` in the middle."""
    along = np.linspace(0.0, 1.0, 41)[:, None]
    return np.asarray(start + along * (end - start) + np.array([0.0, 1.0]) * 4 * along * (1 - along) * sag)


def _bow_towards(start: Points, end: Points, bulge: float) -> Points:
    """Line from start to end that bulges sideways, to the left of its direction when positive on screen."""
    along = np.linspace(0.0, 1.0, 41)[:, None]
    chord = end - start
    across = np.array([chord[1], -chord[0]]) / np.hypot(*chord)
    return np.asarray(start + along * chord + across * 4 * along * (1 - along) * bulge)


def _collar_curve(left: Points, right: Points, depth: float, grow: float = 0.0) -> Points:
    """Half an ellipse from neck point to neck point; `grow` moves it outwards by a rib's width."""
    angle = np.linspace(np.pi, 0.0, 81)
    middle, radius = (left + right) / 2, np.hypot(*(right - left)) / 2
    curve = np.stack([np.cos(angle) * (radius + grow), np.sin(angle) * (depth + grow)], axis=1) + middle
    slope = (right[1] - left[1]) / (right[0] - left[0])
    curve[:, 1] += slope * (curve[:, 0] - middle[0])
    return np.asarray(curve)


def _grown(polygon: Points) -> Points:
    """The sleeve a little larger than drawn, so that the outline and not the panel decides where cloth ends."""
    out = polygon.copy()
    centre = polygon[:3].mean(axis=0)
    out[1:3] = centre + (polygon[1:3] - centre) * 1.25
    return out


def _hem_stitches(right: Side, left: Side) -> tuple[Points, Points]:
    ends = (left.hem + np.array([0.004, 0.0]), right.hem - np.array([0.004, 0.0]))
    line = resample(_bow(ends[0], ends[1], HEM_SAG), 0.0015)
    return line - np.array([0.0, HEM_STITCH]), line - np.array([0.0, HEM_STITCH + STITCH_GAP])


def _cuff_stitches(side: Side) -> Points:
    inward = (side.shoulder + side.armpit) / 2 - (side.cuff_upper + side.cuff_lower) / 2
    shift = inward / np.hypot(*inward) * HEM_STITCH
    return np.asarray(resample(np.stack([side.cuff_upper, side.cuff_lower]), 0.0015) + shift)
