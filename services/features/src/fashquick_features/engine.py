"""From a photo and a garment's alpha to the garment's passport."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField
from fashquick_common.garment import Category, CategoryGuess, Landmark, LandmarkName, Passport
from fashquick_features.colour import palette
from fashquick_features.shape import landmarks, outline
from fashquick_features.shape.category import load_model
from fashquick_features.shape.descriptor import describe
from fashquick_features.shape.outline import Plane

DISAGREEMENT = 0.6  # what is left of confidences where category and landmarks contradict each other

_EXPECTED: Final = {
    Category.T_SHIRT: LandmarkName.CUFF_LEFT_UPPER,
    Category.SHIRT: LandmarkName.ARMPIT_LEFT,
    Category.LONG_SLEEVE: LandmarkName.CUFF_LEFT_UPPER,
    Category.SWEATER: LandmarkName.CUFF_LEFT_UPPER,
    Category.JACKET: LandmarkName.CUFF_LEFT_UPPER,
    Category.COAT: LandmarkName.CUFF_LEFT_UPPER,
    Category.VEST: LandmarkName.ARMPIT_LEFT,
    Category.DRESS: LandmarkName.ARMPIT_LEFT,
    Category.SLEEVELESS_TOP: LandmarkName.ARMPIT_LEFT,
    Category.TROUSERS: LandmarkName.CROTCH,
    Category.SHORTS: LandmarkName.CROTCH,
    Category.SKIRT: LandmarkName.WAIST_LEFT,
}


class Analyser(Protocol):
    """Reads a garment's passport from one photo."""

    @property
    def name(self) -> str:
        """Short name of the implementation."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex over all model data that results depend on."""

    def warm_up(self) -> None:
        """Run once on a small input, so that the first call is as fast as the next."""

    def analyse(
        self, photo: npt.NDArray[np.uint8], alpha: Plane, category_hint: Category | None, cancel: CancelFlag
    ) -> Passport:
        """Analyse one garment.

        Args:
            photo: HxWx3 uint8, sRGB.
            alpha: HxW uint8: 0 background to 255 garment.
            category_hint: What the caller knows the garment to be; wins over what it looks like.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            The passport; every number in it is finite.

        Raises:
            BadField: `photo` is not an HxWx3 uint8 array.
            BadMask: `alpha` is empty, full, tiny, or of another size than the photo.
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """


class PassportAnalyser:
    """The analyser of this distribution: contour geometry, a small shape classifier, colour clustering."""

    name = "passport"

    def __init__(self) -> None:
        """Load the model data."""
        self._model, self.digest = load_model()

    def warm_up(self) -> None:
        """Analyse a drawn rectangle."""
        photo = np.full((64, 64, 3), 128, np.uint8)
        alpha = np.zeros((64, 64), np.uint8)
        alpha[8:56, 16:48] = 255
        self.analyse(photo, alpha, None, CancelFlag())

    def analyse(
        self, photo: npt.NDArray[np.uint8], alpha: Plane, category_hint: Category | None, cancel: CancelFlag
    ) -> Passport:
        """Analyse one garment; see `Analyser.analyse`."""
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise BadField(f"the photo is {photo.dtype} of shape {photo.shape}; send HxWx3 uint8", field="photo")
        height, width = photo.shape[:2]
        outline.check_alpha(alpha, height, width)
        cancel.check()
        shape = outline.trace(alpha)
        cancel.check()
        frame = outline.upright_frame(shape)
        cancel.check()
        if category_hint is None:
            guesses = self._model.guess(describe(photo, shape, frame))
        else:
            guesses = (CategoryGuess(category_hint, 1.0),)
        cancel.check()
        points = landmarks.find(photo, alpha, shape, frame, guesses[0].category)
        if category_hint is None:
            guesses, points = _reconciled(guesses, points)
        cancel.check()
        colours = palette.extract(photo, alpha, cancel)
        cancel.check()
        coverage = float(np.count_nonzero(alpha >= outline.OPAQUE) / alpha.size)
        return Passport(guesses, points, colours, width, height, coverage)


def _reconciled(
    guesses: tuple[CategoryGuess, ...], points: dict[LandmarkName, Landmark]
) -> tuple[tuple[CategoryGuess, ...], dict[LandmarkName, Landmark]]:
    """Trust both less where the likeliest category lacks the landmark that it should have."""
    if _EXPECTED[guesses[0].category] in points:
        return guesses, points
    doubted = tuple(CategoryGuess(guess.category, DISAGREEMENT * guess.confidence) for guess in guesses)
    lowered = {name: Landmark(point.x, point.y, DISAGREEMENT * point.confidence) for name, point in points.items()}
    return doubted, lowered
