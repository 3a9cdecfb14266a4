"""Colours of the dressed garment against those that the passport tells, light taken out, and against drawn truth.

Run: FASHQUICK_PHOTOS=FOLDER python -m benchmarks.wardrobe.palette CACHE [--share judged] [--categories t-shirt ...]
    [--photos ID ...] [--drawn 8] [--width 384 --height 576]

Every pixel of the picture that shows the garment's front and faces the camera is led back to the photo by the UV map
and put to the palette's colour that it shows there. The error of a colour is CIEDE2000 between the median of its
pixels in the picture and the passport's corrected colour (the measured one where the light could not be told); a
photo's error is their mean by area. Light and shade of one plain cloth are one colour: anything between them is right.
Drawn garments lie on a white sheet under light of several colours and strengths; theirs is the error against the
colours they were drawn with.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.drawn import draw
from benchmarks.features_palette import GROUNDS, STOPS, conditions_of, photographed
from benchmarks.wardrobe.choice import Share, chosen
from benchmarks.wardrobe.garments import Wardrobe
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category, Landmark, PaletteColour, Passport, PatternKind
from fashquick_common.image.spaces import ciede2000, lab_of_srgb, linear_of_srgb, oklab_of_linear
from fashquick_features.colour.density import is_shade
from fashquick_features.engine import Wishes
from fashquick_features.passport import PassportAnalyser
from fashquick_generation.engine import GarmentInput, GenerationJob, MapKind, Picture, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.cut.drafting import DRAFTERS
from fashquick_generation.studio.drape.dressing import Effort

Floats = npt.NDArray[np.float64]

FACING = 0.85
"""Part of a normal that points to the camera, from which on a place is in the lit area: within 32 degrees."""
LEAST_SHARE = 0.05
"""Smaller colours are seams, labels and noise."""
LEAST_PX = 40
ONE_CLOTH = (None, PatternKind.SOLID, PatternKind.GRAPHIC)
STEPS = 20
"""Colours tried between a cloth's light and its shade."""
DRAWN_CATEGORIES = (Category.T_SHIRT, Category.LONG_SLEEVE)
FIRST_SEED = 500
DRAWN_KELVINS = (5500.0, 6500.0, 7500.0)
"""What cameras leave of a cast; the passport tells no stronger ones by a white sheet alone."""
PALE_FROM, PALE_CHROMA = 60.0, 9.0
QUICK = Effort(grid_m=0.02, sew=12, fall=20, move=24, settle=16, substeps=10)
"""Colours do not need finer folds."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment to be measured.

    Attributes:
        group: Row of the table.
        name: Of the photo.
        garment: As the stages before have left it.
        truth: Drawn colours, Kx3 L*a*b*; None for photos.
    """

    group: str
    name: str
    garment: GarmentInput
    truth: Floats | None = None


def error_of(worn: Worn, picture: Picture) -> float:
    """Mean CIEDE2000 of the garment's colours by area; NaN where too little of it is seen."""
    passport, rgb = worn.garment.passport, picture.rgb
    uv, normal = picture.maps[MapKind.GARMENT_UV], picture.maps[MapKind.NORMAL]
    facing = normal[..., 2].astype(np.float64) / 127.5 - 1 >= FACING
    seen = np.isfinite(uv).all(axis=2) & (picture.maps[MapKind.GARMENT_MASK] == 255) & facing
    if seen.sum() < LEAST_PX:
        return float("nan")
    height, width = worn.garment.photo.shape[:2]
    columns, rows = np.minimum((uv[seen] * (width, height)).astype(int), (width - 1, height - 1)).T
    clothes = _clothes(passport)
    shown = _nearest(worn.garment.photo[rows, columns], passport.palette)
    total, weight = 0.0, 0.0
    for cloth in clothes:
        share = sum(passport.palette[index].share for index in cloth)
        pixels = rgb[seen][np.isin(shown, cloth)]
        if share < LEAST_SHARE or len(pixels) < LEAST_PX:
            continue
        lab = np.median(lab_of_srgb(pixels), axis=0)
        right = np.array([_right(passport.palette[index], worn.truth) for index in cloth])
        between = np.concatenate([right[:1] + t * (right[1:] - right[:1]) for t in np.linspace(0, 1, STEPS)] + [right])
        total += share * float(ciede2000(lab, between).min())
        weight += share
    return total / weight if weight else float("nan")


def _right(colour: PaletteColour, truth: Floats | None) -> Floats:
    """L*a*b* that a colour should have in the picture."""
    told = np.array((colour.corrected or colour).lab)
    return told if truth is None else np.asarray(truth[int(ciede2000(told, truth).argmin())])


def _passports_own(worn: Worn) -> float:
    """Mean CIEDE2000 by area of the passport's colours against those drawn."""
    palette = worn.garment.passport.palette
    errors = [float(ciede2000(np.array((one.corrected or one).lab), _right(one, worn.truth))) for one in palette]
    return float(np.average(errors, weights=[one.share for one in palette]))


def _clothes(passport: Passport) -> list[list[int]]:
    """Indices of the palette's colours; light and shade of one plain cloth together."""
    oklab = oklab_of_linear(linear_of_srgb(np.array([colour.srgb for colour in passport.palette], np.uint8)))
    plain = (passport.pattern.kind if passport.pattern else None) in ONE_CLOTH
    groups: list[list[int]] = []
    for index in sorted(range(len(oklab)), key=lambda one: -float(oklab[one, 0])):
        home = next((group for group in groups if plain and is_shade(oklab[index], oklab[group[0]])), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    return groups


def _nearest(photo: npt.NDArray[np.uint8], palette: tuple[PaletteColour, ...]) -> npt.NDArray[np.intp]:
    """Index of the palette's colour that each pixel shows."""
    colours = np.array([colour.lab for colour in palette])
    return np.asarray(ciede2000(lab_of_srgb(photo)[:, None], colours[None]).argmin(axis=1))


def photos(arguments: argparse.Namespace, folder: Path) -> Iterator[Worn]:
    """Real garments that the studio can cut."""
    wardrobe = Wardrobe(arguments.cache)
    for category in arguments.categories:
        for photo in chosen(folder, category, arguments.share):
            if arguments.photos and not photo.name.startswith(tuple(arguments.photos)):
                continue
            try:
                garment = wardrobe.garment(photo)
            except FashquickError as refusal:
                print(f"{category.value} {photo.name[:8]:26} refused: {refusal.reason}")
                continue
            yield Worn(_group(garment.passport), f"{category.value} {photo.name[:8]}", garment)


def _group(passport: Passport) -> str:
    """What is known of the light; pale cloth of untold brightness may be whitened, away from what was measured."""
    lightness, a, b = passport.palette[0].lab
    told = "light told" if passport.light.evidence is not None else "light not told"
    pale = lightness > PALE_FROM and np.hypot(a, b) < PALE_CHROMA and passport.light.exposure_stops == 0
    return f"{told}, pale" if pale else told


def drawn(count: int) -> Iterator[Worn]:
    """Drawn garments of all patterns under any light, on a white sheet."""
    analyser = PassportAnalyser(1, None)
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        category, kind = DRAWN_CATEGORIES[seed % 2], tuple(PatternKind)[seed // 2 % len(PatternKind)]
        made = draw(category, seed, pattern=kind, long_side=768, noise=0.0)
        lit = conditions_of(seed, kelvin=DRAWN_KELVINS[seed % 3], stops=STOPS[seed // 2 % 5])
        photo = photographed(made, GROUNDS["white sheet"], lit, seed)
        passport = analyser.analyse(photo, made.alpha, Wishes(category=category), CancelFlag())
        known = {name: Landmark(x, y, 1.0) for name, (x, y) in made.landmarks.items()}
        truth = lab_of_srgb(np.array([colour for colour, _ in made.colours], np.uint8))
        garment = GarmentInput(photo, made.alpha, replace(passport, landmarks=known))
        group = f"drawn, light {'told' if passport.light.evidence else 'not told'}"
        yield Worn(group, f"{category.value} {kind.value} {seed}", garment, truth)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--share", type=Share, default=Share.DEVELOPMENT)
    parser.add_argument("--categories", type=Category, nargs="*", default=[c for c in Category if c in DRAFTERS])
    parser.add_argument("--photos", nargs="*", default=[], help="only those whose names begin like one of these")
    parser.add_argument("--drawn", type=int, default=8, help="drawn garments")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--height", type=int, default=576)
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("FASHQUICK_PHOTOS is not set: drawn garments only")
    generator, errors = StudioGenerator(QUICK), dict[str, list[float]]()
    maps = frozenset({MapKind.GARMENT_UV, MapKind.GARMENT_MASK, MapKind.NORMAL})
    sources = [*([photos(arguments, Path(folder))] if folder else []), drawn(arguments.drawn)]
    for worn in (worn for source in sources for worn in source):
        job = GenerationJob((worn.garment,), width=arguments.width, height=arguments.height, maps=maps)
        try:
            (picture,) = generated(generator, job).pictures
        except FashquickError as error:
            print(f"{worn.name:36} refused: {error.reason}", flush=True)
            continue
        error_seen = error_of(worn, picture)
        own = "" if worn.truth is None else f", the passport's own error {_passports_own(worn):.2f}"
        print(f"{worn.name:36} {error_seen:6.2f}  {worn.group}{own}", flush=True)
        if np.isfinite(error_seen):
            errors.setdefault(worn.group, []).append(error_seen)
    print(f"\n{'CIEDE2000 in the lit area':28}{'photos':>8}{'median':>8}{'p90':>8}{'under 3':>9}")
    for group, values in sorted(errors.items()):
        under = np.mean(np.array(values) < 3)
        print(f"{group:28}{len(values):8}{np.median(values):8.2f}{np.percentile(values, 90):8.2f}{100 * under:7.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
