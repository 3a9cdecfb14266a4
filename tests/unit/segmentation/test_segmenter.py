"""The embedded segmenter as a service calls it: drawn photos in, masks, mattes and refusals out."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import (
    BadMask,
    Cancelled,
    DeadlinePassed,
    FailedPreconditionError,
    ModelNotInstalled,
    NoGarment,
    PhotoNotUsable,
)
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS, Hints, Segmentation, Side
from tests.unit.segmentation.garments import (
    GROUNDS,
    OUTLINES,
    compose,
    ground,
    iou,
    off_outline,
    outline_mask,
    photo_of,
    stripes,
    two_garments,
)

# A long-sleeved top whose cuffs lie on its sides.
AKIMBO = np.array(
    [
        *[(150, 90), (185, 105), (235, 105), (270, 90), (330, 110), (400, 330), (310, 440), (290, 410), (345, 330)],
        *[(305, 230), (308, 480), (112, 480), (115, 230), (75, 330), (130, 410), (110, 440), (20, 330), (90, 110)],
    ],
    np.float64,
)
NAVY, WHITE, RED = (34, 50, 110), (236, 235, 230), (190, 40, 50)


def find(segmenter: EmbeddedSegmenter, photo: NDArray[np.uint8], hint: NDArray[np.uint8] | None = None) -> Segmentation:
    return segmenter.segment(photo, Hints(hint), CancelFlag())


@pytest.mark.parametrize("back", GROUNDS)
@pytest.mark.parametrize(("garment", "colour"), [("t-shirt", NAVY), ("t-shirt", WHITE), ("trousers", RED)])
def test_finds_a_garment_on_textured_ground(
    segmenter: EmbeddedSegmenter, garment: str, colour: tuple[int, int, int], back: str
) -> None:
    photo, truth = photo_of(garment, colour, back)
    found = find(segmenter, photo)
    assert iou(found.mask, truth) > 0.98
    assert found.quality.fragments == 1
    assert found.quality.coverage == pytest.approx(truth.mean(), rel=0.02)
    assert found.quality.confidence > 0.9
    assert found.quality.warnings == ()


@pytest.mark.parametrize("period", [28, 36, 42])
def test_a_dark_stripe_at_the_hem_is_not_cut_off(segmenter: EmbeddedSegmenter, period: int) -> None:
    rng = np.random.default_rng(7)
    mask = outline_mask(OUTLINES["t-shirt"])
    hem_row = round(OUTLINES["t-shirt"][:, 1].max())
    cloth = stripes((233, 226, 209), (40, 52, 92), period, last_row=hem_row)
    found = find(segmenter, compose(mask, cloth, ground("planks", rng), rng))
    assert off_outline(found.mask, mask > 0.5, 4.0) < 0.015


def test_mask_and_matte_are_consistent(segmenter: EmbeddedSegmenter) -> None:
    photo, truth = photo_of("t-shirt", NAVY, "planks")
    found = find(segmenter, photo)
    assert found.mask.shape == found.alpha.shape == photo.shape[:2]
    assert found.mask.dtype == np.bool_
    assert found.alpha.dtype == np.uint8
    assert np.array_equal(found.mask, found.alpha >= 128)
    reach = np.ones((25, 25), np.uint8)
    assert np.all(found.alpha[cv2.erode(truth.astype(np.uint8), reach) > 0] == 255)
    assert np.all(found.alpha[cv2.dilate(truth.astype(np.uint8), reach) == 0] == 0)
    soft = np.count_nonzero((found.alpha > 0) & (found.alpha < 255))
    outline = np.count_nonzero(cv2.morphologyEx(truth.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))))
    assert 0 < soft < 4 * outline


def test_the_answer_is_the_first_candidate(segmenter: EmbeddedSegmenter) -> None:
    photo, _ = photo_of("t-shirt", RED, "carpet")
    found = find(segmenter, photo)
    assert np.array_equal(found.candidates[0].mask, found.mask)
    scores = [candidate.score for candidate in found.candidates]
    assert all(0 <= score <= 1 for score in scores)
    assert scores[1:] == sorted(scores[1:], reverse=True)
    assert all(candidate.mask.shape == found.mask.shape for candidate in found.candidates)


def test_a_gap_between_sleeve_and_body_stays_open(segmenter: EmbeddedSegmenter) -> None:
    rng = np.random.default_rng(3)
    mask = outline_mask(AKIMBO)
    photo = compose(mask, NAVY, ground("planks", rng), rng)
    found = find(segmenter, photo)
    for left in (90, 314):
        assert (mask[310:340, left : left + 16] < 0.5).all()
        assert found.mask[310:340, left : left + 16].mean() < 0.1
    assert iou(found.mask, mask > 0.5) > 0.97


def test_says_on_which_side_the_garment_leaves_the_picture(segmenter: EmbeddedSegmenter) -> None:
    photo, _ = photo_of("t-shirt", NAVY, "planks")
    found = find(segmenter, np.ascontiguousarray(photo[:, 80:]))
    assert found.quality.cut_off == (Side.LEFT,)
    assert 0 < found.quality.border_contact < 0.3
    assert any("leaves the picture on the left" in warning for warning in found.quality.warnings)


def test_a_small_garment_is_found_and_remarked_on(segmenter: EmbeddedSegmenter) -> None:
    rng = np.random.default_rng(5)
    mask = outline_mask(OUTLINES["t-shirt"] * 0.4 + (130, 170))
    found = find(segmenter, compose(mask, RED, ground("sheet", rng), rng))
    assert iou(found.mask, mask > 0.5) > 0.95
    assert any("go closer" in warning for warning in found.quality.warnings)


def test_same_photo_same_bytes_from_several_threads(segmenter: EmbeddedSegmenter) -> None:
    photos = [photo_of("t-shirt", NAVY, "planks")[0], photo_of("trousers", RED, "carpet")[0]]
    alone = [find(segmenter, photo) for photo in photos]
    cv2.setRNGSeed(12345)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda index: find(segmenter, photos[index % 2]), range(4)))
    for index, found in enumerate(together):
        assert np.array_equal(found.alpha, alone[index % 2].alpha)
        assert found.quality == alone[index % 2].quality


def test_cancel_stops_between_steps(segmenter: EmbeddedSegmenter) -> None:
    photo, _ = photo_of("t-shirt", NAVY, "planks")
    whole = CancelFlag()
    segmenter.segment(photo, NO_HINTS, whole)
    assert whole.steps > 12

    class CancelledAtStep(CancelFlag):
        def __init__(self, last: int) -> None:
            super().__init__()
            self._last = last

        def check(self) -> None:
            if self.steps == self._last:
                self.cancel()
            super().check()

    for last in range(0, whole.steps, 4):
        flag = CancelledAtStep(last)
        with pytest.raises(Cancelled):
            segmenter.segment(photo, NO_HINTS, flag)
        assert flag.steps == last + 1
    with pytest.raises(DeadlinePassed):
        segmenter.segment(photo, NO_HINTS, CancelFlag(deadline=time.monotonic()))


BLANKS = {
    "white": np.full((400, 300, 3), 255, np.uint8),
    "black": np.zeros((400, 300, 3), np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (500, 400, 3), dtype=np.uint8),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "one line": np.zeros((1, 500, 3), np.uint8),
    "planks": np.clip(ground("planks", np.random.default_rng(2)), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("name", BLANKS)
def test_refuses_a_picture_without_a_garment(segmenter: EmbeddedSegmenter, name: str) -> None:
    with pytest.raises(NoGarment, match="photograph one whole garment"):
        find(segmenter, BLANKS[name])


def test_refuses_a_thumbnail_saying_what_to_do(segmenter: EmbeddedSegmenter) -> None:
    photo, _ = photo_of("t-shirt", NAVY, "planks")
    with pytest.raises(PhotoNotUsable, match="go closer"):
        find(segmenter, np.asarray(cv2.resize(photo, (48, 64), interpolation=cv2.INTER_AREA), np.uint8))


@pytest.mark.parametrize("size", [(200, 2000), (2000, 200)])
def test_extreme_aspect_ends_in_a_mask_or_a_reason(segmenter: EmbeddedSegmenter, size: tuple[int, int]) -> None:
    photo, _ = photo_of("t-shirt", NAVY, "planks")
    stretched = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    with contextlib.suppress(FailedPreconditionError):
        found = find(segmenter, stretched)
        assert found.mask.shape == stretched.shape[:2]
        assert 0 < found.quality.coverage < 1


def test_the_largest_photo_keeps_detail_within_memory() -> None:
    """In a process of its own: the peak of a process never falls again."""
    program = textwrap.dedent("""
        import cv2, numpy as np
        from tests.support.memory import peak_kib
        from fashquick_common.cancel import CancelFlag
        from fashquick_segmentation.embedded import EmbeddedSegmenter
        from fashquick_segmentation.engine import NO_HINTS
        from tests.unit.segmentation.garments import iou, photo_of
        photo, truth = photo_of("t-shirt", (34, 50, 110), "planks")
        large = cv2.resize(photo, (1536, 2048), interpolation=cv2.INTER_CUBIC)
        wanted = cv2.resize(truth.astype(np.float32), (1536, 2048), interpolation=cv2.INTER_LINEAR) > 0.5
        found = EmbeddedSegmenter().segment(large, NO_HINTS, CancelFlag())
        print(iou(found.mask, wanted), peak_kib() / 1024)
    """)
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    agreement, peak_mib = map(float, done.stdout.split())
    assert agreement > 0.98
    assert peak_mib < 250


def test_of_two_garments_the_larger_is_the_answer_and_the_other_is_offered(segmenter: EmbeddedSegmenter) -> None:
    photo, large, small = two_garments()
    found = find(segmenter, photo)
    assert iou(found.mask, large) > 0.97
    (other,) = [candidate for candidate in found.candidates if candidate.other_garment]
    assert iou(other.mask, small) > 0.9
    assert any("2 garments" in warning for warning in found.quality.warnings)

    # What is offered can be asked for.
    again = find(segmenter, photo, other.mask * np.uint8(255))
    assert iou(again.mask, small) > 0.95
    assert not any(candidate.other_garment for candidate in again.candidates)


class TestHint:
    def test_a_cut_out_keeps_its_own_edge(self, segmenter: EmbeddedSegmenter) -> None:
        photo, _ = photo_of("t-shirt", NAVY, "planks")
        matte = np.rint(outline_mask(OUTLINES["t-shirt"]) * 255).astype(np.uint8)
        flattened = np.where(matte[..., np.newaxis] > 0, photo, 255).astype(np.uint8)
        found = find(segmenter, flattened, matte)
        assert found.quality.hint_used
        assert np.mean(found.alpha != matte) < 0.001

    def test_it_decides_between_two_garments(self, segmenter: EmbeddedSegmenter) -> None:
        rng = np.random.default_rng(4)
        left = outline_mask(OUTLINES["t-shirt"] * 0.55 + (-10, 120))
        right = outline_mask(OUTLINES["t-shirt"] * 0.55 + (200, 120))
        photo = compose(np.maximum(left, right), RED, ground("sheet", rng), rng)
        chosen = find(segmenter, photo).mask
        other = left if iou(chosen, right > 0.5) > 0.9 else right
        assert iou(chosen, other > 0.5) < 0.8
        hint = np.rint(other * 255).astype(np.uint8)
        assert iou(find(segmenter, photo, hint).mask, other > 0.5) > 0.97

    @pytest.mark.parametrize("kind", ["opaque", "transparent", "fade", "round corners"])
    def test_other_transparency_changes_nothing(self, segmenter: EmbeddedSegmenter, kind: str) -> None:
        photo, _ = photo_of("t-shirt", NAVY, "planks")
        hint = np.full(photo.shape[:2], 255, np.uint8)
        if kind == "transparent":
            hint[:] = 0
        elif kind == "fade":
            hint[:] = np.linspace(0, 255, hint.shape[0]).astype(np.uint8)[:, np.newaxis]
        elif kind == "round corners":
            hint[:20, :20] = hint[-20:, -20:] = 0
        found = find(segmenter, photo, hint)
        assert not found.quality.hint_used
        assert np.array_equal(found.alpha, find(segmenter, photo).alpha)

    def test_of_another_size_is_refused(self, segmenter: EmbeddedSegmenter) -> None:
        photo, _ = photo_of("t-shirt", NAVY, "planks")
        with pytest.raises(BadMask, match="10x10"):
            find(segmenter, photo, np.zeros((10, 10), np.uint8))


class TestNetworkFile:
    def test_its_digest_is_the_segmenters(self, segmenter: EmbeddedSegmenter) -> None:
        file = resources.files("fashquick_segmentation.embedded") / "data" / "garment_seg.onnx"
        assert segmenter.digest == hashlib.sha256(file.read_bytes()).hexdigest()
        card = (resources.files("fashquick_segmentation.embedded") / "data" / "MODEL_CARD.md").read_text()
        assert segmenter.digest in card
        assert segmenter.name == "embedded"

    def test_a_changed_byte_is_refused(self, tmp_path: Path) -> None:
        file = resources.files("fashquick_segmentation.embedded") / "data" / "garment_seg.onnx"
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        damaged = tmp_path / "damaged.onnx"
        damaged.write_bytes(content)
        with pytest.raises(ModelNotInstalled, match="install fashquick-segmentation again"):
            EmbeddedSegmenter(damaged)

    def test_a_missing_one_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotInstalled, match=r"absent\.onnx"):
            EmbeddedSegmenter(tmp_path / "absent.onnx")
