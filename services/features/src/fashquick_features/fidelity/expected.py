"""What a picture should show where it shows the photo's cloth, and how far it does.

Light on cloth multiplies linear values by a factor that changes smoothly. The photo's pixels, put where the picture
shows them, are therefore brought to the picture's light by one smooth factor, the same for all three channels, and
compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fashquick_common.image.spaces import Floats, linear_of_srgb, srgb_of_linear
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Bools, Floats32, Image, Sight
from fashquick_features.shape.outline import OPAQUE

LIGHT_SHARE = 0.035  # of the garment's size: sigma of the light's changes; sharper ones are the cloth's
TINT = 1.2  # factor by which light may favour one channel over the mean of the three
DARKEST, BRIGHTEST = 0.57, 1.75  # factors (0.8 stops) of the garment's light as a whole: beyond, it is another cloth
SHADE = 2.0  # factor by which folds may be darker or brighter than the garment as a whole
ALIKE = 6.0  # Lab distance up to which a pixel is the photo's: noise, JPEG and rounding at working size
SLOPE = 0.6  # pixels by which a map may be off: where colours change fast, so much more is allowed
MIN_PX = 64  # fewer compared pixels say nothing


@dataclass(frozen=True, slots=True)
class Expected:
    """The photo's cloth as the picture should show it.

    Attributes:
        sight: hxwx3 uint8 in the picture's light, with the alpha of what is known of it.
        linear: hxwx3 float32, linear light of the photo's cloth, not yet in the picture's light.
        light: hxw float32, the factor of the light.
        known: hxw bool, garment pixels of the picture whose place on the photo's garment is known.
    """

    sight: Sight
    linear: Floats32
    light: Floats32
    known: Bools


def expect(photo: Sight, picture: Sight) -> Expected:
    """Put the photo's cloth where the picture shows it, in the picture's light.

    Args:
        photo: The garment's photo.
        picture: A picture with `places`.

    Raises:
        CannotTell: The picture's places name hardly any of the photo's garment.
    """
    assert picture.places is not None
    at = picture.places - np.float32(0.5)
    finite = np.isfinite(at).all(axis=2)
    x, y = (np.where(finite, at[..., axis], np.float32(-10)) for axis in (0, 1))
    source = linear_of_srgb(photo.rgb).astype(np.float32)
    linear = np.asarray(cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
    cover = cv2.remap(photo.alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    known = finite & (cover >= OPAQUE) & picture.inside
    if np.count_nonzero(known) < MIN_PX:
        raise CannotTell("the map names hardly any pixel of the garment in its photo")
    shown = linear_of_srgb(picture.rgb).astype(np.float32)
    linear = linear * _tint(linear[known], shown[known])
    light = _light(linear, shown, known, LIGHT_SHARE * picture.size)
    lit = srgb_of_linear((linear * light[..., None]).astype(np.float64))
    alpha = np.where(known, picture.alpha, 0).astype(np.uint8)
    return Expected(Sight(lit, alpha), np.asarray(linear, np.float32), light, np.asarray(known))


def carried_share(expected: Expected, picture: Sight) -> float:
    """Part of the garment in the picture whose pixels are the photo's, up to light, 0 to 1.

    Pixels of the garment that the map leaves without a place count as not carried over.
    """
    want, have = _lab(expected.sight.rgb), _lab(picture.rgb)
    across, down = (np.asarray(cv2.Sobel(want, cv2.CV_32F, *order, scale=1 / 8)) for order in ((1, 0), (0, 1)))
    slope = np.sqrt((across**2 + down**2).sum(axis=2))
    apart = np.sqrt(((want - have) ** 2).sum(axis=2))
    same = expected.known & (apart <= ALIKE + SLOPE * slope)
    return float(np.count_nonzero(same) / max(1, int(np.count_nonzero(picture.inside))))


def _lab(rgb: Image) -> Floats32:
    """CIE L*a*b* of an image, without the finest noise."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.7), np.float32)


def _tint(want: Floats32, have: Floats32) -> Floats32:
    ratio: Floats = np.add(have.mean(axis=0), 1e-3) / np.add(want.mean(axis=0), 1e-3)
    return np.asarray(np.clip(ratio / ratio.mean(), 1 / TINT, TINT), np.float32)


def _light(want: Floats32, have: Floats32, known: Bools, sigma: float) -> Floats32:
    """Least squares factor from `want` to `have` around each pixel, within the limits of light."""
    weight = known[..., None].astype(np.float32)
    cross = (want * have * weight).sum(axis=2)
    power = (want * want * weight).sum(axis=2)
    whole = max(float(cross.sum()), 1e-9) / max(float(power.sum()), 1e-9)
    noise = np.float32(1e-4) * cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
    cross, power = (cv2.GaussianBlur(plane, (0, 0), sigma) for plane in (cross, power))
    local = (cross + whole * noise) / np.maximum(power + noise, 1e-9)
    shade = np.clip(local / whole, 1 / SHADE, SHADE)
    return np.asarray(np.clip(whole, DARKEST, BRIGHTEST) * shade, np.float32)
