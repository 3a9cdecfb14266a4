"""One drawn garment in one photo, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.drawn import allover, cloth, shapes, weave
from benchmarks.drawn.cloth import ABOVE, HALF_WIDTH, Canvas, Cloth
from benchmarks.drawn.colours import COLOURS, Colour
from benchmarks.drawn.graphic import graphic
from benchmarks.drawn.scene import Conditions, Drape, any_conditions, drape, ground, photograph, shade, smooth_light
from benchmarks.drawn.shapes import NECKED, Placement, Plane, Points
from benchmarks.drawn.trimmings import Trimmings
from fashquick_common.garment import (
    Box,
    Category,
    ColourRole,
    LandmarkName,
    PatternKind,
    Print,
    Repeat,
    TextLine,
    TextureClass,
)

SUPERSAMPLING = 2  # the picture is drawn this much larger and averaged, for soft rims
GROUND: Colour = (196, 182, 160)
INSIDE_LIGHT = 0.72  # light on the inside of the back, as a part of the light outside
STRIPES_PERIOD = 0.24  # garment units, of garments without a stated pattern
USUAL = Conditions()

Floats32 = npt.NDArray[np.float32]

# How often clothes are made of what; quilted, leather and lace hold no pattern.
_PLAIN_CLOTH = (
    (TextureClass.SMOOTH, 0.42),
    (TextureClass.KNIT, 0.15),
    (TextureClass.RIBBED, 0.08),
    (TextureClass.DENIM, 0.12),
    (TextureClass.QUILTED, 0.06),
    (TextureClass.LEATHER, 0.05),
    (TextureClass.FLEECE, 0.05),
    (TextureClass.LACE, 0.03),
    (TextureClass.CORDUROY, 0.04),
)
_PATTERNED_CLOTH = (
    (TextureClass.SMOOTH, 0.78),
    (TextureClass.KNIT, 0.12),
    (TextureClass.RIBBED, 0.03),
    (TextureClass.DENIM, 0.03),
    (TextureClass.FLEECE, 0.04),
)


@dataclass(frozen=True, slots=True)
class DrawnGarment:
    """A picture of a garment and what is true of it.

    Attributes:
        category: What was drawn.
        photo: HxWx3 uint8, sRGB, with folds and noise.
        alpha: HxW uint8, soft at the rim.
        landmarks: Positions (x, y) in pixels.
        colours: sRGB and share of the area of each colour, before folds, light and noise.
        height_px: Height of the upright garment in pixels.
        roles: What each of `colours` does.
        pattern: What is on the cloth; None where no pattern was asked for.
        repeats: Directions in which the cloth of the body repeats.
        prints: The placed print, with its words.
        texture: What the cloth is like; None where no pattern and no texture was asked for.
        conditions: How the photo was taken.
    """

    category: Category
    photo: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8]
    landmarks: dict[LandmarkName, tuple[float, float]]
    colours: tuple[tuple[Colour, float], ...]
    height_px: float
    roles: tuple[ColourRole, ...] = ()
    pattern: PatternKind | None = None
    repeats: tuple[Repeat, ...] = ()
    prints: tuple[Print, ...] = ()
    texture: TextureClass | None = None
    conditions: Conditions = USUAL


def draw(
    category: Category,
    seed: int,
    *,
    long_side: int = 512,
    tilt_deg: float | None = None,
    colours: int = 1,
    folds: float | None = None,
    jitter: float = 0.012,
    pattern: PatternKind | None = None,
    texture: TextureClass | None = None,
    photo_seed: int | None = None,
    cast: tuple[float, float] | None = None,
    exposure: float | None = None,
    blur_px: float | None = None,
    noise: float | None = None,
    jpeg_quality: int | None = None,
) -> DrawnGarment:
    """Draw a garment.

    The garment follows from `category`, `seed`, `colours`, `jitter`, `pattern` and `texture`; all else is the photo.
    Two calls that differ in `photo_seed` alone show the same garment in two photos.

    Args:
        category: T_SHIRT, LONG_SLEEVE, SLEEVELESS_TOP, DRESS, TROUSERS, SHORTS or SKIRT.
        seed: Decides proportions, colours and pattern.
        long_side: Side of the square picture in pixels.
        tilt_deg: Clockwise turn.
        colours: Number of colours of a garment without `pattern`, drawn as stripes of different widths.
        folds: Standard deviation of the light's changes, as a part of the light.
        jitter: How far the corners stray from mirror symmetry.
        pattern: What is on the cloth; with it, seams, pockets and buttons are drawn too.
        texture: What the cloth is like; None: smooth without `pattern`, else chosen.
        photo_seed: Decides place, size, ground and whatever of the following and of `tilt_deg` and `folds` is not
            stated. None: the garment fills a plain ground, and what is not stated is as usual (tilt 0, folds 0.12,
            neutral light, noise 2, no blur, no compression).
        cast: CIE a* and b* that a mid grey (L* 50) shows in the photo's light.
        exposure: Stops by which the photo is too bright.
        blur_px: Sigma of the blur in pixels.
        noise: Standard deviation of the noise in 8-bit steps.
        jpeg_quality: 1 to 100; None without `photo_seed`: not compressed.

    Returns:
        The picture and its truth.
    """
    rng = np.random.default_rng([seed, len(category.value)])
    outline, named, sag = _shape(category, jitter, rng)
    plain = pattern is None and photo_seed is None
    photo_rng = rng if plain else np.random.default_rng([seed, len(category.value), 1, photo_seed or 0])
    usual = USUAL if photo_seed is None else any_conditions(photo_rng)
    conditions = usual.stated(
        tilt_deg=tilt_deg, folds=folds, cast=cast, exposure=exposure, blur_px=blur_px, noise=noise,
        jpeg_quality=jpeg_quality,
    )  # fmt: skip
    size = long_side * SUPERSAMPLING
    place = Placement(outline, size, np.deg2rad(conditions.tilt_deg), conditions.fill, conditions.off)
    mask = shapes.filled(place(outline), size)
    inside = mask > 127
    if plain:
        made = _striped(place.units(size)[1], colours, rng)
        shown = _Shown(made, made.label, None, smooth_light(size, conditions.folds, rng), texture)
    else:
        own = np.random.default_rng([seed, len(category.value), 2])
        lying = drape(size, conditions.folds, photo_rng)
        shown = _draped(category, named, place, lying, own, pattern=pattern, texture=texture, colours=colours)
    light, surface = shown.light, np.array(shown.cloth.colours, np.uint8)[shown.label]
    if category in NECKED:
        depth = float(rng.uniform(0.07, 0.12))
        opening = place(shapes.neck_opening(named, sag, depth))
        light = np.where(shapes.filled(opening, size) > 0, INSIDE_LIGHT * light, light)
        named["collar-bottom"] = (named["neck-left"] + named["neck-right"]) / 2 + (0.0, depth)
    if pattern is not None:
        trimmings = Trimmings(category, shown.cloth.colours[0], np.random.default_rng([seed, len(category.value), 3]))
        trimmings.paint(surface, light, named, place)
    backdrop = np.array(GROUND, np.uint8) if photo_seed is None else ground(size, mask, photo_rng)
    scene = np.where(inside[..., None], shade(surface, light), backdrop)
    small = cv2.resize(scene, (long_side, long_side), interpolation=cv2.INTER_AREA).astype(np.float64)
    truth = {
        LandmarkName(name): (float(x), float(y))
        for name, (x, y) in zip(named, place(np.array(list(named.values()))) / SUPERSAMPLING, strict=True)
    }
    length, unit = float(np.ptp(outline[:, 1])), place.unit / SUPERSAMPLING
    coloured, roles = _shares(shown, inside, keep_absent=plain)
    return DrawnGarment(
        category,
        photograph(small, conditions, photo_rng),
        np.asarray(cv2.resize(mask, (long_side, long_side), interpolation=cv2.INTER_AREA), np.uint8),
        truth,
        coloured,
        length * unit,
        roles,
        pattern,
        tuple(
            replace(repeat, period_px=repeat.period_px * unit, period_share=repeat.period_share / length)
            for repeat in shown.cloth.repeats
        ),
        _prints(shown.marks, shown.cloth.words, inside),
        shown.texture,
        conditions,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """The cloth as it lies in the picture: colour numbers, marks and light of every pixel (size x size)."""

    cloth: Cloth
    label: Plane
    marks: Plane | None
    light: npt.NDArray[np.float64]
    texture: TextureClass | None


def _draped(
    category: Category,
    named: dict[str, Points],
    place: Placement,
    lying: Drape,
    rng: np.random.Generator,
    *,
    pattern: PatternKind | None,
    texture: TextureClass | None,
    colours: int,
) -> _Shown:
    """Cloth that follows sleeves and folds; `rng` decides what belongs to the garment."""
    size = lying.light.shape[0]
    body = np.stack(place.units(size), axis=-1).astype(np.float32)
    at = _on_sleeves(body, named, place, size, rng) + lying.shift
    marks: Plane | None = None
    if pattern is None:
        made = _striped(at[..., 1], colours, rng)
        label = made.label
    else:
        made = _cloth(pattern, category, place.unit, rng)
        label, marks = _sampled(made, at, named, place, size)
        texture = texture or _texture(pattern, rng)
    light = lying.light if texture is None else lying.light * weave.light(texture, at[..., 0], at[..., 1], rng)
    return _Shown(made, label, marks, light, texture)


def _shares(
    shown: _Shown, inside: npt.NDArray[np.bool_], *, keep_absent: bool
) -> tuple[tuple[tuple[Colour, float], ...], tuple[ColourRole, ...]]:
    """Colours with their shares of the garment, and what each does."""
    made = shown.cloth
    shares = np.bincount(shown.label[inside], minlength=len(made.colours)) / max(int(inside.sum()), 1)
    known = [index for index, share in enumerate(shares) if share > 0 or keep_absent]
    coloured = tuple((made.colours[index], float(shares[index])) for index in known)
    return coloured, tuple(made.roles[index] for index in known)


def _shape(category: Category, jitter: float, rng: np.random.Generator) -> tuple[Points, dict[str, Points], float]:
    """Outline, named corners and the top edge's sag."""
    corners = shapes.close(shapes.half(category, rng), jitter, rng)
    sag = shapes.mid_depth(category, rng)
    outline, named = shapes.curve(corners, sag)
    return outline, named, sag


def _striped(height: npt.NDArray[np.floating], colours: int, rng: np.random.Generator) -> Cloth:
    """Stripes across the garment, the first colour the widest, already at the photo's pixels."""
    picked = [COLOURS[index] for index in rng.permutation(len(COLOURS))[:colours]]
    widths = np.array([1.0, *rng.uniform(0.3, 0.8, colours - 1)])
    edges = np.cumsum(widths) / widths.sum()
    label = np.searchsorted(edges, np.mod(height / STRIPES_PERIOD, 1.0), side="right").clip(0, colours - 1)
    return Cloth(label.astype(np.uint8), tuple(picked), cloth.roles_of(colours))


def _cloth(pattern: PatternKind, category: Category, unit: float, rng: np.random.Generator) -> Cloth:
    canvas = Canvas(unit)
    if pattern is PatternKind.GRAPHIC:
        if category in (Category.TROUSERS, Category.SHORTS):
            middle, room = (float(rng.uniform(0.08, 0.12)), float(rng.uniform(0.3, 0.45))), 0.16
            if category is Category.SHORTS:
                middle, room = (0.3, 0.55), 0.3
        else:
            middle = (float(rng.normal(0, 0.01)), float(rng.uniform(0.33, 0.46)))
            room = 0.5 if category is not Category.DRESS else 0.3
        return graphic(canvas, rng, middle, room)
    makers: dict[PatternKind, cloth.Maker] = {
        PatternKind.SOLID: cloth.solid,
        PatternKind.STRIPES: cloth.stripes,
        PatternKind.CHECK: cloth.check,
        PatternKind.DOTS: cloth.dots,
        PatternKind.FLORAL: allover.floral,
        PatternKind.ALLOVER: allover.allover,
        PatternKind.COLOURBLOCK: cloth.colourblock,
    }
    return makers[pattern](canvas, rng)


def _texture(pattern: PatternKind, rng: np.random.Generator) -> TextureClass:
    usual = _PLAIN_CLOTH if pattern is PatternKind.SOLID else _PATTERNED_CLOTH
    shares = np.array([share for _, share in usual])
    return usual[int(rng.choice(len(usual), p=shares / shares.sum()))][0]


def _sleeves(named: dict[str, Points], place: Placement, size: int) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Side and pixels of each sleeve."""
    found = []
    for side in ("left", "right"):
        names = [f"shoulder-{side}", f"cuff-{side}-upper", f"cuff-{side}-lower", f"armpit-{side}"]
        if all(name in named for name in names):
            ring = place(np.array([named[name] for name in names]))
            # A little larger, so that the sleeve's soft rim belongs to it.
            ring = ring + 0.03 * (ring - ring.mean(axis=0))
            found.append((side, shapes.filled(ring, size) > 0))
    return found


def _on_sleeves(
    body: Floats32, named: dict[str, Points], place: Placement, size: int, rng: np.random.Generator
) -> Floats32:
    """Let the cloth of set-in sleeves run down the arm; cut-on sleeves go on as the body does."""
    set_in = rng.random() < 0.75
    at = body.copy()
    for side, pixels in _sleeves(named, place, size) if set_in else ():
        shoulder, cuff = named[f"shoulder-{side}"], named[f"cuff-{side}-upper"]
        arm = (cuff - shoulder) / np.linalg.norm(cuff - shoulder)
        across = np.array([arm[1], -arm[0]])  # points out of the garment where the arm hangs down
        local = body[pixels] - shoulder.astype(np.float32)
        at[pixels] = np.stack([local @ across, local @ arm], axis=-1) + shoulder.astype(np.float32)
    return at


def _sampled(
    made: Cloth, at: Floats32, named: dict[str, Points], place: Placement, size: int
) -> tuple[npt.NDArray[np.uint8], Plane | None]:
    """Colour numbers and marks of every pixel of the photo."""
    x, y = ((at + np.array([HALF_WIDTH, ABOVE], np.float32)) * np.float32(place.unit)).transpose(2, 0, 1)
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)

    def sample(plane: Plane) -> Plane:
        return np.asarray(cv2.remap(plane, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    label = sample(made.label)
    if made.sleeve is not None:
        for _, pixels in _sleeves(named, place, size):
            label[pixels] = made.sleeve
    if made.marks is None:
        return label, None
    marks = sample(made.marks)
    for _, pixels in _sleeves(named, place, size):
        label[pixels], marks[pixels] = 0, 0  # one print, on the body
    return label, marks


def _prints(marks: Plane | None, words: tuple[str, ...], inside: npt.NDArray[np.bool_]) -> tuple[Print, ...]:
    """The print and its lines of text, in pixels of the photo."""
    if marks is None:
        return ()
    seen = np.where(inside, marks, 0)
    box = _box(seen > 0)
    if box is None:
        return ()
    lines = []
    for number, text in enumerate(words, 1):
        around = _box(seen == number)
        if around is not None:
            lines.append(TextLine(text, around, 1.0))
    return (Print(box, float(np.count_nonzero(seen) / np.count_nonzero(inside)), 1.0, tuple(lines)),)


def _box(pixels: npt.NDArray[np.bool_]) -> Box | None:
    """Smallest box around pixels of the supersampled picture, in pixels of the photo."""
    rows, columns = np.nonzero(pixels.any(axis=1))[0], np.nonzero(pixels.any(axis=0))[0]
    if not len(rows):
        return None
    left, top, right, bottom = (float(i) / SUPERSAMPLING for i in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return Box(left, top, right - left, bottom - top)
