"""Colours of drawn garments, found by fashquick and by peers on the same pixels.

Run: python benchmarks/features_palette.py [--json] [--garments N]. For the peers: pip install pylette colorthief
scikit-learn; those that are not installed are left out.

Every garment is drawn with known colours, folds, cloth, exposure, cast, blur, noise and JPEG. Two questions are asked:
the colours as photographed (against the drawn colours put through the same exposure and cast), and the colours as
they are (against the drawn ones), there only on photos whose light was told. True and found colours are paired so that
the sum of CIEDE2000 is least. The error is CIEDE2000 weighted by the true areas, an unpaired colour counting with its
nearest; the wrong area is the part of the garment given to a wrong colour: half the sum of the areas' differences.

Peers see the garment's pixels only and are told how many colours there are, fashquick is not. Pylette (k-means in RGB)
and colorthief (median cut) get the cut-out; colorthief states no areas: each pixel is given to its nearest colour.
kmeans is scikit-learn's in CIE L*a*b*, on 20,000 pixels.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import DrawnGarment, draw
from benchmarks.drawn.scene import Conditions, cast_gain, photograph
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind
from fashquick_common.image.spaces import (
    Floats,
    ciede2000,
    lab_of_linear,
    lab_of_srgb,
    linear_of_daylight,
    linear_of_srgb,
)
from fashquick_features.colour import light, palette
from fashquick_features.colour.surfaces import MID_GREY_Y
from fashquick_features.shape.outline import OPAQUE

Photo = npt.NDArray[np.uint8]
Found = tuple[Floats, Floats]  # Kx3 L*a*b* and K areas
Method = Callable[[Photo, Photo, int], Found]

LONG_SIDE = 1024  # pixels of the photos; the goals are stated for it
REPEATS = 7
CATEGORIES = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)
FIRST_SEED = 100  # settings were chosen on garments of smaller seeds
KELVINS = (2700.0, 3500.0, 4500.0, 5500.0, 6500.0, 7500.0, 9000.0)
STOPS = (-1.0, -0.5, 0.0, 0.35, 0.7)
GROUNDS = {"white sheet": (238, 238, 236), "grey wall": (168, 168, 170), "wood": (176, 134, 96), "red": (170, 40, 44)}
KMEANS_PX = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """A photo of a drawn garment.

    Attributes:
        group: Row of the table.
        garment: What was drawn, under neutral light.
        photo: HxWx3 uint8, under this case's light.
        conditions: Cast, exposure, blur, noise and compression.
    """

    group: str
    garment: DrawnGarment
    photo: Photo
    conditions: Conditions

    def truth(self, *, photographed: bool) -> Found:
        """The garment's colours, as they are or as this light shows them."""
        shares: dict[tuple[int, int, int], float] = {}
        for srgb, share in self.garment.colours:
            shares[srgb] = shares.get(srgb, 0.0) + share
        linear = linear_of_srgb(np.array(list(shares), np.uint8))
        if photographed:
            linear = np.clip(linear * cast_gain(self.conditions.cast) * 2.0**self.conditions.exposure, 0, 1)
        return lab_of_linear(linear), np.array(list(shares.values()))


def cast_of(kelvin: float) -> tuple[float, float]:
    """CIE a* and b* of a mid grey under a black body, seen by a camera set to 6500 K."""
    ratio = linear_of_daylight(np.array(kelvin)) / linear_of_daylight(np.array(6500.0))
    lab = lab_of_linear(MID_GREY_Y * ratio / (ratio @ np.array([0.2126, 0.7152, 0.0722])))
    return float(lab[1]), float(lab[2])


def photographed(garment: DrawnGarment, ground: tuple[int, int, int], conditions: Conditions, seed: int) -> Photo:
    """Put a garment on another ground and under another light."""
    rng = np.random.default_rng([seed, 9])
    cover = garment.alpha[..., None] / 255.0
    shadow = 1 - 0.25 * cv2.GaussianBlur(garment.alpha, (0, 0), 6)[..., None] / 255.0
    scene = cover * garment.photo + (1 - cover) * np.array(ground) * shadow
    return photograph(scene, conditions, rng)


def conditions_of(seed: int, *, kelvin: float = 6500.0, stops: float = 0.0) -> Conditions:
    """Blur, noise and compression as on phones, under a stated light."""
    rng = np.random.default_rng([seed, 8])
    return Conditions(
        cast=cast_of(kelvin),
        exposure=stops,
        blur_px=float(rng.uniform(0, 1)),
        noise=float(rng.uniform(0.5, 4)),
        jpeg_quality=int(rng.integers(70, 96)),
    )


def cases(count: int) -> Iterator[Case]:
    """All photos, `count` a row."""
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        category = CATEGORIES[seed % len(CATEGORIES)]
        folds = 0.04 + 0.16 * (seed * 7 % 10) / 10
        stripes = draw(category, seed, colours=1 + seed % 4, folds=folds, long_side=LONG_SIDE, noise=0.0)
        usual = conditions_of(seed)
        sheet = GROUNDS["white sheet"]
        yield Case("stripes", stripes, photographed(stripes, sheet, usual, seed), usual)
        for kind in PatternKind:
            made = draw(category, seed, pattern=kind, folds=folds, long_side=LONG_SIDE, noise=0.0)
            yield Case(kind.value, made, photographed(made, sheet, usual, seed), usual)
        kind = tuple(PatternKind)[seed % 8]
        made = draw(category, seed, pattern=kind, folds=folds, long_side=LONG_SIDE, noise=0.0)
        for name, ground in GROUNDS.items():
            lit = conditions_of(seed, kelvin=KELVINS[seed % 7], stops=STOPS[seed // 2 % 5])
            yield Case(f"any light, {name}", made, photographed(made, ground, lit, seed), lit)


def compare(truth: Found, found: Found) -> tuple[float, float]:
    """Error and area error of a palette; see the module's docstring."""
    apart = ciede2000(truth[0][:, None], found[0][None])
    rows, columns = linear_sum_assignment(apart)
    nearest = apart.min(axis=1)
    nearest[rows] = apart[rows, columns]
    areas = np.zeros(len(truth[1]))
    areas[rows] = found[1][columns]
    missed = 1.0 - float(areas.sum())
    return float(nearest @ truth[1] / truth[1].sum()), float(np.abs(areas - truth[1]).sum() + missed) / 2


def ours(photo: Photo, alpha: Photo, count: int) -> Found:
    """fashquick, the light included in the time."""
    del count
    cancel = CancelFlag()
    colours = palette.extract(photo, alpha, light.estimate(photo, alpha, cancel), cancel)
    return np.array([colour.lab for colour in colours]), np.array([colour.share for colour in colours])


def pylette(photo: Photo, alpha: Photo, count: int) -> Found:
    """k-means in RGB."""
    picture = Image.fromarray(np.dstack([photo, alpha]))
    extract = import_module("pylette").extract_colors
    colours = extract(picture, palette_size=count, alpha_mask_threshold=OPAQUE).colors
    return _of_rgb([colour.rgb for colour in colours]), np.array([colour.frequency for colour in colours])


def colorthief(photo: Photo, alpha: Photo, count: int) -> Found:
    """Median cut in RGB."""
    packed = io.BytesIO()
    Image.fromarray(np.dstack([photo, alpha])).save(packed, "PNG", compress_level=0)
    made = import_module("colorthief").ColorThief(packed).get_palette(max(count, 2))
    colours = _of_rgb(made)[:count]
    seen = lab_of_srgb(photo[alpha >= OPAQUE][::10])
    nearest = np.linalg.norm(seen[:, None] - colours[None], axis=-1).argmin(axis=1)
    return colours, np.bincount(nearest, minlength=len(colours)) / len(seen)


def kmeans(photo: Photo, alpha: Photo, count: int) -> Found:
    """k-means in CIE L*a*b*."""
    seen = photo[alpha >= OPAQUE]
    seen = lab_of_srgb(seen[:: max(1, len(seen) // KMEANS_PX)])
    made = import_module("sklearn.cluster").KMeans(count, n_init=3, random_state=0).fit(seen)
    return made.cluster_centers_, np.bincount(made.labels_, minlength=count) / len(seen)


def peers() -> dict[str, Method]:
    """Those that are installed."""
    known = {"pylette": pylette, "colorthief": colorthief, "sklearn": kmeans}
    missing = [module for module in known if find_spec(module) is None]
    if missing:
        print(f"left out, not installed: {', '.join(missing)}", file=sys.stderr)
    return {method.__name__: method for module, method in known.items() if module not in missing}


def _of_rgb(colours: list[tuple[int, ...]]) -> Floats:
    return lab_of_srgb(np.array([colour[:3] for colour in colours], np.uint8))


@dataclass(frozen=True, slots=True)
class Corrected:
    """What the light did for one photo's colours: CIEDE2000 to the drawn colours, before and after it is taken out."""

    told: bool
    before: float
    after: float
    cast_error: float
    stops_error: float


Rows = dict[str, dict[str, float]]
Errors = dict[str, dict[str, tuple[float, float]]]


def measure(photos: Iterable[Case], methods: dict[str, Method]) -> tuple[Errors, Rows]:
    """Mean error and area error by row and method, and what taking the light out does, by row."""
    errors: dict[str, dict[str, list[tuple[float, float]]]] = {}
    light_rows: dict[str, list[Corrected]] = {}
    for case in photos:
        truth = case.truth(photographed=True)
        for name, method in methods.items():
            found = method(case.photo, case.garment.alpha, len(truth[1]))
            errors.setdefault(case.group, {}).setdefault(name, []).append(compare(truth, found))
        if case.group.startswith("any light"):
            done = correction(case)
            nearest = min(KELVINS, key=lambda kelvin: abs(cast_of(kelvin)[1] - case.conditions.cast[1]))
            for row in (case.group, f"{case.group}, {nearest:.0f} K", f"{case.group}, {case.conditions.exposure:+.2f}"):
                light_rows.setdefault(row, []).append(done)
    by_group = {group: {name: _means(rows) for name, rows in by_name.items()} for group, by_name in errors.items()}
    neutral = {
        name: _means([row for group, rows in errors.items() if "light" not in group for row in rows[name]])
        for name in methods
    }
    return {**by_group, "all under neutral light": neutral}, {
        row: _corrections(values) for row, values in sorted(light_rows.items())
    }


def _means(values: list[tuple[float, float]]) -> tuple[float, float]:
    error, area = np.mean(values, axis=0)
    return float(error), float(area)


def correction(case: Case) -> Corrected:
    """Compare a photo's colours, measured and corrected, with the drawn ones."""
    told = light.estimate(case.photo, case.garment.alpha, CancelFlag())
    colours = palette.extract(case.photo, case.garment.alpha, told, CancelFlag())
    truth, shares = case.truth(photographed=False), np.array([colour.share for colour in colours])
    before = compare(truth, (np.array([colour.lab for colour in colours]), shares))[0]
    after = compare(truth, (np.array([(colour.corrected or colour).lab for colour in colours]), shares))[0]
    cast = float(np.hypot(*(np.array(told.cast) - case.conditions.cast)))
    return Corrected(
        told.evidence is not None, before, after, cast, abs(told.exposure_stops - case.conditions.exposure)
    )


def _corrections(values: list[Corrected]) -> dict[str, float]:
    told = [value for value in values if value.told]
    made = {"photos": float(len(values)), "told": len(told) / len(values)}
    if told:
        made |= {
            "before": float(np.mean([value.before for value in told])),
            "after": float(np.mean([value.after for value in told])),
            "made worse": float(np.mean([value.after > value.before + 1 for value in told])),
            "cast error": float(np.mean([value.cast_error for value in told])),
            "stops error": float(np.mean([value.stops_error for value in told])),
        }
    return made


def times(methods: dict[str, Method]) -> dict[str, float]:
    """Median milliseconds a call at `LONG_SIDE` px, in one process, methods taking turns."""
    garments = [
        draw(Category.T_SHIRT, seed, pattern=kind, long_side=LONG_SIDE)
        for seed, kind in enumerate((PatternKind.SOLID, PatternKind.STRIPES, PatternKind.FLORAL))
    ]
    taken: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(REPEATS):
        for garment in garments:
            for name, method in methods.items():
                start = time.perf_counter()
                method(garment.photo, garment.alpha, len(garment.colours))
                taken[name].append(1e3 * (time.perf_counter() - start))
    return {name: median(values) for name, values in taken.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--garments", type=int, default=14, help="garments a row")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    methods = {"fashquick": ours, **peers()}
    accuracy, light_rows = measure(cases(arguments.garments), methods)
    taken = times(methods)
    if arguments.json:
        print(json.dumps({"errors": accuracy, "ms": taken, "corrections": light_rows}, indent=2))
        return
    print(f"colours as photographed, {arguments.garments} garments a row: CIEDE2000 / wrong area")
    print(f"{'':28}" + "".join(f"{name:>18}" for name in methods))
    for group, by_method in accuracy.items():
        cells = "".join(f"{error:9.2f} / {100 * area:4.1f} %" for error, area in by_method.values())
        print(f"{group:28}{cells}")
    print(f"milliseconds at {LONG_SIDE} px: ", end="")
    print(", ".join(f"{name} {value:.0f} ({value / taken['fashquick']:.1f} x)" for name, value in taken.items()))
    print("colours as they are, where the light was told: CIEDE2000 before and after it is taken out")
    for row, values in light_rows.items():
        print(f"  {row:40} " + ", ".join(f"{name} {value:.2f}" for name, value in values.items()))


if __name__ == "__main__":
    main()
