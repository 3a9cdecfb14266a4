"""Around the garment: changes outside its region, and what is left of the photo's ground along its edge."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.image.spaces import Floats, ciede2000, lab_of_srgb
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Bools, Sight
from fashquick_features.shape.outline import Plane

SOLID = 250  # alpha from which on a pixel holds nothing of what is behind the garment
BAND_SHARE = 0.012  # width of the rim, as a part of the garment's size: what a mask's edge is off by
MIN_BAND_PX = 1.5
MIN_RIM_PX = 24  # fewer pixels of rim or ground say nothing
WORST_SHARE = 0.25  # of the rim that is judged: a halo seldom runs all around


def outside_change(picture: npt.NDArray[np.uint8], prior: npt.NDArray[np.uint8], region: Plane) -> float:
    """Largest change of a colour channel where the region is 0.

    Args:
        picture: hxwx3 uint8.
        prior: hxwx3 uint8.
        region: hxw uint8.

    Returns:
        0 (untouched) to 255.

    Raises:
        CannotTell: The region leaves no pixel outside.
    """
    outside = region == 0
    if not outside.any():
        raise CannotTell("the region leaves no pixel of the picture outside")
    return float(cv2.absdiff(picture, prior)[outside].max())


def ground_lab(photo: Sight) -> Floats:
    """Colour of the photo's ground close to the garment, L*a*b*.

    Raises:
        CannotTell: The photo shows no ground beside the garment.
    """
    band = band_px(photo)
    away = cv2.distanceTransform((photo.alpha < 8).astype(np.uint8), cv2.DIST_L2, 3)
    near = (away > band) & (away <= 8 * band)
    if np.count_nonzero(near) < MIN_RIM_PX:
        raise CannotTell("the photo shows no ground beside the garment")
    return np.asarray(np.median(lab_of_srgb(photo.rgb[near]), axis=0))


def edge_pull(sight: Sight, ground: Floats, depth: float = 0.0) -> float:
    """How far colours along the garment's edge are drawn towards the ground.

    For every pixel of the rim: CIEDE2000 from the garment's colour further inside to the ground, less that from the
    pixel itself to the ground. Comparing with the cloth beside it discounts the light.

    Args:
        sight: The garment.
        ground: L*a*b* of the photo's ground.
        depth: How far inside the edge the rim is taken, in rim widths: what the garment's own edge looks like.

    Returns:
        Mean of the `WORST_SHARE` of the rim drawn most, CIEDE2000; negative where the edge is less like the ground.

    Raises:
        CannotTell: The garment is too narrow to have a rim and an inside.
    """
    band = band_px(sight)
    solid = np.pad((sight.alpha >= SOLID).astype(np.uint8), 1, mode="edge")
    deep = cv2.distanceTransform(solid, cv2.DIST_L2, 3)[1:-1, 1:-1] - depth * band
    rim = (deep > 0) & (deep <= band)
    inner = (deep > 2 * band) & (deep <= 7 * band)
    if min(np.count_nonzero(rim), np.count_nonzero(inner)) < MIN_RIM_PX:
        raise CannotTell("the garment is too narrow to tell its rim from its inside")
    lab = np.asarray(cv2.cvtColor(sight.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    inside_lab, known = _spread(lab, inner, 3 * band)
    rim &= known
    if np.count_nonzero(rim) < MIN_RIM_PX:
        raise CannotTell("the garment is too narrow to tell its rim from its inside")
    pull = ciede2000(inside_lab[rim].astype(np.float64), ground) - ciede2000(lab[rim].astype(np.float64), ground)
    plane = np.zeros(rim.shape, np.float32)
    plane[rim] = pull
    smooth, _ = _spread(plane[..., None], rim, 2 * band)
    along = np.sort(smooth[..., 0][rim])
    return float(along[-max(1, round(WORST_SHARE * len(along))) :].mean())


def band_px(sight: Sight) -> float:
    """Width of the rim that is judged, in pixels."""
    return max(MIN_BAND_PX, BAND_SHARE * sight.size)


def _spread(plane: npt.NDArray[np.float32], known: Bools, sigma: float) -> tuple[npt.NDArray[np.float32], Bools]:
    """Gaussian mean of the known pixels around each pixel, and where there are any."""
    part = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
    total = cv2.GaussianBlur(np.where(known[..., None], plane, np.float32(0)), (0, 0), sigma)
    total = total.reshape(plane.shape)
    return np.asarray(total / np.maximum(part, 1e-6)[..., None], np.float32), np.asarray(part > 0.01)
