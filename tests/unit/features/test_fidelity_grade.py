"""The parts of a fidelity report that are arithmetic: curves, the mean, palettes, patterns, text, scale."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashquick_common.garment import (
    Colour,
    FidelityControl,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    PaletteColour,
    Pattern,
    PatternGuess,
    PatternKind,
    Repeat,
)
from fashquick_common.image.spaces import ciede2000, lab_of_srgb
from fashquick_features.fidelity import controls
from fashquick_features.fidelity.cloth import pattern_kept
from fashquick_features.fidelity.grade import RULES, grade_of, overall
from fashquick_features.fidelity.palettes import palette_distance, transport
from fashquick_features.fidelity.prints import text_kept
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Sight, pair_up

SCORES = st.floats(0, 1)


def counted(measure: FidelityMeasure, score: float) -> FidelityMeasurement:
    return FidelityMeasurement(measure, 0.0, score, True)


@pytest.mark.parametrize("measure", list(FidelityMeasure))
def test_every_curve_runs_from_one_to_nothing_without_a_turn(measure: FidelityMeasure) -> None:
    curve = RULES[measure].curve
    values, scores = zip(*curve, strict=True)
    assert {min(scores), max(scores)} == {0.0, 1.0}
    assert all(one < two for one, two in pairwise(values))
    assert list(scores) in (sorted(scores), sorted(scores, reverse=True))


@given(st.dictionaries(st.sampled_from(list(FidelityMeasure)), SCORES, min_size=1), SCORES)
def test_the_overall_score_lies_between_its_parts_and_rises_with_them(
    scores: dict[FidelityMeasure, float], more: float
) -> None:
    rows = [counted(measure, score) for measure, score in scores.items()]
    whole = overall(rows)
    assert whole is not None
    assert max(min(scores.values()), 0) - 1e-9 <= whole <= max(0.02, *scores.values()) + 1e-9
    first, *rest = rows
    better = overall([counted(first.measure, max(first.score, more)), *rest])
    assert better is not None
    assert better >= whole - 1e-12


def test_a_lost_measure_pulls_the_grade_down_and_does_not_make_it_nothing() -> None:
    kept = [counted(measure, 1.0) for measure in FidelityMeasure if measure is not FidelityMeasure.PALETTE_MEASURED]
    assert grade_of(overall(kept)) is FidelityGrade.KEPT
    lost_palette = [counted(FidelityMeasure.PALETTE, 0.0), *kept[1:]]
    assert grade_of(overall(lost_palette)) is FidelityGrade.LOST
    lost_halo = [*kept[:-1], counted(FidelityMeasure.HALO, 0.0)]
    assert grade_of(overall(lost_halo)) is FidelityGrade.CLOSE


def test_measures_that_do_not_count_change_nothing() -> None:
    row = counted(FidelityMeasure.PALETTE, 0.9)
    aside = FidelityMeasurement(FidelityMeasure.TEXT, 0.0, 0.0, False, "nothing is printed")
    assert overall([row, aside]) == overall([row])
    assert overall([aside]) is None
    assert grade_of(overall([aside])) is None


@pytest.mark.parametrize(
    ("value", "grade"),
    [(0.85, FidelityGrade.KEPT), (0.84, FidelityGrade.CLOSE), (0.65, FidelityGrade.CLOSE),
     (0.64, FidelityGrade.ALTERED), (0.4, FidelityGrade.ALTERED), (0.39, FidelityGrade.LOST)],
)  # fmt: skip
def test_the_grades_begin_at_the_contracts_limits(value: float, grade: FidelityGrade) -> None:
    assert grade_of(value) is grade


def colour(srgb: tuple[int, int, int], share: float, corrected: tuple[int, int, int] | None = None) -> PaletteColour:
    def lab(of: tuple[int, int, int]) -> tuple[float, float, float]:
        one, two, three = lab_of_srgb(np.array(of, np.uint8)).tolist()
        return one, two, three

    right = None if corrected is None else Colour(corrected, lab(corrected))
    return PaletteColour(srgb, lab(srgb), share, "", corrected=right)


RED, WHITE, NAVY = (190, 40, 50), (240, 240, 236), (30, 36, 70)


def test_equal_palettes_lie_nowhere_apart_in_any_order() -> None:
    one, two = colour(RED, 0.7), colour(WHITE, 0.3)
    assert palette_distance([one, two], [two, one], corrected=False) == pytest.approx(0, abs=1e-6)


def test_a_palette_whose_shares_moved_is_apart_by_what_moved() -> None:
    apart = float(ciede2000(*(np.array(colour(srgb, 1).lab) for srgb in (RED, NAVY))))
    moved = palette_distance(
        [colour(RED, 0.5), colour(NAVY, 0.5)], [colour(RED, 0.6), colour(NAVY, 0.4)], corrected=False
    )
    assert moved == pytest.approx(0.1 * apart, rel=0.01)


def test_the_corrected_palette_is_what_a_picture_in_plain_light_is_held_against() -> None:
    yellowish = [colour((214, 196, 150), 1.0, corrected=(214, 208, 200))]
    shown = [colour((214, 208, 200), 1.0)]
    assert palette_distance(yellowish, shown, corrected=True) == pytest.approx(0, abs=0.1)
    assert palette_distance(yellowish, shown, corrected=False) > 8


def test_a_slightly_darker_studio_is_discounted_and_another_lightness_is_not() -> None:
    cloth = [colour((160, 60, 60), 1.0)]
    assert palette_distance(cloth, [colour((144, 53, 53), 1.0)], corrected=False) < 1
    assert palette_distance(cloth, [colour((80, 26, 26), 1.0)], corrected=False) > 8


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=8), st.lists(st.floats(0.01, 1), min_size=2, max_size=8))
def test_transport_costs_between_the_cheapest_and_the_independent_plan(one: list[float], two: list[float]) -> None:
    supply, demand = np.array(one) / sum(one), np.array(two) / sum(two)
    cost = np.abs(np.arange(len(one))[:, None] - np.arange(len(two))[None]).astype(np.float64)
    least = transport(supply, demand, cost)
    # On a line, the earth mover's distance is the area between the cumulated shares.
    size = max(len(one), len(two))
    padded = [np.pad(part, (0, size - len(part))) for part in (supply, demand)]
    line = float(np.abs(np.cumsum(padded[0] - padded[1])).sum())
    assert least == pytest.approx(line, abs=1e-6)
    assert least <= float(supply @ cost @ demand) + 1e-9


def pattern(kind: PatternKind, period: float = 0.05, angle: float = 0.0) -> Pattern:
    repeats = () if kind is PatternKind.SOLID else (Repeat(period * 400, period, angle, 0.5, 0.9),)
    return Pattern((PatternGuess(kind, 0.9),), repeats)


def test_a_pattern_is_kept_by_kind_period_and_direction() -> None:
    stripes = pattern(PatternKind.STRIPES)
    assert pattern_kept(stripes, stripes) == pytest.approx(1)
    assert pattern_kept(stripes, pattern(PatternKind.STRIPES, period=0.054, angle=175)) > 0.9
    assert pattern_kept(stripes, pattern(PatternKind.STRIPES, period=0.1)) < 0.5
    assert pattern_kept(stripes, pattern(PatternKind.STRIPES, angle=90)) == 0
    assert pattern_kept(stripes, pattern(PatternKind.CHECK)) == pytest.approx(0.5)
    assert pattern_kept(stripes, pattern(PatternKind.CHECK, period=0.11)) == 0
    assert pattern_kept(pattern(PatternKind.SOLID), stripes) == 0
    assert pattern_kept(pattern(PatternKind.SOLID), pattern(PatternKind.SOLID)) == pytest.approx(1)
    assert pattern_kept(stripes, Pattern((), ())) == 0
    with pytest.raises(CannotTell):
        pattern_kept(Pattern((), ()), stripes)


def test_text_is_compared_by_letters_whatever_case_and_line_breaks() -> None:
    assert text_kept(["River Side"], ["RIVER", "SIDE"]) == 1
    assert 0.5 < text_kept(["RIVER"], ["RIUER"]) < 1
    assert text_kept(["RIVER"], []) == 0
    assert text_kept([], ["RIVER"]) == 0


@pytest.mark.parametrize("base", [(30, 90, 150), (128, 128, 130), (12, 12, 14), (250, 250, 250), (200, 20, 30)])
def test_controls_differ_from_garments_of_any_colour(base: tuple[int, int, int]) -> None:
    photo = np.full((120, 90, 3), 220, np.uint8)
    alpha = np.zeros((120, 90), np.uint8)
    alpha[10:110, 15:75] = 255
    photo[alpha > 0] = base
    sight, palette = Sight(photo, alpha), [colour(base, 1.0)]
    for control in (FidelityControl.RECOLOUR, FidelityControl.BLANK):
        made = controls.make(control, sight, palette, PatternKind.SOLID)
        shown = lab_of_srgb(made.rgb[alpha > 0]).mean(axis=0)
        assert float(ciede2000(shown, np.array(palette[0].lab))) > 12
        assert np.array_equal(made.rgb[alpha == 0], photo[alpha == 0])
    drawn = controls.make(FidelityControl.OTHER_PATTERN, sight, palette, PatternKind.SOLID).rgb[20:100, 45]
    assert float(lab_of_srgb(drawn)[:, 0].std()) > 6


@pytest.mark.parametrize(("photo_scale", "picture_scale"), [(1, 1), (4, 1), (1, 3), (5, 6)])
def test_photo_and_picture_come_to_one_scale_and_places_name_the_same_cloth(
    photo_scale: int, picture_scale: int
) -> None:
    alpha = np.zeros((150, 130), np.uint8)
    alpha[20:130, 30:100] = 255
    y, x = np.mgrid[0:150, 0:130]
    rgb = np.stack([x, y, np.full_like(x, 60)], axis=-1).astype(np.uint8)

    def larger(plane: np.ndarray, times: int) -> np.ndarray:  # type: ignore[type-arg] - planes of two types
        return np.repeat(np.repeat(plane, times, axis=0), times, axis=1)

    photo, mask = larger(rgb, photo_scale), larger(alpha, photo_scale)
    picture, region = larger(rgb, picture_scale), larger(alpha, picture_scale)
    height, width = region.shape
    rows, columns = np.mgrid[0:height, 0:width]
    uv = np.stack([(columns + 0.5) / width, (rows + 0.5) / height], axis=-1).astype(np.float32)
    pair = pair_up(photo, mask, picture, region, uv)
    assert pair.photo.size == pytest.approx(pair.picture.size, rel=0.03)
    assert pair.picture.places is not None
    inside = np.argwhere(pair.picture.inside)[::37]
    for row, column in inside:
        at_x, at_y = pair.picture.places[row, column]
        seen = pair.photo.rgb[int(at_y), int(at_x)].astype(int)
        assert np.abs(seen - pair.picture.rgb[row, column].astype(int)).max() <= 3
