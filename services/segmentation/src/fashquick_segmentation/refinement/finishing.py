"""From a mask at working size to an answer: cleaned, with a soft edge at the photo's size, measured, refused if bad.

Shared by all backends, so that their answers differ only in how the garment was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import NoGarment, PhotoNotUsable
from fashquick_segmentation.engine import Candidate, Presentation, Segmentation
from fashquick_segmentation.refinement import hint as transparency
from fashquick_segmentation.refinement.cleanup import clean, drop_specks
from fashquick_segmentation.refinement.coach import HOW_TO
from fashquick_segmentation.refinement.garments import apart
from fashquick_segmentation.refinement.hanger import without_hanger
from fashquick_segmentation.refinement.matte import matte
from fashquick_segmentation.refinement.matting import Method, soft_alpha
from fashquick_segmentation.refinement.measures import measure
from fashquick_segmentation.refinement.person import is_worn, without_skin
from fashquick_segmentation.refinement.quality import assess, colour_separation, refuse_unusable


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Where a backend has found the garment.

    Attributes:
        small: hxwx3 uint8, sRGB: the photo at working size.
        mask: hxw bool.
        expected: 0 to 1: the intersection over union that the backend expects of the mask.
        agreement: 0 to 1: how far its separate looks at the photo agree.
        hint: HxW uint8, the matte of an uploaded cut-out that decided where the garment is, or None.
        presentation: How the garment is presented, as the caller says.
        others: hxw bool each: other garments of the photo, which the mask leaves out already.
    """

    small: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    expected: float
    agreement: float
    hint: NDArray[np.uint8] | None = None
    presentation: Presentation = Presentation.UNKNOWN
    others: tuple[NDArray[np.bool_], ...] = ()


def finish(photo: NDArray[np.uint8], finding: Finding, others: Sequence[Candidate], cancel: CancelFlag) -> Segmentation:
    """Make the answer: the largest garment of the photo, the others as candidates.

    Args:
        photo: HxWx3 uint8, sRGB.
        finding: Where the garment is.
        others: Other readings of the photo, best first.
        cancel: Checked between steps.

    Raises:
        NoGarment: See `refuse_unusable`.
        PhotoNotUsable: Likewise; or a person wears the garment and nobody has said so.
    """
    cancel.check()
    mask, *parted = apart(_cloth(finding))
    other_garments = [*parted, *finding.others]
    alpha = matte(photo, mask, cancel)
    if finding.hint is not None:
        alpha = transparency.keep_edge(finding.hint, alpha)
    cancel.check()
    alpha = drop_specks(alpha)
    inside = alpha >= 128
    cancel.check()
    if not inside.any():
        raise NoGarment(f"nothing in this photo looks like a garment; {HOW_TO}")
    quality = assess(
        inside,
        measure(photo, finding.small, mask),
        expected=finding.expected,
        view_agreement=finding.agreement,
        separation=colour_separation(finding.small, mask),
        hint_used=finding.hint is not None,
        garments=1 + len(other_garments),
    )
    refuse_unusable(inside, quality)
    if finding.presentation is Presentation.UNKNOWN and is_worn(finding.small, mask):
        raise PhotoNotUsable(
            "a person seems to wear the garment; photograph it lying or on a hanger, or say that it is worn"
        )
    size = photo.shape[1::-1]
    beside = [Candidate(enlarged(other, size), finding.expected, other_garment=True) for other in other_garments]
    return Segmentation(inside, alpha, quality, (Candidate(inside, finding.expected), *beside, *others))


def _cloth(finding: Finding) -> NDArray[np.bool_]:
    """A finding's mask without what is no cloth, as the presentation says."""
    mask = finding.mask
    if finding.presentation is Presentation.WORN:
        mask = without_skin(finding.small, mask)
    elif finding.presentation is not Presentation.FLAT:
        mask = without_hanger(finding.small, mask)
    return clean(mask)


def with_quality_matte(photo: NDArray[np.uint8], found: Segmentation, cancel: CancelFlag) -> Segmentation:
    """Return the same answer with an edge made by closed-form matting.

    An edge that came with an uploaded cut-out is better than any that is computed, and stays.

    Args:
        photo: HxWx3 uint8, sRGB.
        found: What a backend answered about it.
        cancel: Checked between steps.
    """
    if found.quality.hint_used:
        return found
    alpha = drop_specks(soft_alpha(photo, found.mask, None, Method.QUALITY, cancel))
    mask = alpha >= 128
    first = replace(found.candidates[0], mask=mask)
    return replace(found, mask=mask, alpha=alpha, candidates=(first, *found.candidates[1:]))


def enlarged(mask: NDArray[np.bool_], size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Bring a mask to another size, given as width and height."""
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)) > 0.5
