"""Accuracy of the pattern analyser on drawn garments whose seeds were never trained on.

Run: python benchmarks/features_pattern.py [--garments N]. Prints how many kinds the descriptor and the
recognition network together tell rightly (macro-F1), how well direction, period and share of the darker band are
measured, and on how much plain cloth a repeat is seen. The figures on real photos are printed by
`scripts/train_pattern.py --check`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import train_pattern
from recogniser.described import report

from fashquick_common.garment import PatternKind, Repeat
from fashquick_features.passport import VIEW_PX
from fashquick_features.pattern.analysis import PATTERN_PX
from fashquick_features.pattern.correlation import likeness
from fashquick_features.pattern.descriptor import describe
from fashquick_features.pattern.flatten import flatten
from fashquick_features.pattern.recognise import MIN_SURE, load_model
from fashquick_features.pattern.repeats import find
from fashquick_features.recognition.network import Recogniser

RIGHT_PERIOD = 0.1  # a repeat is found where its period is right to this part,
RIGHT_ANGLE = 6.0  # and its direction to these degrees
TELLING = (PatternKind.STRIPES, PatternKind.CHECK, PatternKind.DOTS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One drawn garment.

    Attributes:
        kind: What was drawn.
        truth: Repeats that were drawn.
        found: Repeats that were found.
        probabilities: Of every kind, in their order.
        seconds: CPU time of the analysis, without the network.
    """

    kind: PatternKind
    truth: tuple[Repeat, ...]
    found: tuple[Repeat, ...]
    probabilities: tuple[float, ...]
    seconds: float


def outcomes(garments: int) -> Iterator[Outcome]:
    """Analyse drawn garments."""
    (model, _), recogniser = load_model(), Recogniser()
    for seed in range(garments):
        garment = train_pattern.drawn_garment(seed)
        views = train_pattern.views_of(garment)
        start = time.process_time()
        flat = flatten(views(PATTERN_PX))
        levels = likeness(flat)
        vector = describe(flat, levels)
        repeats = find(flat, levels)
        taken = time.process_time() - start
        shares = model.probabilities(vector, recogniser.look(views(VIEW_PX)).pattern)
        kind = PatternKind(train_pattern.KINDS[seed % len(train_pattern.KINDS)])
        yield Outcome(kind, garment.repeats, repeats, tuple(shares[known] for known in PatternKind), taken)


def turned(one: float, two: float) -> float:
    """Degrees between two directions of lines."""
    return abs((one - two + 90) % 180 - 90)


def report_repeats(results: list[Outcome]) -> None:
    """Print how well repeats are measured."""
    for kind in TELLING:
        pairs = [(truth, result.found) for result in results if result.kind is kind for truth in result.truth]
        if not pairs:
            continue
        near = [
            (truth, min(found, key=lambda repeat, truth=truth: turned(repeat.angle_deg, truth.angle_deg)))  # type: ignore[misc] - a bound argument
            for truth, found in pairs
            if found
        ]
        period = [abs(found.period_px / truth.period_px - 1) for truth, found in near]
        angle = [turned(found.angle_deg, truth.angle_deg) for truth, found in near]
        right = sum(p < RIGHT_PERIOD and a < RIGHT_ANGLE for p, a in zip(period, angle, strict=True))
        duty = [abs(found.duty - truth.duty) for truth, found in near]
        print(
            f"  {kind.value}: {right} of {len(pairs)} repeats found; median error of the period {median(period):.3f}, "
            f"of the direction {median(angle):.1f} degrees, of the darker share {median(duty):.3f}"
        )
    plain = [result for result in results if result.kind is PatternKind.SOLID]
    print(f"  solid: repeats on {sum(bool(result.found) for result in plain)} of {len(plain)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", type=int, default=train_pattern.TESTED, help="how many drawn garments")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    results = list(outcomes(arguments.garments))
    truth = np.array([list(PatternKind).index(result.kind) for result in results])
    shares = np.array([result.probabilities for result in results])
    report("drawn garments", train_pattern.KINDS, truth, shares, MIN_SURE)
    print(f"  macro-F1 {train_pattern.macro_f1(truth, shares):.3f}")
    report_repeats(results)
    print(f"  milliseconds of one core a garment: {1e3 * median(result.seconds for result in results):.0f}")


if __name__ == "__main__":
    main()
