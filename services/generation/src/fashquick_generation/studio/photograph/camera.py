"""A pinhole camera on a turntable around the figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_generation.studio.arrays import Float64

DISTANCE_M = 5.0
"""From here a standing figure fills the long side of a 35 mm film behind a portrait lens of some 85 mm."""
PITCH_DEGREES = 2.5


@dataclass(frozen=True, slots=True)
class Camera:
    """Position, axes and scale of a camera.

    Attributes:
        eye: 3 float64, metres.
        right: Unit vector to the right in the picture.
        up: Unit vector upward in the picture.
        forward: Unit vector into the picture.
        focal_px: Focal length in pixels.
        width: Pixels.
        height: Pixels.
        centre: Pixel coordinates of the point in the middle of the view.
    """

    eye: Float64
    right: Float64
    up: Float64
    forward: Float64
    focal_px: float
    width: int
    height: int
    centre: tuple[float, float]

    @property
    def yaw(self) -> float:
        """Radians from the figure's front to the camera, positive towards the wearer's left."""
        return float(np.arctan2(self.right[1], self.right[0]))

    @property
    def pixels_per_metre(self) -> float:
        """Scale of the picture at the figure's distance."""
        return self.focal_px / DISTANCE_M

    def project(self, points: Float64) -> Float64:
        """Pixel coordinates and depth.

        Args:
            points: Nx3 float64, metres.

        Returns:
            Nx3 float64: x and y in pixels from the top left corner, depth in metres along the view.
        """
        local = (points - self.eye) @ np.stack([self.right, self.up, self.forward], axis=1)
        depth = local[:, 2]
        x = self.focal_px * local[:, 0] / depth + self.centre[0]
        y = self.centre[1] - self.focal_px * local[:, 1] / depth
        return np.stack([x, y, depth], axis=1)


def turntable(yaw_degrees: float, target: Float64, height_m: float, width: int, height: int) -> Camera:
    """A camera that looks at `target` from `yaw_degrees` and sees `height_m` metres from top to bottom there."""
    yaw, pitch = np.radians(yaw_degrees), np.radians(PITCH_DEGREES)
    back = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    up = np.cross(right, -back)
    focal_px = height / height_m * DISTANCE_M
    return Camera(target + back * DISTANCE_M, right, up, -back, focal_px, width, height, (width / 2, height / 2))
