"""What is behind the figure: a sweep of paper, and the figure's shadow on its floor."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import Backdrop, BackdropKind
from fashquick_generation.studio.arrays import Float32, Float64
from fashquick_generation.studio.colour import linear
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.shadows import ShadowMaps

WHITE_SRGB, GREY_SRGB = (255, 255, 255), (234, 234, 232)
BRIGHTEST_ABOVE = 0.05
"""How far above the middle a sweep is brightest, as a share of the picture's height."""
FALL_OFF = 0.08
"""How much darker a sweep is in the picture's corners. White is lit separately, until it is even."""
HORIZON_M = 1.6
"""Distance behind the figure at which the floor begins to rise into the wall."""
HORIZON_STEP = 0.04
"""How much darker the wall is there than the floor, which the light from above reaches."""
HORIZON_SOFT_M = 0.5
FLOOR_M = 1.8
"""Side of the square of floor that can be in shadow, around the figure."""
CELLS = 128
SOFT_M = 0.014
"""Blur of the shadow on the floor, that takes out the grain of the light's directions."""
STRENGTH = 0.92
"""Share of the shadow that the bright floor around does not fill."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The empty studio, as rows of a picture show it.

    Attributes:
        light: HxWx3 float32, linear light without the figure's shadow.
        shade: HxW float32, share of it that arrives in the figure's shadow, 0 to 1.
    """

    light: Float32
    shade: Float32


def ground(backdrop: Backdrop, camera: Camera, floor: Float32, rows: tuple[int, int]) -> Ground:
    """What some rows of a picture show where the figure is not.

    Args:
        backdrop: What is behind the figure.
        camera: From where.
        floor: From `floor_light`.
        rows: First row, and that after the last.
    """
    top, bottom = (linear(np.array(colour, np.uint8)) for colour in _colours(backdrop))
    even = backdrop.kind in {BackdropKind.WHITE, BackdropKind.TRANSPARENT}
    light = np.empty((rows[1] - rows[0], camera.width, 3), np.float32)
    shade = np.empty(light.shape[:2], np.float32)
    axes = np.stack([camera.right, camera.up, camera.forward])
    _sweep(
        rows[0],
        camera.height,
        np.array([*camera.centre, camera.focal_px]),
        axes,
        camera.eye,
        top,
        bottom,
        0.0 if even else FALL_OFF,
        0.0 if even else HORIZON_STEP,
        floor,
        light,
        shade,
    )
    return Ground(light, shade)


def _colours(backdrop: Backdrop) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """SRGB of the upper and the lower end."""
    match backdrop.kind:
        case BackdropKind.WHITE | BackdropKind.TRANSPARENT:
            return WHITE_SRGB, WHITE_SRGB
        case BackdropKind.GREY:
            return GREY_SRGB, GREY_SRGB
        case BackdropKind.COLOUR:
            return backdrop.top, backdrop.top
        case BackdropKind.GRADIENT:
            return backdrop.top, backdrop.bottom


def floor_light(shadows: ShadowMaps, powers: Float64, cancel: CancelFlag) -> Float32:
    """The figure's shadow on the floor.

    Args:
        shadows: Of the figure.
        powers: From `lighting.powers`.
        cancel: Checked between slices.

    Returns:
        CELLSxCELLS float32: share of the floor's light that arrives; 1 outside the shadow.
    """
    steps = ((np.arange(CELLS) + 0.5) / CELLS - 0.5) * FLOOR_M
    x, y = np.meshgrid(steps, steps)
    fade = np.clip((1 - np.hypot(x, y) / (FLOOR_M / 2)) / 0.4, 0, 1)
    row, column = np.nonzero(fade)
    points = np.stack([x[row, column], y[row, column], np.zeros(len(row))], axis=1).astype(np.float32)
    up = np.tile(np.array([0, 0, 1], np.float32), (len(points), 1))
    places = ((column % 4) + 4 * (row % 4)).astype(np.int32)
    share = np.ones((CELLS, CELLS), np.float32)
    arrives = shadows.irradiance(points, up, places, powers, cancel)
    share[row, column] = np.clip(arrives / max(float(arrives.max()), 1e-6), 0, 1)
    soft = np.asarray(cv2.GaussianBlur(share, (0, 0), SOFT_M * CELLS / FLOOR_M), np.float32)
    out: Float32 = (1 - STRENGTH * fade * (1 - soft)).astype(np.float32)
    return out


@numba.njit(nogil=True, cache=True)
def _sweep(
    first: int,
    picture_height: int,
    lens: Float64,
    axes: Float64,
    eye: Float64,
    top: Float32,
    bottom: Float32,
    fall_off: float,
    horizon: float,
    floor: Float32,
    light: Float32,
    shade: Float32,
) -> None:
    height, width = shade.shape
    cells = floor.shape[0]
    for y in range(height):
        along = (first + y + 0.5) / picture_height
        # Smooth at both ends, so that neither edge of the gradient is seen.
        t = along * along * (3.0 - 2.0 * along)
        upward = (lens[1] - (first + y) - 0.5) / lens[2]
        off_middle = (first + y + 0.5 - lens[1]) / picture_height + BRIGHTEST_ABOVE
        for x in range(width):
            across = (x + 0.5 - lens[0]) / picture_height
            level = 1.0 - fall_off * min((across * across + 0.8 * off_middle * off_middle) / 0.45, 1.2)
            rightward = (x + 0.5 - lens[0]) / lens[2]
            ray_x = rightward * axes[0, 0] + upward * axes[1, 0] + axes[2, 0]
            ray_y = rightward * axes[0, 1] + upward * axes[1, 1] + axes[2, 1]
            ray_z = rightward * axes[0, 2] + upward * axes[1, 2] + axes[2, 2]
            arrives, behind = 1.0, 1e3
            if ray_z < -1e-3:
                reach = -eye[2] / ray_z
                spot_x, spot_y = eye[0] + reach * ray_x, eye[1] + reach * ray_y
                behind = spot_x * axes[2, 0] + spot_y * axes[2, 1]
                u = spot_x * (cells / FLOOR_M) + 0.5 * cells - 0.5
                v = spot_y * (cells / FLOOR_M) + 0.5 * cells - 0.5
                if u >= 0.0 and v >= 0.0 and u < cells - 1 and v < cells - 1:
                    i, j = int(u), int(v)
                    fu, fv = u - i, v - j
                    upper = floor[j, i] * (1.0 - fu) + floor[j, i + 1] * fu
                    lower = floor[j + 1, i] * (1.0 - fu) + floor[j + 1, i + 1] * fu
                    arrives = upper * (1.0 - fv) + lower * fv
            level -= horizon / (1.0 + np.exp(-(behind - HORIZON_M) / (0.5 * HORIZON_SOFT_M)))
            shade[y, x] = arrives
            for k in range(3):
                light[y, x, k] = level * (top[k] + (bottom[k] - top[k]) * t)
