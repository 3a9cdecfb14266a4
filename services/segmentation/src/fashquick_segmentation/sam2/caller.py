"""What a caller asks SAM 2, checked before the network runs.

Coordinates are as in `prompts`: pixels from the left and from the top edge of the photo.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import BadField, BadMask
from fashquick_common.image import FOREGROUND
from fashquick_segmentation.engine import MAX_POINTS
from fashquick_segmentation.sam2.prompts import OFF, ON, Box, Points, PromptSet, box_of

NAME = "caller"  # of the prompt set
SIDE_MIN_PX = 1.0  # of a box; a thinner one holds no pixel


def caller_prompt(
    points: Points,
    box: Box | None,
    mask: NDArray[np.uint8] | None,
    photo_size: tuple[int, int],
    counted_in: tuple[int, int] | None = None,
) -> PromptSet:
    """Check what a caller asks.

    Args:
        points: What the caller points at; may be none.
        box: Round the garment, or None.
        mask: HxW uint8, 0 ground to 255 garment, or None.
        photo_size: Height and width of the photo in pixels.
        counted_in: Those in which points and box are, as the caller sees the photo; None for `photo_size`.

    Returns:
        The prompt set `NAME`, in pixels of the photo. A mask that comes alone is asked about together with its box:
        SAM was trained on masks beside points or a box.

    Raises:
        BadField: There are more than `MAX_POINTS` points; a coordinate is not a finite number or outside the photo; a
            label is neither `ON` nor `OFF`; the box is empty or reaches outside the photo; nothing says where the
            garment is; one pixel is said to be on and off the garment; all points on the garment, or all of the mask,
            are outside the box.
        BadMask: The mask has another size than the photo, or is empty or full.
    """
    seen = counted_in or photo_size
    _check_points(points, seen)
    if box is not None:
        _check_box(box, seen)
    if mask is not None:
        _check_mask(mask, photo_size)
    _check_together(points, box, has_mask=mask is not None)
    # Only now: points beside each other may fall together when they are scaled.
    asked = PromptSet(NAME, points, box).scaled(photo_size[1] / seen[1], photo_size[0] / seen[0])
    points, box = asked.points, asked.box
    if mask is None:
        return asked
    if box is not None:
        _check_overlap(box, mask)
    elif not (points.labels == ON).any():
        box = box_of(mask >= FOREGROUND)
    return PromptSet(NAME, points, box, mask.astype(np.float32) / np.float32(255))


def _check_points(points: Points, photo_size: tuple[int, int]) -> None:
    height, width = photo_size
    at, labels = points.at, points.labels
    if len(at) > MAX_POINTS:
        raise BadField(f"{len(at)} points came, at most {MAX_POINTS:,} are taken; send fewer", field="points")
    if at.shape != (len(labels), 2):
        raise BadField(f"{len(labels)} labels came with points of shape {at.shape}; send x, y and a label for each")
    for number in np.flatnonzero(~np.isfinite(at).all(axis=1))[:1]:
        raise BadField(
            f"point {number} is at x {at[number, 0]}, y {at[number, 1]}; send finite numbers", field=f"points[{number}]"
        )
    for number in np.flatnonzero(~((at >= 0) & (at < (width, height))).all(axis=1))[:1]:
        raise BadField(
            f"point {number} is at x {at[number, 0]:g}, y {at[number, 1]:g}, outside the photo of "
            f"{width}x{height} pixels; count from its top left corner, in pixels of the photo as it was uploaded",
            field=f"points[{number}]",
        )
    for number in np.flatnonzero((labels != ON) & (labels != OFF))[:1]:
        raise BadField(
            f"point {number} has label {labels[number]}; {ON} is on the garment, {OFF} off it",
            field=f"points[{number}]",
        )


def _check_box(box: Box, photo_size: tuple[int, int]) -> None:
    height, width = photo_size
    said = f"left {box.left:g}, top {box.top:g}, right {box.right:g}, bottom {box.bottom:g}"
    if not np.isfinite([box.left, box.top, box.right, box.bottom]).all():
        raise BadField(f"the box is {said}; send finite numbers", field="box")
    if box.right - box.left < SIDE_MIN_PX or box.bottom - box.top < SIDE_MIN_PX:
        raise BadField(
            f"the box is {said}: it has no area; right and bottom are at least a pixel greater than left and top",
            field="box",
        )
    if box.left < 0 or box.top < 0 or box.right > width or box.bottom > height:
        raise BadField(
            f"the box is {said}, outside the photo of {width}x{height} pixels; draw it within the photo", field="box"
        )


def _check_mask(mask: NDArray[np.uint8], photo_size: tuple[int, int]) -> None:
    height, width = photo_size
    if mask.shape != (height, width):
        raise BadMask(
            f"the mask has shape {'x'.join(map(str, mask.shape[::-1]))}, the photo {width}x{height} pixels; "
            "send both at one size"
        )
    on = mask >= FOREGROUND
    if not on.any():
        raise BadMask(f"the mask is empty: no value is {FOREGROUND} or more; mark the garment with 255")
    if on.all():
        raise BadMask("the mask covers the whole photo; mark the garment with 255 and the ground with 0")


def _check_together(points: Points, box: Box | None, *, has_mask: bool) -> None:
    on = points.labels == ON
    if not on.any() and box is None and not has_mask:
        raise BadField(
            f"{len(points)} points say where the garment is not, nothing says where it is; "
            "add a point on the garment or a box round it",
            field="points",
        )
    pixels = points.at.astype(np.int64)
    both = set(map(tuple, pixels[on].tolist())) & set(map(tuple, pixels[~on].tolist()))
    if both:
        x, y = min(both)
        raise BadField(
            f"the pixel at x {x}, y {y} is said to be on and off the garment; leave one of the two points out",
            field="points",
        )
    if box is None:
        return
    corners = np.array([[box.left, box.top], [box.right, box.bottom]])
    if on.any() and not ((points.at[on] >= corners[0]) & (points.at[on] <= corners[1])).all(axis=1).any():
        raise BadField(
            f"all {np.count_nonzero(on)} points on the garment are outside the box; draw the box round the garment",
            field="box",
        )


def _check_overlap(box: Box, mask: NDArray[np.uint8]) -> None:
    rows = slice(math.floor(box.top), math.ceil(box.bottom))
    columns = slice(math.floor(box.left), math.ceil(box.right))
    if not (mask[rows, columns] >= FOREGROUND).any():
        raise BadField("the whole mask is outside the box; draw the box round the garment", field="box")
