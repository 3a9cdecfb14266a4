"""Prompts on an open stream: answered by number about the same photo, refused when they make no sense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import numpy as np
import pytest

from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick_common import encodings, errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader, make_blob
from fashquick_common.rpc.channel import open_channel
from fashquick_common.server.settings import ServerSettings
from fashquick_segmentation.engine import MAX_POINTS, Candidate, Presentation, Question, Segmentation
from fashquick_segmentation.servicer import MAX_MASK_BYTES, MAX_PROMPTS, segmentation_service
from tests.support.calls import SEGMENT
from tests.support.photos import plain_photo, png
from tests.support.servers import running
from tests.support.toys import ToySegmenter, toy_quality

SCORES = {"predicted_iou": 0.9, "stability": 0.8, "prior": 0.7, "edges": 0.6, "solidity": 0.5, "border": 0.4}


class ToyPromptable(ToySegmenter):
    """Answers with the coarse mask, the box, or a square of 20 pixels round the first point."""

    name = "sam2"

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Question] = []
        self.presentations: list[Presentation] = []

    def answer(
        self, photo: np.ndarray, question: Question, presentation: Presentation, cancel: CancelFlag
    ) -> Segmentation:
        self.pace.work(cancel)
        self.questions.append(question)
        self.presentations.append(presentation)
        mask = np.zeros(photo.shape[:2], bool)
        if question.mask is not None:
            left, top, right, bottom = 0, 0, 0, 0
            mask |= question.mask >= 128
        elif question.box is not None:
            left, top, right, bottom = map(round, question.box)
        else:
            x, y = question.points[0]
            left, top, right, bottom = round(x) - 10, round(y) - 10, round(x) + 10, round(y) + 10
        mask[top:bottom, left:right] = True
        quality = toy_quality(mask)
        others = Candidate(~mask, 0.2, SCORES, "box points 1", other_garment=True), Candidate(~mask, 0.1)
        return Segmentation(mask, mask * np.uint8(255), quality, (Candidate(mask, 0.9), *others))


@pytest.fixture
def segmenter() -> ToyPromptable:
    return ToyPromptable()


@pytest.fixture
async def channel(segmenter: ToyPromptable) -> AsyncIterator[grpc.aio.Channel]:
    """A server whose default takes no prompts, and whose SAM 2 does."""
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, upload_idle_s=1.0)
    async with (
        running(
            settings, lambda kit: segmentation_service(kit, ToySegmenter(), segmenter, prompt_idle_s=0.5)
        ) as server,
        open_channel(f"127.0.0.1:{server.port}") as opened,
    ):
        yield opened


def upload(photo: Blob | None = None, **fields: Any) -> list[pb.SegmentRequest]:
    messages = SEGMENT.messages([photo or make_blob("photo", png(plain_photo()))])
    for name, value in {"backend": pb.BACKEND_SAM2, **fields}.items():
        setattr(messages[0].header, name, value)
    return messages


def prompt(
    number: int, *points: tuple[float, float], box: tuple[float, ...] | None = None, mask: bytes = b""
) -> pb.SegmentRequest:
    asked = pb.Prompt(number=number, points=[pb.Point(x=x, y=y, on_garment=True) for x, y in points], mask=mask)
    if box is not None:
        asked.box.CopyFrom(pb.Box(left=box[0], top=box[1], right=box[2], bottom=box[3]))
    return pb.SegmentRequest(prompt=asked)


def results_of(answers: list[pb.SegmentResponse]) -> dict[int, np.ndarray]:
    """The mask of each answer by its number; every part is verified."""
    reader, blobs = BlobReader(BlobLimits(2**26, 1000)), {}
    for answer in answers:
        match answer.WhichOneof("message"):
            case "blob":
                reader.announce(answer.blob)
            case "chunk":
                if blob := reader.add(answer.chunk):
                    blobs[blob.part] = blob
    reader.check_complete()
    assert [header.part for header in answers[-1].summary.blobs] == list(blobs)
    results = [answer.result for answer in answers if answer.HasField("result")]
    assert {result.alpha_part for result in results} <= blobs.keys()
    return {
        result.number: encodings.decode_bits1(blobs[result.mask_part].data, result.width, result.height)
        for result in results
    }


async def test_prompts_are_answered_by_number_about_the_same_photo(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    answers = await SEGMENT.collect(
        channel,
        [*upload(max_candidates=1), prompt(1, (50, 60)), prompt(2, (120, 90)), prompt(7, box=(10, 20, 110, 220))],
    )

    masks = results_of(answers)
    assert list(masks) == [1, 2, 7]
    assert masks[1][60, 50]
    assert not masks[1][90, 120]
    assert masks[2][90, 120]
    assert masks[7].sum() == 100 * 200
    assert len(segmenter.questions) == 3
    assert segmenter.pace.calls == 3  # No automatic mask that nobody asked for.


async def test_an_answer_comes_before_the_next_prompt(channel: grpc.aio.Channel) -> None:
    answered, seen = asyncio.Event(), []

    async def clicking() -> AsyncIterator[pb.SegmentRequest]:
        for message in upload():
            yield message
        yield prompt(1, (50, 60))
        await answered.wait()
        yield prompt(2, (120, 90))

    call = SEGMENT.make_stub(channel)(clicking(), timeout=10)
    async for answer in call:
        if answer.HasField("result"):
            seen.append(answer.result.number)
            answered.set()
    assert seen == [1, 2]


async def test_a_stream_that_closes_after_the_upload_gets_the_automatic_mask(channel: grpc.aio.Channel) -> None:
    [(number, mask)] = results_of(await SEGMENT.collect(channel, upload())).items()

    assert number == 0
    assert (mask == (plain_photo().min(axis=2) < 128)).all()


async def test_prompts_are_in_pixels_of_the_photo_that_was_uploaded(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    large = make_blob("photo", png(plain_photo(600, 4096)))
    answers = await SEGMENT.collect(channel, [*upload(large), prompt(1, (300, 2048), box=(60, 400, 540, 3600))])

    [question] = segmenter.questions
    assert question.counted_in == (4096, 600)
    assert question.points == pytest.approx(np.array([[300, 2048]]))
    assert question.box == pytest.approx((60, 400, 540, 3600))
    assert results_of(answers)[1].shape == (2048, 300)


def coarse_mask(width: int = 200, height: int = 240) -> np.ndarray:
    """A rectangle in the photo's left half, white on black: HxW uint8."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 8 : width // 2] = 255
    return mask


async def test_a_coarse_mask_reaches_the_backend_in_the_size_that_it_works_at(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    large = make_blob("photo", png(plain_photo(300, 2400)))
    answers = await SEGMENT.collect(channel, [*upload(large), prompt(1, mask=png(coarse_mask(300, 2400)))])

    [question] = segmenter.questions
    assert question.mask is not None
    assert (question.mask.shape, question.mask.dtype) == ((2048, 256), np.uint8)
    assert np.abs(question.mask.astype(int) - coarse_mask(256, 2048)).mean() < 1
    assert len(question.points) == 0
    assert question.box is None
    assert results_of(answers)[1].mean() == pytest.approx((coarse_mask() > 0).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (png(coarse_mask(100, 120)), errors.BadMask),
        (png(np.zeros((240, 200), np.uint8)), errors.BadMask),
        (png(np.full((240, 200), 255, np.uint8)), errors.BadMask),
        (b"no picture " * 10, errors.NotAnImage),
        (png(coarse_mask())[:-40], errors.ImageDamaged),
        (bytes(MAX_MASK_BYTES + 1), errors.BadField),
    ],
    ids=["another size", "empty", "full", "no image", "cut short", "too many bytes"],
)
async def test_a_mask_that_cannot_be_used_is_refused_and_nothing_is_computed(
    channel: grpc.aio.Channel, segmenter: ToyPromptable, mask: bytes, expected: type[errors.FashquickError]
) -> None:
    error = await SEGMENT.failure(channel, [*upload(), prompt(1, (50, 60), mask=mask)])

    assert type(error) is expected, error.message
    assert not segmenter.pace.calls


async def test_more_points_than_the_contract_allows_are_refused_before_they_are_looked_at(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    error = await SEGMENT.failure(channel, [*upload(), prompt(1, *[(50, 60)] * (MAX_POINTS + 1))])

    assert isinstance(error, errors.BadField)
    assert error.field == "prompt.points"
    assert not segmenter.pace.calls


async def test_how_the_garment_is_presented_reaches_the_backend(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    for presentation in (pb.PRESENTATION_UNSPECIFIED, pb.PRESENTATION_WORN, 99):
        await SEGMENT.collect(channel, [*upload(presentation=presentation), prompt(1, (50, 60))])

    assert segmenter.presentations == [Presentation.UNKNOWN, Presentation.WORN, Presentation.UNKNOWN]


@pytest.mark.parametrize("most", [0, 1, 16])
async def test_candidates_say_what_speaks_for_them(channel: grpc.aio.Channel, most: int) -> None:
    answers = await SEGMENT.collect(channel, [*upload(max_candidates=most), prompt(1, (50, 60))])

    [result] = [answer.result for answer in answers if answer.HasField("result")]
    assert [candidate.mask_part for candidate in result.candidates] == ["1/candidate/0", "1/candidate/1"][:most]
    for candidate in result.candidates[:1]:
        assert (candidate.source, candidate.other_garment) == ("box points 1", True)
        assert {field.name: value for field, value in candidate.scores.ListFields()} == pytest.approx(SCORES)
    for candidate in result.candidates[1:]:
        assert (candidate.source, candidate.other_garment) == ("", False)
        assert not candidate.HasField("scores")


async def test_a_backend_with_one_checkpoint_refuses_to_choose(channel: grpc.aio.Channel) -> None:
    [header, *_] = upload()
    header.header.sam2.checkpoint = "sam2.1-hiera-large"

    error = await SEGMENT.failure(channel, [header])

    assert isinstance(error, errors.NotBuilt)
    assert "checkpoint" in error.message


Messages = Callable[[], list[pb.SegmentRequest]]


@pytest.mark.parametrize(
    "messages",
    [
        lambda: [*upload(), prompt(0, (50, 60))],
        lambda: [*upload(), prompt(2, (50, 60)), prompt(2, (50, 60))],
        lambda: [*upload(), prompt(2, (50, 60)), prompt(1, (50, 60))],
        lambda: [*upload(), prompt(MAX_PROMPTS + 1, (50, 60))],
    ],
    ids=["0", "twice", "falling", "too many"],
)
async def test_numbers_that_do_not_rise_are_refused(channel: grpc.aio.Channel, messages: Messages) -> None:
    error = await SEGMENT.failure(channel, messages())

    assert isinstance(error, errors.BadField)
    assert error.field == "prompt.number"


async def test_a_backend_that_takes_no_prompts_says_so(channel: grpc.aio.Channel) -> None:
    error = await SEGMENT.failure(channel, [*upload(backend=pb.BACKEND_EMBEDDED), prompt(1, (50, 60))])

    assert isinstance(error, errors.NotBuilt)
    assert "automatic" in error.message


async def test_a_caller_who_names_no_backend_gets_one_that_takes_prompts(
    channel: grpc.aio.Channel, segmenter: ToyPromptable
) -> None:
    unspecified = pb.BACKEND_UNSPECIFIED
    answers = await SEGMENT.collect(channel, [*upload(backend=unspecified), prompt(1, (50, 60))])
    [result] = [answer.result for answer in answers if answer.HasField("result")]
    assert result.backend == segmenter.name

    answers = await SEGMENT.collect(channel, upload(backend=unspecified))
    [result] = [answer.result for answer in answers if answer.HasField("result")]
    assert result.backend == ToySegmenter.name


async def test_the_measures_of_a_mask_are_told(channel: grpc.aio.Channel) -> None:
    answers = await SEGMENT.collect(channel, upload())

    [quality] = [answer.result.quality for answer in answers if answer.HasField("result")]
    toy = toy_quality(np.ones((1, 1), bool))
    for name in ("symmetry", "boundary_confidence", "sharpness", "lightness", "clipped"):
        assert getattr(quality, name) == pytest.approx(getattr(toy, name)), name
    assert list(quality.cut_off) == [pb.SIDE_LEFT]


async def test_settings_of_another_backend_are_refused(channel: grpc.aio.Channel) -> None:
    messages = upload()
    messages[0].header.embedded.SetInParent()

    assert isinstance(await SEGMENT.failure(channel, messages), errors.BadField)


async def test_a_chunk_after_a_prompt_is_out_of_order(channel: grpc.aio.Channel) -> None:
    messages = upload()

    error = await SEGMENT.failure(channel, [*messages, prompt(1, (50, 60)), messages[-1]])

    assert isinstance(error, errors.UploadOutOfOrder)


async def test_a_caller_that_asks_nothing_more_is_given_up(channel: grpc.aio.Channel) -> None:
    async def silent() -> AsyncIterator[pb.SegmentRequest]:
        for message in [*upload(), prompt(1, (50, 60))]:
            yield message
        await asyncio.Event().wait()

    with pytest.raises(errors.UploadStalled, match=r"0\.5 s"):
        await SEGMENT.stream(channel, silent())


async def test_the_garments_own_colours_come_when_asked_for(channel: grpc.aio.Channel) -> None:
    answers = await SEGMENT.collect(
        channel, [*upload(foreground=True), prompt(1, box=(50, 60, 150, 180)), prompt(2, (60, 80))]
    )

    [first, second] = [answer.result for answer in answers if answer.HasField("result")]
    assert (first.foreground_part, second.foreground_part) == ("1/foreground", "2/foreground")
    headers = {header.part: header for header in answers[-1].summary.blobs}
    assert (headers["1/foreground"].width, headers["1/foreground"].height) == (first.width, first.height)
    assert not [part for part in headers if part.endswith("foreground") and not part[0].isdigit()]


@pytest.mark.parametrize(
    ("matting", "soft"), [(pb.MATTING_UNSPECIFIED, False), (pb.MATTING_FAST, False), (pb.MATTING_QUALITY, True)]
)
async def test_the_edge_is_made_as_asked(channel: grpc.aio.Channel, matting: int, soft: bool) -> None:
    answers = await SEGMENT.collect(channel, upload(matting=matting))

    [result] = [answer.result for answer in answers if answer.HasField("result")]
    reader, alpha = BlobReader(BlobLimits(2**26, 1000)), None
    for answer in answers:
        if answer.HasField("blob"):
            reader.announce(answer.blob)
        elif answer.HasField("chunk") and (blob := reader.add(answer.chunk)) and blob.part == result.alpha_part:
            alpha = encodings.decode_gray8(blob.data, result.width, result.height)
    assert alpha is not None
    # The toy's own edge is hard; closed-form matting makes it follow the photo.
    assert bool(((alpha > 0) & (alpha < 255)).any()) is soft
