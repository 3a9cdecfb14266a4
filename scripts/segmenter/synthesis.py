"""Training pictures: photos with their labels as they are, and garments cut out and laid on other grounds.

Each picture is made from a random generator of its own, so that a number and a seed always give the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .drawing import Mask, Picture, blend, colour, extent, hand, hanger, hanger_colour, noise, surface
from .panels import part_of_garment

REAL_SHARE = 0.5
DYED_SHARE = 0.45  # of the photos that are not pasted
HANGER_SHARE = 0.35  # of the pasted garments: what lies behind a garment and before it is ground
SMALLEST_SHARE = 0.02  # of the picture; a garment below it is no garment
Rng = np.random.Generator


class Synthesis:
    """Makes training pictures."""

    def __init__(self, photos: Mapping[str, Picture], labels: Mapping[str, Mask], cut: Collection[str]) -> None:
        """Use photos, and labels of some of them, both by the photo's name and of one size.

        Args:
            photos: HxWx3 uint8, sRGB.
            labels: 0 ground to 1 garment.
            cut: Names of labels from which a part was cut, perhaps in error: good to paste, not to learn from as is.
        """
        self._photos = photos
        self._labels = labels
        self._labelled = sorted(labels)
        self._whole = sorted(set(labels) - set(cut))
        self._names = sorted(photos)

    def sample(self, rng: Rng, side: int) -> tuple[Picture, Mask]:
        """Make a picture of side x side pixels and its label, 0 ground to 1 garment."""
        if rng.random() < REAL_SHARE:
            picture, label = self._warped(rng, side, turn=12, zoom=(0.8, 1.25), mirrored=True, names=self._whole)
            if rng.random() < DYED_SHARE and label.max() > 0.5:  # In its own light, on its own ground.
                dyed = self._recoloured(rng, picture, label)
                picture = blend(picture, _toned(rng, dyed, label, picture), label)
        else:
            picture, label = self._composed(rng, side)
        return _photographed(rng, picture), label

    def _any_photo(self, rng: Rng) -> Picture:
        return self._photos[self._names[rng.integers(len(self._names))]]

    def _warped(
        self,
        rng: Rng,
        side: int,
        *,
        turn: float,
        zoom: tuple[float, float],
        mirrored: bool,
        names: Sequence[str] = (),
    ) -> tuple[Picture, Mask]:
        """A labelled photo, turned, flipped, zoomed and shifted; its outside mirrored, or empty."""
        names = names or self._labelled
        name = names[rng.integers(len(names))]
        photo, label = self._photos[name], self._labels[name]
        height, width = photo.shape[:2]
        angle = rng.uniform(-turn, turn) + (rng.choice([90, 180, 270]) if rng.random() < 0.06 else 0)
        scale = np.exp(rng.uniform(*np.log(zoom)))
        stretch = np.exp(rng.uniform(-0.1, 0.1))
        matrix = np.diag([side / width * scale * stretch, side / height * scale / stretch])
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        matrix = np.array([[cos, -sin], [sin, cos]]) @ matrix
        matrix = matrix @ np.diag([-1 if rng.random() < 0.5 else 1, -1 if rng.random() < 0.04 else 1])
        middle = side / 2 + rng.uniform(-0.07, 0.07, 2) * side - matrix @ [width / 2, height / 2]
        whole = np.hstack([matrix, middle[:, None]])
        outside = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT
        picture = cv2.warpAffine(photo, whole, (side, side), borderMode=cv2.BORDER_REFLECT_101)
        mask = cv2.warpAffine(label, whole, (side, side), borderMode=outside)
        return np.asarray(picture, np.uint8), np.asarray(mask, np.float32)

    def _ground(self, rng: Rng, side: int) -> Picture:
        kind = rng.random()
        if kind < 0.3:
            ground = surface(rng, side)
        elif kind < 0.65:
            ground = _grown(rng, self._any_photo(rng), side)
        else:
            ground = self._emptied(rng, side)
        if rng.random() < 0.15:  # Where floor and wall meet.
            y, x = np.mgrid[:side, :side] - side / 2
            angle = rng.uniform(0, 2 * np.pi)
            there = x * np.cos(angle) + y * np.sin(angle) > side * rng.uniform(0.1, 0.4)
            ground = np.where(there[..., None], self._other_surface(rng, side), ground)
        if rng.random() < 0.3:
            for _ in range(rng.integers(1, 5)):
                ground = self._cluttered(rng, ground)
        return ground

    def _other_surface(self, rng: Rng, side: int) -> Picture:
        return _grown(rng, self._any_photo(rng), side) if rng.random() < 0.6 else surface(rng, side)

    def _emptied(self, rng: Rng, side: int) -> Picture:
        """A photo whose garment is painted over."""
        photo, label = self._warped(rng, side, turn=12, zoom=(0.8, 1.25), mirrored=True)
        mask = cv2.dilate((label > 0.3).astype(np.float32), np.ones((7, 7)))
        return blend(photo, self._other_surface(rng, side), np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5)))

    def _cluttered(self, rng: Rng, ground: Picture) -> Picture:
        side = ground.shape[0]
        patch = np.zeros((side, side), np.float32)
        at, size = rng.integers(side, size=2), (side * rng.uniform(0.02, 0.22, 2)).astype(int)
        if rng.random() < 0.5:
            cv2.ellipse(patch, tuple(map(int, at)), tuple(map(int, size)), rng.uniform(0, 180), 0, 360, 1.0, -1)
        else:
            corners = at + rng.uniform(-1, 1, (rng.integers(3, 7), 2)) * size
            cv2.fillPoly(patch, [corners.astype(np.int32)], 1.0)
        return blend(ground, self._other_surface(rng, side), np.asarray(cv2.GaussianBlur(patch, (0, 0), 0.7)))

    def _composed(self, rng: Rng, side: int) -> tuple[Picture, Mask]:
        ground = self._ground(rng, side)
        picture, mask = self._warped(rng, side, turn=18, zoom=(0.7, 1.3), mirrored=False)
        if rng.random() < 0.25:
            ground = self._neighbour(rng, ground)
        if rng.random() < 0.5 and mask.max() > 0.5:
            picture = self._recoloured(rng, picture, mask)
        if np.count_nonzero(mask > 0.5) < SMALLEST_SHARE * side * side:
            return ground, np.zeros((side, side), np.float32)
        soft = cv2.GaussianBlur(mask, (0, 0), 0.8)
        mask = np.clip((soft - 0.5) * rng.uniform(1.6, 3) + 0.45, 0, 1).astype(np.float32)
        garment = _toned(rng, picture, mask, ground)
        if rng.random() < 0.85:  # The garment's shadow.
            shift = np.array([[1, 0, rng.uniform(-0.02, 0.02) * side], [0, 1, rng.uniform(-0.01, 0.025) * side]])
            shadow = cv2.warpAffine(mask, shift, (side, side))
            shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(0.8, 0.04 * side)) * rng.uniform(0.05, 0.65)
            ground = blend(ground, np.zeros(3), np.asarray(shadow))
        before = None
        if rng.random() < HANGER_SHARE:
            behind, before = hanger(rng, mask)
            tone = hanger_colour(rng)
            ground = blend(ground, tone, behind)
        result = blend(ground, garment, mask)
        if before is not None and before.any():
            result, mask = blend(result, tone * rng.uniform(0.6, 1.2), before), mask * (1 - before)
        if rng.random() < 0.06:
            top, bottom, left, right = extent(mask)
            at = (int(rng.choice([left, right])), int(rng.uniform(top, bottom)))
            shape, skin = hand(rng, side, at)
            result, mask = blend(result, skin, shape), mask * (1 - shape)
        return result, mask.astype(np.float32)

    def _neighbour(self, rng: Rng, ground: Picture) -> Picture:
        """A second garment that peeps in from the side: part of the ground."""
        side = ground.shape[0]
        picture, mask = self._warped(rng, side, turn=12, zoom=(0.8, 1.25), mirrored=False)
        way = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)][rng.integers(4)]) * side * rng.uniform(0.6, 0.85)
        shift = np.hstack([np.eye(2), way[:, None]])
        moved = np.asarray(cv2.warpAffine(picture, shift, (side, side)), np.uint8)
        share = (cv2.warpAffine(mask, shift, (side, side)) > 0.5).astype(np.float32)
        return blend(ground, moved, np.asarray(share))

    def _recoloured(self, rng: Rng, picture: Picture, mask: Mask) -> Picture:
        """Another hue, or other cloth with the same folds, on all of the garment or on a part such as the cuffs."""
        inside = mask > 0.5
        if np.count_nonzero(inside) < 50:
            return picture
        if rng.random() < 0.3:
            hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(int)
            hsv[..., 0] = (hsv[..., 0] + rng.integers(180)) % 180
            hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.2, 1.5), 0, 255)
            hsv[..., 2] = np.clip(hsv[..., 2] * rng.uniform(0.6, 1.5), 0, 255)
            return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)
        light = picture.astype(np.float32).mean(2)
        folds = light / max(20.0, float(np.percentile(light[inside], 70)))
        folds = np.clip(1 + (folds - 1) * rng.uniform(0.5, 1.1), 0.15, 1.5)[..., None]
        dyed = picture
        for _ in range(1 if rng.random() < 0.7 else 2):
            part = np.asarray(cv2.GaussianBlur(part_of_garment(rng, mask), (0, 0), 0.6))
            dyed = blend(dyed, self._cloth(rng, picture, inside) * folds, part)
        return dyed

    def _cloth(self, rng: Rng, picture: Picture, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Cloth for a garment or for a part of it: plain, plain in the ground's colour, woven, printed with a photo."""
        side = picture.shape[0]
        kind = rng.random()
        if kind < 0.3:
            tone = colour(rng)
        elif kind < 0.5 and not inside.all():
            tone = picture[~inside].mean(0) if rng.random() < 0.5 else _around(picture, inside)
            tone = tone + rng.uniform(-25, 25) + rng.uniform(-6, 6, 3)
        elif kind < 0.75:
            return surface(rng, side).astype(np.float32)
        elif kind < 0.88:
            return _grown(rng, self._any_photo(rng), side).astype(np.float32)
        else:
            return np.asarray(cv2.resize(self._any_photo(rng), (side, side)), np.float32)
        plain = np.full((side, side, 3), tone, np.float32)
        return np.clip(plain + rng.standard_normal((side, side, 1)) * rng.uniform(0, 6), 0, 255).astype(np.float32)


def _around(picture: Picture, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean colour of the ground beside a garment; of all of it where the garment leaves none."""
    near = (cv2.dilate(inside.astype(np.uint8), np.ones((15, 15))) > 0) & ~inside
    return np.asarray(picture[near if near.any() else ~inside].mean(0), np.float64)


def _toned(rng: Rng, picture: Picture, mask: Mask, ground: Picture) -> NDArray[np.float32]:
    """The garment closer to the ground's colour, or in another light; float32 RGB."""
    garment = picture.astype(np.float32)
    inside = mask > 0.6
    if not inside.any() or inside.all():
        return garment
    own = garment[inside].mean(0)
    if rng.random() < 0.3:
        garment = garment + (_around(ground, inside) - own) * rng.uniform(0.4, 0.92)
    elif rng.random() < 0.25:
        garment = (garment - own) * rng.uniform(0.6, 1.2) + own * rng.uniform(0.6, 1.4)
    return np.asarray(np.clip(garment, 0, 255), np.float32)


def _grown(rng: Rng, photo: Picture, side: int) -> Picture:
    """Ground grown from a strip along a photo's border by mirroring it on and on."""
    height, width = photo.shape[:2]
    deep = rng.uniform(0.12, 0.2)
    edge = rng.integers(4)
    strips: Sequence[Picture] = (
        photo[: int(height * deep)],
        photo[-int(height * deep) :],
        photo[:, : int(width * deep)],
        photo[:, -int(width * deep) :],
    )
    strip = strips[edge]
    if rng.random() < 0.5:
        short = min(strip.shape[:2])
        along = 1 if edge < 2 else 0
        start = int(rng.integers(max(1, strip.shape[along] - 2 * short)))
        strip = strip[:, start : start + 2 * short] if along else strip[start : start + 2 * short]
    zoom = side / max(height, width) * rng.uniform(0.9, 2.2)
    strip = np.asarray(cv2.resize(strip, None, fx=zoom, fy=zoom), np.uint8)
    if rng.random() < 0.5:
        strip = strip.transpose(1, 0, 2)
    rows, columns = (_mirrored(side, length, int(rng.integers(length))) for length in strip.shape[:2])
    light = (noise(rng, side, side / rng.uniform(1.5, 4)) - 0.5) * rng.uniform(0, 50)
    return np.clip(strip[rows][:, columns] + light[..., None], 0, 255).astype(np.uint8)


def _mirrored(count: int, length: int, start: int) -> NDArray[np.int64]:
    at = np.mod(np.arange(count) + start, 2 * length)
    return np.where(at >= length, 2 * length - 1 - at, at)


def _photographed(rng: Rng, picture: Picture) -> Picture:
    """What light and cameras do: vignettes, casts, exposure, blur, noise, JPEG."""
    side = picture.shape[0]
    pixels = picture.astype(np.float32)
    if rng.random() < 0.35:
        pixels *= (1 - noise(rng, side, side / rng.uniform(1.5, 3)) * rng.uniform(0, 0.5))[..., None]
    if rng.random() < 0.6:
        pixels *= rng.uniform(0.8, 1.2, 3)
    if rng.random() < 0.6:
        pixels = 255 * np.clip(pixels / 255, 0, 1) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.4:
        mean = pixels.mean()
        pixels = (pixels - mean) * rng.uniform(0.6, 1.3) + mean + rng.uniform(-25, 25)
    if rng.random() < 0.08:
        pixels = pixels.mean(2, keepdims=True).repeat(3, 2)
    if rng.random() < 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.3))
    if rng.random() < 0.35:
        pixels = pixels + rng.standard_normal((side, side, int(rng.choice([1, 3])))) * rng.uniform(1, 10)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, data = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return result
