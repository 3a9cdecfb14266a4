"""The embedded segmenter: views, cut, cleanup, matte, quality, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadMask
from fashquick_segmentation.embedded.another import another_garment
from fashquick_segmentation.embedded.cut import cut
from fashquick_segmentation.embedded.network import GarmentNetwork
from fashquick_segmentation.embedded.views import SIDE_PX, look
from fashquick_segmentation.engine import Candidate, Hints, Segmentation
from fashquick_segmentation.refinement import hint as transparency
from fashquick_segmentation.refinement.cleanup import clean, fill_believed
from fashquick_segmentation.refinement.finishing import Finding, enlarged, finish
from fashquick_segmentation.refinement.garments import apart
from fashquick_segmentation.refinement.measures import intersection_over_union
from fashquick_segmentation.refinement.quality import expected_iou

WORK_SIDE_PX = 512  # long side of the picture that is cut; at 384 the outline is a third coarser on drawn garments
GENEROUS, STRICT = 0.25, 0.75  # thresholds of the network's other readings
SAME_IOU = 0.97  # readings closer than this are one candidate


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the network and the colours say of a photo, at working size.

    Attributes:
        small: hxwx3 uint8, sRGB: the photo.
        probability: hxw float32, 0 to 1, of the garment; 0 on other garments.
        mask: hxw bool, the largest garment, cut along the photo's colours.
        others: hxw bool each: other garments, the largest first.
        agreement: 0 to 1: how far the network's views agree.
        hint: HxW uint8, the matte of an uploaded cut-out that was used, or None.
    """

    small: NDArray[np.uint8]
    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]
    others: tuple[NDArray[np.bool_], ...]
    agreement: float
    hint: NDArray[np.uint8] | None


class EmbeddedSegmenter:
    """Finds the garment with the network that comes with the package, on the CPU.

    Time and memory hardly depend on the photo's size. The same photo always gives the same bytes.
    """

    def __init__(self, network_file: Path | None = None) -> None:
        """Load the network.

        Args:
            network_file: The ONNX file; None for the one that comes with the package.

        Raises:
            ModelNotInstalled: The file is missing or not the expected one.
        """
        self._network = GarmentNetwork(network_file)

    @property
    def name(self) -> str:
        """The backend's name."""
        return "embedded"

    @property
    def digest(self) -> str:
        """SHA-256 of the network file in hexadecimal."""
        return self._network.digest

    def warm_up(self) -> None:
        """Run the network once: OpenCV plans its buffers on the first pass of a shape."""
        self._network.probability(np.zeros((SIDE_PX, SIDE_PX, 3), np.float32))

    def segment(self, photo: NDArray[np.uint8], hints: Hints, cancel: CancelFlag) -> Segmentation:
        """Find the garment; see `fashquick_segmentation.engine.Segmenter.segment`."""
        reading = self.read(photo, hints.mask, cancel)
        finding = Finding(
            reading.small,
            reading.mask,
            expected=expected_iou(reading.mask, reading.probability),
            agreement=reading.agreement,
            hint=reading.hint,
            presentation=hints.presentation,
            others=reading.others,
        )
        others = list(_other_readings(reading.mask, reading.probability, photo.shape[1::-1]))
        return finish(photo, finding, others, cancel)

    def read(self, photo: NDArray[np.uint8], mask_hint: NDArray[np.uint8] | None, cancel: CancelFlag) -> Reading:
        """Find the garment at working size, without finishing the mask.

        Args:
            photo: HxWx3 uint8, sRGB.
            mask_hint: As in `Hints`.
            cancel: Checked between steps.

        Raises:
            BadMask: The hint has another size than the photo.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        if mask_hint is not None and mask_hint.shape != photo.shape[:2]:
            raise BadMask(
                f"the transparency is {mask_hint.shape[1]}x{mask_hint.shape[0]} pixels, "
                f"the photo {photo.shape[1]}x{photo.shape[0]}; send both at one size"
            )
        views = look(self._network.probability, photo, cancel)
        small = working_size(photo)
        probability = np.asarray(cv2.resize(views.probability, small.shape[1::-1]), np.float32)
        hint = mask_hint if mask_hint is not None and transparency.is_matte(mask_hint) else None
        if hint is not None:
            probability = transparency.as_prior(hint, probability)
        cancel.check()
        mask = cut(small, probability, clean(probability > 0.5), cancel)
        mask, *others = apart(clean(fill_believed(mask, probability)))
        cancel.check()
        if not others and hint is None and mask.any():
            another = another_garment(self._network.probability, small, mask)
            others = [] if another is None else [another]
        if others:
            probability = np.where(np.logical_or.reduce(others), np.float32(0), probability)
        return Reading(small, probability, mask, tuple(others), views.agreement, hint)


def working_size(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring the photo's long side to `WORK_SIDE_PX`, so that widths in pixels mean the same for all photos."""
    height, width = photo.shape[:2]
    scale = WORK_SIDE_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo, size, interpolation=how), np.uint8)


def _other_readings(
    answer: NDArray[np.bool_], probability: NDArray[np.float32], size: tuple[int, ...]
) -> Iterator[Candidate]:
    """The network's generous and its strict reading, where they are not the answer once more; best first."""
    kept = [answer]
    found: list[Candidate] = []
    for threshold in (GENEROUS, STRICT):
        reading = clean(probability > threshold)
        if reading.any() and all(intersection_over_union(reading, mask) < SAME_IOU for mask in kept):
            kept.append(reading)
            found.append(Candidate(enlarged(reading, size), expected_iou(reading, probability)))
    yield from sorted(found, key=lambda candidate: -candidate.score)
