"""What the features service does, behind one Protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, FidelityReport, KnownLength, Passport
from fashquick_features.shape.outline import Plane

Photo = npt.NDArray[np.uint8]


class ReadText(StrEnum):
    """What to do about text, as in `fashquick.features.v1.ReadText`."""

    WHERE_INSTALLED = "where-installed"
    NEVER = "never"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller knows and wants.

    Attributes:
        category: What the caller knows the garment to be; wins over what it looks like.
        known_length: One length of the garment; measurements then come in centimetres too.
        read_text: What to do about text.
    """

    category: Category | None = None
    known_length: KnownLength | None = None
    read_text: ReadText = ReadText.WHERE_INSTALLED


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class FidelityTask:
    """A garment and a finished picture of it.

    Attributes:
        photo: HxWx3 uint8, sRGB: the garment's photo.
        alpha: HxW uint8: 0 background to 255 garment.
        picture: hxwx3 uint8, sRGB.
        region: hxw uint8: 0 to 255 where the picture shows the garment.
        uv: hxwx2 float32: where in the photo each pixel of the picture comes from, as parts of its width and height;
            NaN where from nowhere. None where that is not known.
        prior: hxwx3 uint8: the picture before the region was changed, or None.
        passport: The photo's passport; None: it is made.
    """

    photo: Photo
    alpha: Plane
    picture: Photo
    region: Plane
    uv: npt.NDArray[np.float32] | None = None
    prior: Photo | None = None
    passport: Passport | None = None


class Analyser(Protocol):
    """Reads a garment's passport from one photo, and says whether a picture is true to a garment."""

    @property
    def name(self) -> str:
        """Short name of the implementation."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex over all model data that results depend on."""

    def warm_up(self) -> None:
        """Run once on a small input, so that the first call is as fast as the next."""

    def analyse(self, photo: Photo, alpha: Plane, wishes: Wishes, cancel: CancelFlag) -> Passport:
        """Analyse one garment.

        Args:
            photo: HxWx3 uint8, sRGB.
            alpha: HxW uint8: 0 background to 255 garment.
            wishes: What the caller knows and wants.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            The passport; every number in it is finite.

        Raises:
            BadField: `photo` is not an HxWx3 uint8 array, or the known length cannot be measured on this garment.
            BadMask: `alpha` is empty, full, tiny, or of another size than the photo.
            ModelNotInstalled: Text must be read, and there is no reader.
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """

    def score(self, task: FidelityTask, read_text: ReadText, cancel: CancelFlag) -> FidelityReport:
        """Say in numbers whether a garment survived in a picture.

        Args:
            task: The garment and the picture.
            read_text: What to do about text.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            The report; every number in it is finite.

        Raises:
            BadField: An array of another type or size.
            BadMask: `alpha` or `region` is empty, full or of another size.
            ImageTooSmall: The picture is too small to compare.
            ModelNotInstalled: Text must be read, and there is no reader.
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """
