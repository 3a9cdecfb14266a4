"""Does the fidelity report say what a buyer would see?"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.drawn import draw
from benchmarks.features_fidelity import Staged, stage
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BadMask, Cancelled, FashquickError, ImageTooSmall
from fashquick_common.garment import (
    UNKNOWN_LIGHT,
    Box,
    Category,
    FidelityControl,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
    Passport,
    Pattern,
    PatternGuess,
    PatternKind,
    Print,
    TextLine,
)
from fashquick_features.colour import palette
from fashquick_features.fidelity import FidelityScorer, OwnAnalysers, controls
from fashquick_features.fidelity.sights import Sight
from fashquick_features.fidelity.trials import RULES

Image = npt.NDArray[np.uint8]
PHOTO_PX = 320
WIDTH, HEIGHT = 320, 448


class ByRepeats(OwnAnalysers):
    """The analysers, with the kind of pattern told by whether the cloth repeats: quick, and needs no trained model."""

    def __init__(self) -> None:
        super().__init__(lambda _vector, _view: {PatternKind.SOLID: 1.0})

    def pattern(self, rgb: Image, alpha: Image, cancel: CancelFlag) -> Pattern:
        repeats = super().pattern(rgb, alpha, cancel).repeats
        strong = [repeat for repeat in repeats if repeat.strength > 0.35]
        kind = (PatternKind.SOLID, PatternKind.STRIPES, PatternKind.CHECK)[min(len(strong), 2)]
        return Pattern((PatternGuess(kind, 1.0),), repeats)


@pytest.fixture(scope="module")
def scorer() -> FidelityScorer:
    return FidelityScorer(ByRepeats())


class Worn:
    """A garment, its passport, and a picture of it."""

    def __init__(
        self, photo: Image, alpha: Image, kind: PatternKind = PatternKind.SOLID, prints: tuple[Print, ...] = ()
    ) -> None:
        self.photo, self.alpha, self.kind = photo, alpha, kind
        colours = palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())
        height, width = alpha.shape
        pattern = Pattern((PatternGuess(kind, 1.0),), ())
        coverage = float(np.mean(alpha >= 128))
        self.passport = Passport((), {}, colours, width, height, coverage, pattern=pattern, prints=prints)
        self.staged = self.put(photo, alpha)

    def put(self, photo: Image, alpha: Image) -> Staged:
        return stage(photo, alpha, 3, WIDTH, HEIGHT)

    def control(self, control: FidelityControl) -> Staged:
        made = controls.make(control, Sight(self.photo, self.alpha), self.passport.palette, self.kind)
        return self.put(made.rgb, self.alpha)


def score(scorer: FidelityScorer, worn: Worn, staged: Staged, **other: object) -> FidelityReport:
    wanted: dict[str, object] = {
        "uv": staged.uv, "prior": staged.prior, "passport": worn.passport, "reader": None, "cancel": CancelFlag(),
    } | other  # fmt: skip
    return scorer.score(worn.photo, worn.alpha, staged.picture, staged.region, **wanted)  # type: ignore[arg-type] - keywords by name


def of(report: FidelityReport, measure: FidelityMeasure) -> FidelityMeasurement:
    return next(one for one in report.measurements if one.measure is measure)


def dyed(alpha: Image, cloth: npt.NDArray[np.float64]) -> Image:
    """Cloth (HxWx3 or three numbers, sRGB) in uneven light, with noise, on a light ground."""
    rng = np.random.default_rng(4)
    light = cv2.resize(rng.uniform(0.8, 1.1, (7, 7)), (PHOTO_PX, PHOTO_PX), interpolation=cv2.INTER_CUBIC)
    lit = cloth * light[..., None] + rng.normal(0, 3, (PHOTO_PX, PHOTO_PX, 3))
    return np.where(alpha[..., None] > 127, lit, 225).round().clip(0, 255).astype(np.uint8)


def with_print() -> Worn:
    """A plain T-shirt with a word and a badge on its chest."""
    garment = draw(Category.T_SHIRT, 4, long_side=PHOTO_PX)
    photo = dyed(garment.alpha, np.array((60.0, 110.0, 170.0)))
    cv2.circle(photo, (160, 130), 22, (240, 236, 220), -1, cv2.LINE_AA)
    cv2.circle(photo, (160, 130), 12, (200, 30, 40), -1, cv2.LINE_AA)
    cv2.putText(photo, "RIVER", (112, 185), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (240, 236, 220), 3, cv2.LINE_AA)
    box = Box(108, 104, 104, 88)
    found = Print(box, 0.1, 0.9, (TextLine("RIVER", Box(110, 160, 100, 30), 0.9),))
    return Worn(photo, garment.alpha, PatternKind.GRAPHIC, (found,))


@pytest.fixture(scope="module")
def printed() -> Worn:
    return with_print()


@pytest.fixture(scope="module")
def striped() -> Worn:
    alpha = draw(Category.T_SHIRT, 2, long_side=PHOTO_PX).alpha
    band = (np.arange(PHOTO_PX)[:, None, None] // 11 % 2).astype(np.float64)
    cloth = band * np.array((170.0, 40.0, 50.0)) + (1 - band) * np.array((236.0, 232.0, 220.0))
    return Worn(dyed(alpha, np.broadcast_to(cloth, (PHOTO_PX, PHOTO_PX, 3))), alpha, PatternKind.STRIPES)


@pytest.mark.parametrize(("name", "mapped"), [("printed", True), ("striped", False)])
def test_the_right_garment_is_kept_and_ranks_above_every_control(
    scorer: FidelityScorer, request: pytest.FixtureRequest, name: str, mapped: bool
) -> None:
    worn: Worn = request.getfixturevalue(name)

    def judged(staged: Staged) -> FidelityReport:
        return score(scorer, worn, staged, uv=staged.uv if mapped else None)

    right = judged(worn.staged)
    assert right.grade in ({FidelityGrade.KEPT} if mapped else {FidelityGrade.KEPT, FidelityGrade.CLOSE})
    reports = {control: judged(worn.control(control)) for control in FidelityControl}
    assert all(report.overall < right.overall - 0.1 for report in reports.values())
    assert reports[FidelityControl.BLANK].grade is FidelityGrade.LOST
    assert of(reports[FidelityControl.RECOLOUR], FidelityMeasure.PALETTE).score < 0.3


def test_another_garment_is_lost(scorer: FidelityScorer, printed: Worn, striped: Worn) -> None:
    assert score(scorer, printed, striped.staged, uv=None).grade is FidelityGrade.LOST


def test_what_counts_caught_all_its_controls(scorer: FidelityScorer, printed: Worn) -> None:
    report = score(scorer, printed, printed.staged)
    counted = [one for one in report.measurements if one.counted]
    assert {one.measure for one in counted} >= {
        FidelityMeasure.PALETTE, FidelityMeasure.TEXT, FidelityMeasure.ORIGINAL_PIXELS, FidelityMeasure.OUTSIDE,
    }  # fmt: skip
    assert all(result.caught for one in counted for result in one.controls)
    assert all(not one.reason for one in counted)
    assert all(one.reason for one in report.measurements if not one.counted)
    palette_row, text_row = (of(report, measure) for measure in (FidelityMeasure.PALETTE, FidelityMeasure.TEXT))
    assert {result.control for result in palette_row.controls} == {FidelityControl.RECOLOUR, FidelityControl.BLANK}
    assert {result.control for result in text_row.controls} == {FidelityControl.BLUR, FidelityControl.BLANK}


def test_the_uncorrected_palette_stands_beside_and_does_not_count(scorer: FidelityScorer, printed: Worn) -> None:
    beside = of(score(scorer, printed, printed.staged), FidelityMeasure.PALETTE_MEASURED)
    assert not beside.counted
    assert beside.value < 3


def test_a_garment_without_features_leaves_texture_and_text_out(scorer: FidelityScorer) -> None:
    alpha = draw(Category.T_SHIRT, 1, long_side=PHOTO_PX).alpha
    photo = np.where(alpha[..., None] > 127, np.uint8(14), np.uint8(200)) * np.ones(3, np.uint8)
    black = Worn(np.asarray(photo, np.uint8), alpha)
    report = score(scorer, black, black.staged)
    texture, text = (of(report, measure) for measure in (FidelityMeasure.TEXTURE, FidelityMeasure.TEXT))
    assert not texture.counted
    assert texture.reason
    assert not text.counted
    assert report.grade is FidelityGrade.KEPT


@pytest.mark.parametrize("mapped", [True, False])
def test_a_print_that_is_gone_is_told(scorer: FidelityScorer, printed: Worn, mapped: bool) -> None:
    clean = printed.photo.copy()
    clean[100:196, 104:216] = printed.photo[200:296, 104:216]
    gone = printed.put(clean, printed.alpha)
    kept, lost = (
        of(score(scorer, printed, staged, uv=staged.uv if mapped else None), FidelityMeasure.TEXT)
        for staged in (printed.staged, gone)
    )
    assert kept.counted
    assert kept.score > 0.8
    assert lost.score < 0.1


def test_what_is_read_counts_where_the_text_can_be_read(printed: Worn) -> None:
    class Says:
        """Reads its text wherever a print has sharp edges."""

        name = digest = "says"

        def __init__(self) -> None:
            self.text = "RIVER"

        def warm_up(self) -> None:
            pass

        def read(self, rgb: Image, cancel: CancelFlag) -> tuple[TextLine, ...]:
            sharpest = np.abs(np.diff(rgb[..., 0].astype(int), axis=1)).max()
            return (TextLine(self.text, Box(0, 0, 1, 1), 1.0),) if sharpest > 30 else ()

    reader = Says()
    scorer = FidelityScorer(ByRepeats())
    right = of(score(scorer, printed, printed.staged, reader=reader), FidelityMeasure.TEXT)
    reader.text = "BRIDGE"
    wrong = of(score(scorer, printed, printed.staged, reader=reader), FidelityMeasure.TEXT)
    assert right.counted
    assert right.value > wrong.value + 0.2


def test_original_pixels_is_the_share_that_is_the_photos(scorer: FidelityScorer, printed: Worn) -> None:
    whole = of(score(scorer, printed, printed.staged), FidelityMeasure.ORIGINAL_PIXELS).value
    picture = printed.staged.picture.copy()
    inside = np.argwhere(printed.staged.region > 127)
    middle = int(np.median(inside[:, 0]))
    picture[middle:] = np.where(printed.staged.region[middle:, :, None] > 127, np.uint8(150), picture[middle:])
    half = of(score(scorer, printed, replace(printed.staged, picture=picture)), FidelityMeasure.ORIGINAL_PIXELS).value
    assert whole > 0.9
    assert half == pytest.approx(whole / 2, abs=0.06)


def test_a_change_outside_the_region_is_its_size(scorer: FidelityScorer, printed: Worn) -> None:
    assert of(score(scorer, printed, printed.staged), FidelityMeasure.OUTSIDE).value == 0
    picture = printed.staged.picture.copy()
    y, x = np.argwhere(printed.staged.region == 0)[40]
    picture[y, x, 1] -= 37
    changed = of(score(scorer, printed, replace(printed.staged, picture=picture)), FidelityMeasure.OUTSIDE)
    assert changed.value == 37
    assert changed.score < 0.5
    none = of(score(scorer, printed, printed.staged, prior=None), FidelityMeasure.OUTSIDE)
    assert not none.counted


def test_a_rim_of_the_photos_ground_is_a_halo(scorer: FidelityScorer) -> None:
    garment = draw(Category.T_SHIRT, 0, long_side=PHOTO_PX)
    photo = np.where(garment.alpha[..., None] > 127, garment.photo, np.uint8(250))
    worn = Worn(np.asarray(photo, np.uint8), garment.alpha)
    wide = cv2.dilate(garment.alpha, np.ones((9, 9), np.uint8))
    clean, haloed = (
        of(score(scorer, worn, worn.put(worn.photo, np.asarray(alpha, np.uint8))), FidelityMeasure.HALO)
        for alpha in (garment.alpha, wide)
    )
    assert clean.counted
    assert clean.value < 3
    assert haloed.value > 10
    assert haloed.score < clean.score - 0.4


def test_the_same_input_gives_the_same_report_from_many_threads(printed: Worn, striped: Worn) -> None:
    fresh = FidelityScorer(ByRepeats())
    jobs = [printed, striped] * 2
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda worn: score(fresh, worn, worn.staged), jobs))
    assert reports[0] == reports[2]
    assert reports[1] == reports[3]


def test_a_cancelled_call_stops(scorer: FidelityScorer, printed: Worn) -> None:
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        score(scorer, printed, printed.staged, cancel=cancel)


def refused(printed: Worn, case: str) -> tuple[type[FashquickError], str, dict[str, object]]:
    """Error, field and what to change for each kind of bad input."""
    good = printed.staged
    small = np.zeros((40, 90, 3), np.uint8)
    off, half = good.uv.copy(), good.uv.copy()
    off[200, 150] = (1.5, 0.5)
    half[200, 150] = (np.nan, 0.5)
    infinite = good.uv.copy()
    infinite[200, 150] = np.inf
    return {
        "region empty": (BadMask, "region", {"region": np.zeros_like(good.region)}),
        "region full": (BadMask, "region", {"region": np.full_like(good.region, 255)}),
        "region of another size": (BadMask, "region", {"region": good.region[:-1]}),
        "region of another type": (BadMask, "region", {"region": good.region.astype(np.float32)}),
        "alpha of another size": (BadMask, "alpha", {"alpha": printed.alpha[:-2]}),
        "alpha empty": (BadMask, "alpha", {"alpha": np.zeros_like(printed.alpha)}),
        "alpha full": (BadMask, "alpha", {"alpha": np.full_like(printed.alpha, 255)}),
        "picture too small": (ImageTooSmall, "picture", {"picture": small, "region": small[..., 0]}),
        "picture grey": (BadField, "picture", {"picture": good.picture[..., 0]}),
        "uv of another size": (BadField, "uv", {"uv": good.uv[:, :-3]}),
        "uv of another type": (BadField, "uv", {"uv": good.uv.astype(np.float64)}),
        "uv off the photo": (BadField, "uv", {"uv": off}),
        "uv infinite": (BadField, "uv", {"uv": infinite}),
        "uv without v": (BadField, "uv", {"uv": half}),
        "prior of another size": (BadField, "prior", {"prior": good.prior[:-4]}),
        "passport of another photo": (BadField, "passport", {"passport": replace(printed.passport, photo_width=9)}),
    }[case]


CASES = (
    "region empty", "region full", "region of another size", "region of another type", "alpha of another size",
    "alpha empty", "alpha full", "picture too small", "picture grey", "uv of another size", "uv of another type",
    "uv off the photo", "uv infinite", "uv without v", "prior of another size", "passport of another photo",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_compared_is_refused_by_name(scorer: FidelityScorer, printed: Worn, case: str) -> None:
    error, field, change = refused(printed, case)
    good = printed.staged
    wanted: dict[str, object] = {
        "photo": printed.photo, "alpha": printed.alpha, "picture": good.picture, "region": good.region, "uv": good.uv,
        "prior": None, "passport": printed.passport, "reader": None, "cancel": CancelFlag(),
    } | change  # fmt: skip
    with pytest.raises(error) as caught:
        scorer.score(**wanted)  # type: ignore[arg-type] - keywords by name
    assert caught.value.field == field  # type: ignore[attr-defined] - all of them have one


def odd(case: str) -> tuple[Image, Image]:
    """Photos and masks that leave little to measure."""
    rng = np.random.default_rng(5)
    photo = rng.integers(90, 160, (96, 96, 3), dtype=np.uint8)
    alpha = np.zeros((96, 96), np.uint8)
    alpha[20:80, 30:70] = 255
    if case == "five pixels wide":
        alpha[:] = 0
        alpha[10:90, 40:45] = 255
    if case == "eight pixels square":
        alpha[:] = 0
        alpha[40:48, 40:48] = 255
    if case == "up to the edges":
        alpha[:, 1:] = 255
    if case == "scattered":
        alpha[:] = np.where(rng.random((96, 96)) > 0.7, 255, 0)
    if case == "grey":
        photo[:] = photo[..., :1]
    if case == "extreme cast":
        photo[..., 2] = 0
        photo[..., 0] = 255
    if case == "black":
        photo[:] = 0
    if case == "white":
        photo[:] = 255
    return photo, alpha


ODD = (
    "five pixels wide", "eight pixels square", "up to the edges", "scattered", "grey", "extreme cast", "black", "white",
)  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_every_number_is_finite_whatever_the_garment(scorer: FidelityScorer, case: str) -> None:
    photo, alpha = odd(case)
    box = Box(35, 35, 20, 20)
    worn = Worn(photo, alpha, prints=(Print(box, 0.1, 0.9), Print(Box(-40, 200, 5, 0), 0.0, 1.0)))
    places = np.stack(np.meshgrid(np.arange(96) + 0.5, np.arange(96) + 0.5), axis=-1).astype(np.float32) / 96
    nowhere = np.full_like(places, np.nan)
    staged = Staged(photo, alpha, places, photo)
    for uv in (places, None) if case != "scattered" else (nowhere, np.zeros_like(places)):
        report = score(scorer, worn, staged, uv=uv)
        numbers = [report.overall]
        for one in report.measurements:
            numbers += [one.value, one.score, *(part for row in one.controls for part in (row.value, row.score))]
        assert all(math.isfinite(number) for number in numbers)
        assert 0 <= report.overall <= 1
        assert {one.measure for one in report.measurements} == set(RULES)
