"""Pictures that are wrong on purpose, made from the garment's own photo: what every measure is tried on.

Each keeps the garment's outline and its folds where it can, so that a measure that tells it from the garment does so by
what it is meant to measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from fashquick_common.garment import FidelityControl, PaletteColour, PatternKind
from fashquick_common.image.spaces import (
    Floats,
    ciede2000,
    lab_of_linear,
    lab_of_srgb,
    linear_of_lab,
    linear_of_srgb,
    srgb_of_linear,
)
from fashquick_features.fidelity.sights import Floats32, Sight
from fashquick_features.shape.outline import OPAQUE, Plane

BEND, BEND_LONG = 0.02, 0.75  # of the garment's size: height and length of the waves that its own picture is bent by
OWN_LIGHT = 0.12  # by which the garment's own picture is darker on one side and brighter on the other
RECOLOURED = 20.0  # CIEDE2000 that a recolour moves the palette by at least: a clear size, no extreme one
GREY_APART = 25.0  # CIEDE2000 between the garment's ground and the blank's grey: more than any light explains
SECOND_APART = 20.0  # CIEDE2000 below which a garment's own second colour draws no pattern
SECOND_L = 28.0  # L* between cloth and pattern drawn over a garment of one colour
REPEAT_SHARE = 0.11  # of the garment's size: one repeat of the pattern that is drawn
BLUR_SHARE = 0.03  # of the garment's size: sigma that no letter on a garment survives
FOLDS_SHARE = 0.04  # of the garment's size: sigma of the light that is kept when cloth is drawn anew

NOISE = 1.5  # standard deviation in 8-bit steps
_NOISE: Final = np.round(np.random.default_rng(11).normal(0, NOISE, (256, 256, 3))).astype(np.int16)
# Steps in L*, and turn and factor of chroma, mildest first; the last two colour what has no colour.
_TURNS: Final = ((-8.0, 35.0, 1.0), (8.0, -50.0, 1.0), (-14.0, 90.0, 1.0), (14.0, 140.0, 1.0), (-24.0, 180.0, 1.0))
_DYES: Final = ((-6.0, 30.0, 22.0), (6.0, -10.0, -36.0), (-20.0, 52.0, 34.0), (22.0, -42.0, 40.0))


def own_picture(photo: Sight) -> Sight:
    """The garment's own photo as a picture: gently bent, as worn cloth is, in light that falls from one side.

    What a measure says of it shows how far it can be trusted on this garment: a kind of pattern that is told otherwise
    of bent cloth proves nothing.
    """
    height, width = photo.alpha.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    size = np.float32(photo.size)
    bend_x, bend_y = (np.sin(2 * np.pi * along / (BEND_LONG * size)) * BEND * size for along in (y + 0.1 * size, x))
    at_x, at_y = np.asarray(x + bend_x, np.float32), np.asarray(y + bend_y, np.float32)
    rgb = cv2.remap(photo.rgb, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = np.asarray(cv2.remap(photo.alpha, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)
    light = 1 + OWN_LIGHT * (x / width + y / height - 1)
    lit = srgb_of_linear(linear_of_srgb(np.asarray(rgb, np.uint8)) * light[..., None])
    if not (alpha >= OPAQUE).any():  # a garment of a few pixels may be bent off its own rim
        return Sight(photo.rgb, photo.alpha, np.stack([x, y], axis=-1) + np.float32(0.5))
    return Sight(lit, alpha, np.asarray(np.stack([at_x, at_y], axis=-1) + np.float32(0.5), np.float32))


def make(control: FidelityControl, photo: Sight, palette: Sequence[PaletteColour], kind: PatternKind | None) -> Sight:
    """Make a control.

    Args:
        control: Which.
        photo: The garment's photo.
        palette: The garment's colours, at least one.
        kind: The garment's pattern; None where it is not known.
    """
    if control is FidelityControl.RECOLOUR:
        return _recoloured(photo, palette)
    if control is FidelityControl.OTHER_PATTERN:
        return _other_pattern(photo, palette, kind)
    if control is FidelityControl.BLUR:
        return _blurred(photo)
    return _blank(photo, palette)


def with_rim(photo: Sight, width: float) -> Sight:
    """The garment cut out too wide, with a rim of its photo's ground: what a halo looks like."""
    reach = cv2.distanceTransform((photo.alpha < OPAQUE).astype(np.uint8), cv2.DIST_L2, 3)
    alpha = np.where(reach <= width, np.uint8(255), np.uint8(0))
    return Sight(photo.rgb, np.asarray(alpha, np.uint8))


def narrowed(alpha: Plane, width: float) -> Plane:
    """The garment without its rim; as it is where nothing would be left."""
    depth = cv2.distanceTransform((alpha >= OPAQUE).astype(np.uint8), cv2.DIST_L2, 3)
    inner = np.where(depth > width, np.uint8(255), np.uint8(0))
    return np.asarray(inner if inner.any() else alpha, np.uint8)


def noisy(sight: Sight) -> Sight:
    """A picture with the noise that cameras, renderers and compression leave.

    A garment whose texture is no stronger has none to tell a blurred one by.
    """
    height, width = sight.alpha.shape
    tile = np.tile(_NOISE, (-(-height // len(_NOISE)), -(-width // len(_NOISE)), 1))[:height, :width]
    rgb = np.clip(sight.rgb + tile, 0, 255).astype(np.uint8)
    return Sight(rgb, sight.alpha, sight.places)


def _painted(photo: Sight, linear: Floats) -> Sight:
    """New colours inside the garment, the photo's outside."""
    part = photo.alpha[..., None].astype(np.float64) / 255
    mixed = part * np.clip(linear, 0, 1) + (1 - part) * linear_of_srgb(photo.rgb)
    height, width = photo.alpha.shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32) + np.float32(0.5)
    return Sight(srgb_of_linear(mixed), photo.alpha, grid)


def _recoloured(photo: Sight, palette: Sequence[PaletteColour]) -> Sight:
    """Another hue and lightness: the mildest of the changes that moves the palette by `RECOLOURED`.

    Colours are told from the measured and from the corrected palette, so that a cast is not mended by accident.
    """
    measured = np.array([colour.lab for colour in palette])
    corrected = np.array([(colour.corrected or colour).lab for colour in palette])
    share = np.array([colour.share for colour in palette])
    mean_chroma = float(share @ np.hypot(measured[:, 1], measured[:, 2]))
    ways = [(step, dye) for dye in (False, True) for step in (_DYES if dye else _TURNS)]
    if mean_chroma < 15:  # turning the hue of a grey changes nothing
        ways.sort(key=lambda way: not way[1])

    def moved(way: tuple[tuple[float, float, float], bool]) -> float:
        new = _within_srgb(_changed(measured, *way))
        return min(float(share @ ciede2000(new, old)) for old in (measured, corrected))

    way = next((way for way in ways if moved(way) >= RECOLOURED), max(ways, key=moved))
    return _painted(photo, linear_of_lab(_changed(lab_of_srgb(photo.rgb), *way)))


def _changed(lab: Floats, step: tuple[float, float, float], dye: bool) -> Floats:
    light, one, two = step
    # Away from black and white, where there is no room.
    lighter = light * np.where((lab[..., 0] + 2 * light > 100) | (lab[..., 0] + 2 * light < 0), -1.0, 1.0)
    if dye:
        return np.stack([lab[..., 0] + lighter, lab[..., 1] + one, lab[..., 2] + two], axis=-1)
    cos, sin = np.cos(np.deg2rad(one)), np.sin(np.deg2rad(one))
    a, b = lab[..., 1], lab[..., 2]
    return np.stack([lab[..., 0] + lighter, two * (cos * a - sin * b), two * (sin * a + cos * b)], axis=-1)


def _within_srgb(lab: Floats) -> Floats:
    return lab_of_linear(np.clip(linear_of_lab(lab), 0, 1))


def _other_pattern(photo: Sight, palette: Sequence[PaletteColour], kind: PatternKind | None) -> Sight:
    """Another class in the same colours: stripes over plain cloth, dots over stripes, stripes in place of the rest."""
    height, width = photo.alpha.shape
    period = max(6.0, REPEAT_SHARE * photo.size)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    if kind is PatternKind.STRIPES:
        across, down = (x + (np.floor(y / period) % 2) * period / 2) % period, y % period
        drawn = np.hypot(across - period / 2, down - period / 2) < 0.3 * period
    else:
        drawn = y % period < period / 2
    first = np.array(palette[0].lab)
    others = [np.array(colour.lab) for colour in palette[1:]]
    second = max(others, key=lambda lab: float(ciede2000(first, lab))) if others else first
    if float(ciede2000(first, second)) < SECOND_APART:
        second = first + np.array([SECOND_L if first[0] < 50 else -SECOND_L, 0.0, 0.0])
    if kind in (PatternKind.SOLID, None):
        factor = linear_of_lab(second).clip(0.003, 1) / linear_of_lab(first).clip(0.003, 1)
        return _painted(photo, linear_of_srgb(photo.rgb) * np.where(drawn[..., None], factor, 1.0))
    cloth = linear_of_lab(np.where(drawn[..., None], second, first))
    return _painted(photo, cloth * _folds(photo)[..., None])


def _folds(photo: Sight) -> Floats32:
    """Light on the garment around 1, from changes wider than its pattern."""
    light = linear_of_srgb(photo.rgb).mean(axis=2).astype(np.float32)
    inside = photo.inside.astype(np.float32)
    sigma = max(1.0, FOLDS_SHARE * photo.size * 2)
    part = np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3)
    smooth = cv2.GaussianBlur(light * inside, (0, 0), sigma) / part
    mean = max(float(smooth[photo.inside].mean()), 1e-4)
    return np.asarray(np.clip(smooth / mean, 0.6, 1.5), np.float32)


def _blurred(photo: Sight) -> Sight:
    """The garment and its prints blurred, without mixing in the ground."""
    inside = photo.inside.astype(np.float32)
    sigma = max(1.5, BLUR_SHARE * photo.size)
    linear = linear_of_srgb(photo.rgb).astype(np.float32) * inside[..., None]
    part = np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3)
    return _painted(photo, (cv2.GaussianBlur(linear, (0, 0), sigma) / part[..., None]).astype(np.float64))


def _blank(photo: Sight, palette: Sequence[PaletteColour]) -> Sight:
    """The garment's shape in one grey: of its mean lightness, or the nearest that a grey garment differs from."""
    labs = np.array([colour.lab for colour in palette] + [(colour.corrected or colour).lab for colour in palette])
    share = np.array([colour.share for colour in palette] * 2)
    mean = float(share @ labs[:, 0]) / float(share.sum())
    greys = sorted(np.arange(10.0, 96.0, 5.0), key=lambda light: abs(light - mean))

    grounds = labs[[0, len(palette)]]

    def apart(light: float) -> float:
        return float(ciede2000(np.array([light, 0.0, 0.0]), grounds).min())

    light = next((light for light in (mean, *greys) if apart(light) >= GREY_APART), max(greys, key=apart))
    linear = linear_of_lab(np.array([light, 0.0, 0.0]))
    return _painted(photo, np.broadcast_to(linear, (*photo.alpha.shape, 3)).astype(np.float64))
