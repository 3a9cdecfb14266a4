"""Does the fidelity report tell the right garment from wrong ones?

Run: python benchmarks/features_fidelity.py [--garments 6] [--json]. Draws that many garments of every kind of pattern
and puts each into a picture of 768x1152 pixels (turned, bent, shaded, with noise). Beside it, in the same folds and
light: the same garment in another colour, with another pattern, blurred and blank (the report's own controls), and
another garment. Each picture is scored with a UV map and without one. Prints how far every measure tells them apart on
the garments where it counts, on how many it is left out, how often the right garment has the highest overall score, and
the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import (
    Category,
    FidelityControl,
    FidelityMeasure,
    FidelityReport,
    Passport,
    Pattern,
    PatternGuess,
    PatternKind,
)
from fashquick_features.colour import light as lights
from fashquick_features.colour import palette
from fashquick_features.fidelity import FidelityScorer, OwnAnalysers, controls
from fashquick_features.fidelity.grade import MARGIN, RULES
from fashquick_features.fidelity.sights import Sight
from fashquick_features.pattern.recognise import load_model
from fashquick_features.recognition.network import Recogniser

PHOTO_PX = 768
WIDTH, HEIGHT = 768, 1152
CATEGORIES = (Category.T_SHIRT, Category.LONG_SLEEVE, Category.DRESS, Category.SLEEVELESS_TOP, Category.SKIRT)
# The rim is the halo's own, which is tried on every report.
WRONG = tuple(control for control in FidelityControl if control is not FidelityControl.RIM)
OTHER_GARMENT = "other-garment"
RIGHT = "right"
BENT_SHARE = 0.018  # of the picture's width: standard deviation of the map's smooth bends
FOLDS = 0.16  # standard deviation of the light's changes


@dataclass(frozen=True, slots=True)
class Staged:
    """A garment in a picture: rgb, region, UV map and the picture before it was put in."""

    picture: npt.NDArray[np.uint8]
    region: npt.NDArray[np.uint8]
    uv: npt.NDArray[np.float32]
    prior: npt.NDArray[np.uint8]


def stage(
    photo: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], seed: int, width: int = WIDTH, height: int = HEIGHT
) -> Staged:
    """Put a garment into a picture by a smooth known map, in another light.

    Args:
        photo: HxWx3 uint8.
        alpha: HxW uint8.
        seed: Decides map, light and noise; the same for all garments that are compared.
        width: Of the picture, pixels.
        height: Of the picture.
    """
    rng = np.random.default_rng([seed, 77])
    side = max(photo.shape[:2])
    scale = float(rng.uniform(0.9, 1.2)) * side / (0.8 * width)  # photo pixels a picture pixel
    turn = float(np.deg2rad(rng.uniform(-8, 8)))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    bend_x, bend_y, folds = (_smooth(rng, cells, width, height) for cells in (7, 7, 11))
    across, down = x - width / 2 + BENT_SHARE * width * bend_x, y - 0.45 * height + BENT_SHARE * width * bend_y
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    at_x = (cos * across - sin * down + photo.shape[1] / 2).astype(np.float32)
    at_y = (sin * across + cos * down + photo.shape[0] / 2).astype(np.float32)
    cloth = cv2.remap(photo, at_x - 0.5, at_y - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    region = cv2.remap(alpha, at_x - 0.5, at_y - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    grey = np.clip(214 + 14 * _smooth(rng, 5, width, height) + rng.normal(0, 1.0, (height, width)), 0, 255)
    prior = np.repeat(np.round(grey)[..., None], 3, axis=2).astype(np.uint8)
    lit = cloth * (np.clip(1 + FOLDS * folds, 0.5, 1.4) ** (1 / 2.2))[..., None] + rng.normal(0, 1.5, cloth.shape)
    part = region[..., None] / 255.0
    picture = np.clip(np.round(part * lit + (1 - part) * prior), 0, 255).astype(np.uint8)
    uv = np.stack([at_x / photo.shape[1], at_y / photo.shape[0]], axis=-1).astype(np.float32)
    uv[(region < 128) | (uv < 0).any(axis=2) | (uv > 1).any(axis=2)] = np.nan
    return Staged(picture, np.asarray(region, np.uint8), uv, prior)


def _smooth(rng: np.random.Generator, cells: int, width: int, height: int) -> npt.NDArray[np.float64]:
    field = cv2.resize(rng.normal(0, 1, (cells, cells)), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / field.std(), np.float64)


def passport_of(garment: DrawnGarment) -> Passport:
    """Passport with the colours as measured, pattern and prints as drawn: the report is tried, not the analysers."""
    height, width = garment.alpha.shape
    light = lights.estimate(garment.photo, garment.alpha, CancelFlag())
    colours = palette.extract(garment.photo, garment.alpha, light, CancelFlag())
    pattern = None
    if garment.pattern is not None:
        pattern = Pattern((PatternGuess(garment.pattern, 1.0),), garment.repeats)
    coverage = float(np.mean(garment.alpha >= 128))
    return Passport((), {}, colours, width, height, coverage, light=light, pattern=pattern, prints=garment.prints)


def wrong_ones(garment: DrawnGarment, passport: Passport, seed: int) -> dict[str, tuple[npt.NDArray[np.uint8], ...]]:
    """Photo and alpha of every garment that is not the right one."""
    sight = Sight(garment.photo, garment.alpha)
    made = {}
    for control in WRONG:
        wrong = controls.make(control, sight, passport.palette, garment.pattern)
        made[control.value] = (wrong.rgb, garment.alpha)
    kinds = list(PatternKind)
    kind = kinds[(kinds.index(garment.pattern) + 1 + seed) % len(kinds)] if garment.pattern else PatternKind.STRIPES
    other = draw(garment.category, 5000 + seed, long_side=PHOTO_PX, pattern=kind, photo_seed=seed)
    made[OTHER_GARMENT] = (other.photo, other.alpha)
    return made


def measured(report: FidelityReport) -> Mapping[FidelityMeasure, tuple[float, bool, str]]:
    """Score, whether it counts and why not, of every measure."""
    return {one.measure: (one.score, one.counted, one.reason) for one in report.measurements}


def controls_named(report: FidelityReport, measure: FidelityMeasure) -> list[FidelityControl]:
    """Controls that a report tried a measure on."""
    return [row.control for one in report.measurements if one.measure is measure for row in one.controls]


class Tally:
    """What was seen so far, with or without UV maps."""

    def __init__(self) -> None:
        self.garments = self.ranked = self.blanks_lost = 0
        self.seconds: list[float] = []
        self.overall: dict[str, list[float]] = defaultdict(list)
        self.grades: dict[str, Counter[str]] = defaultdict(Counter)
        self.counted: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = defaultdict(Counter)
        self.caught: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.scores: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.beaten: list[str] = []

    def add(self, name: str, reports: Mapping[str, FidelityReport]) -> None:
        """Count one garment's reports: of the right picture and of all others."""
        self.garments += 1
        right = reports[RIGHT]
        better = [kind for kind, report in reports.items() if kind != RIGHT and report.overall >= right.overall]
        self.ranked += not better
        self.beaten += [f"{name}: {kind}" for kind in better]
        self.blanks_lost += reports[FidelityControl.BLANK.value].grade == "lost"
        for kind, report in reports.items():
            self.overall[kind].append(report.overall)
            self.grades[kind][str(report.grade)] += 1
        own = measured(right)
        for measure, (score, counted, reason) in own.items():
            self.counted[measure] += counted
            if not counted:
                self.reasons[measure][reason] += 1
            self.scores[measure, RIGHT].append(score) if counted else None
            # What the report itself says that the measure must catch on this garment.
            for control in controls_named(right, measure):
                wrong = measured(reports[control.value])[measure]
                if counted and wrong[1]:
                    self.caught[measure, control.value].append(score - wrong[0] >= MARGIN)

    def summary(self) -> dict[str, object]:
        """All of it as numbers."""
        return {
            "garments": self.garments,
            "right garment ranked first": self.ranked / self.garments,
            "blank graded lost": self.blanks_lost / self.garments,
            "beaten by": self.beaten,
            "overall": {kind: (min(v), median(v), max(v)) for kind, v in self.overall.items()},
            "grades": {kind: dict(count) for kind, count in self.grades.items()},
            "measures": {
                measure.value: {
                    "left out": 1 - self.counted[measure] / self.garments,
                    "score of the right garment": float(np.mean(self.scores[measure, RIGHT] or [0.0])),
                    "caught": {
                        control.value: float(np.mean(self.caught[measure, control.value]))
                        for control in RULES[measure].controls
                        if self.caught[measure, control.value]
                    },
                    "left out because": dict(self.reasons[measure].most_common(3)),
                }
                for measure in FidelityMeasure
            },
            "seconds, first picture of a garment": median(self.seconds[::2]),
            "seconds, next picture": median(self.seconds[1::2]),
        }


def try_garment(scorer: FidelityScorer, kind: PatternKind, seed: int, tallies: Mapping[str, Tally]) -> None:
    """Score all pictures of one garment, with and without a UV map."""
    category = CATEGORIES[seed % len(CATEGORIES)]
    garment = draw(category, seed, long_side=PHOTO_PX, pattern=kind, photo_seed=seed)
    passport = passport_of(garment)
    pictures = {RIGHT: stage(garment.photo, garment.alpha, seed)}
    for name, (photo, alpha) in wrong_ones(garment, passport, seed).items():
        pictures[name] = stage(photo, alpha, seed)
    for mode, tally in tallies.items():
        reports = {}
        for name, staged in pictures.items():
            started = time.perf_counter()
            reports[name] = scorer.score(
                garment.photo, garment.alpha, staged.picture, staged.region,
                uv=staged.uv if mode == "with UV map" else None,
                prior=staged.prior, passport=passport, reader=None, cancel=CancelFlag(),
            )  # fmt: skip
            if name in (RIGHT, FidelityControl.RECOLOUR.value):
                tally.seconds.append(time.perf_counter() - started)
        tally.add(f"{kind.value} {category.value} {seed}", reports)


def show(mode: str, summary: Mapping[str, object]) -> None:
    """Print one mode's figures."""
    print(f"\n{mode}: {summary['garments']} garments")
    print(f"  right garment ranked first {summary['right garment ranked first']:.1%}", end="; ")
    print(f"blank graded lost {summary['blank graded lost']:.1%}", end="; ")
    first, after = summary["seconds, first picture of a garment"], summary["seconds, next picture"]
    print(f"first picture {first:.2f} s, next {after:.2f} s (median)")
    for row in summary["beaten by"]:  # type: ignore[attr-defined] - a list of words
        print(f"  ranked below {row}")
    print(f"  {'overall':<16} {'least':>6} {'median':>6} {'most':>6}  grades")
    for kind, (least, middle, most) in summary["overall"].items():  # type: ignore[attr-defined] - a mapping
        grades = summary["grades"][kind]  # type: ignore[index] - a mapping
        print(f"  {kind:<16} {least:6.2f} {middle:6.2f} {most:6.2f}  {grades}")
    print(f"  {'measure':<17} {'left out':>8} {'score':>6}  caught")
    for measure, row in summary["measures"].items():  # type: ignore[attr-defined] - a mapping
        caught = ", ".join(f"{control} {share:.1%}" for control, share in row["caught"].items())
        print(f"  {measure:<17} {row['left out']:8.1%} {row['score of the right garment']:6.2f}  {caught}")
        for reason, count in row["left out because"].items():
            print(f"  {'':<17} {count} x {reason}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", type=int, default=6, help="garments of every kind of pattern (default: 6)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    (model, _), recogniser = load_model(), Recogniser()
    scorer = FidelityScorer(
        OwnAnalysers(lambda vector, view: model.probabilities(vector, recogniser.look(view).pattern))
    )
    tallies = {mode: Tally() for mode in ("with UV map", "without UV map")}
    for number, kind in enumerate(PatternKind):
        for seed in range(arguments.garments):
            try_garment(scorer, kind, 100 * number + seed, tallies)
    summaries = {mode: tally.summary() for mode, tally in tallies.items()}
    if arguments.json:
        print(json.dumps(summaries, indent=2))
        return
    for mode, summary in summaries.items():
        show(mode, summary)


if __name__ == "__main__":
    main()
