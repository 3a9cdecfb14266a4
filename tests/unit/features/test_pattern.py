from __future__ import annotations

import functools

import numpy as np
import pytest

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.garment import Category, PatternKind, Repeat
from fashquick_features.pattern.correlation import likeness
from fashquick_features.pattern.descriptor import LENGTH, describe
from fashquick_features.pattern.flatten import Flat, flatten
from fashquick_features.pattern.recognise import MIN_SURE, PatternModel, load_model
from fashquick_features.pattern.repeats import find
from fashquick_features.recognition.ensemble import Ensemble
from fashquick_features.shape import outline
from fashquick_features.shape.upright import Upright, upright_view

UNDECIDED = dict.fromkeys(PatternKind, 1 / len(PatternKind))


def flat_of(garment: DrawnGarment) -> Flat:
    shape = outline.trace(garment.alpha)
    frame = outline.upright_frame(shape)
    return flatten(upright_view(garment.photo, garment.alpha, shape.points, frame, 448))


@functools.cache
def drawn(kind: PatternKind, seed: int, category: Category = Category.SLEEVELESS_TOP) -> DrawnGarment:
    return draw(category, seed, pattern=kind, photo_seed=seed, long_side=320)


def repeats_of(garment: DrawnGarment) -> tuple[Repeat, ...]:
    flat = flat_of(garment)
    return find(flat, likeness(flat))


def apart(one: float, two: float) -> float:
    return abs((one - two + 90) % 180 - 90)


@pytest.mark.parametrize("seed", range(4))
def test_stripes_tell_period_direction_and_duty(seed: int) -> None:
    garment = drawn(PatternKind.STRIPES, seed)
    (truth,) = garment.repeats
    found = repeats_of(garment)[0]
    assert found.period_px == pytest.approx(truth.period_px, rel=0.06)
    assert apart(found.angle_deg, truth.angle_deg) < 4
    assert found.duty == pytest.approx(truth.duty, abs=0.15)
    assert found.period_share == pytest.approx(found.period_px / garment.height_px, rel=0.08)
    assert found.strength > 0.5


@pytest.mark.parametrize("tilt", [-12.0, 0.0, 15.0])
def test_direction_is_the_garments_not_the_photos(tilt: float) -> None:
    garment = draw(Category.T_SHIRT, 2, colours=2, tilt_deg=tilt, long_side=320)
    assert apart(repeats_of(garment)[0].angle_deg, 0.0) < 4


def test_period_follows_the_photos_size() -> None:
    small, large = (repeats_of(draw(Category.SKIRT, 1, colours=2, long_side=side))[0] for side in (256, 512))
    assert large.period_px == pytest.approx(2 * small.period_px, rel=0.05)
    assert large.period_share == pytest.approx(small.period_share, rel=0.05)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_a_check_repeats_both_ways(seed: int) -> None:
    found = repeats_of(drawn(PatternKind.CHECK, seed))
    assert len(found) == 2
    assert apart(found[0].angle_deg, found[1].angle_deg) == pytest.approx(90, abs=6)


@pytest.mark.parametrize("seed", range(4))
def test_plain_cloth_with_folds_does_not_repeat(seed: int) -> None:
    assert repeats_of(draw(Category.LONG_SLEEVE, seed, folds=0.2, photo_seed=seed, long_side=320)) == ()


def test_repeats_come_strongest_first_and_in_range() -> None:
    for kind in PatternKind:
        found = repeats_of(drawn(kind, 1))
        assert [r.strength for r in found] == sorted((r.strength for r in found), reverse=True)
        for repeat in found:
            assert 0 <= repeat.duty <= 1
            assert 0 <= repeat.angle_deg < 180
            assert 0 < repeat.strength <= 1
            assert repeat.period_px > 0


def hostile_views() -> dict[str, Upright]:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (120, 90, 3), dtype=np.uint8)
    whole = np.full((120, 90), 255, np.uint8)
    pixel, thread, empty = (np.zeros((120, 90), np.uint8) for _ in range(3))
    pixel[60, 45] = 255
    thread[10:110, 43:48] = 255

    def view(rgb: np.ndarray, alpha: np.ndarray) -> Upright:
        return Upright(rgb, alpha, 1.0, 100.0, np.eye(2, 3))

    return {
        "noise": view(noise, whole),
        "one pixel": view(noise, pixel),
        "five pixels wide": view(noise, thread),
        "nothing": view(noise, empty),
        "black": view(np.zeros_like(noise), whole),
        "white": view(np.full_like(noise, 255), whole),
        "grey": view(np.repeat(noise[..., :1], 3, axis=2), whole),
        "red light": view(noise * np.array([1, 0, 0], np.uint8), whole),
        "tiny": view(noise[:3, :2], whole[:3, :2]),
        "one by one": view(noise[:1, :1], whole[:1, :1]),
        "wide": view(noise[:5], whole[:5]),
    }


@pytest.mark.parametrize("name", sorted(hostile_views()))
def test_odd_views_give_finite_numbers(name: str) -> None:
    flat = flatten(hostile_views()[name])
    levels = likeness(flat)
    vector = describe(flat, levels)
    assert vector.shape == (LENGTH,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    for repeat in find(flat, levels):
        assert np.isfinite([repeat.period_px, repeat.period_share, repeat.angle_deg, repeat.duty]).all()
    model, _ = load_model()
    assert sum(guess.confidence for guess in model.guess(vector, UNDECIDED)) <= 1 + 1e-6


def test_drawn_patterns_are_taken_for_what_they_are() -> None:
    model, _ = load_model()
    right = dict.fromkeys(PatternKind, 0)
    for kind in PatternKind:
        for seed in range(2):
            flat = flat_of(drawn(kind, seed, Category.T_SHIRT))
            shares = model.probabilities(describe(flat, likeness(flat)), UNDECIDED)
            right[kind] += max(shares, key=lambda other: shares[other]) is kind
    assert sum(right.values()) >= 12


def test_the_same_photo_gives_the_same_numbers() -> None:
    garment = drawn(PatternKind.FLORAL, 2)
    one, two = (describe(flat, likeness(flat)) for flat in (flat_of(garment), flat_of(garment)))
    assert one.tobytes() == two.tobytes()


def tiny_model(powers: tuple[float, float]) -> PatternModel:
    """Takes everything for stripes where the descriptor's last number is positive, else cannot tell."""
    w1 = np.zeros((LENGTH, 1), np.float16)
    w1[-1, 0] = 4.0
    w2 = np.array([[float(kind is PatternKind.STRIPES) for kind in PatternKind]], np.float16)
    weights = {
        "mean": np.zeros(LENGTH, np.float32),
        "scale": np.ones(LENGTH, np.float32),
        "w1_0": w1,
        "b1_0": np.zeros(1, np.float32),
        "w2_0": w2,
        "b2_0": np.zeros(len(PatternKind), np.float32),
        "nets": np.array(1),
        "temperature": np.array(1.0),
        "classes": np.array([kind.value for kind in PatternKind]),
    }
    return PatternModel(Ensemble(weights), powers)


def test_below_the_stated_confidence_nothing_is_told() -> None:
    vector = np.zeros(LENGTH, np.float32)
    model = tiny_model((1.0, 1.0))
    assert model.guess(vector, UNDECIDED) == ()
    assert max(model.probabilities(vector, UNDECIDED).values()) < MIN_SURE
    vector[-1] = 1.0
    assert model.guess(vector, UNDECIDED)[0].kind is PatternKind.STRIPES


def test_what_the_network_sees_counts_as_much_as_its_power_says() -> None:
    vector = np.zeros(LENGTH, np.float32)
    vector[-1] = 1.0
    seen = {kind: 0.93 if kind is PatternKind.DOTS else 0.01 for kind in PatternKind}
    assert tiny_model((1.5, 0.5)).guess(vector, seen)[0].kind is PatternKind.DOTS
    assert tiny_model((0.0, 1.0)).guess(vector, seen)[0].kind is PatternKind.STRIPES


def test_descriptors_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=f"takes {LENGTH} numbers"):
        tiny_model((1.0, 1.0)).guess(np.zeros(LENGTH + 1, np.float32), UNDECIDED)
