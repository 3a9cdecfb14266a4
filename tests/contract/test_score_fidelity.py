"""ScoreFidelity over real gRPC with a toy engine: what reaches the engine, and what is refused before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fashquick.features.v1 import features_pb2 as pb
from fashquick.garment.v1 import fidelity_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, make_blob
from fashquick_common.server.pictures import gray8_blob, rgb8_blob, uv16_blob
from tests.support.calls import EXTRACT_FEATURES, SCORE_FIDELITY, passport_for
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack

WIDTH, HEIGHT = 120, 160


def alpha() -> np.ndarray:
    return np.where(plain_photo().min(axis=2) < 128, 255, 0).astype(np.uint8)


def picture(colour: tuple[int, int, int] | None = None) -> np.ndarray:
    rgb = np.full((HEIGHT, WIDTH, 3), 230, np.uint8)
    rgb[40:120, 30:90] = plain_photo()[alpha() > 0].mean(axis=0) if colour is None else colour
    return rgb


def region() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[40:120, 30:90] = 255
    return mask


def places() -> np.ndarray:
    uv = np.full((HEIGHT, WIDTH, 2), np.nan, np.float32)
    uv[40:120, 30:90] = np.stack(np.meshgrid(np.linspace(0.2, 0.8, 60), np.linspace(0.2, 0.8, 80)), axis=-1)
    return uv


def blobs(**changed: Blob | None) -> list[Blob]:
    parts: dict[str, Blob | None] = {
        "photo": make_blob("photo", png(plain_photo())),
        "alpha": gray8_blob("alpha", alpha()),
        "picture": rgb8_blob("picture", picture()),
        "region": gray8_blob("region", region()),
    }
    return [blob for blob in (parts | changed).values() if blob is not None]


async def score(stack: Stack, sent: list[Blob], **fields: Any) -> pb.ScoreFidelityResponse:
    messages = [SCORE_FIDELITY.header(sent, **fields), *SCORE_FIDELITY.messages(sent)[1:]]
    [answer] = await SCORE_FIDELITY.collect(stack.channels["features"], messages)
    assert isinstance(answer, pb.ScoreFidelityResponse)
    return answer


async def test_the_report_comes_with_what_made_it(stack: Stack) -> None:
    answer = await score(stack, blobs(), passport=passport_for())

    assert answer.report.grade == fidelity_pb2.FIDELITY_GRADE_KEPT
    assert answer.report.measurements[0].measure == fidelity_pb2.FIDELITY_MEASURE_PALETTE
    assert (answer.backend, len(answer.backend_digest)) == ("toy", 64)
    assert answer.compute_seconds > 0
    [task] = stack.analyser.tasks
    assert (task.photo == plain_photo()).all()
    assert (task.picture == picture()).all()
    assert (task.region == region()).all()
    assert task.passport is not None
    assert task.uv is None
    assert task.prior is None


async def test_a_wrong_colour_is_lost(stack: Stack) -> None:
    wrong = rgb8_blob("picture", picture((10, 200, 20)))
    answer = await score(stack, blobs(picture=wrong))

    assert answer.report.grade == fidelity_pb2.FIDELITY_GRADE_LOST
    assert stack.analyser.tasks[0].passport is None


async def test_uv_map_and_prior_reach_the_engine(stack: Stack) -> None:
    prior = picture((90, 90, 90))
    sent = blobs(uv=uv16_blob("uv", places()), prior=rgb8_blob("prior", prior))
    await score(stack, sent)

    [task] = stack.analyser.tasks
    assert task.uv is not None
    np.testing.assert_array_equal(np.isnan(task.uv), np.isnan(places()))
    assert np.nanmax(np.abs(task.uv - places())) < 1e-4
    assert task.prior is not None
    assert (task.prior == prior).all()


@pytest.mark.parametrize(
    "changed",
    [
        {"region": gray8_blob("region", np.zeros((HEIGHT, WIDTH), np.uint8))},
        {"region": gray8_blob("region", np.full((HEIGHT, WIDTH), 255, np.uint8))},
        {"region": gray8_blob("region", region()[:-1])},
        {"alpha": gray8_blob("alpha", np.zeros((30, 40), np.uint8))},
        {"uv": uv16_blob("uv", places()[:-1])},
        {"uv": gray8_blob("uv", region())},
        {"picture": make_blob("picture", b"no picture")},
    ],
    ids=["empty region", "full region", "other size", "foreign alpha", "cut uv", "uv of another kind", "no picture"],
)
async def test_what_does_not_fit_is_refused_and_never_computed(stack: Stack, changed: dict[str, Blob]) -> None:
    sent = blobs(**changed)
    error = await SCORE_FIDELITY.failure(stack.channels["features"], SCORE_FIDELITY.messages(sent))

    assert isinstance(error, errors.InvalidArgumentError)
    assert not stack.analyser.tasks


async def test_a_passport_with_a_number_that_is_none_is_refused(stack: Stack) -> None:
    passport = passport_for()
    passport.coverage = float("nan")
    sent = blobs()
    messages = [SCORE_FIDELITY.header(sent, passport=passport), *SCORE_FIDELITY.messages(sent)[1:]]
    error = await SCORE_FIDELITY.failure(stack.channels["features"], messages)

    assert isinstance(error, errors.BadField)


@pytest.mark.parametrize("centimetres", [0.0, 401.0, float("nan"), float("inf")])
async def test_a_known_length_out_of_range_is_refused(stack: Stack, centimetres: float) -> None:
    sent = [make_blob("photo", png(plain_photo())), gray8_blob("alpha", alpha())]
    header = EXTRACT_FEATURES.header(sent, known_length={"name": 3, "centimetres": centimetres})
    messages = [header, *EXTRACT_FEATURES.messages(sent)[1:]]
    error = await EXTRACT_FEATURES.failure(stack.channels["features"], messages)

    assert isinstance(error, errors.BadField)
    assert stack.analyser.pace.calls == 0
