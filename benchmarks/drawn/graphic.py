"""Cloth with one placed print: words, an emblem, a picture or a figure."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.drawn.cloth import APART, Canvas, Cloth, Floats, Labels, roles_of
from benchmarks.drawn.colours import Colour, colour, colour_apart
from benchmarks.drawn.motifs import FIGURES, blob, fill, line, petals, placed, star

WORDS = (
    "SUNSET", "RIVER", "NORTH", "COAST", "WILD", "DREAM", "TIGER", "CITY", "OCEAN", "MOUNTAIN", "STUDIO",
    "ORIGINAL", "SUMMER", "CALIFORNIA", "BROOKLYN", "TEAM", "RACING", "CLUB", "SURF", "PARIS", "LONDON", "TOKYO",
    "MUSIC", "ROCK", "LOVE", "PEACE", "FREEDOM", "FUTURE", "SPORT", "DIVISION", "HERITAGE", "SINCE", "ATHLETIC",
    "GARDEN", "MOON", "STARS", "COFFEE", "NEVER", "STOP", "RUN", "HAPPY", "ENERGY", "POWER", "STREET", "CANVAS",
    "ISLAND", "EAST", "WEST", "HARBOUR", "1987", "2004", "NO1", "23", "86", "Vintage", "Denim", "Company",
    "Vision", "Project", "Holiday", "Supply", "Goods", "Outdoor", "Wave", "Paradise", "Hello", "World",
)  # fmt: skip
GLYPH_PX = 96  # size at which letters are set before they are brought to their place
LEAST_LETTER = 0.028  # garment units: smaller letters cannot be read on a photo of 512 pixels


def graphic(canvas: Canvas, rng: np.random.Generator, middle: tuple[float, float], room: float) -> Cloth:
    """One print.

    Args:
        canvas: Where it is printed.
        rng: Decides.
        middle: Its centre in garment units.
        room: Width in garment units that it may take.
    """
    base = colour(rng)
    inks = [colour_apart(rng, [base], APART + 14, darkness=22.0)]
    for _ in range(int(rng.choice([0, 1, 2, 3]))):
        inks.append(colour_apart(rng, [base, *inks], APART))
    style = str(rng.choice(["words", "emblem", "picture", "figure"], p=[0.3, 0.25, 0.2, 0.25]))
    width = room * float(rng.uniform(0.55 if room > 0.2 else 0.85, 1.0))
    label, marks = canvas.blank(), canvas.blank()
    centre = canvas.px(np.array([middle]))[0]
    half = width * canvas.unit / 2
    art: Labels = canvas.blank()
    if style == "emblem":
        _emblem(art, centre, 0.62 * half, len(inks), rng)
    elif style == "figure":
        _figure(art, centre, 0.7 * half, len(inks), rng)
    elif style == "picture":
        inks = _picture(art, centre, half, base, rng)
    label[art > 0] = art[art > 0]
    marks[art > 0] = 255
    rows = int(rng.integers(1, 4)) if style == "words" else int(rng.integers(0, 3))
    words: list[str] = []
    painted = np.nonzero(art.any(axis=1))[0]
    top = float(painted[-1]) + 0.02 * canvas.unit if len(painted) else float(centre[1]) - 0.05 * canvas.unit
    for _ in range(rows):
        text = " ".join(str(word) for word in rng.choice(WORDS, int(rng.choice([1, 1, 2, 2]))))
        glyphs = _set(text, rng)
        wide = 2 * half * float(rng.uniform(0.6, 1.0))
        tall = wide * glyphs.shape[0] / glyphs.shape[1]
        low, high = LEAST_LETTER * canvas.unit, 0.14 * canvas.unit
        if not low <= tall <= high:
            tall = float(np.clip(tall, low, high))
            wide = min(tall * glyphs.shape[1] / glyphs.shape[0], 1.15 * room * canvas.unit)
        shown = cv2.resize(glyphs, (max(2, round(wide)), max(2, round(tall))), interpolation=cv2.INTER_AREA) > 127
        x, y = round(float(centre[0]) - wide / 2), round(top)
        window = (slice(y, y + shown.shape[0]), slice(x, x + shown.shape[1]))
        words.append(text)
        label[window][shown] = 1
        marks[window][shown] = len(words)
        top += tall + 0.018 * canvas.unit
    colours = (base, *inks)
    return Cloth(label, colours, roles_of(len(colours)), marks=marks, words=tuple(words))


def _set(text: str, rng: np.random.Generator) -> Labels:
    """Letters, 0 to 255, cropped; upright or slanting, thin or fat, filled or hollow."""
    font = ImageFont.load_default(GLYPH_PX)
    fat, slant = int(rng.choice([0, 2, 4, 6])), float(rng.choice([0.0, 0.0, 0.25]))
    left, upper, right, lower = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font, stroke_width=fat)
    size = (int(right - left) + GLYPH_PX, int(lower - upper) + 8)
    image = Image.new("L", size)
    pen = ImageDraw.Draw(image)
    pen.text((GLYPH_PX / 2 - left, 4 - upper), text, 255, font, stroke_width=fat)
    if fat == 6 and rng.random() < 0.4:
        pen.text((GLYPH_PX / 2 - left, 4 - upper), text, 0, font)
    if slant:
        image = image.transform(size, Image.Transform.AFFINE, (1, slant, -slant * size[1] / 2, 0, 1, 0))
    pixels = np.asarray(image, np.uint8)
    rows, columns = np.nonzero(pixels.any(axis=1))[0], np.nonzero(pixels.any(axis=0))[0]
    return np.ascontiguousarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _emblem(art: Labels, centre: Floats, radius: float, inks: int, rng: np.random.Generator) -> None:
    """A badge around a figure."""
    rims = (
        petals(12, 0.0, 1.0),
        star(12, 0.88),
        star(3, 0.6),
        np.array([[-1, -0.8], [1, -0.8], [0.8, 0.5], [0, 1], [-0.8, 0.5]]),
    )
    rim = rims[int(rng.integers(len(rims)))]
    if rng.random() < 0.5:
        fill(art, placed(rim, centre, radius, 0.0), 1)
        fill(art, placed(rim, centre, 0.82 * radius, 0.0), inks if inks > 1 else 0)
    else:
        line(art, placed(rim, centre, radius, 0.0), 1, 0.08 * radius, closed=True)
    figure = FIGURES[int(rng.integers(len(FIGURES)))]()
    fill(art, placed(figure, centre, 0.55 * radius, float(rng.normal(0, 0.15))), 1)
    if rng.random() < 0.5:
        for step in range(12):
            bead = centre + 0.72 * radius * np.array([np.cos(step * np.pi / 6), np.sin(step * np.pi / 6)])
            fill(art, placed(petals(5, 0.2, 1.0), bead, 0.06 * radius, 0.0), 1)


def _figure(art: Labels, centre: Floats, radius: float, inks: int, rng: np.random.Generator) -> None:
    """A creature of blobs with eyes, or one large figure."""
    if rng.random() < 0.4:
        figure = FIGURES[int(rng.integers(len(FIGURES)))]()
        fill(art, placed(figure, centre, radius, float(rng.normal(0, 0.2))), 1)
        if inks > 1:
            fill(art, placed(figure, centre, 0.7 * radius, float(rng.normal(0, 0.05))), 2)
        return
    for _ in range(int(rng.integers(3, 8))):
        place = centre + rng.normal(0, 0.45 * radius, 2)
        shape = placed(blob(rng, 0.5), place, radius * float(rng.uniform(0.25, 0.6)), 0.0)
        fill(art, shape, 1 + int(rng.integers(inks)))
        line(art, shape, 1, 0.05 * radius, closed=True)
    for side in (-0.25, 0.25):
        eye = centre + radius * np.array([side, -0.15])
        fill(art, placed(petals(6, 0.0, 1.0), eye, 0.16 * radius, 0.0), inks)
        fill(art, placed(petals(6, 0.0, 1.0), eye, 0.07 * radius, 0.0), 1)


def _picture(art: Labels, centre: Floats, half: float, base: Colour, rng: np.random.Generator) -> list[Colour]:
    """A photo: hills, sky and sun or clouds of colour, within a rectangle or a disc; returns its inks."""
    tall = half * float(rng.uniform(0.7, 1.15))
    round_shape = rng.random() < 0.3
    count = 8
    first = colour_apart(rng, [base], APART)
    last = colour_apart(rng, [base, first], APART)
    ramp = [
        tuple(round(a + (b - a) * step / (count - 1)) for a, b in zip(first, last, strict=True))
        for step in range(count)
    ]
    rows, columns = max(4, round(2 * tall)), max(4, round(2 * half))
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    field = cv2.resize(rng.normal(0, 1, (6, 6)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    field = field + 0.5 * cv2.resize(
        rng.normal(0, 1, (18, 18)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC
    )
    if rng.random() < 0.5:
        field = 1.4 * y + 0.25 * field
        field = np.where(y > 0.3 + 0.25 * np.sin(5 * x + rng.uniform(0, 6)), -1.3 + 0.3 * field, field)
        field = np.where(np.hypot(x - rng.uniform(-0.5, 0.5), y + 0.3) < 0.3, 1.6, field)
    value = 1 + np.clip(np.round((field + 1.6) / 3.2 * (count - 1)), 0, count - 1).astype(np.uint8)
    inside = np.hypot(x, y) <= 1 if round_shape else np.ones_like(x, dtype=bool)
    top, left = round(float(centre[1]) - tall), round(float(centre[0]) - half)
    window = art[max(top, 0) : top + rows, left : left + columns]
    window[inside[-window.shape[0] :]] = value[-window.shape[0] :][inside[-window.shape[0] :]]
    return [(r, g, b) for r, g, b in ramp]
