"""Regions of a picture that are made once more, each for itself: where they are, cut out and put back.

A face of forty pixels is five latents wide, and no network draws a face with them. So a region is cut out with some of
its surroundings, brought to about the size that the networks were trained at, and put back through a soft mask.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import BadMask
from fashquick_generation.diffusion.stages.conditions import Conditions, resized_image
from fashquick_generation.engine import Visibility
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.wishes import RegionKind, RegionRecord

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SIDE_PX = 64
"""Sides of regions are multiples of it, so that many have one size and are made together."""
NATIVE_PIXELS = 512 * 512
"""What Stable Diffusion 1.5 was trained at."""
MOST_PIXELS = 512 * 768
"""In pictures much larger it repeats itself."""
SQUARE = ((1, 1),)
SHAPES = ((1, 1), (2, 3), (3, 2), (1, 2), (2, 1))
"""Width to height of garments and repairs; faces and hands are square, so that all of a job share a batch."""
MOST_ENLARGED = 4.0
"""What is smaller gets more of its surroundings instead."""
SURROUNDINGS = 0.25
"""Of a region's longer side, seen around it on either side: what it must go together with."""
LEAST_PX = 6
"""A part whose mask is narrower than this is left as it is."""
PARTS = {
    RegionKind.FACE: (Part.HEAD, 0.15),
    RegionKind.HAND_LEFT: (Part.HAND_LEFT, 0.20),
    RegionKind.HAND_RIGHT: (Part.HAND_RIGHT, 0.20),
}
"""The part of the body, and how far around the bare mannequin's part something of it may be drawn, hair say, as a share
of its longer side."""
GARMENT_RIM = 0.004
"""Of the picture's longer side: how far beyond its edge the garment's region reaches, for the shadow it throws."""
FEATHER = 0.08
"""Of a region's shorter side: width of the rim in which its mask rises."""
MOST_FEATHER = 0.012
"""Likewise at most, of the picture's longer side."""
CHANGED = 10.0
"""sRGB codes of change from which a pixel has nothing left of what was there."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture.

    Attributes:
        kind: Which.
        mask: HxW uint8 of the picture's size: 0 where nothing changes, 255 where all may.
        box: Left, top, right and bottom of what is cut out, pixels of the picture.
        size: Width and height in which it is made, multiples of 64.
    """

    kind: RegionKind
    mask: UInt8
    box: tuple[int, int, int, int]
    size: tuple[int, int]

    @property
    def rows_columns(self) -> tuple[slice, slice]:
        """The box as an index."""
        left, top, right, bottom = self.box
        return slice(top, bottom), slice(left, right)


def regions_of(
    conditions: Conditions, kinds: Iterable[RegionKind], working_pixels: int
) -> tuple[Region | RegionRecord, ...]:
    """Find regions.

    Args:
        conditions: Of the picture, in its full size.
        kinds: Which to find: the garment, the face, hands.
        working_pixels: Most pixels of a region as it is made.

    Returns:
        For each kind its region, or the record that says why it is left as it is.

    Raises:
        BadMask: A garment is asked for and none is seen.
    """
    return tuple(
        _garment(conditions, working_pixels) if kind is RegionKind.GARMENT else _part(conditions, kind, working_pixels)
        for kind in kinds
    )


def region_of_mask(mask: UInt8, size: tuple[int, int], working_pixels: int) -> Region:
    """The region that a caller wants made again.

    Args:
        mask: HxW uint8, above 127 where to work.
        size: Width and height of the picture.
        working_pixels: Most pixels of the region as it is made.

    Raises:
        BadMask: The mask is empty or of another size.
    """
    if mask.shape != (size[1], size[0]) or mask.dtype != np.uint8:
        raise BadMask(
            f"the region is {mask.shape} {mask.dtype}, the picture {size[1]} x {size[0]}; give one uint8 a pixel",
            field="region",
        )
    return _region(RegionKind.REPAIR, mask > 127, working_pixels)


def _garment(conditions: Conditions, working_pixels: int) -> Region:
    """All garments, and a rim around them, without the hands and the head before them."""
    reach = GARMENT_RIM * max(conditions.size)
    wide = _grown(conditions.garment > 127, reach)
    return _region(RegionKind.GARMENT, wide & (conditions.skin == 0), working_pixels)


def _part(conditions: Conditions, kind: RegionKind, working_pixels: int) -> Region | RegionRecord:
    part, around = PARTS[kind]
    seen = conditions.of_part(part) > 0
    if not seen.any():
        return RegionRecord(kind, None, "not seen in the picture")
    visible = {at.name for at in conditions.key_points if at.visibility is Visibility.VISIBLE}
    if kind is RegionKind.FACE and "nose" not in visible:
        return RegionRecord(kind, None, "the face is turned away or outside of the picture")
    width, height = (int(np.ptp(np.flatnonzero(seen.any(axis=axis)))) + 1 for axis in (0, 1))
    if min(width, height) < LEAST_PX:
        return RegionRecord(kind, None, f"only {width} x {height} pixels of it are seen")
    others = (conditions.index > 0) | (conditions.skin > 0) & ~seen
    return _region(kind, _grown(seen, around * max(width, height)) & ~others, working_pixels)


def _grown(inside: Bool, reach: float) -> Bool:
    """Everything within so many pixels."""
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= reach, np.bool_)


def _region(kind: RegionKind, inside: Bool, working_pixels: int) -> Region:
    """The region with this hard mask.

    Raises:
        BadMask: The mask is empty.
    """
    if not inside.any():
        raise BadMask(f"the {kind} region is empty; nothing could change", field="region")
    columns, rows = (np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1))
    tight = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    feather = min(FEATHER * min(tight[2] - tight[0], tight[3] - tight[1]), MOST_FEATHER * max(inside.shape))
    shapes = SQUARE if kind in PARTS else SHAPES
    most = min(working_pixels, NATIVE_PIXELS if kind in PARTS else MOST_PIXELS)
    sizes = [_size_of(shape, most) for shape in shapes]
    box, size = _cut(tight, (inside.shape[1], inside.shape[0]), sizes)
    return Region(kind, feathered(inside, feather), box, size)


def feathered(inside: Bool, width: float) -> UInt8:
    """A mask that rises inside its outline, so that what is outside stays as it is.

    Args:
        inside: HxW bool.
        width: Pixels from the outline to where it is full, as far as it is that thick anywhere.

    Returns:
        HxW uint8: 0 outside and 255 in the middle, where it is thickest. The picture's border is no outline.
    """
    # Distances are to the middle of the nearest pixel outside; the outline runs half a pixel before it.
    away = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    return np.asarray(np.round(255 * np.clip(away / max(min(width, away.max()), 0.5), 0, 1)), np.uint8)


def _cut(
    tight: tuple[int, int, int, int], picture: tuple[int, int], sizes: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """What is cut out around a mask's bounds, and the size it is made in: of the usual ones that which fits best."""
    around = SURROUNDINGS * max(tight[2] - tight[0], tight[3] - tight[1])
    wanted = [min(tight[2 + k] - tight[k] + 2 * around, picture[k]) for k in (0, 1)]

    def cut_to(size: tuple[int, int]) -> tuple[int, int]:
        scale = max(wanted[0] / size[0], wanted[1] / size[1], 1 / MOST_ENLARGED)
        return min(round(scale * size[0]), picture[0]), min(round(scale * size[1]), picture[1])

    def cost(size: tuple[int, int]) -> float:
        # What does not fit into the picture is stretched; what is larger than wanted wastes the networks' pixels.
        width, height = cut_to(size)
        return 4 * abs(math.log(width * size[1] / (height * size[0]))) + math.log(width * height)

    size = min(sizes, key=cost)
    cut = cut_to(size)
    corner = [min(max(round((tight[k] + tight[2 + k] - cut[k]) / 2), 0), picture[k] - cut[k]) for k in (0, 1)]
    most = [max(int(MOST_ENLARGED * side) // SIDE_PX, 1) * SIDE_PX for side in cut]
    box = (corner[0], corner[1], corner[0] + cut[0], corner[1] + cut[1])
    return box, (min(size[0], most[0]), min(size[1], most[1]))


def _size_of(shape: tuple[int, int], most_pixels: int) -> tuple[int, int]:
    """The largest size of about this shape."""
    scale = math.sqrt(most_pixels / (shape[0] * shape[1]))
    width, height = (max(int(scale * side + 1e-6) // SIDE_PX, 1) * SIDE_PX for side in shape)
    return width, height


def crop(image: UInt8, region: Region) -> UInt8:
    """What a region shows of an image of the picture's size, HxW or HxWx3 uint8, in the region's size."""
    return resized_image(image[region.rows_columns], *region.size)


def pasted(picture: UInt8, made: UInt8, region: Region) -> UInt8:
    """Put a region back.

    Args:
        picture: HxWx3 uint8; not changed.
        made: height x width x 3 uint8, of the region's size.
        region: Which.

    Returns:
        HxWx3 uint8, the picture's own where the mask is 0.
    """
    box = region.rows_columns
    before = picture[box].astype(np.float32)
    after = returned(picture[box], made)
    share = region.mask[box][..., None].astype(np.float32) / 255
    out = picture.copy()
    out[box] = np.clip(np.round(before + share * (after - before)), 0, 255).astype(np.uint8)
    return out


def returned(picture: UInt8, made: UInt8) -> Float32:
    """Bring what was made of a picture in another size to the picture's own.

    What the way there and back loses of the picture's detail is added again wherever nothing was changed, so that a
    picture that comes back as it was sent is as it was, bit for bit.

    Args:
        picture: HxWx3 uint8; `resized_image` made what was sent.
        made: height x width x 3 uint8, what came back.

    Returns:
        HxWx3 float32, not rounded; may leave 0 to 255.
    """
    size = (picture.shape[1], picture.shape[0])
    sent = resized_image(picture, made.shape[1], made.shape[0])
    back, unchanged = (_back(image, size) for image in (made, sent))
    change = np.abs(back - unchanged).max(axis=2)
    kept = np.exp(-((cv2.GaussianBlur(change, (0, 0), 1.0) / CHANGED) ** 2))[..., None]
    return np.asarray(back + kept * (picture - unchanged), np.float32)


def _back(image: UInt8, size: tuple[int, int]) -> Float32:
    """A region's picture in the size of its box, not rounded."""
    how = cv2.INTER_AREA if image.shape[1] * image.shape[0] > size[0] * size[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image.astype(np.float32), size, interpolation=how), np.float32)
