"""What a job must be before any work begins."""

from __future__ import annotations

import math

import numpy as np

from fashquick_common.errors import BadField, BadMask
from fashquick_common.scene_limits import (
    MAX_GARMENTS,
    MAX_HEIGHT_PX,
    MAX_VIEWS,
    MAX_WIDTH_PX,
    MIN_SIDE_PX,
    check_area,
)
from fashquick_generation.engine import (
    Backdrop,
    GarmentInput,
    GenerationJob,
    View,
)
from fashquick_generation.studio.cut import drafting


def check(job: GenerationJob) -> None:
    """Refuse a job that cannot be done.

    Raises:
        BadField: A count, size, angle or colour is outside its limits, or photo and passport do not belong together.
        BadMask: An alpha has another size than its photo.
        CategoryNotSupported: The studio cannot cut garments of this category.
    """
    _check_counts(job)
    for garment in job.garments:
        _check_garment(garment)
    for view in job.views:
        _check_view(view)
    _check_backdrop(job.backdrop)


def _check_counts(job: GenerationJob) -> None:
    for field, count, most in (("garments", len(job.garments), MAX_GARMENTS), ("views", len(job.views), MAX_VIEWS)):
        if not 1 <= count <= most:
            raise BadField(f"there are {count} {field}; give 1 to {most}", field=field)
    for field, side, limit in (("width", job.width, MAX_WIDTH_PX), ("height", job.height, MAX_HEIGHT_PX)):
        if not MIN_SIDE_PX <= side <= limit:
            raise BadField(f"{field} is {side}; choose {MIN_SIDE_PX} to {limit} pixels", field=field)
    check_area(job.width, job.height, len(job.views), "views")
    if job.seed < 0:
        raise BadField(f"seed is {job.seed}; give a whole number from 0", field="seed")


def _check_garment(garment: GarmentInput) -> None:
    drafting.supported(garment.passport.category)
    photo, alpha, passport = garment.photo, garment.alpha, garment.passport
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise BadField(
            f"the photo is {photo.shape} {photo.dtype}; give height x width x 3 uint8", field="garment.photo"
        )
    if alpha.shape != photo.shape[:2] or alpha.dtype != np.uint8:
        raise BadMask(
            f"the mask is {alpha.shape} {alpha.dtype}, the photo {photo.shape[:2]}; give one uint8 a pixel",
            field="alpha",
        )
    if (passport.photo_height, passport.photo_width) != photo.shape[:2]:
        raise BadField(
            f"the passport is of a photo of {passport.photo_width}x{passport.photo_height} pixels, "
            f"this one has {photo.shape[1]}x{photo.shape[0]}",
            field="garment.passport",
        )


def _check_view(view: View) -> None:
    if not math.isfinite(view.yaw_degrees):
        raise BadField(f"yaw is {view.yaw_degrees}; give a finite angle in degrees", field="view.yaw_degrees")


def _check_backdrop(backdrop: Backdrop) -> None:
    for field, colour in (("top", backdrop.top), ("bottom", backdrop.bottom)):
        if not all(0 <= channel <= 255 for channel in colour):
            raise BadField(f"the colour {colour} is not sRGB of 0 to 255", field=f"backdrop.{field}")
