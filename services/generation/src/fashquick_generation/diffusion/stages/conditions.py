"""Stage 1, conditions: what the other stages need of the studio's picture, in the form in which they need it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.diffusion_limits import LATENT_PX
from fashquick_common.errors import BadField, BadMask
from fashquick_generation.engine import REPAIR_MAPS, GenerationJob, KeyPoint, MapKind, Picture, Visibility
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.photograph import keypoints
from fashquick_generation.studio.photograph.backdrop import GREY_SRGB
from fashquick_generation.studio.photograph.maps import KEPT_PARTS, PART_COLOURS

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

CONDITION_MAPS = frozenset({MapKind.DEPTH, MapKind.GARMENT_MASK, MapKind.GARMENT_INDEX, MapKind.PARTS})
"""Maps that diffusion takes from the studio; the pose is drawn anew, see `Conditions.pose`."""
SIDES_PX = (64, 32, 16, 8)
"""Steps of the first pass's sides: the UNet halves latents three times, and few different sizes share batches."""
MOST_STRETCH = 0.02
"""Change of the picture's shape that a coarser step of its sides may cost."""
LEAST_USED = 0.7
"""Share of the pixels there may be that it must leave."""
UPSCALE = 2
LEAST_ALPHA = 0.25
"""Coverage under which a pixel's own colour is not told from the ground's."""
HEAD_POINTS = frozenset({"nose", "left_eye", "right_eye", "left_ear", "right_ear"})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a picture is made from, all of one size.

    Attributes:
        base: HxWx3 uint8, sRGB: the studio's picture, before a ground where the backdrop is transparent.
        depth: HxW uint8, as ControlNet takes it: the nearest 255, the farthest of the figure 40, nothing 0.
        pose: HxWx3 uint8, the skeleton as OpenPose draws it: without what the head hides of itself, because a nose on
            the back of a head is drawn as a face.
        garment: HxW uint8, how far garments cover a pixel, 255 entirely.
        index: HxW uint8, 0 where no garment is seen, 1 for the innermost.
        skin: HxW uint8, 1 + `Part` where the bare skin of head or hands is seen, 0 elsewhere.
        key_points: OpenPose's 18; empty for a picture that is repaired.
        view: Index of the view in its job.
    """

    base: UInt8
    depth: UInt8
    pose: UInt8
    garment: UInt8
    index: UInt8
    skin: UInt8
    key_points: tuple[KeyPoint, ...] = ()
    view: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.base.shape[1], self.base.shape[0]

    def of_part(self, part: Part) -> UInt8:
        """HxW uint8, 255 where bare skin of head or hand is seen."""
        return np.where(self.skin == part + 1, np.uint8(255), np.uint8(0))


def studio_job(job: GenerationJob) -> GenerationJob:
    """What the studio is asked for: the job, with all that diffusion needs beside the picture.

    Where the picture shall be upscaled, the studio's is made in the upscaled size at once: its print and seams are real
    there, and no enlargement could find them.
    """
    scale = UPSCALE if job.diffusion.upscale else 1
    maps = (job.maps - {MapKind.BASE, MapKind.POSE}) | CONDITION_MAPS
    return replace(job, width=scale * job.width, height=scale * job.height, maps=maps, key_points=True)


def check_size(width: int, height: int) -> None:
    """Return if pictures of this size can be made by diffusion.

    Raises:
        BadField: A side is no multiple of 8.
    """
    for field, side in (("width", width), ("height", height)):
        if side % LATENT_PX:
            below = side // LATENT_PX * LATENT_PX
            raise BadField(
                f"{field} is {side}; diffusion makes multiples of {LATENT_PX} pixels: "
                f"choose {below} or {below + LATENT_PX}",
                field=field,
            )


def conditions_of(picture: Picture) -> Conditions:
    """The conditions of a picture that the studio made for a `studio_job`."""
    maps = {kind: np.asarray(picture.maps[kind], np.uint8) for kind in CONDITION_MAPS}
    height, width = picture.rgb.shape[:2]
    shown = {
        point.name: (point.x, point.y)
        for point in picture.key_points
        if point.name not in HEAD_POINTS or point.visibility is not Visibility.HIDDEN
    }
    skin = np.zeros((height, width), np.uint8)
    for part in KEPT_PARTS:
        skin[(maps[MapKind.PARTS] == PART_COLOURS[part]).all(axis=2)] = part + 1
    return Conditions(
        base=picture.rgb if picture.alpha is None else over_ground(picture.rgb, picture.alpha),
        depth=maps[MapKind.DEPTH],
        pose=keypoints.drawing(shown, width, height),
        garment=maps[MapKind.GARMENT_MASK],
        index=maps[MapKind.GARMENT_INDEX],
        skin=skin,
        key_points=picture.key_points,
        view=picture.view,
    )


def conditions_of_maps(maps: Mapping[MapKind, UInt8]) -> Conditions:
    """The conditions of a picture that is repaired; all its garments count as one.

    Args:
        maps: Its `REPAIR_MAPS`, as they came back with it.

    Raises:
        BadField: One of them is missing, or they are not of one size and of their kind's channels.
        BadMask: The garment mask is empty.
    """
    for kind in REPAIR_MAPS:
        if kind not in maps:
            raise BadField(f"the picture's {kind} is missing; send the maps that came with it", field=f"maps.{kind}")
        channels = (3,) if kind in {MapKind.BASE, MapKind.POSE} else ()
        expected = (*maps[MapKind.BASE].shape[:2], *channels)
        if maps[kind].shape != expected or maps[kind].dtype != np.uint8:
            raise BadField(
                f"{kind} is {maps[kind].shape} {maps[kind].dtype}, it must be {expected} uint8 as the base's size is",
                field=f"maps.{kind}",
            )
    garment = maps[MapKind.GARMENT_MASK]
    if not garment.any():
        raise BadMask("the garment mask is empty; send the one that came with the picture", field="maps.garment-mask")
    check_size(garment.shape[1], garment.shape[0])
    return Conditions(
        base=maps[MapKind.BASE],
        depth=maps[MapKind.DEPTH],
        pose=maps[MapKind.POSE],
        garment=garment,
        index=(garment > 127).astype(np.uint8),
        skin=np.zeros_like(garment),
    )


def over_ground(rgb: UInt8, alpha: UInt8) -> UInt8:
    """A cut-out before an even light grey.

    Networks know no transparency, and the figure's rim must not be that of a white cut-out.

    Args:
        rgb: HxWx3 uint8, the figure alone.
        alpha: HxW uint8, straight.
    """
    cover = alpha[..., None].astype(np.float32) / 255
    ground = np.array(GREY_SRGB, np.float32)
    return np.round(cover * rgb + (1 - cover) * ground).astype(np.uint8)


def off_ground(rgb: UInt8, alpha: UInt8) -> UInt8:
    """The figure alone of a picture made before the grey of `over_ground`, to go with the studio's alpha.

    Args:
        rgb: HxWx3 uint8.
        alpha: HxW uint8, straight: the silhouette stays the studio's.

    Returns:
        HxWx3 uint8, white where nothing is, as the studio leaves it.
    """
    cover = np.maximum(alpha[..., None].astype(np.float32) / 255, LEAST_ALPHA)
    ground = np.array(GREY_SRGB, np.float32)
    figure = np.clip(np.round(ground + (rgb - ground) / cover), 0, 255).astype(np.uint8)
    return np.where(alpha[..., None] > 0, figure, np.uint8(255))


def working_size(width: int, height: int, most_pixels: int) -> tuple[int, int]:
    """Size of the first pass: the picture's own if it has no more pixels, else the largest of about its shape.

    Args:
        width: Pixels, a multiple of 8.
        height: Likewise.
        most_pixels: Of the first pass.

    Returns:
        Width and height, multiples of 64 unless that would change the shape by more than 2 % or waste
        pixels, and of 8 in any case.
    """
    if width * height <= most_pixels:
        return width, height
    scale = math.sqrt(most_pixels / (width * height))
    for step in SIDES_PX:
        sizes = [
            (w, h)
            for w in _near(width * scale, step)
            for h in _near(height * scale, step)
            if w * h <= most_pixels and w <= width and h <= height
        ]
        close = [
            size
            for size in sizes
            if _stretch(size, (width, height)) <= MOST_STRETCH and size[0] * size[1] >= LEAST_USED * most_pixels
        ]
        if close:
            return max(close, key=lambda size: size[0] * size[1])
    return min(sizes, key=lambda size: _stretch(size, (width, height)))


def _near(side: float, step: int) -> Sequence[int]:
    """Multiples of a step about a side, the one below it and some on either side."""
    middle = int(side // step)
    return [step * count for count in range(max(middle - 1, 1), middle + 2)]


def _stretch(size: tuple[int, int], other: tuple[int, int]) -> float:
    """How much wider, for its height, one is than the other: 0 for the same shape."""
    return abs(math.log(size[0] * other[1] / (size[1] * other[0])))


def resized(conditions: Conditions, width: int, height: int) -> Conditions:
    """The same in another size; masks stay soft, indices stay indices."""
    if conditions.size == (width, height):
        return conditions
    x_scale, y_scale = width / conditions.size[0], height / conditions.size[1]
    return replace(
        conditions,
        base=resized_image(conditions.base, width, height),
        depth=resized_image(conditions.depth, width, height),
        pose=resized_image(conditions.pose, width, height),
        garment=resized_image(conditions.garment, width, height),
        index=_nearest(conditions.index, width, height),
        skin=_nearest(conditions.skin, width, height),
        key_points=tuple(replace(at, x=x_scale * at.x, y=y_scale * at.y) for at in conditions.key_points),
    )


def resized_image(image: UInt8, width: int, height: int) -> UInt8:
    """HxW or HxWx3 uint8 in another size: averaged where it becomes smaller, bicubic where larger."""
    smaller = width * height < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def _nearest(image: UInt8, width: int, height: int) -> UInt8:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
