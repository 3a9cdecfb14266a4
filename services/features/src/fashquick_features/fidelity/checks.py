"""What a fidelity report refuses to look at, each with its own words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fashquick_common.errors import BadField, BadMask, ImageTooSmall
from fashquick_common.garment import Passport
from fashquick_features.shape.outline import FULL_SHARE, MIN_GARMENT_PX, OPAQUE, Plane, check_alpha

MIN_PICTURE_PX = 64  # sides below it show no garment to speak of


def check_inputs(
    photo: npt.NDArray[np.uint8],
    alpha: Plane,
    picture: npt.NDArray[np.uint8],
    region: Plane,
    *,
    uv: npt.NDArray[np.float32] | None,
    prior: npt.NDArray[np.uint8] | None,
    passport: Passport,
) -> None:
    """Refuse what cannot be compared.

    Args:
        photo: HxWx3 uint8.
        alpha: HxW uint8.
        picture: hxwx3 uint8, sides of at least `MIN_PICTURE_PX`.
        region: hxw uint8.
        uv: hxwx2 float32, 0 to 1 or NaN; or None.
        prior: hxwx3 uint8; or None.
        passport: Of `photo`.

    Raises:
        BadField: An array of another type or size, a UV map outside 0 to 1, or a passport of another photo.
        BadMask: `alpha` or `region` marks nothing, all, or belongs to another size.
        ImageTooSmall: The picture is too small.
    """
    _check_rgb(photo, "photo")
    check_alpha(alpha, photo.shape[0], photo.shape[1])
    _check_rgb(picture, "picture")
    height, width = picture.shape[:2]
    if min(height, width) < MIN_PICTURE_PX:
        raise ImageTooSmall(
            f"the picture is {width} x {height} pixels; send one of at least {MIN_PICTURE_PX} x {MIN_PICTURE_PX}",
            field="picture",
        )
    _check_region(region, height, width)
    if uv is not None:
        _check_uv(uv, height, width)
    if prior is not None:
        _check_rgb(prior, "prior")
        if prior.shape != picture.shape:
            raise BadField(
                f"the prior picture is {prior.shape[1]} x {prior.shape[0]} pixels, the finished one "
                f"{width} x {height}; send the picture that the garment was put into, at the same size",
                field="prior",
            )
    if (passport.photo_height, passport.photo_width) != photo.shape[:2]:
        raise BadField(
            f"the passport is of a photo of {passport.photo_width} x {passport.photo_height} pixels, this one has "
            f"{photo.shape[1]} x {photo.shape[0]}; send the passport of this photo",
            field="passport",
        )


def _check_rgb(image: npt.NDArray[np.uint8], field: str) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadField(f"the {field} is {image.dtype} of shape {image.shape}; send HxWx3 uint8", field=field)


def _check_region(region: Plane, height: int, width: int) -> None:
    if region.ndim != 2 or region.dtype != np.uint8:
        raise BadMask(f"the region is {region.dtype} of shape {region.shape}; send one 8-bit plane", field="region")
    if region.shape != (height, width):
        raise BadMask(
            f"the region is {region.shape[1]} x {region.shape[0]} pixels, its picture {width} x {height}; "
            "send a region of the picture's size",
            field="region",
        )
    inside = int(np.count_nonzero(region >= OPAQUE))
    if inside < MIN_GARMENT_PX:
        raise BadMask(
            f"the region marks {inside} pixels of the picture as garment, at least {MIN_GARMENT_PX} are needed; "
            "send the mask of the garment in the picture",
            field="region",
        )
    if inside > FULL_SHARE * region.size:
        raise BadMask(
            "the region marks the whole picture as garment; send the mask of the garment in the picture",
            field="region",
        )


def _check_uv(uv: npt.NDArray[np.float32], height: int, width: int) -> None:
    if uv.ndim != 3 or uv.shape[2] != 2 or uv.dtype != np.float32:
        raise BadField(f"the UV map is {uv.dtype} of shape {uv.shape}; send hxwx2 float32", field="uv")
    if uv.shape[:2] != (height, width):
        raise BadField(
            f"the UV map is {uv.shape[1]} x {uv.shape[0]} pixels, its picture {width} x {height}; "
            "send a map of the picture's size",
            field="uv",
        )
    unknown = np.isnan(uv)
    if np.any(unknown[..., 0] != unknown[..., 1]):
        raise BadField("the UV map has pixels with u and without v; set both to NaN where there is none", field="uv")
    # NaN compares as false: places that are not known pass.
    wrong = uv[(uv < 0) | (uv > 1)]
    if len(wrong):
        raise BadField(f"the UV map holds {float(wrong[0]):g}; send 0 to 1, or NaN where there is none", field="uv")
