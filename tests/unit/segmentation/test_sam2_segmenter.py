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
from fashquick_segmentation.backends import make_backends
from fashquick_segmentation.config import SegmentationSettings
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS, Checkpointed, Hints, Presentation, Promptable, Question
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS
from fashquick_segmentation.sam2.embeddings import EmbeddingCache
from fashquick_segmentation.sam2.predictor import Embedding, Predictor
from fashquick_segmentation.sam2.registry import ModelRegistry
from fashquick_segmentation.sam2.segmenter import Sam2Segmenter
from tests.unit.segmentation.garments import GROUNDS, iou, photo_of, two_garments
from tests.unit.segmentation.oracle import Oracle
from tests.unit.segmentation.sam2_weights import MINI, OTHER, SIDE, THIRD, listed, random_weights, write_original

NAVY, GROUND = (34, 50, 110), next(iter(GROUNDS))


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    for seed, checkpoint in enumerate((MINI, OTHER)):
        write_original(tmp_path / checkpoint.original, random_weights(checkpoint.architecture, seed))
    known = {checkpoint.name: checkpoint for checkpoint in (MINI, OTHER, THIRD)}
    return ModelRegistry(listed(tmp_path), 2**30, default=MINI.name, checkpoints=known)


@pytest.fixture
def sam2(registry: ModelRegistry, segmenter: EmbeddedSegmenter) -> Sam2Segmenter:
    digest = registry.digest(MINI.name)
    return Sam2Segmenter(registry, MINI.name, segmenter, digest=digest, embeddings=EmbeddingCache(2**26), side_px=SIDE)


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


def test_candidates_say_what_they_are_made_of(sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    Oracle(truth, monkeypatch)

    found = sam2.segment(photo, NO_HINTS, CancelFlag())

    for candidate in found.candidates[1:]:
        assert set(candidate.scores) == {"predicted_iou", "stability", "prior", "edges", "solidity", "border"}
        assert all(0 <= score <= 1 for score in candidate.scores.values())
        assert candidate.source.rpartition(" ")[0] in {"box", "box points", "points", "strict", "prior", "again"}
        assert candidate.mask.shape == photo.shape[:2]


def test_the_presentation_reaches_the_prompts(sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    oracle = Oracle(truth, monkeypatch)

    def points_off(presentation: Presentation) -> int:
        oracle.asked.clear()
        sam2.segment(photo, Hints(presentation=presentation), CancelFlag())
        return sum(int((prompt.labels == 0).sum()) for prompt in oracle.asked)

    assert points_off(Presentation.FLAT) < points_off(Presentation.UNKNOWN) < points_off(Presentation.HANGER)


def test_of_two_garments_the_larger_is_asked_about_and_the_other_offered(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, large, small = two_garments()
    oracle = Oracle(large, monkeypatch)

    found = sam2.segment(photo, NO_HINTS, CancelFlag())

    on = np.concatenate([prompt.points[prompt.labels == 1] for prompt in oracle.asked]).astype(int)
    assert len(on)
    assert large[on[:, 1], on[:, 0]].all()
    assert iou(found.mask, large) > 0.93
    (other,) = [candidate for candidate in found.candidates if candidate.other_garment]
    assert iou(other.mask, small) > 0.9
    assert any("2 garments" in warning for warning in found.quality.warnings)


@pytest.mark.parametrize("points", [[], [[210, 300]]], ids=["alone", "with a point"])
def test_a_coarse_mask_is_asked_about(
    sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch, points: list[list[float]]
) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    oracle = Oracle(truth, monkeypatch)
    coarse = cv2.dilate(truth.astype(np.uint8), np.ones((31, 31), np.uint8)) * np.uint8(255)
    question = Question(np.array(points, np.float32).reshape(-1, 2), np.ones(len(points), bool), None, coarse)

    found = sam2.answer(photo, question, Presentation.UNKNOWN, CancelFlag())

    assert iou(found.mask, truth) > 0.9
    first, second = oracle.asked
    assert first.mask is not None
    assert second.mask is not None
    small = cv2.resize(coarse, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    assert (first.mask[small == 255] > 5).all()
    assert (first.mask[small == 0] < -5).all()
    assert (first.box is None) is bool(points)
    assert [candidate.source for candidate in found.candidates[1:]] == ["caller 0", "caller 2", "caller 1"]


def test_a_coarse_mask_alone_runs_through_the_network(sam2: Sam2Segmenter) -> None:
    photo, truth = photo_of("t-shirt", NAVY, GROUND)
    question = Question(np.zeros((0, 2), np.float32), np.zeros(0, bool), None, truth * np.uint8(255))

    try:
        found = sam2.answer(photo, question, Presentation.UNKNOWN, CancelFlag())
    except errors.FailedPreconditionError:  # What random weights find may well be refused.
        return
    assert found.mask.shape == photo.shape[:2]


class TestCheckpoints:
    def test_another_checkpoint_answers_with_its_own_weights_from_the_same_registry(
        self, sam2: Sam2Segmenter, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photo, truth = photo_of("t-shirt", NAVY, GROUND)
        Oracle(truth, monkeypatch)

        other = sam2.using(OTHER.name)

        assert isinstance(sam2, Checkpointed)
        assert (other.name, other.digest) == ("sam2", registry.digest(OTHER.name))
        assert other.digest != sam2.digest
        assert not registry.state(OTHER.name).loaded
        assert iou(other.segment(photo, NO_HINTS, CancelFlag()).mask, truth) > 0.9
        assert registry.state(OTHER.name).loaded
        assert not registry.state(MINI.name).loaded

    def test_photos_are_embedded_once_for_each_checkpoint(
        self, sam2: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photo, truth = photo_of("t-shirt", NAVY, GROUND)
        Oracle(truth, monkeypatch)
        embedded, encode = [], Predictor.encode

        def counting(self: Predictor, photos: Sequence[np.ndarray], *rest: Any, **more: Any) -> list[Embedding]:
            embedded.extend(self.digest for _ in photos)
            return encode(self, photos, *rest, **more)

        monkeypatch.setattr(Predictor, "encode", counting)
        for segmenter in (sam2, sam2.using(OTHER.name), sam2, sam2.using(OTHER.name)):
            segmenter.segment(photo, NO_HINTS, CancelFlag())
        assert embedded == [sam2.digest, sam2.using(OTHER.name).digest]

    def test_one_that_is_not_there_is_refused(self, sam2: Sam2Segmenter, registry: ModelRegistry) -> None:
        with pytest.raises(errors.BadField, match=r"no checkpoint 'sam9'; choose of sam2\.1-mini") as refused:
            sam2.using("sam9")
        assert refused.value.field == "sam2.checkpoint"
        with pytest.raises(errors.ModelNotInstalled, match=r"lists neither .*third"):
            sam2.using(THIRD.name)
        assert not any(state.loaded for state in registry.states())


def test_a_server_without_a_store_has_the_embedded_backend_alone() -> None:
    backends = make_backends(SegmentationSettings())

    assert [segmenter.name for segmenter in backends.segmenters] == ["embedded"]
    assert not backends.models.states()
    with pytest.raises(errors.ModelNotInstalled, match="set FASHQUICK_MODELS"):
        backends.models.load("sam2.1-hiera-tiny", CancelFlag())


def test_a_server_whose_store_lacks_the_checkpoint_says_nothing_of_sam2(tmp_path: Path) -> None:
    listed(tmp_path)

    backends = make_backends(SegmentationSettings(models=tmp_path))

    assert [segmenter.name for segmenter in backends.segmenters] == ["embedded"]
    assert [(state.name, state.installed) for state in backends.models.states()] == [(n, False) for n in CHECKPOINTS]


def test_on_a_cpu_sam2_is_there_for_those_who_ask(tmp_path: Path) -> None:
    tiny = CHECKPOINTS["sam2.1-hiera-tiny"]
    (tmp_path / tiny.original).write_bytes(b"not read before it is used")
    listed(tmp_path)

    segmenters = make_backends(SegmentationSettings(models=tmp_path, sam2_device="cpu")).segmenters

    assert [segmenter.name for segmenter in segmenters] == ["embedded", "sam2"]
    assert len(segmenters[1].digest) == 64
    with pytest.raises(errors.ModelNotInstalled):
        segmenters[1].warm_up()
