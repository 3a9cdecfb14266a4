"""Where a photo shows a garment's inside: its back through the neck, a lining, labels, a hanger within it.

A small U-Net, made as the embedded segmenter's and fine-tuned from it by `scripts/train_inside.py`, looks at the upper
part of the garment, where necks, fronts and waistbands are; see `data/MODEL_CARD.md`.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Area
from fashquick_features.recognition.network import GREY
from fashquick_features.recognition.packaged import PackagedNetwork
from fashquick_features.shape.outline import Plane, Points, UprightFrame
from fashquick_features.shape.upright import MARGIN, Upright, upright_view

WIDTH, HEIGHT = 256, 160  # pixels; what the network was trained on
NETWORK_FILE: Final = "inside.onnx"
UPPER = HEIGHT / WIDTH * (1 + 2 * MARGIN) - 2 * MARGIN  # of the garment's width: how much of its length is looked at
FINER = 2  # times the network's pixels at which edges are traced
LIKELY = 0.5
LEAST_AREA = 0.001  # of what is looked at: less is a button or a seam
STRAIGHT_PX = 0.7  # of the finer raster, how far an edge may lie off the traced one
MOST_AREAS = 16

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def upper_part(photo: Pixels, alpha: Plane, points: Points, frame: UprightFrame, width: int) -> Upright:
    """A garment's upper part, upright: all that is seen of its neck or waistband, and the beginning of its front.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8.
        points: Nx2 outline of the garment on the photo.
        frame: The outline's upright frame.
        width: Pixels.
    """
    return upright_view(photo, alpha, points, frame, width, upper=UPPER)


def on_grey(rgb: Pixels, alpha: Plane) -> Floats:
    """What the network looks at: HxWx3, 0 to 1, the garment on grey."""
    share = alpha[..., None].astype(np.float32) / 255
    return np.asarray((rgb * share + GREY * (1 - share)) / np.float32(255), np.float32)


def canvas(plane: Pixels, width: int) -> Pixels:
    """A view's plane on a canvas of the network's shape, at its upper left; beyond it 0."""
    height = width * HEIGHT // WIDTH
    out = np.zeros((height, width, *plane.shape[2:]), np.uint8)
    part = plane[:height, :width]
    out[: len(part), : part.shape[1]] = part
    return out


class InsideFinder:
    """The trained network.

    Attributes:
        digest: SHA-256 of the network file in hexadecimal.
    """

    def __init__(self) -> None:
        """Read the network that comes with the distribution.

        Raises:
            ModelNotInstalled: The file is missing or is no network.
        """
        self._network = PackagedNetwork(NETWORK_FILE)
        self.digest = self._network.digest

    def find(self, view: Upright, width: int, height: int) -> tuple[Area, ...]:
        """Outline what of a garment is its inside.

        Args:
            view: The garment's upper part, WIDTH pixels wide.
            width: Of the photo, pixels.
            height: Likewise.

        Returns:
            Areas on the photo, largest first, at most `MOST_AREAS`; none where only the outside is seen.
        """
        rgb, alpha = canvas(view.rgb, WIDTH), canvas(view.alpha, WIDTH)
        picture = on_grey(rgb, alpha)
        # A mirrored garment has its inside where the garment has it.
        both = self._probability(picture) + self._probability(picture[:, ::-1])[:, ::-1]
        likely = both / 2 * (alpha.astype(np.float32) / 255)
        fine = np.asarray(cv2.resize(likely, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR), np.float32)
        lines, _ = cv2.findContours((fine > LIKELY).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        large = [line for line in lines if cv2.contourArea(line) > LEAST_AREA * fine.size]
        areas = []
        for line in sorted(large, key=cv2.contourArea, reverse=True)[:MOST_AREAS]:
            within = np.zeros(fine.shape, np.uint8)
            cv2.fillPoly(within, [line], 1)
            points = cv2.approxPolyDP(line, STRAIGHT_PX, closed=True)[:, 0]
            places = view.places((points + 0.5) / FINER).clip(0, (width, height))
            areas.append(Area(tuple((float(x), float(y)) for x, y in places), float(fine[within > 0].mean())))
        return tuple(areas)

    def _probability(self, picture: Floats) -> Floats:
        """HEIGHTxWIDTH, that a pixel shows the inside."""
        (answer,) = self._network.run(picture)
        likely: Floats = answer[0, 0]
        return likely
