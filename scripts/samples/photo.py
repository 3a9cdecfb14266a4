"""A shirt on a ground, photographed: the picture and what is true of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import LandmarkName
from samples.cloth import folds, shade
from samples.noise import Field, smooth
from samples.prints import Colour, care_label
from samples.shirt import Mask, Points, Shirt, fill, make_shirt, stroke

WIDTH, HEIGHT = 1024, 1280
_WORLD = (1720, 1400)  # height and width of the scene, a quarter larger than the photo shows
_UNIT = 1120.0  # pixels of the scene a garment length
_SHADOW = (11.0, 15.0)  # pixels right and down


@dataclass(frozen=True, slots=True)
class Print:
    """A print on the chest.

    Attributes:
        pixels: Square RGBA.
        centre: u and v of its middle.
        width: Its side in garment units.
    """

    pixels: npt.NDArray[np.uint8]
    centre: tuple[float, float]
    width: float


@dataclass(frozen=True, slots=True)
class Design:
    """How a shirt looks.

    Attributes:
        name: File stem.
        cloth: Colour of the cloth.
        stripe: Colour of the stripes, or None.
        stripe_period: Distance from stripe to stripe.
        stripe_share: Part of the period that the stripe takes.
        rib: Colour of collar ribs.
        motif: The print.
        ground: Draws what it lies on.
        turn_deg: How crooked it lies, clockwise.
    """

    name: str
    cloth: Colour
    stripe: Colour | None
    stripe_period: float
    stripe_share: float
    rib: Colour
    motif: Print
    ground: Callable[[tuple[int, int], np.random.Generator], Field]
    turn_deg: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo and its truth.

    Attributes:
        photo: 1280x1024x3 uint8, sRGB.
        mask: 1280x1024 uint8, 255 where the garment is, soft at the rim.
        landmarks: Positions x and y in pixels; pixel centres lie at half-integers.
        palette: Colours before light and noise, and their shares of the garment's area, largest first.
    """

    photo: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    landmarks: dict[LandmarkName, tuple[float, float]]
    palette: tuple[tuple[Colour, float], ...]


def take(design: Design, rng: np.random.Generator) -> Sample:
    """Lay the shirt out, light it and take its photo."""
    shirt = make_shirt(rng)
    to_pixels = np.array([[_UNIT, 0.0, _WORLD[1] / 2], [0.0, _UNIT, _WORLD[0] / 2 - 0.5 * _UNIT]])
    mask = fill(shirt.outline, _WORLD, to_pixels)
    colour = _dye(design, shirt, to_pixels, rng)
    height = folds(shirt, mask, to_pixels, rng)
    inside = fill(shirt.opening, _WORLD, to_pixels)
    light = shade(height, rng) * _inside_light(shirt, inside, to_pixels) * _thread(shirt, to_pixels)
    cloth = _to_linear(colour) * light[..., None]
    scene = _shadowed(_ground(design, rng), mask) * (1 - mask[..., None]) + cloth * mask[..., None]
    camera = _camera(design.turn_deg, rng)
    photo = _develop(_view(scene.astype(np.float32), camera), rng)
    seen = _view(mask, camera)
    flat = np.asarray(cv2.warpPerspective(colour, camera, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST), np.uint8)
    landmarks = {
        name: _project(point @ to_pixels[:, :2].T + to_pixels[:, 2], camera)
        for name, point in shirt.landmarks().items()
    }
    mask8 = np.round(np.clip(seen, 0, 1) * 255).astype(np.uint8)
    return Sample(photo, mask8, landmarks, _palette(flat[seen > 0.5], _inks(design)))


def _dye(design: Design, shirt: Shirt, to_pixels: Points, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Colour of the cloth before light, HxWx3 uint8 sRGB."""
    rows, columns = np.mgrid[: _WORLD[0], : _WORLD[1]].astype(np.float32)
    # Cloth is never laid quite straight: what is woven or printed into it wanders with it.
    u = (columns - to_pixels[0, 2]) / _UNIT + 0.0035 * smooth(_WORLD, (260, 260), rng)
    v = (rows - to_pixels[1, 2]) / _UNIT + 0.0045 * smooth(_WORLD, (260, 200), rng)
    colour = np.empty((*_WORLD, 3), np.float32)
    colour[:] = design.cloth
    if design.stripe is not None:
        across = v - 0.02 * (u / 0.36) ** 2
        for side, polygon in zip(shirt.sides, shirt.sleeves, strict=True):
            axis = (side.cuff_upper + side.cuff_lower) / 2 - (side.shoulder + side.armpit) / 2
            axis /= np.hypot(*axis)
            along = (u - side.shoulder[0]) * axis[0] + (v - side.shoulder[1]) * axis[1]
            across = np.where(fill(polygon, _WORLD, to_pixels) > 0.5, along, across)
        phase = (across / design.stripe_period) % 1.0
        soft = design.stripe_period * _UNIT  # pixels a period: the edge is one pixel wide
        stripe = np.clip((design.stripe_share / 2 - np.abs(phase - 0.5)) * soft + 0.5, 0, 1).astype(np.float32)
        colour = _over(colour, np.array(design.stripe, np.float32), stripe)
    colour = _printed(colour, design.motif, u, v)
    inside = fill(shirt.opening, _WORLD, to_pixels)
    ribs = np.maximum(
        np.clip(fill(shirt.rib, _WORLD, to_pixels) - inside, 0, 1), fill(shirt.back_rib, _WORLD, to_pixels)
    )
    colour = _over(colour, np.array(design.cloth, np.float32), inside)
    colour = _over(colour, np.array(design.rib, np.float32), ribs)
    label = Print(care_label((226, 224, 218), (58, 58, 64)), (0.0, 0.066), 0.040)
    return np.round(_printed(colour, label, u, v, within=inside)).astype(np.uint8)


def _printed(colour: Field, motif: Print, u: Field, v: Field, within: Mask | None = None) -> Field:
    side = round(motif.width * _UNIT)
    pixels = motif.pixels.astype(np.float32)
    cover = pixels[..., 3:] / 255
    # Averaged to the size it is shown at, premultiplied, so that thin letters neither break up nor get dark rims.
    ink = cv2.resize(np.dstack([pixels[..., :3] * cover, cover]), (side, side), interpolation=cv2.INTER_AREA)
    x = ((u - motif.centre[0]) / motif.width + 0.5) * side - 0.5
    y = ((v - motif.centre[1]) / motif.width + 0.5) * side - 0.5
    laid = cv2.remap(ink, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
    if within is not None:
        laid = laid * within[..., None]
    return np.asarray(colour * (1 - laid[..., 3:]) + laid[..., :3], np.float32)


def _over(below: Field, above: npt.NDArray[np.float32], cover: Mask) -> Field:
    return np.asarray(below + (above - below) * cover[..., None], np.float32)


def _inside_light(shirt: Shirt, inside: Mask, to_pixels: Points) -> Field:
    """The inside of the back lies lower and in the front collar's shade; ribs have fine ridges."""
    front = np.clip(fill(shirt.rib, _WORLD, to_pixels) - inside, 0, 1)
    cast = cv2.GaussianBlur(np.roll(front, (6, 5), axis=(0, 1)), (0, 0), 7)
    edge = cv2.GaussianBlur(front, (0, 0), 5)
    dark = inside * (0.26 + 0.25 * cast + 0.22 * edge)
    rows, columns = np.mgrid[: _WORLD[0], : _WORLD[1]].astype(np.float32)
    angle = np.arctan2(rows - to_pixels[1, 2], columns - to_pixels[0, 2])
    ridges = 1 + 0.07 * np.sin(angle * 150)
    back = fill(shirt.back_rib, _WORLD, to_pixels) * inside
    lines = np.where(front + back > 0.5, ridges, 1.0)
    return np.asarray((1 - dark) * lines, np.float32)


def _thread(shirt: Shirt, to_pixels: Points) -> Field:
    """Stitches: short dark dashes."""
    dark = np.zeros(_WORLD, np.float32)
    for line in shirt.stitches:
        dark = np.maximum(dark, stroke(line, _WORLD, to_pixels, dash=4))
    return np.asarray(1 - 0.16 * dark, np.float32)


def _ground(design: Design, rng: np.random.Generator) -> Field:
    """The ground, turned a little against the shirt."""
    ground = design.ground(_WORLD, rng)
    turn = cv2.getRotationMatrix2D((_WORLD[1] / 2, _WORLD[0] / 2), float(rng.uniform(-5, 5)), 1.16)
    return np.asarray(cv2.warpAffine(ground, turn, _WORLD[::-1], flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT))


def _shadowed(ground: Field, mask: Mask) -> Field:
    """A soft shadow away from the light and a narrow dark one where the cloth touches the ground."""
    shift = np.array([[1, 0, _SHADOW[0]], [0, 1, _SHADOW[1]]], np.float32)
    cast = cv2.GaussianBlur(cv2.warpAffine(mask, shift, _WORLD[::-1]), (0, 0), 11)
    touch = cv2.GaussianBlur(mask, (0, 0), 4)
    far = cv2.GaussianBlur(mask, (0, 0), 40)
    return np.asarray(ground * ((1 - 0.50 * cast) * (1 - 0.38 * touch) * (1 - 0.18 * far))[..., None], np.float32)


def _camera(turn_deg: float, rng: np.random.Generator) -> Points:
    """Homography from the scene to the photo: held by hand, not quite from above."""
    margin = np.array([(_WORLD[1] - WIDTH * 1.25) / 2, (_WORLD[0] - HEIGHT * 1.25) / 2])
    frame = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    corners = frame * 1.25 + margin
    corners += rng.uniform(-16, 16, (4, 2))
    corners[:2] += np.array([[-20.0, -10.0], [20.0, -10.0]])  # the far end looks smaller
    turn = np.deg2rad(-turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.array(_WORLD[::-1]) / 2
    return np.asarray(cv2.getPerspectiveTransform(((corners - centre) @ rotation.T + centre).astype(np.float32), frame))


def _view(field: Field, camera: Points) -> Field:
    return np.asarray(cv2.warpPerspective(field, camera, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.float32)


def _project(point: Points, camera: Points) -> tuple[float, float]:
    x, y, w = camera @ np.array([point[0], point[1], 1.0])
    return float(x / w) + 0.5, float(y / w) + 0.5


def _develop(linear: Field, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Fall-off, a warm cast, a lens that is not perfect, and a small sensor's noise."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    far = np.hypot((columns - 0.40 * WIDTH) / WIDTH, (rows - 0.36 * HEIGHT) / HEIGHT)
    light = linear * (1.04 - 0.30 * far**2)[..., None] * np.array([1.02, 1.0, 0.965], np.float32)
    light = cv2.GaussianBlur(light, (0, 0), 0.55)
    grain = rng.normal(size=light.shape) * np.sqrt(np.maximum(light, 0) * 1.6e-4 + 4e-6)
    blotch = cv2.GaussianBlur(rng.normal(size=light.shape).astype(np.float32), (0, 0), 2.0) * 0.008
    return _to_srgb(light + grain + blotch * np.sqrt(np.maximum(light, 0)))


def _to_linear(srgb: npt.NDArray[np.uint8]) -> Field:
    part = srgb.astype(np.float32) / 255
    return np.asarray(np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4), np.float32)


def _to_srgb(linear: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    clipped: npt.NDArray[np.float32] = np.clip(linear, 0, 1).astype(np.float32)
    coded = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.round(coded * 255).astype(np.uint8)


def _inks(design: Design) -> list[Colour]:
    """Every colour that the design uses on a noticeable area."""
    solid = design.motif.pixels[design.motif.pixels[..., 3] == 255][:, :3]
    codes, counts = np.unique(solid.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32), return_counts=True)
    strong = [int(code) for code in codes[counts > 0.02 * counts.sum()]]
    printed = [(code >> 16, code >> 8 & 255, code & 255) for code in strong]
    named = [design.cloth, design.rib, *([design.stripe] if design.stripe else []), *printed]
    return list(dict.fromkeys(named))


def _palette(pixels: npt.NDArray[np.uint8], inks: list[Colour]) -> tuple[tuple[Colour, float], ...]:
    """Share of each ink: every pixel counts for the nearest."""
    distance = np.stack([np.abs(pixels.astype(int) - np.array(ink)).sum(axis=1) for ink in inks])
    counts = np.bincount(distance.argmin(axis=0), minlength=len(inks)) / len(pixels)
    return tuple((inks[index], float(counts[index])) for index in np.argsort(-counts) if counts[index] > 0)
