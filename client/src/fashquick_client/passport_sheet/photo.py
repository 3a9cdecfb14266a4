"""The garment as it was seen: on its photo with points and prints, and cut out with its lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from fashquick_client import wording
from fashquick_client.passport_sheet.canvas import ACCENT, GREY, INK, PAPER, WARM, Area, Canvas, Rgb, text_width
from fashquick_client.pixels import PixelMap
from fashquick_common.garment import Box, Landmark, LandmarkName, Measurement, MeasurementName, Passport
from fashquick_common.image import FOREGROUND, decode, decode_mask

Pixels = npt.NDArray[np.uint8]
Spot = tuple[float, float]

_OUTLINE: Rgb = (0, 214, 255)
_OUTLINE_BLUR_PX = 0.6  # Takes the stairs away and leaves the line.
_SMOOTH = 3  # Lines are drawn so many times as large, then reduced.
_NAME_SIZE = 13
_NAME_STEP = 18  # Pixels from one name to the next.
_GUTTER = 128  # Pixels beside the garment for the names of its points.
_SURE = 0.5  # Points below it are drawn hollow, lengths grey.
_LEGEND = "Blue line: the mask's edge. Shaded: inside, label, hanger. Hollow, grey: less than 50% sure. Boxes: prints."
_LEGEND_HEIGHT = 32


@dataclass(frozen=True, slots=True)
class SheetPhoto:
    """A photo and where the garment is in it.

    Attributes:
        rgb: HxWx3 uint8, sRGB.
        alpha: HxW uint8, 0 ground to 255 garment.
    """

    rgb: Pixels
    alpha: Pixels

    @classmethod
    def read(cls, photo: bytes, alpha: PixelMap | bytes) -> Self:
        """Read it from an image file, at the size on which services work.

        Args:
            photo: The photo's file.
            alpha: The garment's soft mask: pixels, or a file of the photo's size.

        Raises:
            InvalidArgumentError: A file cannot be read, or the mask is not the photo's.
        """
        picture = decode(photo)
        height, width = picture.rgb.shape[:2]
        mask = alpha.array() if isinstance(alpha, PixelMap) else decode_mask(alpha, picture)
        if mask.shape != (height, width):
            mask = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR))
        return cls(picture.rgb, mask)

    def garment_box(self) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of the garment; of the whole photo where there is none."""
        inside = self.alpha >= FOREGROUND
        columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
        if not len(rows):
            return 0, 0, inside.shape[1], inside.shape[0]
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def draw_photo(canvas: Canvas, area: Area, photo: SheetPhoto, passport: Passport) -> None:
    """Draw the photo with the garment's outline, the boxes of its prints and its points with their names.

    The names stand in two columns beside the garment, in the order of their points from top to bottom.
    """
    height, width = photo.rgb.shape[:2]
    left, _, right, _ = photo.garment_box()
    scale = min(
        area.width / width, (area.height - _LEGEND_HEIGHT) / height, (area.width - 2 * _GUTTER) / (right - left)
    )
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # The garment in the middle, the photo within the area.
    x = area.left + area.width / 2 - (left + right) / 2 * scale
    x = min(max(x, area.left), area.right - size[0])
    y = float(area.top)
    picture = Image.fromarray(photo.rgb).resize(size, Image.Resampling.LANCZOS)
    picture.paste(_OUTLINE, mask=_edge(photo.alpha, size))
    canvas.image.paste(picture, (round(x), round(y)))

    across, down = size[0] / passport.photo_width, size[1] / passport.photo_height

    def place(point: Landmark) -> Spot:
        return x + point.x * across, y + point.y * down

    def place_box(box: Box) -> tuple[float, float, float, float]:
        return x + box.x * across, y + box.y * down, x + (box.x + box.width) * across, y + (box.y + box.height) * down

    spots = {name: place(point) for name, point in passport.landmarks.items()}
    labels = _labels(spots, area, middle=x + (left + right) / 2 * scale)
    boxes = [place_box(each.box) for each in passport.prints]
    lines = [place_box(line.box) for each in passport.prints for line in each.lines]

    def overlay(draw: ImageDraw.ImageDraw, at: Callable[[Spot], Spot]) -> None:
        _shade_insides(draw, passport, lambda corner: at((x + corner[0] * across, y + corner[1] * down)))
        for box in lines:
            draw.rectangle([at(box[:2]), at(box[2:])], outline=(*WARM, 160), width=_SMOOTH)
        for box in boxes:
            draw.rectangle([at(box[:2]), at(box[2:])], outline=(*WARM, 255), width=2 * _SMOOTH)
        for name, label in labels.items():
            # Dark on light: to be seen on any cloth.
            draw.line([at(spots[name]), at(label.end)], (*PAPER, 130), 3 * _SMOOTH)
            draw.line([at(spots[name]), at(label.end)], (*INK, 170), _SMOOTH)
        for name, spot in spots.items():
            _dot(draw, at(spot), solid=passport.landmarks[name].confidence >= _SURE)

    _smoothly(canvas, area, overlay)
    canvas.text(area.left, y + size[1] + 14, _LEGEND, _NAME_SIZE, GREY)
    for number, box in enumerate(boxes, start=1):
        canvas.pill(box[0] + 4, box[1] - 9, f"print {number}", _NAME_SIZE, WARM, anchor="lm")
    for name, label in labels.items():
        canvas.pill(*label.place, _name(name), _NAME_SIZE, INK, anchor=label.anchor)


def _shade_insides(draw: ImageDraw.ImageDraw, passport: Passport, at: Callable[[Spot], Spot]) -> None:
    """Shade what is seen of the garment's inside; `at` brings the photo's places to the drawing's."""
    for each in passport.inside or ():
        corners = [at(corner) for corner in each.corners]
        draw.polygon(corners, fill=(*ACCENT, 90), outline=(*ACCENT, 255), width=_SMOOTH)


def draw_cutout(canvas: Canvas, area: Area, photo: SheetPhoto, passport: Passport) -> None:
    """Draw the garment on white, with the lengths that were measured along their lines."""
    left, top, right, bottom = photo.garment_box()
    scale = min(area.width / (right - left), area.height / (bottom - top))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    cut = Image.fromarray(photo.rgb).crop((left, top, right, bottom)).resize(size, Image.Resampling.LANCZOS)
    alpha = Image.fromarray(photo.alpha).crop((left, top, right, bottom)).resize(size, Image.Resampling.LANCZOS)
    x, y = area.left + (area.width - size[0]) / 2, area.top + (area.height - size[1]) / 2
    canvas.image.paste(cut, (round(x), round(y)), alpha)

    height, width = photo.rgb.shape[:2]
    across, down = width / passport.photo_width, height / passport.photo_height

    def place(point: Landmark) -> Spot:
        return x + (point.x * across - left) * scale, y + (point.y * down - top) * scale

    measured = _measured(passport, place)

    def overlay(draw: ImageDraw.ImageDraw, at: Callable[[Spot], Spot]) -> None:
        for line in measured:
            draw.line([at(line.start), at(line.end)], (*PAPER, 200), 4 * _SMOOTH)
            draw.line([at(line.start), at(line.end)], (*line.colour, 255), 2 * _SMOOTH)
            for spot in (line.start, line.end):
                _dot(draw, at(spot), solid=True, colour=line.colour, radius=3.0)

    _smoothly(canvas, area, overlay)
    taken: list[tuple[float, float]] = []
    for line in measured:
        middle_x, middle_y = (line.start[0] + line.end[0]) / 2, (line.start[1] + line.end[1]) / 2
        half = text_width(line.words, _NAME_SIZE) / 2 + 4
        word_x = min(max(middle_x, area.left + half), area.right - half)
        canvas.pill(word_x, _free(middle_y, word_x, taken), line.words, _NAME_SIZE, line.colour)


@dataclass(frozen=True, slots=True)
class _Line:
    """A length that was measured between two points: what to write on it, and in which colour."""

    words: str
    start: Spot
    end: Spot
    colour: Rgb


def _measured(passport: Passport, place: Callable[[Landmark], Spot]) -> list[_Line]:
    """Return the lengths that lie between two points of the passport, from top to bottom."""
    if passport.geometry is None:
        return []
    points = passport.landmarks
    measured = []
    for each in passport.geometry.measurements:
        ends = next((pair for pair in _ENDS.get(each.name, ()) if all(name in points for name in pair)), None)
        if ends is not None:
            start, end = (place(points[name]) for name in ends)
            measured.append(_Line(_short(each), start, end, ACCENT if each.confidence >= _SURE else GREY))
    return sorted(measured, key=lambda line: line.start[1] + line.end[1])


def _short(measurement: Measurement) -> str:
    if measurement.centimetres is not None:
        return f"{wording.LENGTH_WORDS[measurement.name]} {measurement.centimetres:.1f} cm"
    return f"{wording.LENGTH_WORDS[measurement.name]} {measurement.ratio:.2f}"


def _free(y: float, x: float, taken: list[tuple[float, float]]) -> float:
    """Return the height nearest below `y` at which a word stands on no other one; remember it."""
    while any(abs(y - other_y) < _NAME_STEP and abs(x - other_x) < _GUTTER for other_x, other_y in taken):
        y += 2
    taken.append((x, y))
    return y


@dataclass(frozen=True, slots=True)
class _Label:
    """Where the name of a point stands: its place and anchor, and where the line to the point begins."""

    place: Spot
    anchor: str
    end: Spot


def _labels(spots: Mapping[LandmarkName, Spot], area: Area, middle: float) -> dict[LandmarkName, _Label]:
    """Return where the names of points stand: in the column of their side, in the order of their heights."""
    labels: dict[LandmarkName, _Label] = {}
    for edge, inwards, anchor in ((area.left + 6.0, 1, "lm"), (area.right - 6.0, -1, "rm")):
        names = sorted(
            (name for name, spot in spots.items() if (spot[0] < middle) == (inwards > 0)),
            key=lambda name: spots[name][1],
        )
        for name, y in zip(names, _spread([spots[name][1] for name in names], area), strict=True):
            reach = text_width(_name(name), _NAME_SIZE) + 5
            labels[name] = _Label((edge, y), anchor, (edge + inwards * reach, y))
    return labels


def _name(name: LandmarkName) -> str:
    return name.replace("-", " ")


def _spread(heights: Sequence[float], area: Area) -> list[float]:
    """Return heights near those given, at least a line apart and within the area; given in rising order."""
    spread: list[float] = []
    for height in heights:
        spread.append(max(height, spread[-1] + _NAME_STEP) if spread else max(height, area.top + 10.0))
    lowest = area.bottom - 10.0
    for index in range(len(spread) - 1, -1, -1):
        spread[index] = min(spread[index], lowest)
        lowest = spread[index] - _NAME_STEP
    return spread


def _edge(alpha: Pixels, size: tuple[int, int]) -> Image.Image:
    """Return the garment's outline as a mask, two pixels wide with a soft rim, whatever the photo's size."""
    resized = Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR)
    inside = resized.point(lambda value: 255 * (value >= FOREGROUND))
    edge = ImageChops.difference(inside.filter(ImageFilter.MaxFilter(3)), inside.filter(ImageFilter.MinFilter(3)))
    return edge.filter(ImageFilter.GaussianBlur(_OUTLINE_BLUR_PX))


def _smoothly(
    canvas: Canvas, area: Area, overlay: Callable[[ImageDraw.ImageDraw, Callable[[Spot], Spot]], None]
) -> None:
    """Draw lines without stairs: larger, then reduced."""
    layer = Image.new("RGBA", (area.width * _SMOOTH, area.height * _SMOOTH), (*PAPER, 0))
    overlay(ImageDraw.Draw(layer), lambda spot: ((spot[0] - area.left) * _SMOOTH, (spot[1] - area.top) * _SMOOTH))
    reduced = layer.reduce(_SMOOTH)
    canvas.image.paste(reduced.convert("RGB"), (area.left, area.top), reduced.getchannel("A"))


def _dot(draw: ImageDraw.ImageDraw, spot: Spot, *, solid: bool, colour: Rgb = WARM, radius: float = 4.0) -> None:
    reach = radius * _SMOOTH
    box = (spot[0] - reach, spot[1] - reach, spot[0] + reach, spot[1] + reach)
    draw.ellipse(box, (*colour, 255) if solid else (*PAPER, 220), (*PAPER, 255) if solid else (*colour, 255), _SMOOTH)


def _pairs(*names: str) -> tuple[tuple[LandmarkName, LandmarkName], ...]:
    return tuple((LandmarkName(first), LandmarkName(second)) for first, second in (name.split(" ") for name in names))


# The points between which a length lies; the other side's where the first has none.
_ENDS = {
    MeasurementName.SHOULDERS: _pairs("shoulder-right shoulder-left"),
    MeasurementName.CHEST: _pairs("armpit-right armpit-left"),
    MeasurementName.SLEEVE: _pairs("shoulder-left cuff-left-upper", "shoulder-right cuff-right-upper"),
    MeasurementName.WAIST: _pairs("waist-right waist-left"),
    MeasurementName.HIPS: _pairs("hip-right hip-left"),
    MeasurementName.HEM: _pairs("hem-right hem-left"),
    MeasurementName.INSEAM: _pairs("crotch leg-left-inner", "crotch leg-right-inner"),
    MeasurementName.LEG_OPENING: _pairs("leg-left-inner leg-left-outer", "leg-right-inner leg-right-outer"),
    MeasurementName.CUFF: _pairs("cuff-left-lower cuff-left-upper", "cuff-right-lower cuff-right-upper"),
    MeasurementName.NECK: _pairs("neck-right neck-left"),
}
