"""The labelled photos as the service sees them: decoded, masked, turned upright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import FashquickError
from fashquick_common.image.decode import decode
from fashquick_features.shape import outline
from fashquick_features.shape.outline import Outline, UprightFrame
from fashquick_features.shape.upright import Upright, upright_view

from .labels import Label, read_labels

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Garment:
    """One labelled garment.

    Attributes:
        label: What is known of it.
        photo: HxWx3 uint8.
        alpha: HxW uint8.
        outline: Its outline.
        frame: Its upright frame.
        mirrored: Whether photo and alpha are mirrored.
    """

    label: Label
    photo: NDArray[np.uint8]
    alpha: Plane
    outline: Outline
    frame: UprightFrame
    mirrored: bool

    def view(self, long_side: int) -> Upright:
        """The garment upright."""
        return upright_view(self.photo, self.alpha, self.outline.points, self.frame, long_side)


def garments(photos: Path, masks: Path, *, mirrored: bool) -> Iterator[Garment]:
    """Read all labelled garments; photos without a garment in their mask are left out, saying so.

    Args:
        photos: Folder of SET/FOLDER/ID.jpg.
        masks: Folder of SET__FOLDER__ID.png, made by `fashquick segment` or `scripts/train_category.py`.
        mirrored: Whether each photo that may be learned from comes once more, mirrored.
    """
    for label in read_labels():
        photo = decode((photos / f"{label.photo}.jpg").read_bytes()).rgb
        mask = cv2.imread(str(masks / f"{label.photo.replace('/', '__')}.png"), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise FileNotFoundError(f"there is no mask of {label.photo} in {masks}")
        alpha = np.asarray(mask, np.uint8)
        for flip in (False, True) if mirrored and not label.held_out else (False,):
            step = -1 if flip else 1
            one, two = np.ascontiguousarray(photo[:, ::step]), np.ascontiguousarray(alpha[:, ::step])
            try:
                outline.check_alpha(two, *one.shape[:2])
                shape = outline.trace(two)
            except FashquickError as error:
                print(f"{label.photo}: left out: {error}")
                break
            yield Garment(label, one, two, shape, outline.upright_frame(shape), flip)
