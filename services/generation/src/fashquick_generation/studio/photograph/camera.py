"""A pinhole camera on a turntable around the figure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fashquick_generation.studio.arrays import Float64

DISTANCE_M = 7.5
"""Far enough for the flat perspective of a catalogue picture."""
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

    def scaled(self, factor: int) -> Camera:
        """The same view with `factor` times the pixels a side."""
        return replace(
            self,
            focal_px=self.focal_px * factor,
            width=self.width * factor,
            height=self.height * factor,
            centre=(self.centre[0] * factor, self.centre[1] * factor),
        )

    def rows(self, first: int, last: int) -> Camera:
        """The part of the view in a band of rows."""
        return replace(self, height=last - first, centre=(self.centre[0], self.centre[1] - first))


def turntable(yaw_degrees: float, target: Float64, height_m: float, width: int, height: int) -> Camera:
    """A camera that looks at `target` from `yaw_degrees` and sees `height_m` metres from top to bottom there."""
    yaw, pitch = np.radians(yaw_degrees), np.radians(PITCH_DEGREES)
    back = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    up = np.cross(right, -back)
    focal_px = height / height_m * DISTANCE_M
    return Camera(target + back * DISTANCE_M, right, up, -back, focal_px, width, height, (width / 2, height / 2))
