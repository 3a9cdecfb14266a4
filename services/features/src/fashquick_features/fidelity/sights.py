"""Photo and picture cut to the garment and brought to one scale, the coarser of the two."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Box
from fashquick_features.shape.outline import OPAQUE, Plane

Image = npt.NDArray[np.uint8]
Places = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Floats32 = npt.NDArray[np.float32]

WORKING_PX = 224.0  # square root of the garment's area in view pixels: a T-shirt's longer side is then about 320
SIDE_STEP = 2**0.25  # sizes are rounded down to powers of it, so that pictures of like size share their controls
MARGIN = 0.14  # of the garment's longer side left around it: the photo's ground and the picture's surroundings
SEAM_PX = 2.0  # neighbours that lie this much further apart on the photo than usual are of two pieces of cloth


@dataclass(frozen=True, slots=True)
class Sight:
    """A garment as one image shows it, at working size.

    Attributes:
        rgb: HxWx3 uint8, sRGB.
        alpha: HxW uint8: 0 none to 255 garment.
        places: HxWx2 float32: position (x, y) in pixels of the photo's sight whose cloth a pixel shows, pixel
            centres at half-integers, NaN where it shows none; None where that is not known.
    """

    rgb: Image
    alpha: Plane
    places: Places | None = None

    @property
    def inside(self) -> Bools:
        """HxW bool: the garment."""
        return np.asarray(self.alpha >= OPAQUE)

    @property
    def size(self) -> float:
        """Square root of the garment's area, in pixels: what lengths are measured by."""
        return max(1.0, float(np.sqrt(np.count_nonzero(self.alpha >= OPAQUE))))


@dataclass(frozen=True, slots=True)
class Pair:
    """The garment in its photo and in a picture, at one scale.

    Attributes:
        photo: The photo's sight, `places` None.
        picture: The picture's.
        origin: Position (x, y) on the photo of the sight's corner.
        factors: View pixels a photo pixel, along x and y.
        step: Number of the working size, equal for pairs whose photo's sights are equal.
    """

    photo: Sight
    picture: Sight
    origin: tuple[float, float]
    factors: tuple[float, float]
    step: int

    def box_in_view(self, box: Box) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a box on the photo, in whole pixels of the photo's sight, inside it."""
        height, width = self.photo.alpha.shape
        left = (box.x - self.origin[0]) * self.factors[0]
        top = (box.y - self.origin[1]) * self.factors[1]
        right, bottom = left + box.width * self.factors[0], top + box.height * self.factors[1]
        x, y = (min(max(0, int(np.floor(v))), limit - 1) for v, limit in ((left, width), (top, height)))
        end_x, end_y = (min(limit, int(np.ceil(v))) for v, limit in ((right, width), (bottom, height)))
        return x, y, max(x + 1, end_x), max(y + 1, end_y)


def pair_up(photo: Image, alpha: Plane, picture: Image, region: Plane, uv: Places | None) -> Pair:
    """Cut both images to the garment and shrink them to the scale of the coarser one.

    Args:
        photo: HxWx3 uint8.
        alpha: HxW uint8, holds a garment.
        picture: hxwx3 uint8.
        region: hxw uint8, holds a garment.
        uv: hxwx2 float32: place on the photo that a pixel shows, as parts of its width and height, NaN where none.

    Returns:
        The pair; nothing is ever enlarged.
    """
    cut = _cut(alpha)
    cut_shown = _cut(region)
    area = float(np.count_nonzero(alpha >= OPAQUE))
    places = None if uv is None else _on_photo(uv[cut_shown], photo.shape[1], photo.shape[0])
    coarser = _photo_pixels_a_pixel(places, region[cut_shown], area)  # photo pixels that a picture's pixel spans
    most = min(WORKING_PX, float(np.sqrt(area)), float(np.sqrt(area)) / coarser)
    step = int(np.floor(np.log(WORKING_PX / most) / np.log(SIDE_STEP) + 1 - 1e-6)) if most < WORKING_PX else 0
    scale = min(1.0, WORKING_PX * SIDE_STEP**-step / float(np.sqrt(area)))
    rgb, seen = _shrunk(photo[cut], scale), _shrunk(alpha[cut], scale)
    factors = (seen.shape[1] / alpha[cut].shape[1], seen.shape[0] / alpha[cut].shape[0])
    origin = (float(cut[1].start), float(cut[0].start))
    shown = min(1.0, scale * coarser)
    if places is not None:
        places = _places_in_view(places, shown, origin, factors)
    sight = Sight(_shrunk(picture[cut_shown], shown), _shrunk(region[cut_shown], shown), places)
    return Pair(Sight(rgb, seen), sight, origin, factors, step)


def _cut(alpha: Plane) -> tuple[slice, slice]:
    rows = np.nonzero((alpha >= OPAQUE).any(axis=1))[0]
    columns = np.nonzero((alpha >= OPAQUE).any(axis=0))[0]
    margin = 1 + round(MARGIN * max(int(np.ptp(rows)), int(np.ptp(columns))))
    return (
        slice(max(0, int(rows[0]) - margin), min(alpha.shape[0], int(rows[-1]) + margin + 1)),
        slice(max(0, int(columns[0]) - margin), min(alpha.shape[1], int(columns[-1]) + margin + 1)),
    )


def _shrunk(image: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = tuple(max(1, round(scale * side)) for side in image.shape[1::-1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _on_photo(uv: Places, width: int, height: int) -> Places:
    return np.asarray(uv * np.array([width, height], np.float32), np.float32)


def _photo_pixels_a_pixel(places: Places | None, region: Plane, area: float) -> float:
    """How many photo pixels, along one side, a pixel of the picture spans: by the map, else by the areas."""
    by_area = float(np.sqrt(area / max(1, int(np.count_nonzero(region >= OPAQUE)))))
    if places is None or min(places.shape[:2]) < 2:
        return by_area
    across = places[:-1, 1:] - places[:-1, :-1]
    down = places[1:, :-1] - places[:-1, :-1]
    spanned = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    spanned = spanned[np.isfinite(spanned)]
    by_map = float(np.sqrt(np.median(spanned))) if len(spanned) else 0.0
    # A map that says a fourth of what the areas say, or four times that, is no map of the garment's scale.
    return by_map if 0.25 < by_map / by_area < 4 else by_area


def _places_in_view(places: Places, scale: float, origin: tuple[float, float], factors: tuple[float, float]) -> Places:
    """Shrink a map of places and count them in pixels of the photo's sight."""
    if scale < 1:
        size = tuple(max(1, round(scale * side)) for side in places.shape[1::-1])
        known = np.asarray(np.isfinite(places).all(axis=2))
        filled = np.where(known[..., None], places, np.float32(0))
        part = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(filled, size, interpolation=cv2.INTER_AREA) / np.maximum(part, 1e-6)[..., None]
        nearest = np.asarray(cv2.resize(np.asarray(places), size, interpolation=cv2.INTER_NEAREST_EXACT), np.float32)
        # A mean over a seam lies between two pieces of cloth and names neither.
        apart = np.abs(mean - nearest).max(axis=2) > SEAM_PX / max(min(factors), 1e-6)
        places = np.where(((part < 0.5) | apart)[..., None], np.float32(np.nan), mean).astype(np.float32)
    return np.asarray((places - np.array(origin, np.float32)) * np.array(factors, np.float32), np.float32)
