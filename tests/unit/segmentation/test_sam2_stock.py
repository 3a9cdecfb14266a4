"""What the predictor answers is what Meta's own answers on the same weights; see `record_sam2_stock.py`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.checkpoints import TINY
from fashquick_segmentation.sam2.network import empty_network
from fashquick_segmentation.sam2.predictor import Answer, Embedding, Predictor
from fashquick_segmentation.sam2.question import Prompt
from fashquick_segmentation.sam2.resize import to_square
from tests.unit.segmentation import record_sam2_stock as stock
from tests.unit.segmentation.sam2_weights import drawn_photo, random_weights

# Logits reach 100, and float32 sums of some 10,000 products in another order differ in their fifth digit. A point
# half a pixel off changes logits by a hundred times as much; see the last test.
LOGIT_TOLERANCE = 5e-3
SCORE_TOLERANCE = 1e-4
HEIGHT, WIDTH = stock.PHOTO_SIZE


@pytest.fixture(scope="module")
def recording() -> dict[str, NDArray[np.float32]]:
    with np.load(stock.RECORDING) as file:
        return dict(file)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    network = empty_network(TINY.architecture)
    network.load_state_dict(random_weights(TINY.architecture), assign=True)
    return Predictor(network, "tiny")


@pytest.fixture(scope="module")
def embeddings(predictor: Predictor) -> dict[int, Embedding]:
    photo = drawn_photo(HEIGHT, WIDTH)
    return {side: predictor.encode([photo], CancelFlag(), side_px=side)[0] for side in stock.SIDES}


def asked(name: str, side: int, again: NDArray[np.float32] | None, shift: float = 0.0) -> Prompt:
    """A recorded question; Meta's predictor counts from the middle of the square's first pixel, ours from its edge."""
    points, box, _, _ = stock.QUESTIONS[name]
    half = np.array([WIDTH, HEIGHT]) * 0.5 / side
    left, top, right, bottom = (stock.BOX.reshape(2, 2) + half).ravel().tolist()
    return Prompt(
        points=(stock.POINTS[:points] + half + shift).astype(np.float32),
        labels=stock.LABELS[:points],
        box=(left, top, right, bottom) if box else None,
        mask=again,
    )


def answer_to(predictor: Predictor, embedding: Embedding, name: str, shift: float = 0.0) -> Answer:
    def ask(name: str, again: NDArray[np.float32] | None, shift: float = 0.0) -> Answer:
        prompt = asked(name, embedding.side_px, again, shift)
        return predictor.decode(embedding, [prompt], CancelFlag(), multimask=stock.QUESTIONS[name][3])[0]

    first = ask("point", None)
    again = first.next_mask(int(np.argmax(first.predicted_iou))) if stock.QUESTIONS[name][2] else None
    return ask(name, again, shift)


@pytest.mark.parametrize("side", stock.SIDES)
@pytest.mark.parametrize(("size", "name"), [(stock.PHOTO_SIZE, "square"), (stock.LARGE_SIZE, "large square")])
def test_the_square_is_the_same(
    recording: dict[str, NDArray[np.float32]], side: int, size: tuple[int, int], name: str
) -> None:
    square = to_square(drawn_photo(*size), side, torch.device("cpu")).numpy()
    np.testing.assert_allclose(square[:, ::32, ::32], recording[f"{side}/{name}"], atol=1e-5)


@pytest.mark.parametrize("side", stock.SIDES)
@pytest.mark.parametrize("name", stock.QUESTIONS)
def test_the_answer_is_the_same(
    recording: dict[str, NDArray[np.float32]],
    predictor: Predictor,
    embeddings: dict[int, Embedding],
    name: str,
    side: int,
) -> None:
    answer = answer_to(predictor, embeddings[side], name)
    masks = range(len(answer.logits))
    low = np.stack([answer.next_mask(index) for index in masks])
    full = np.stack([answer.full_size(index) for index in masks])
    assert full.shape[1:] == (HEIGHT, WIDTH)
    key, step = f"{side}/{name}", stock.STEP
    np.testing.assert_allclose(low[:, ::step, ::step], recording[f"{key}/low"], atol=LOGIT_TOLERANCE)
    np.testing.assert_allclose(full[:, :: 2 * step, :: 2 * step], recording[f"{key}/full"], atol=LOGIT_TOLERANCE)
    np.testing.assert_allclose(answer.predicted_iou, recording[f"{key}/scores"], atol=SCORE_TOLERANCE)


def test_half_a_pixel_is_far_outside_the_tolerance(predictor: Predictor, embeddings: dict[int, Embedding]) -> None:
    answer = answer_to(predictor, embeddings[1024], "points box")
    moved = answer_to(predictor, embeddings[1024], "points box", shift=0.5)
    assert np.abs(answer.logits - moved.logits).max() > 100 * LOGIT_TOLERANCE
