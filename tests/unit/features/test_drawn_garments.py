from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drawn import DrawnGarment, draw
from benchmarks.drawn.scene import Conditions, photograph
from fashquick_common.garment import Category, PatternKind, TextureClass
from fashquick_common.image.spaces import ciede2000, lab_of_srgb


def small(kind: PatternKind | None, seed: int, photo_seed: int | None = None, **stated: float) -> DrawnGarment:
    return draw(Category.T_SHIRT, seed, pattern=kind, photo_seed=photo_seed, long_side=128, **stated)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(PatternKind))
def test_the_same_numbers_draw_the_same_bytes(kind: PatternKind) -> None:
    one, two = small(kind, 5, 7), small(kind, 5, 7)
    assert one.photo.tobytes() == two.photo.tobytes()
    assert one.alpha.tobytes() == two.alpha.tobytes()
    assert (one.colours, one.repeats, one.prints, one.landmarks) == (
        two.colours,
        two.repeats,
        two.prints,
        two.landmarks,
    )


@pytest.mark.parametrize("kind", list(PatternKind))
def test_another_photo_shows_the_same_garment(kind: PatternKind) -> None:
    one, two = small(kind, 3, 1), small(kind, 3, 2)
    assert one.photo.tobytes() != two.photo.tobytes()
    assert one.conditions != two.conditions
    shares = [dict(garment.colours) for garment in (one, two)]
    for colour in shares[0].keys() | shares[1].keys():
        assert shares[0].get(colour, 0.0) == pytest.approx(shares[1].get(colour, 0.0), abs=0.05)
    assert [repeat.angle_deg for repeat in one.repeats] == [repeat.angle_deg for repeat in two.repeats]
    for first, second in zip(one.repeats, two.repeats, strict=True):
        assert first.period_share == pytest.approx(second.period_share)
    assert [[line.text for line in p.lines] for p in one.prints] == [
        [line.text for line in p.lines] for p in two.prints
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_box_holds_the_print_and_nothing_else_is_printed(seed: int) -> None:
    garment = draw(
        Category.SLEEVELESS_TOP,
        seed,
        pattern=PatternKind.GRAPHIC,
        texture=TextureClass.SMOOTH,
        long_side=256,
        folds=0.0,
        noise=0.0,
    )
    (printed,) = garment.prints
    ground = lab_of_srgb(np.array(garment.colours[0][0], np.uint8))
    box = printed.box
    rows, columns = (slice(int(low), int(low + size) + 1) for low, size in ((box.y, box.height), (box.x, box.width)))
    apart = ciede2000(lab_of_srgb(garment.photo), ground)
    # Seams are darker than the ground by less than a print is; buttons may be as bright.
    strong = (apart > 0.5 * np.percentile(apart[rows, columns], 99)) & (garment.alpha == 255)
    held = np.count_nonzero(strong[rows, columns]) / max(np.count_nonzero(strong), 1)
    assert held > 0.7
    for line in printed.lines:
        assert box.x - 1 <= line.box.x
        assert line.box.x + line.box.width <= box.x + box.width + 1
        assert box.y - 1 <= line.box.y
        assert line.box.y + line.box.height <= box.y + box.height + 1


def test_cast_and_exposure_are_what_was_asked_for() -> None:
    grey = np.full((64, 64, 3), 118.8)  # L* 50
    seen = {
        name: lab_of_srgb(photograph(grey, Conditions(noise=0.0, **stated), np.random.default_rng(0)))[0, 0]
        for name, stated in {
            "warm": {"cast": (3.0, 12.0)},
            "dark": {"exposure": -1.0},
        }.items()
    }
    np.testing.assert_allclose(seen["warm"], (50.0, 3.0, 12.0), atol=0.6)
    # Half the luminance: L* + 16 is proportional to its cube root.
    assert seen["dark"][0] == pytest.approx(66 * 0.5 ** (1 / 3) - 16, abs=0.5)


def test_a_stated_cast_turns_the_whole_photo() -> None:
    plain, warm = (draw(Category.SKIRT, 1, long_side=96, cast=cast) for cast in (None, (0.0, 15.0)))
    assert lab_of_srgb(warm.photo)[..., 2].mean() > lab_of_srgb(plain.photo)[..., 2].mean() + 8
