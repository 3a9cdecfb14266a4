"""The photo on its way through the stages: its own colours for features, the garment's for generation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fashquick.segmentation.v1 import segmentation_pb2 as seg
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.rpc.blobs import Blob, make_blob
from fashquick_common.server.pictures import rgb8_blob
from fashquick_segmentation.engine import Candidate, Hints, Segmentation
from tests.support.calls import TRY_ON
from tests.support.other_server import OtherSegmentation, other_server
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack, toy_stack
from tests.support.toys import toy_quality
from tests.support.try_on import manifest_of, parts_of, photo_blob, request, try_on

GARMENT, GROUND = np.array((200, 30, 40)), np.array((20, 210, 60))
WIDTH, HEIGHT = 200, 240
SOFT_PX = 6.0


def soft_alpha() -> np.ndarray:
    """A rectangle whose coverage falls from full to none over some pixels: HxW uint8."""
    x, y = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    depth = np.minimum(np.minimum(x - 50, 150 - x), np.minimum(y - 60, 180 - y))
    return np.rint(255 * np.clip(0.5 + depth / SOFT_PX, 0, 1)).astype(np.uint8)


def mixed_photo(alpha: np.ndarray) -> np.ndarray:
    """A red garment on a green ground, mixed along its edge as a camera mixes them: HxWx3 uint8."""
    share = alpha[..., None] / 255
    return np.rint(share * GARMENT + (1 - share) * GROUND).astype(np.uint8)


def ground_share(pixels: np.ndarray) -> np.ndarray:
    """How much of each pixel is ground: N floats, 0 for the garment's colour, 1 for the ground's."""
    apart = (GROUND - GARMENT).astype(float)
    return (pixels.astype(float) - GARMENT) @ apart / (apart @ apart)


@pytest.fixture
def seen(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Photos that features is shown; segmentation answers with the true soft edge."""
    photos: list[np.ndarray] = []
    analyse = stack.analyser.analyse

    def watched(photo: np.ndarray, *rest: Any) -> Any:
        photos.append(photo)
        return analyse(photo, *rest)

    def segment(photo: np.ndarray, hints: Hints, cancel: CancelFlag) -> Segmentation:
        alpha = soft_alpha()
        mask = alpha >= 128
        quality = toy_quality(mask)
        return Segmentation(mask, alpha, quality, (Candidate(mask, 0.9),))

    monkeypatch.setattr(stack.analyser, "analyse", watched)
    monkeypatch.setattr(stack.segmenter, "segment", segment)
    return photos


async def test_no_ground_is_mixed_into_the_edge_that_generation_is_given(stack: Stack, seen: list[np.ndarray]) -> None:
    alpha = soft_alpha()
    photo = mixed_photo(alpha)
    answers = await try_on(
        stack, request(make_blob("photo", png(photo)), outputs=[pb.OUTPUT_KIND_PHOTO_MASK, pb.OUTPUT_KIND_PHOTO_ALPHA])
    )

    [job] = stack.generator.jobs
    given = job.garments[0].photo.astype(int)
    soft = (alpha > 0) & (alpha < 255)
    assert soft.sum() > 2000
    assert ground_share(photo[soft]).max() > 0.8
    assert ground_share(photo[soft]).mean() == pytest.approx(0.5, abs=0.05)
    # Seven eighths of it are gone, the rest is what an estimate of the ground's colour leaves.
    assert ground_share(given[soft]).max() < 0.15
    assert ground_share(given[soft]).mean() < 0.07
    # What is wholly one or the other stays, for generation looks at the ground too.
    assert (given[~soft] == photo[~soft]).all()
    assert (job.garments[0].alpha == alpha).all()
    assert {pb.OUTPUT_KIND_PHOTO_MASK, pb.OUTPUT_KIND_PHOTO_ALPHA} <= parts_of(answers).keys()


async def test_features_sees_the_real_photo(stack: Stack, seen: list[np.ndarray]) -> None:
    photo = mixed_photo(soft_alpha())
    await try_on(stack, request(make_blob("photo", png(photo))))

    [shown] = seen
    assert (shown == photo).all()


def _of_another_size(part: str, rgb: np.ndarray) -> Blob:
    return rgb8_blob(part, rgb[:-1])


def _of_another_kind(part: str, rgb: np.ndarray) -> Blob:
    return make_blob(part, b"a file")


@pytest.mark.parametrize("broken", [_of_another_size, _of_another_kind])
async def test_a_foreground_that_does_not_fit_is_the_segmentation_services_fault(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    monkeypatch.setattr("fashquick_segmentation.servicer.rgb8_blob", broken)

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert type(error) is errors.InternalError
    assert "foreground" in error.message
    assert error.metadata["stage"] == "segmentation"
    assert stack.generator.pace.calls == 0


class Measured(OtherSegmentation):
    """Sends no foreground, but every measure that the contract has, and a side that this version does not know."""

    def result(self, mask: np.ndarray) -> Iterator[seg.SegmentResponse]:
        for response in super().result(mask):
            if response.HasField("result"):
                quality = response.result.quality
                quality.symmetry, quality.boundary_confidence, quality.sharpness = 0.75, 0.5, 0.25
                quality.lightness, quality.clipped = 62.5, 0.125
                quality.cut_off.extend([seg.SIDE_LEFT, 77])  # type: ignore[list-item]
                quality.warnings.append("come closer")
            yield response


async def test_a_server_without_foreground_serves_too_and_its_measures_are_handed_on() -> None:
    with other_server(Measured()) as address:
        async with toy_stack(segmentation_target=address) as stack:
            answers = await try_on(stack, request(photo_blob()))

    [job] = stack.generator.jobs
    assert (job.garments[0].photo == plain_photo()).all()
    manifest = manifest_of(answers)
    assert manifest.stages[1].backend == "colour"
    [told] = [
        answer.stage_finished.mask_quality
        for answer in answers
        if answer.HasField("stage_finished") and answer.stage_finished.HasField("mask_quality")
    ]
    assert told == manifest.mask_quality
    assert (told.symmetry, told.boundary_confidence, told.sharpness) == (0.75, 0.5, 0.25)
    assert (told.lightness, told.clipped) == (62.5, 0.125)
    assert list(told.cut_off) == [seg.SIDE_LEFT, 77]
    assert list(told.warnings) == ["come closer"]
