"""The garment's own pixels, ready to be put on the cloth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float32, Float64, Int, UInt8
from fashquick_generation.studio.colour import LUMINANCE, lightness, linear
from fashquick_generation.studio.cut.pattern import Pattern

Pixels = TypeVar("Pixels", UInt8, Float32)

MARGIN_SHARE = 0.04
"""Room around the garment in the texture, as a share of its diagonal; cloth reaches a little past the mask."""
EDGE_SHARE = 0.004
"""Pixels this close to the outline, as a share of the diagonal, are mixed with what lies behind the garment."""
FRINGE_SHARE = 0.02
"""Pixels this close may be background that a loose mask took along."""
DEEP_SHARE = 0.04
"""Pixels farther inside than this are garment without doubt."""
WHITE_FROM, WHITE_SURE = 66.0, 76.0
"""Lightness (L*) of a neutral garment's bright parts from which it may be, and surely is, a white one."""
BRIGHTER_THINGS = (8.0, 16.0)
"""Lightness by which other things in the photo may outshine a white garment, and by which a light one is grey: a
photo that shows brighter things is not underexposed."""
WHITE_LIGHTNESS = 94.0
"""Lightness of a white garment's bright parts in a well exposed picture."""
NEUTRAL_SPREAD = 0.22
"""Largest difference of the linear channels, as a share of their mean, of a garment that may be white."""
FAINT_TINT, PRINT_STRENGTH = 0.20, 0.50
"""Differences of the linear channels, as shares of their mean, below which a tint on a white garment is taken for
the room's, and above which it is a print's."""
FOLD_SHARE = 0.006
"""Reach of a fold's shade, as a share of the texture's diagonal."""
FOLD_SHADE = (0.25, 0.5)
"""Luminance of a fold over that of the cloth around it: darker is a print, lighter surely a fold."""
FOLD_SOFTENING = 0.55
"""Part of a fold's contrast, in logarithms, that is taken away on white cloth."""
LARGEST_PX = 1400
"""Longest side of a texture: as much as photos show of a garment."""
SIDE_SHARE = 0.14
"""Width of the strips along the side seams, as a share of the garment's width, where prints are rare."""
PLAIN_RATIO = 0.55
"""A front whose middle varies this much more than its sides carries a print that the back lacks."""


@dataclass(frozen=True, slots=True)
class Texture:
    """Linear light images of the cloth; texel (x, y) lies at the photo's pixel `origin + (x, y) / scale`.

    Attributes:
        front: HxWx3 float32, outside of the front panel.
        inside: HxWx3 float32, reverse of both panels.
        back: HxWx3 float32, outside of the back panel.
        origin: 2 float64, pixels of the photo.
        scale: Texels a pixel.
    """

    front: Float32
    inside: Float32
    back: Float32
    origin: Float64
    scale: float

    def at(self, pixels: Float64) -> Float64:
        """Texel coordinates, centres at integers, of coordinates in the photo, centres at half-integers."""
        texels: Float64 = (pixels - self.origin) * self.scale - 0.5
        return texels


def textures(photo: UInt8, pattern: Pattern, scale: float, cancel: CancelFlag) -> Texture:
    """Cut the garment out of the photo.

    Args:
        photo: HxWx3 uint8 sRGB.
        pattern: The garment's.
        scale: Texels wanted a pixel of the photo: less than 1 averages, more interpolates.
        cancel: Checked between steps.
    """
    outline = pattern.outline
    extent = np.ptp(outline.points, axis=0)
    margin = round(MARGIN_SHARE * float(np.linalg.norm(extent))) + 2
    low = np.floor(outline.points.min(axis=0)).astype(int) - margin
    high = np.ceil(outline.points.max(axis=0)).astype(int) + margin
    scale = min(scale, LARGEST_PX / float((high - low).max()))
    # Averaging comes first, interpolating last, so that no step works on more pixels than are needed.
    small = min(scale, 1.0)
    size = (round((high - low)[0] * small), round((high - low)[1] * small))
    light = linear(_resized(_window(photo, low, high), size))
    mask = _resized(255 * _window(outline.mask, low, high, constant=True), size) > 127
    holes = _resized(255 * _window(outline.holes, low, high, constant=True), size) > 127
    cancel.check()
    sure = _surely_garment(light, mask, holes, cancel)
    lit = _exposed(light, light[sure], _brightest(photo))
    cancel.check()
    above = np.zeros(mask.shape, bool)
    if pattern.front_edge is not None:
        above = _above_neckline((pattern.warp.to_photo(pattern.front_edge) - low) * small, mask.shape)
    front = filled(lit, sure & ~above)
    cancel.check()
    inside = _reverse(lit, sure & above, front)
    cancel.check()
    back = _back(front, mask)
    full = (round(size[0] * scale / small), round(size[1] * scale / small))
    front, inside, back = (np.clip(_resized(image, full), 0, 1) for image in (front, inside, back))
    return Texture(front, inside, back, low.astype(np.float64), full[0] / float((high - low)[0]))


def _resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """An image in another size (width, height): averaged if smaller, interpolated if larger."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), image.dtype)


def _brightest(photo: UInt8) -> float:
    """Luminance that one pixel in a hundred of the photo exceeds."""
    scale = min(256 / max(photo.shape[:2]), 1.0)
    size = (max(round(photo.shape[1] * scale), 1), max(round(photo.shape[0] * scale), 1))
    return float(np.percentile(linear(_resized(photo, size)) @ LUMINANCE, 99))


def _window(image: UInt8, low: Int, high: Int, *, constant: bool = False) -> UInt8:
    """A rectangle of an image that may reach beyond its border."""
    height, width = image.shape[:2]
    cut = image[max(low[1], 0) : min(high[1], height), max(low[0], 0) : min(high[0], width)]
    pad = (max(-low[1], 0), max(high[1] - height, 0), max(-low[0], 0), max(high[0] - width, 0))
    kind = cv2.BORDER_CONSTANT if constant else cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(cut, *pad, kind), np.uint8)


def _surely_garment(light: Float32, mask: Bool, holes: Bool, cancel: CancelFlag) -> Bool:
    """The mask without its rim, without background along it, and without holes that show the floor."""
    diagonal = float(np.hypot(np.ptp(np.flatnonzero(mask.any(axis=0))), np.ptp(np.flatnonzero(mask.any(axis=1)))))
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    sure = depth > max(EDGE_SHARE * diagonal, 1.2)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) > max(EDGE_SHARE * diagonal, 1.2)
    if not outside.any():
        return sure
    root = np.sqrt(light).astype(np.float32)  # distances close to those that eyes see
    cancel.check()
    garment = filled(root, depth > DEEP_SHARE * diagonal)
    cancel.check()
    ground = filled(root, outside)
    cancel.check()
    like_ground = np.linalg.norm(root - ground, axis=2) < np.linalg.norm(root - garment, axis=2)
    doubtful = (depth < FRINGE_SHARE * diagonal) | (cv2.dilate(holes.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    kept: Bool = sure & ~(doubtful & like_ground)
    return kept if kept.any() else sure


def filled(image: Float32, known: Bool) -> Float32:
    """Carry the known pixels' colours on into the rest, smoothly (pull-push on an image pyramid).

    S. J. Gortler et al., "The lumigraph" (1996), section 3.4.

    Args:
        image: HxWx3 float32.
        known: HxW bool, at least one true.
    """
    weight = known.astype(np.float32)
    colour = image * weight[..., None]
    if min(weight.shape) <= 2:
        mean = colour.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-9)
        return np.where(known[..., None], image, mean).astype(np.float32)
    half = (-(-weight.shape[1] // 2), -(-weight.shape[0] // 2))
    small_weight = np.asarray(cv2.resize(weight, half, interpolation=cv2.INTER_AREA), np.float32)
    total = np.asarray(cv2.resize(colour, half, interpolation=cv2.INTER_AREA), np.float32)
    mean_colour = (total / np.maximum(small_weight, 1e-9)[..., None]).astype(np.float32)
    below = filled(mean_colour, small_weight > 0)
    spread = cv2.resize(below, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None], image, spread).astype(np.float32)


def _exposed(light: Float32, garment: Float32, brightest: float) -> Float32:
    """The photo with a white garment exposed as white; all others stay as they are.

    Photos of white clothes come out grey because cameras expose for a grey average, and tinted by the room's light.

    Args:
        light: HxWx3 float32, linear light of the photo.
        garment: Nx3 float32, its pixels on the garment.
        brightest: Luminance of the brightest things in the photo.
    """
    luminance = garment @ LUMINANCE
    bright = garment[luminance >= np.percentile(luminance, 75)].mean(axis=0)
    tint = garment[luminance >= np.median(luminance)].mean(axis=0)
    level = float(bright @ LUMINANCE)
    spread = float(np.ptp(tint) / max(float(tint.mean()), 1e-6))
    fine, grey = BRIGHTER_THINGS
    sure = float(
        np.clip((lightness(level) - WHITE_FROM) / (WHITE_SURE - WHITE_FROM), 0, 1)
        * np.clip((grey - (lightness(brightest) - lightness(level))) / (grey - fine), 0, 1)
        * np.clip(2.5 * (1 - spread / NEUTRAL_SPREAD), 0, 1)
    )
    if sure == 0:
        return light
    wanted = ((WHITE_LIGHTNESS + 16) / 116) ** 3
    neutral = wanted / max(level, 1e-6) * float(tint @ LUMINANCE) / np.maximum(tint, 1e-6)
    balanced = light * (1 + sure * (neutral - 1))
    # What is left of the room's tint is faint; a print's colours are not.
    mean = balanced.mean(axis=2, keepdims=True)
    strength = np.ptp(balanced, axis=2, keepdims=True) / np.maximum(mean, 1e-6)
    kept = 1 - sure * np.clip((PRINT_STRENGTH - strength) / (PRINT_STRENGTH - FAINT_TINT), 0, 1)
    whitened: Float32 = (mean + kept * (balanced - mean)).astype(np.float32)
    return _softened(whitened, wanted, 1 - kept[..., 0])


def _softened(lit: Float32, white: float, is_cloth: Float32) -> Float32:
    """A white garment with the folds of the photo softened: brightening makes them hard, and they are lit once more.

    Args:
        lit: HxWx3 float32, linear light.
        white: Luminance of the garment's bright parts.
        is_cloth: HxW, 0 to 1, how surely a pixel is plain white cloth.
    """
    sigma = FOLD_SHARE * float(np.hypot(*lit.shape[:2]))
    shade = cv2.GaussianBlur((lit @ LUMINANCE).astype(np.float32), (0, 0), sigma) / white
    low, high = FOLD_SHADE
    # What is darker than any fold is a print.
    fold = cv2.GaussianBlur(is_cloth.astype(np.float32), (0, 0), sigma) * np.clip((shade - low) / (high - low), 0, 1)
    gain = np.clip(shade, low, 1) ** (-FOLD_SOFTENING * fold)
    out: Float32 = (lit * gain[..., None]).astype(np.float32)
    return out


def _above_neckline(neckline: Float64, shape: tuple[int, int]) -> Bool:
    """Pixels between the front panel's edge and the picture's top."""
    area = np.zeros(shape, np.uint8)
    top = np.array([[neckline[-1, 0], -10.0], [neckline[0, 0], -10.0]])
    cv2.fillPoly(area, [np.round(np.concatenate([neckline, top]) - 0.5).astype(np.int32)], 1)
    return area > 0


def _reverse(lit: Float32, seen: Bool, front: Float32) -> Float32:
    """The cloth's inside: what the photo shows of it in the neck, carried on; else the outside's mean colour."""
    if seen.sum() < 30:
        return np.broadcast_to(front.mean(axis=(0, 1)), front.shape).astype(np.float32)
    return filled(lit, seen)


def _back(front: Float32, mask: Bool) -> Float32:
    """The back panel's outside, which no photo of the front shows.

    An all-over pattern goes on around the garment. A print does not: then every row goes evenly from the cloth at
    one side seam to that at the other, which keeps stripes.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    body = _trunk_columns(mask, rows)
    strip = max(round(SIDE_SHARE * (body[1] - body[0])), 2)
    left, right = front[:, body[0] + strip // 3 : body[0] + strip], front[:, body[1] - strip : body[1] - strip // 3]
    span = slice(rows[0] + (len(rows) * 2) // 5, rows[-1] - len(rows) // 12)
    middle = front[span, body[0] + strip : body[1] - strip]
    sides = np.concatenate([left[span], right[span]], axis=1)
    if _variation(sides) > PLAIN_RATIO * _variation(middle):
        return front
    t = np.clip((np.arange(front.shape[1]) - body[0]) / max(body[1] - body[0], 1), 0, 1)[None, :, None]
    ends = [cv2.GaussianBlur(np.median(side, axis=1), (1, 5), 0)[:, None] for side in (left, right)]
    return (ends[0] * (1 - t) + ends[1] * t).astype(np.float32)


def _trunk_columns(mask: Bool, rows: Int) -> tuple[int, int]:
    """First and last column of the garment's body between armpits and hem."""
    lower = mask[rows[0] + (len(rows) * 3) // 5 : rows[-1] - len(rows) // 12]
    inside = np.flatnonzero(lower.mean(axis=0) > 0.8)
    return (int(inside[0]), int(inside[-1])) if len(inside) else (0, mask.shape[1] - 1)


def _variation(cloth: Float32) -> float:
    """Spread of colour about the row's mean, robust against folds: both are smooth."""
    detail = np.sqrt(cloth) - np.sqrt(cloth).mean(axis=1, keepdims=True)
    return float(np.sqrt((detail**2).mean()))
