"""What the fidelity report needs of the analysers, and how this package's own give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadMask
from fashquick_common.garment import Light, PaletteColour, Pattern, PatternGuess, PatternKind
from fashquick_features.colour import palette
from fashquick_features.pattern.analysis import analyse
from fashquick_features.shape import outline
from fashquick_features.shape.outline import OPAQUE, Plane, Points, UprightFrame
from fashquick_features.shape.upright import Upright, upright_view
from fashquick_features.texture import descriptor as textures
from fashquick_features.texture.cloth import WORKING_PX

Image = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]

VIEW_PX = 320  # long side of the upright garment that the pattern is read from


class Analysers(Protocol):
    """Tell colours, pattern and texture of a garment in an image; same input, same answer.

    Images are HxWx3 uint8 sRGB, alpha is HxW uint8 and not empty.
    """

    def palette(self, rgb: Image, alpha: Plane, light: Light, cancel: CancelFlag) -> tuple[PaletteColour, ...]:
        """Colours in a light, at least one."""

    def pattern(self, rgb: Image, alpha: Plane, cancel: CancelFlag) -> Pattern:
        """Pattern; without guesses where it cannot be told."""

    def texture(self, rgb: Image, alpha: Plane, cancel: CancelFlag) -> Vector:
        """Texture descriptor at the image's own scale: finite, of one length, its numbers of like size."""


class OwnAnalysers:
    """This package's analysers."""

    def __init__(self, kinds_of: Callable[[Vector, Upright], Mapping[PatternKind, float]]) -> None:
        """Make them.

        Args:
            kinds_of: Probabilities of the kinds of pattern, from the pattern descriptor and the garment upright. It
                does not abstain: likeness can be told where the kind cannot.
        """
        self._kinds_of = kinds_of

    def palette(self, rgb: Image, alpha: Plane, light: Light, cancel: CancelFlag) -> tuple[PaletteColour, ...]:
        """Colours; see `Analysers.palette`."""
        return palette.extract(rgb, alpha, light, cancel)

    def pattern(self, rgb: Image, alpha: Plane, cancel: CancelFlag) -> Pattern:
        """Pattern of the garment turned upright; see `Analysers.pattern`."""
        height, width = alpha.shape
        try:
            points, frame = _upright(alpha.tobytes(), height, width)
        except BadMask:
            return Pattern((), ())  # what a map names may be scattered over the picture
        cancel.check()
        view = upright_view(rgb, alpha, points, frame, VIEW_PX)
        cancel.check()
        descriptor, found = analyse(view, cancel)
        kinds = self._kinds_of(descriptor, view)
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0].value))
        return Pattern(tuple(PatternGuess(kind, float(share)) for kind, share in ranked), found)

    def texture(self, rgb: Image, alpha: Plane, cancel: CancelFlag) -> Vector:
        """The structure part of the texture descriptor; see `Analysers.texture`.

        The descriptor brings a garment's longer side to a known size. A canvas of that size around the garment keeps
        the image's own scale, at which photo and picture are compared.
        """
        rows, columns = (np.nonzero((alpha >= OPAQUE).any(axis=axis))[0] for axis in (1, 0))
        cut = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        height, width = alpha[cut].shape
        side = max(WORKING_PX, height, width)
        canvas_rgb, canvas_alpha = np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.uint8)
        canvas_rgb[:height, :width], canvas_alpha[:height, :width] = rgb[cut], alpha[cut]
        view = Upright(canvas_rgb, canvas_alpha, 1.0, float(height), np.eye(2, 3))
        return np.asarray(textures.describe(view, cancel)[textures.STRUCTURE], np.float32)


@lru_cache(maxsize=8)
def _upright(alpha: bytes, height: int, width: int) -> tuple[Points, UprightFrame]:
    """Outline and upright frame of an alpha plane; a garment's controls share its outline."""
    shape = outline.trace(np.frombuffer(alpha, np.uint8).reshape(height, width))
    return shape.points, outline.upright_frame(shape)
