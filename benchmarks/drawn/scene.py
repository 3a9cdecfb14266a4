"""The photo around a drawn garment: folds, light, ground and camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from skimage.color import lab2rgb

Floats = npt.NDArray[np.float64]
Photo = npt.NDArray[np.uint8]

SLIDE = 0.0028  # garment units by which folds of unit strength shift what is printed on the cloth
FIELD_PX = 256  # side at which folds are drawn; they are smooth


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a photo was taken.

    Attributes:
        tilt_deg: Clockwise turn of the garment.
        fill: Part of the picture's side that the garment takes.
        off: Place in the room left over, -1 to 1 each way.
        folds: Standard deviation of the light's changes, as a part of the light.
        cast: CIE a* and b* that a mid grey (L* 50) shows.
        exposure: Stops by which the photo is too bright.
        blur_px: Sigma of the blur in pixels.
        noise: Standard deviation of the noise in 8-bit steps.
        jpeg_quality: 1 to 100, or None: not compressed.
    """

    tilt_deg: float = 0.0
    fill: float = 0.86
    off: tuple[float, float] = (0.0, 0.0)
    folds: float = 0.12
    cast: tuple[float, float] = (0.0, 0.0)
    exposure: float = 0.0
    blur_px: float = 0.0
    noise: float = 2.0
    jpeg_quality: int | None = None

    def stated(
        self,
        *,
        tilt_deg: float | None,
        folds: float | None,
        cast: tuple[float, float] | None,
        exposure: float | None,
        blur_px: float | None,
        noise: float | None,
        jpeg_quality: int | None,
    ) -> Conditions:
        """The same with what is not None put in its place."""
        return replace(
            self,
            tilt_deg=self.tilt_deg if tilt_deg is None else tilt_deg,
            folds=self.folds if folds is None else folds,
            cast=self.cast if cast is None else cast,
            exposure=self.exposure if exposure is None else exposure,
            blur_px=self.blur_px if blur_px is None else blur_px,
            noise=self.noise if noise is None else noise,
            jpeg_quality=self.jpeg_quality if jpeg_quality is None else jpeg_quality,
        )


def any_conditions(rng: np.random.Generator) -> Conditions:
    """A photo as people take them."""
    return Conditions(
        tilt_deg=float(np.clip(rng.normal(0, 6), -20, 20)),
        fill=float(rng.uniform(0.6, 0.92)),
        off=(float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.7, 0.7))),
        folds=float(rng.uniform(0.04, 0.2)),
        cast=(float(rng.normal(0, 2.5)), float(rng.normal(2, 5))),
        exposure=float(rng.normal(-0.1, 0.35)),
        blur_px=float(rng.choice([0.0, rng.uniform(0.3, 1.2)])),
        noise=float(rng.uniform(0.5, 5)),
        jpeg_quality=int(rng.integers(60, 96)),
    )


@dataclass(frozen=True, slots=True)
class Drape:
    """How the cloth lies.

    Attributes:
        light: size x size, around 1.
        shift: size x size x 2, garment units by which what is printed is moved.
    """

    light: Floats
    shift: npt.NDArray[np.float32]


def smooth_light(size: int, folds: float, rng: np.random.Generator) -> Floats:
    """Smooth changes of light around 1."""
    coarse = rng.normal(0, 1, (12, 12)).astype(np.float32)
    field = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    return np.asarray(np.clip(1 + folds * (field - field.mean()) / field.std(), 0.3, 1.2))


def drape(size: int, folds: float, rng: np.random.Generator) -> Drape:
    """Lay the cloth in long folds: one height field gives both light and shift."""
    height = np.zeros((FIELD_PX, FIELD_PX))
    for cells, weight in ((3, 1.0), (6, 0.6), (12, 0.25)):
        height += weight * _long_noise(cells, float(rng.uniform(0, 180)), rng)
    slope_y, slope_x = np.gradient(height)
    spread = max(float(np.hypot(slope_x, slope_y).std()), 1e-9)
    towards = rng.uniform(0, 2 * np.pi)
    lit = (slope_x * np.cos(towards) + slope_y * np.sin(towards)) / spread
    y, x = np.mgrid[-1 : 1 : FIELD_PX * 1j, -1 : 1 : FIELD_PX * 1j]
    fall = rng.uniform(0, 0.15) * (x * np.cos(towards) + y * np.sin(towards))
    light = np.clip(1 + folds * (lit - lit.mean()) / max(float(lit.std()), 1e-9) + fall, 0.3, 1.2)
    steep = np.clip(np.stack([slope_x, slope_y], axis=-1) / spread, -2.5, 2.5)
    shift = steep * SLIDE * min(folds / 0.12, 1.5)
    return Drape(
        np.asarray(cv2.resize(light, (size, size), interpolation=cv2.INTER_CUBIC), np.float64),
        np.asarray(cv2.resize(shift.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR), np.float32),
    )


def _long_noise(cells: int, angle: float, rng: np.random.Generator) -> Floats:
    """Noise whose hills are three times as long as wide."""
    side = int(FIELD_PX * 1.5)
    grid = rng.normal(0, 1, (3 * cells, cells + 1)).astype(np.float32)
    field = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    turned = cv2.warpAffine(field, turn, (side, side), borderMode=cv2.BORDER_REFLECT)
    edge = (side - FIELD_PX) // 2
    return np.asarray(turned[edge : edge + FIELD_PX, edge : edge + FIELD_PX], np.float64)


def ground(size: int, alpha: Photo, rng: np.random.Generator) -> Photo:
    """A table, a floor, a sheet or a wall with the garment's shadow on it.

    Args:
        size: Side in pixels.
        alpha: size x size uint8, the garment.
        rng: Decides.

    Returns:
        size x size x 3 uint8.
    """
    grey = rng.uniform(90, 250)
    base = np.clip(grey + rng.normal(0, 10) * np.array([1.0, 0.2, -1.0]), 0, 255)
    light = smooth_light(size, float(rng.uniform(0.01, 0.06)), rng)
    style = rng.choice(["plain", "boards", "sheet", "tiles"], p=[0.5, 0.2, 0.2, 0.1])
    if style == "boards":
        base = np.array([170.0, 125.0, 85.0]) * rng.uniform(0.5, 1.3)
        streaks = cv2.resize(rng.normal(1, 0.08, (8, 160)).astype(np.float32), (size, size)).astype(np.float64)
        light = light * streaks * np.where(np.mod(np.arange(size), size // 7) < 3, 0.6, 1.0)
        light = light.T if rng.random() < 0.5 else light
    elif style == "sheet":
        light = light * drape(size, float(rng.uniform(0.03, 0.08)), rng).light
    elif style == "tiles":
        joint = np.mod(np.arange(size), size // 4) < 4
        light = light * np.where(joint[:, None] | joint[None], 0.8, 1.0)
    radius = float(rng.uniform(0.004, 0.02) * size)
    move = np.array([[1, 0, rng.normal(0, radius)], [0, 1, rng.uniform(0, 1.5) * radius]])
    small = cv2.resize(cv2.warpAffine(alpha, move, (size, size)), (size // 4, size // 4))
    shadow = cv2.resize(cv2.GaussianBlur(small, (0, 0), max(radius / 4, 0.5)), (size, size)) / 255
    light = light * (1 - rng.uniform(0.1, 0.5) * shadow)
    return np.clip(np.round(base * light[..., None] ** (1 / 2.2)), 0, 255).astype(np.uint8)


def shade(cloth: Photo, light: Floats) -> Photo:
    """Multiply linear light, with gamma 2.2 as a near enough stand-in for the sRGB curve."""
    return np.clip(np.round(cloth * light[..., None] ** (1 / 2.2)), 0, 255).astype(np.uint8)


def cast_gain(cast: tuple[float, float]) -> Floats:
    """Gains of linear red, green and blue of a light in which a mid grey (L* 50) has these CIE a* and b*."""
    seen, neutral = (_linear(np.asarray(lab2rgb(np.array([50.0, *ab])))) for ab in (cast, (0.0, 0.0)))
    return np.asarray(seen / neutral)


def photograph(scene: Floats, conditions: Conditions, rng: np.random.Generator) -> Photo:
    """What the camera makes of a scene.

    Args:
        scene: HxWx3, sRGB 0 to 255 under neutral light.
        conditions: Cast, exposure, blur, noise and compression.
        rng: Decides the noise.

    Returns:
        HxWx3 uint8.
    """
    if conditions.cast != (0.0, 0.0) or conditions.exposure:
        linear = _linear(scene / 255) * cast_gain(conditions.cast) * 2.0**conditions.exposure
        scene = 255 * _curved(np.clip(linear, 0, 1))
    if conditions.blur_px > 0:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), conditions.blur_px), np.float64)
    photo = np.clip(np.round(scene + rng.normal(0, conditions.noise, scene.shape)), 0, 255).astype(np.uint8)
    if conditions.jpeg_quality is None:
        return photo
    _, packed = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, conditions.jpeg_quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1], np.uint8)


def _linear(srgb: Floats) -> Floats:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _curved(linear: Floats) -> Floats:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
