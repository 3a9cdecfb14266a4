"""The light grey sweep behind the figure, and the figure's shadow on its floor."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.lighting import ShadowMaps

PAPER = np.array([0.845, 0.845, 0.838], np.float32)
"""Linear light of the sweep where it is brightest."""
BRIGHTEST_ABOVE = 0.05
"""How far above the middle the sweep is brightest, as a share of the picture's height."""
FALL_OFF = 0.16
"""How much darker the sweep is in the picture's corners."""
FLOOR_M = 2.4
"""Side of the square of floor that can be in shadow, around the figure."""
CELLS = 160
SOFT_M = 0.022
SOFTER_M = 0.09
"""Blur of the shadow under the figure and far from it: many small lights would else show as many shadows."""
STRENGTH = 0.85


def backdrop(camera: Camera, picture_height: int, floor: Float32) -> Float32:
    """Linear light of the empty studio with the figure's shadow.

    Args:
        camera: The picture's, or that of a band of its rows.
        picture_height: Rows of the whole picture.
        floor: From `floor_shadow`.

    Returns:
        height x width x 3 float32.
    """
    y, x = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    across = (x + 0.5 - camera.centre[0]) / picture_height
    along = (y + 0.5 - camera.centre[1]) / picture_height + np.float32(BRIGHTEST_ABOVE)
    level = 1 - FALL_OFF * np.clip((across**2 + 0.8 * along**2) / 0.45, 0, 1.2)
    level *= _on_floor(camera, floor, x, y)
    out: Float32 = level.astype(np.float32)[..., None] * PAPER
    return out


def floor_shadow(shadows: ShadowMaps, cancel: CancelFlag) -> Float32:
    """The figure's shadow.

    Args:
        shadows: Of the figure.
        cancel: Checked between slices.

    Returns:
        CELLSxCELLS float32: share of the floor's light that arrives; 1 outside the shadow.
    """
    steps = ((np.arange(CELLS) + 0.5) / CELLS - 0.5) * FLOOR_M
    gx, gy = np.meshgrid(steps, steps)
    points = np.stack([gx, gy, np.full_like(gx, 0.002)], axis=-1).reshape(-1, 3).astype(np.float32)
    up = np.tile(np.array([0, 0, 1], np.float32), (len(points), 1))
    light = shadows.irradiance(points, up, cancel).reshape(CELLS, CELLS)
    share = np.clip(light / max(float(light.max()), 1e-6), 0, 1)
    cell = FLOOR_M / CELLS
    sharp = cv2.GaussianBlur(share, (0, 0), SOFT_M / cell)
    soft = cv2.GaussianBlur(share, (0, 0), SOFTER_M / cell)
    near = np.clip((sharp.max() - sharp) * 1.6, 0, 1)
    mixed = soft + (sharp - soft) * near
    fade = np.clip((1 - np.hypot(gx, gy) / (FLOOR_M / 2)) / 0.4, 0, 1)
    out: Float32 = (1 - STRENGTH * fade * (1 - mixed)).astype(np.float32)
    return out


def _on_floor(camera: Camera, shadow: Float32, x: Float32, y: Float32) -> Float32:
    """The shadow's share at each pixel whose ray meets the floor, 1 elsewhere."""
    right, up = (x + 0.5 - camera.centre[0]) / camera.focal_px, (camera.centre[1] - y - 0.5) / camera.focal_px
    axes = np.stack([camera.right, camera.up, camera.forward]).astype(np.float32)
    ray = right[..., None] * axes[0] + up[..., None] * axes[1] + axes[2]
    down = np.minimum(ray[..., 2], -1e-4)
    reach = -np.float32(camera.eye[2]) / down
    spot = camera.eye[:2].astype(np.float32) + reach[..., None] * ray[..., :2]
    cell = spot * (CELLS / FLOOR_M) + (CELLS / 2 - 0.5)
    arrives = cv2.remap(
        shadow,
        np.ascontiguousarray(cell[..., 0], np.float32),
        np.ascontiguousarray(cell[..., 1], np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=1.0,
    )
    return np.asarray(arrives, np.float32)
