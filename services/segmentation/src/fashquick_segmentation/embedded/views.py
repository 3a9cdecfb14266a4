"""What the network sees in several views of one photo: a mean probability, and how far the views agree.

Averaging over scales and flips removes errors that hang on where the pixel grid falls; the disagreement that
is left says how much to trust the answer (Wang et al., "Aleatoric uncertainty estimation with test-time
augmentation for medical image segmentation", Neurocomputing 338, 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.refinement.measures import intersection_over_union

# Multiples of 32: the network halves its input five times, other sides would shift its skip connections.
SIDES_PX = (192, 256, 320)  # the two sides of training, and one step beyond, which sharpens straps and gaps
ZOOM_SIDE_PX = 256
ZOOM_MARGIN_PX = ZOOM_SIDE_PX // 8  # a quarter smaller: garments that fill the frame get ground around them

Probability = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Views:
    """What all views of one photo say together.

    Attributes:
        probability: 320x320 float32, the whole photo squeezed into a square; 0 to 1.
        agreement: The smallest intersection over union between one view's mask and that of the mean.
    """

    probability: NDArray[np.float32]
    agreement: float


def look(probability: Probability, photo: NDArray[np.uint8], cancel: CancelFlag) -> Views:
    """Ask the network about each view of a photo.

    Args:
        probability: The network.
        photo: HxWx3 uint8, sRGB.
        cancel: Checked before each of the seven passes; a pass takes 12 to 40 ms on two cores.

    Returns:
        The views' common answer.
    """
    answers = list(_answers(probability, photo, cancel))
    mean = np.asarray(np.mean(answers, axis=0, dtype=np.float32), np.float32)
    common = np.asarray(mean > 0.5)
    return Views(mean, min(intersection_over_union(answer > 0.5, common) for answer in answers))


def _answers(probability: Probability, photo: NDArray[np.uint8], cancel: CancelFlag) -> Iterator[NDArray[np.float32]]:
    for side in SIDES_PX:
        square = _square(photo, side)
        cancel.check()
        plain = probability(square)
        cancel.check()
        flipped = probability(square[:, ::-1])[:, ::-1]
        yield _to_common_size(_float((plain + flipped) / 2))
    cancel.check()
    yield _to_common_size(_zoomed_out(probability, _square(photo, ZOOM_SIDE_PX)))


def _zoomed_out(probability: Probability, square: NDArray[np.float32]) -> NDArray[np.float32]:
    """Show the photo inside its own mirror image, so that nothing lies at the very edge."""
    margin = ZOOM_MARGIN_PX
    wide = cv2.copyMakeBorder(square, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    answer = probability(_float(cv2.resize(wide, (ZOOM_SIDE_PX, ZOOM_SIDE_PX), interpolation=cv2.INTER_AREA)))
    return _float(cv2.resize(answer, wide.shape[1::-1]))[margin:-margin, margin:-margin]


def _square(photo: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    return _float(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)) / np.float32(255)


def _to_common_size(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    return _float(cv2.resize(answer, (SIDES_PX[-1], SIDES_PX[-1]), interpolation=cv2.INTER_LINEAR))


def _float(image: object) -> NDArray[np.float32]:
    return np.asarray(image, np.float32)
