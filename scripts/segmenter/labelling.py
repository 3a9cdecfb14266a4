"""Labels for a next round of training, made by the network of the last one: only those that it does not doubt.

Self-training (Xie et al., "Self-training with noisy student improves ImageNet classification", CVPR 2020): the network
looks at each photo in several views, as it does in use; where they agree, and the cut along the photo's colours moves
little, its answer is a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.embedded.cut import cut
from fashquick_segmentation.embedded.segmenter import working_size
from fashquick_segmentation.embedded.views import Probability, look
from fashquick_segmentation.refinement.cleanup import clean, fill_believed
from fashquick_segmentation.refinement.hanger import without_hanger
from fashquick_segmentation.refinement.measures import intersection_over_union
from fashquick_segmentation.refinement.quality import expected_iou

AGREEMENT_MIN = 0.93  # between the network's views
CUT_MIN = 0.95  # between the network's outline and the cut along the colours
CUT_TRUSTED = 0.97  # from here on the cut's outline is the label, else the network's
EXPECTED_MIN = 0.93
COVERAGE_MIN, COVERAGE_MAX = 0.04, 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What is said of one photo.

    Attributes:
        label: HxW bool, at working size.
        is_sure: Whether it is good enough to learn from unseen.
    """

    label: NDArray[np.bool_]
    is_sure: bool


def label_photo(probability: Probability, photo: NDArray[np.uint8]) -> Labelled:
    """Label one photo.

    Args:
        probability: The network: SxSx3 float32, sRGB from 0 to 1, to SxS float32.
        photo: HxWx3 uint8, sRGB.
    """
    cancel = CancelFlag()
    views = look(probability, photo, cancel)
    small = working_size(photo)
    likely = np.asarray(cv2.resize(views.probability, small.shape[1::-1]), np.float32)
    own = clean(likely > 0.5)
    along_colours = clean(fill_believed(cut(small, likely, own, cancel), likely))
    moved = intersection_over_union(own, along_colours)
    label = without_hanger(small, along_colours if moved >= CUT_TRUSTED else own)
    sure = (
        views.agreement >= AGREEMENT_MIN
        and moved >= CUT_MIN
        and expected_iou(own, likely) >= EXPECTED_MIN
        and COVERAGE_MIN <= label.mean() <= COVERAGE_MAX
    )
    return Labelled(label, bool(sure))
