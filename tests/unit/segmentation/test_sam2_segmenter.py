"""SAM 2 as a backend: prompts, choice, second pass, finishing; with random weights, and with answers made up here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.backends import make_segmenters
from fashquick_segmentation.config import SegmentationSettings
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS, Presentation, Promptable, Question
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS
from fashquick_segmentation.sam2.predictor import Answer, Embedding, Predictor
from fashquick_segmentation.sam2.question import Prompt
from fashquick_segmentation.sam2.registry import ModelRegistry
from fashquick_segmentation.sam2.segmenter import Sam2Segmenter
from tests.unit.segmentation.garments import GROUNDS, iou, photo_of
from tests.unit.segmentation.sam2_weights import MINI, SIDE, listed, random_weights, write_original

NAVY, GROUND = (34, 50, 110), next(iter(GROUNDS))


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    write_original(tmp_path / MINI.original, random_weights(MINI.architecture))
    return ModelRegistry(listed(tmp_path), 2**30, checkpoints={MINI.name: MINI})


@pytest.fixture
def sam2(registry: ModelRegistry, segmenter: EmbeddedSegmenter) -> Sam2Segmenter:
    return Sam2Segmenter(registry, MINI.name, segmenter, digest="0" * 64, cache_bytes=2**26, side_px=SIDE)


class Oracle:
    """In the place of the decoder: knows the garment, answers with it, with a part of it, and with everything."""

    def __init__(self, truth: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Prompt] = []
        self.side = SIDE // 4
        small = cv2.resize(truth.astype(np.float32), (self.side, self.side), interpolation=cv2.INTER_AREA)
        part = small.copy()
        part[self.side // 2 :] = 0
        self.masks = np.stack([part, small, np.ones_like(small)]) * 20 - 10

        def decode(
            _: Predictor, embedding: Embedding, prompts: Sequence[Prompt], cancel: CancelFlag, *, multimask: bool = True
        ) -> list[Answer]:
            self.asked += prompts
            ious = np.array([0.95, 0.8, 0.9], np.float32)
            if multimask:
                return [Answer(self.masks.astype(np.float32), ious, embedding.photo_size) for _ in prompts]
            return [Answer(self.masks[1:2].astype(np.float32), ious[1:2], embedding.photo_size) for _ in prompts]

        monkeypatch.setattr(Predictor, "decode", decode)


def test_what_both_agree_on_is_chosen_though_sam_is_surer_of_a_part(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    oracle = Oracle(truth, monkeypatch)

    found = sam2.segment(photo, NO_HINTS, CancelFlag())

    assert iou(found.mask, truth) > 0.93
    assert found.mask.shape == photo.shape[:2]
    assert found.quality.view_agreement > 0.9
    assert len(found.candidates) >= 2
    kinds = {(len(prompt.labels) > 0, prompt.box is not None, prompt.mask is not None) for prompt in oracle.asked}
    assert len(kinds) >= 3  # Boxes, points, both; a mask with the second pass.
    assert oracle.asked[-1].mask is not None


def test_points_are_where_the_garment_is_in_pixels_of_the_photo(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    large = cv2.resize(photo, None, fx=2, fy=2)
    oracle = Oracle(truth, monkeypatch)

    sam2.segment(large, NO_HINTS, CancelFlag())

    for prompt in oracle.asked:
        for (x, y), label in zip(prompt.points, prompt.labels, strict=True):
            assert truth[int(y / 2), int(x / 2)] == bool(label)


def test_a_photo_without_a_garment_is_refused_whatever_sam_says(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    Oracle(np.ones((100, 100), bool), monkeypatch)
    plain = np.full((300, 300, 3), 200, np.uint8)

    with pytest.raises(errors.NoGarment):
        sam2.segment(plain, NO_HINTS, CancelFlag())


def test_a_mask_that_the_prior_contradicts_is_refused_not_returned(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    elsewhere = np.zeros_like(truth)
    elsewhere[:40, :40] = True
    oracle = Oracle(elsewhere, monkeypatch)
    oracle.masks[:] = oracle.masks[1]

    with pytest.raises(errors.FailedPreconditionError):
        sam2.segment(photo, NO_HINTS, CancelFlag())


def test_random_weights_run_from_end_to_end_and_repeat(sam2: Sam2Segmenter) -> None:
    photo, _ = photo_of("t-shirt", NAVY, GROUND)
    sam2.warm_up()

    def run() -> Any:
        try:
            return sam2.segment(photo, NO_HINTS, CancelFlag()).mask.tobytes()
        except errors.FailedPreconditionError as error:  # What random weights find may well be refused.
            return error.message

    assert run() == run()


def test_a_prompt_on_the_same_photo_is_not_embedded_again(sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    Oracle(truth, monkeypatch)
    embeds, encode = [], Predictor.encode

    def counting(self: Predictor, photos: Sequence[np.ndarray], *rest: Any, **more: Any) -> list[Embedding]:
        embeds.append(len(photos))
        return encode(self, photos, *rest, **more)

    monkeypatch.setattr(Predictor, "encode", counting)
    y, x = (int(value) for value in np.argwhere(truth).mean(axis=0))
    question = Question(np.array([[x, y]], np.float32), np.array([True]))

    sam2.segment(photo, NO_HINTS, CancelFlag())
    found = sam2.answer(photo, question, Presentation.UNKNOWN, CancelFlag())

    assert sum(embeds) == 1
    assert found.mask[y, x]
    assert isinstance(sam2, Promptable)


@pytest.mark.parametrize(
    ("points", "on", "box"),
    [
        ([[-1, 5]], [True], None),
        ([[np.nan, 5]], [True], None),
        ([[5, 5]] * 10_000, [True] * 10_000, None),
        ([[5, 5]], [False], None),
        ([[5, 5], [5, 5]], [True, False], None),
        ([[5, 5]], [True], (20.0, 20.0, 60.0, 60.0)),
        ([], [], (20.0, 20.0, 20.0, 60.0)),
        ([], [], (20.0, 20.0, 1e9, 60.0)),
        ([], [], None),
    ],
    ids=["outside", "NaN", "10,000", "only off", "on and off", "off the box", "no area", "box outside", "nothing"],
)
def test_a_prompt_that_makes_no_sense_is_refused_before_the_network_runs(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch, points: list[Any], on: list[bool], box: Any
) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    oracle = Oracle(truth, monkeypatch)
    question = Question(np.array(points, np.float32).reshape(-1, 2), np.array(on, bool), box)

    with pytest.raises(errors.BadField) as refusal:
        sam2.answer(photo, question, Presentation.UNKNOWN, CancelFlag())
    assert len(refusal.value.message) > 20
    assert not oracle.asked


def test_a_cancel_stops_it(sam2: Sam2Segmenter) -> None:
    photo, _ = photo_of("t-shirt", NAVY, GROUND)
    flag = CancelFlag()
    flag.cancel()

    with pytest.raises(errors.Cancelled):
        sam2.segment(photo, NO_HINTS, flag)


def test_a_server_without_a_store_has_the_embedded_backend_alone() -> None:
    assert [segmenter.name for segmenter in make_segmenters(SegmentationSettings())] == ["embedded"]


def test_a_server_whose_store_lacks_the_checkpoint_says_nothing_of_sam2(tmp_path: Path) -> None:
    listed(tmp_path)

    assert [segmenter.name for segmenter in make_segmenters(SegmentationSettings(models=tmp_path))] == ["embedded"]


def test_on_a_cpu_sam2_is_there_for_those_who_ask(tmp_path: Path) -> None:
    tiny = CHECKPOINTS["sam2.1-hiera-tiny"]
    (tmp_path / tiny.original).write_bytes(b"not read before it is used")
    listed(tmp_path)

    segmenters = make_segmenters(SegmentationSettings(models=tmp_path, sam2_device="cpu"))

    assert [segmenter.name for segmenter in segmenters] == ["embedded", "sam2"]
    assert len(segmenters[1].digest) == 64
    with pytest.raises(errors.ModelNotInstalled):
        segmenters[1].warm_up()
