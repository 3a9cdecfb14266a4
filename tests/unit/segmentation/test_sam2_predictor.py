"""The predictor on a small network: batches, sides, threads, precision, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, Cancelled, DeadlinePassed
from fashquick_segmentation.sam2.network import empty_network
from fashquick_segmentation.sam2.predictor import NEXT_LOGIT, PROMPTS_PER_PASS, Answer, Embedding, Predictor
from fashquick_segmentation.sam2.question import Prompt, mask_side
from fashquick_segmentation.sam2.resize import enlarge
from tests.unit.segmentation.sam2_weights import SIDE, SMALL, drawn_photo, random_weights

# Float32 sums in another order; logits are some 30 wide.
SAME = 1e-3


def made(**settings: object) -> Predictor:
    network = empty_network(SMALL)
    network.load_state_dict(random_weights(SMALL), assign=True)
    return Predictor(network, "small", **settings)  # type: ignore[arg-type]  # bool and int by name


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return made()


def embedded(predictor: Predictor, *photos: NDArray[np.uint8], side: int = SIDE) -> list[Embedding]:
    return predictor.encode(photos, CancelFlag(), side_px=side)


def points(*at: tuple[float, float], off: int = 0) -> Prompt:
    labels = np.ones(len(at), np.int32)
    labels[len(at) - off :] = 0
    return Prompt(np.array(at, np.float32), labels)


def close(one: Answer, other: Answer) -> bool:
    return np.allclose(one.logits, other.logits, atol=SAME) and np.allclose(
        one.predicted_iou, other.predicted_iou, atol=SAME
    )


QUESTIONS = (
    points((20, 30)),
    points((20, 30), (70, 10), off=1),
    Prompt(box=(5, 6, 60, 50)),
    Prompt(mask=np.linspace(-9, 9, 32 * 32, dtype=np.float32).reshape(32, 32)),
    points((70, 40)),
    Prompt(np.array([[9, 9]], np.float32), np.zeros(1, np.int32), box=(5, 6, 60, 50)),
    Prompt(box=(30, 6, 60, 70), mask=np.full((32, 32), -3, np.float32)),
)


class TestAnswers:
    def test_shapes(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140))
        (answer,) = predictor.decode(embedding, [QUESTIONS[0]], CancelFlag())
        (single,) = predictor.decode(embedding, [QUESTIONS[0]], CancelFlag(), multimask=False)
        assert answer.logits.shape == (3, 32, 32)
        assert answer.logits.dtype == answer.predicted_iou.dtype == np.float32
        assert single.logits.shape == (1, 32, 32)
        assert ((answer.predicted_iou > 0) & (answer.predicted_iou < 1)).all()
        assert answer.full_size(1).shape == (90, 140)
        assert np.abs(answer.next_mask(0)).max() <= NEXT_LOGIT
        assert answer.next_mask(0).shape == (mask_side(SIDE), mask_side(SIDE))

    def test_many_questions_are_answered_in_order_as_if_alone(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140))
        asked = [*QUESTIONS, *(points((x, 5 + x)) for x in range(PROMPTS_PER_PASS + 3)), *QUESTIONS[::-1]]
        together = predictor.decode(embedding, asked, CancelFlag())
        alone = [predictor.decode(embedding, [prompt], CancelFlag())[0] for prompt in asked]
        assert all(close(one, other) for one, other in zip(together, alone, strict=True))
        assert not close(together[0], together[4])

    def test_photos_of_a_batch_are_answered_each_by_its_own_question(self) -> None:
        photos = [drawn_photo(90, 140), drawn_photo(150, 80, shift=40), drawn_photo(64, 64, shift=9)]
        batched, single = made(photos_per_pass=2), made()
        embeddings = embedded(batched, *photos)
        together = batched.decode(embeddings, QUESTIONS[:3], CancelFlag())
        for photo, prompt, answer in zip(photos, QUESTIONS, together, strict=False):
            (embedding,) = embedded(single, photo)
            assert close(single.decode(embedding, [prompt], CancelFlag())[0], answer)
            assert answer.photo_size == photo.shape[:2]
        # The same question about another photo has another answer, and a stack of photos one each.
        three = batched.decode(embeddings, [QUESTIONS[0]] * 3, CancelFlag())
        assert not close(three[0], three[1])
        assert close(three[0], together[0])

    def test_embeddings_of_a_batch_are_kept_apart(self) -> None:
        photos = [drawn_photo(64, 64), drawn_photo(64, 64, shift=9)]
        together, alone = embedded(made(photos_per_pass=2), *photos), embedded(made(), photos[0])
        assert together[0].size_bytes == together[1].size_bytes == alone[0].size_bytes
        assert alone[0].size_bytes == 4 * (32 * 8 * 8 + 8 * 16 * 16 + 4 * 32 * 32)

    def test_a_single_mask_that_is_unstable_gives_way_to_the_best_of_three(self) -> None:
        network = empty_network(SMALL)
        weights = random_weights(SMALL)
        photo = drawn_photo(90, 140)
        for scale in (1.0, 1e-3):  # of the single mask's logits: far from 0, then all near it
            for name in ("weight", "bias"):
                weights[f"sam_mask_decoder.output_hypernetworks_mlps.0.layers.2.{name}"] *= scale
            network.load_state_dict(weights, assign=True)
            predictor = Predictor(network, "scaled")
            (embedding,) = embedded(predictor, photo)
            (single,) = predictor.decode(embedding, [QUESTIONS[1]], CancelFlag(), multimask=False)
            (three,) = predictor.decode(embedding, [QUESTIONS[1]], CancelFlag())
            best = int(np.argmax(three.predicted_iou))
            assert np.allclose(single.logits[0], three.logits[best], atol=SAME) == (scale < 1)

    def test_questions_change_answers(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140))
        on, off = points((20, 30)), points((20, 30), off=1)
        first, second = predictor.decode(embedding, [on, off], CancelFlag())
        assert not close(first, second)

    def test_places_scale_with_the_photo(self, predictor: Predictor) -> None:
        """Photos of one colour are the same square at any size."""
        square, wide = np.full((128, 128, 3), 90, np.uint8), np.full((256, 384, 3), 90, np.uint8)
        (one,), (other,) = embedded(predictor, square), embedded(predictor, wide)

        def ask(embedding: Embedding, across: float, down: float) -> Answer:
            point = np.array([[40.5 * across, 60.5 * down]], np.float32)
            prompt = Prompt(point, np.ones(1, np.int32), box=(20 * across, 30 * down, 90 * across, 100 * down))
            return predictor.decode(embedding, [prompt], CancelFlag())[0]

        assert close(ask(one, 1, 1), ask(other, 3, 2))
        assert not close(ask(one, 1, 1), ask(other, 2, 3))

    def test_nothing_asked_is_nothing_answered(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140))
        assert predictor.decode(embedding, [], CancelFlag()) == []
        assert embedded(predictor) == []


class TestSides:
    @pytest.mark.parametrize("side", [128, 160, 224, 288, 512])
    def test_maps_and_masks_follow_the_side(self, predictor: Predictor, side: int) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140), side=side)
        sizes = [tuple(level.shape[2:]) for level in embedding.maps]
        assert sizes == [(side // step, side // step) for step in (16, 8, 4)]
        (answer,) = predictor.decode(embedding, [QUESTIONS[1]], CancelFlag())
        assert answer.logits.shape == (3, side // 4, side // 4)
        assert answer.full_size(0).shape == (90, 140)

    def test_sides_are_mixed_in_one_call(self, predictor: Predictor) -> None:
        photo = drawn_photo(90, 140)
        two = [embedded(predictor, photo, side=side)[0] for side in (128, 256)]
        answers = predictor.decode(two, [QUESTIONS[0]] * 2, CancelFlag())
        assert [answer.logits.shape[1] for answer in answers] == [32, 64]

    @pytest.mark.parametrize("side", [100, 64, 4096])
    def test_others_are_refused(self, predictor: Predictor, side: int) -> None:
        with pytest.raises(BadField, match="multiple of 32"):
            embedded(predictor, drawn_photo(90, 140), side=side)

    def test_a_mask_of_another_side_is_refused(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(90, 140), side=160)
        with pytest.raises(ValueError, match="40x40"):
            predictor.decode(embedding, [QUESTIONS[3]], CancelFlag())

    def test_each_side_has_its_own_prompt_encoder_on_common_weights(self, predictor: Predictor) -> None:
        network = predictor._network
        before = vars(network.sam_prompt_encoder).copy()
        small, large = network.prompt_encoder(128), network.prompt_encoder(256)
        assert [encoder.get_dense_pe().shape[-1] for encoder in (small, large)] == [8, 16]
        assert [encoder.input_image_size for encoder in (small, large)] == [(128, 128), (256, 256)]
        assert vars(network.sam_prompt_encoder) == before
        assert (
            small.no_mask_embed.weight is large.no_mask_embed.weight is network.sam_prompt_encoder.no_mask_embed.weight
        )

    def test_threads_that_use_different_sides_do_not_disturb_each_other(self, predictor: Predictor) -> None:
        photo = drawn_photo(90, 140)

        def look(side: int) -> Answer:
            (embedding,) = embedded(predictor, photo, side=side)
            return predictor.decode(embedding, [QUESTIONS[1]], CancelFlag())[0]

        sides = [128, 160, 224, 256]
        alone = {side: look(side) for side in sides}
        with ThreadPoolExecutor(4) as pool:
            for side, answer in zip(sides * 6, pool.map(look, sides * 6), strict=True):
                assert close(answer, alone[side])


class TestPrecision:
    def test_bfloat16_changes_little(self, predictor: Predictor) -> None:
        rough = made(bf16=True)
        photo = drawn_photo(90, 140)
        (embedding,), (roughly,) = embedded(predictor, photo), embedded(rough, photo)
        assert roughly.size_bytes < embedding.size_bytes
        exact = predictor.decode(embedding, QUESTIONS, CancelFlag())
        for one, other in zip(exact, rough.decode(roughly, QUESTIONS, CancelFlag()), strict=True):
            assert not np.array_equal(one.logits, other.logits)
            assert other.logits.dtype == np.float32
            assert np.mean(np.abs(one.logits - other.logits)) < 0.03 * np.ptp(one.logits)
            assert np.mean((one.logits > 0) != (other.logits > 0)) < 0.03

    def test_a_point_is_as_exact_in_bfloat16(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between 64 and 128, bfloat16 knows every half number only."""
        rough = made(bf16=True)
        (embedding,) = embedded(rough, drawn_photo(SIDE, SIDE))
        seen: list[torch.Tensor] = []
        decoder = rough._network.sam_mask_decoder
        handle = decoder.register_forward_pre_hook(
            lambda _, __, named: seen.append(named["sparse_prompt_embeddings"]), with_kwargs=True
        )
        rough.decode(embedding, [points((100.0, 100.0)), points((100.1, 100.0))], CancelFlag())
        handle.remove()
        assert seen[0].dtype == torch.float32
        assert not torch.equal(seen[0][0], seen[0][1])


class CancelledAtStep(CancelFlag):
    def __init__(self, last: int) -> None:
        super().__init__()
        self._last = last

    def check(self) -> None:
        if self.steps == self._last:
            self.cancel()
        super().check()


class TestCancel:
    def every_step(self, work: Callable[[CancelFlag], object], least: int) -> None:
        whole = CancelFlag()
        work(whole)
        assert whole.steps >= least
        for last in range(whole.steps):
            flag = CancelledAtStep(last)
            with pytest.raises(Cancelled):
                work(flag)
            assert flag.steps == last + 1
        with pytest.raises(DeadlinePassed):
            work(CancelFlag(deadline=time.monotonic()))

    def test_encoding_stops_before_every_photo_and_block(self, predictor: Predictor) -> None:
        photos = [drawn_photo(64, 64), drawn_photo(64, 64, shift=5)]
        blocks = sum(SMALL.blocks)
        self.every_step(lambda flag: predictor.encode(photos, flag, side_px=SIDE), least=2 * (1 + blocks))

    def test_decoding_stops_before_every_pass_and_layer(self, predictor: Predictor) -> None:
        (embedding,) = embedded(predictor, drawn_photo(64, 64))
        self.every_step(lambda flag: predictor.decode(embedding, QUESTIONS[:3], flag), least=2 * (1 + 2))

    def test_one_threads_flag_stops_no_other(self, predictor: Predictor) -> None:
        raised = CancelFlag()
        raised.cancel()
        photo = [drawn_photo(64, 64)]

        def look(flag: CancelFlag) -> int:
            try:
                return len(predictor.encode(photo, flag, side_px=SIDE))
            except Cancelled:
                return -1

        flags = [raised, CancelFlag()] * 8
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(look, flags)) == [-1, 1] * 8


class TestWrongInput:
    @pytest.mark.parametrize(
        "photo",
        [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)],
    )
    def test_what_is_no_photo(self, predictor: Predictor, photo: NDArray[np.uint8]) -> None:
        with pytest.raises(ValueError, match="HxWx3 uint8"):
            embedded(predictor, photo)

    def test_a_photo_that_cannot_be_written_to_is_fine(self, predictor: Predictor) -> None:
        photo = drawn_photo(64, 64)[:, ::-1]
        photo.flags.writeable = False
        assert len(embedded(predictor, photo)) == 1

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (Prompt, "none of them"),
            (lambda: Prompt(np.zeros((2, 2), np.float32), np.zeros(1, np.int32)), r"\(2, 2\)"),
            (lambda: Prompt(np.zeros((1, 2), np.float32), np.full(1, 2, np.int32)), "labels are"),
            (lambda: points((float("nan"), 1)), "not finite"),
            (lambda: Prompt(box=(0, 0, float("inf"), 1)), "not finite"),
        ],
    )
    def test_what_is_no_question(self, make: Callable[[], Prompt], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            make()

    def test_an_embedding_of_other_weights(self, predictor: Predictor) -> None:
        (embedding,) = embedded(Predictor(empty_like_small(), "other"), drawn_photo(64, 64))
        with pytest.raises(ValueError, match="weights other came to those of small"):
            predictor.decode(embedding, [QUESTIONS[0]], CancelFlag())

    def test_more_questions_than_embeddings(self, predictor: Predictor) -> None:
        with pytest.raises(ValueError, match=r"longer|shorter"):
            predictor.decode(embedded(predictor, drawn_photo(64, 64)), QUESTIONS[:2], CancelFlag())


def empty_like_small() -> torch.nn.Module:
    network = empty_network(SMALL)
    network.load_state_dict(random_weights(SMALL, seed=1), assign=True)
    return network


def test_enlarging_keeps_a_masks_place() -> None:
    low = np.full((32, 32), -5, np.float32)
    low[8:24, 16:] = 5
    full = enlarge(low, (96, 64)) > 0
    wanted = np.zeros((96, 64), bool)
    wanted[24:72, 32:] = True
    assert np.count_nonzero(full != wanted) <= 2  # the two corners are round


def test_warming_up_runs_both_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = made()
    ran: list[str] = []
    for name in ("image_encoder", "sam_mask_decoder"):
        module = getattr(predictor._network, name)
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    predictor.warm_up(SIDE)
    assert ran == ["image_encoder", "sam_mask_decoder"]
