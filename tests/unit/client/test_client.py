import asyncio
import itertools
from contextlib import aclosing

import pytest

from fashquick.segmentation.v1 import segmentation_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_client import (
    Accepted,
    Box,
    CandidateScores,
    Client,
    ConditionMap,
    Finished,
    MaskQuality,
    OutputKind,
    Picture,
    PixelEncoding,
    Point,
    Preview,
    Progress,
    Service,
    Side,
    Stage,
    StageFinished,
)
from fashquick_client.services import beside
from fashquick_common.errors import (
    BadField,
    BytesExhausted,
    DeadlineExceededError,
    Draining,
    ImageTooLarge,
    ModelInUse,
    ModelNotInstalled,
    NoGarment,
    NotAnImage,
    QueueFull,
    StageUnreachable,
)
from fashquick_common.garment import Category
from tests.support.garments import STRIPED_REPORT


async def collect(client: Client, *args, **options) -> list[object]:
    return [event async for event in client.try_on(*args, **options)]


async def test_events_come_in_order_and_carry_what_the_server_said(client, server, photo):
    events = await collect(client, photo, seed=7, outputs=["photo-mask"], request_id="job-1")
    assert [type(event) for event in events] == [
        Accepted,
        Progress,
        StageFinished,
        StageFinished,
        Progress,
        Progress,
        StageFinished,
        StageFinished,
        Preview,
        Picture,
        ConditionMap,
        Finished,
    ]
    assert events[0] == Accepted("job-1", 7)
    assert events[1] == Progress(Stage.SEGMENTATION, "cut", 0.5)
    assert events[2].mask_quality.coverage == 0.25
    assert events[3].passport.category is Category.T_SHIRT
    assert events[7] == StageFinished(Stage.FIDELITY, 0.5, fidelity=STRIPED_REPORT)
    assert events[8] == Preview(b"small", "image/jpeg")
    assert events[9] == Picture(server.picture, "image/png")
    assert events[10].kind is OutputKind.PHOTO_MASK
    assert events[10].pixels.encoding is PixelEncoding.BITS1
    assert events[10].pixels.array().tolist() == [[255] * 4 + [0] * 4] * 6
    assert events[-1].manifest.seed == 7


async def test_options_reach_the_server(client, server, photo):
    await client.try_on_result(
        photo,
        size=(512, 768),
        backend="studio",
        category="dress",
        body="man",
        pose="relaxed",
        picture_format="webp",
        mask=b"mask file",
        timeout_s=30,
    )
    (header,) = server.headers
    assert (header.options.width, header.options.height) == (512, 768)
    assert header.options.picture_format == try_on_pb2.PICTURE_FORMAT_WEBP
    assert header.garments[0].category_hint
    assert header.garments[0].mask_part == "mask"
    assert header.subject.body == "man"
    assert header.views[0].pose == "relaxed"
    assert not header.HasField("seed")
    assert server.uploads[0] == {"photo": photo.read_bytes(), "mask": b"mask file"}
    assert 25 < server.deadlines[0] < 31


async def test_a_picture_need_not_be_compared_with_the_garment(client, server, photo):
    result = await client.try_on_result(photo, fidelity=False)
    assert server.headers[0].options.without_fidelity
    assert result.fidelity is None


async def test_a_large_file_travels_in_chunks_of_half_a_mebibyte(client, server, tmp_path):
    data = bytes(itertools.islice(itertools.cycle(range(251)), 3 * 1024 * 1024 + 5))
    path = tmp_path / "large.jpg"
    path.write_bytes(data)
    await client.segment(path)
    assert server.chunk_sizes == [512 * 1024] * 6 + [5]
    assert server.uploads[0]["photo"] == data
    assert server.headers[0].blobs[0].name == "large.jpg"


async def test_bytes_and_paths_and_strings_are_photos(client, server, photo):
    for source in (photo, str(photo), photo.read_bytes()):
        await client.segment(source)
    assert [upload["photo"] for upload in server.uploads] == [photo.read_bytes()] * 3


async def test_result_is_saved_whole(client, server, photo, tmp_path):
    result = await client.try_on_result(photo, outputs=[OutputKind.PHOTO_MASK])
    result.save(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == result.picture
    assert result.media_type == "image/png"
    assert result.fidelity == STRIPED_REPORT
    assert result.stage_seconds == {Stage.GENERATION: 1.5}
    assert result.maps[OutputKind.PHOTO_MASK].width == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "shirt.jpg"]


async def test_segment_then_features(client, server, photo):
    found = await client.segment(photo, max_candidates=3)
    passport = await client.extract_features(photo, found.alpha, category=Category.DRESS)
    assert found.mask.array().tolist()[0] == [255] * 4 + [0] * 4
    assert found.alpha.array().tolist()[0] == [255, 255, 255, 128, 0, 0, 0, 0]
    assert found.backend == "embedded"
    assert [candidate.score for candidate in found.candidates] == [0.5, 0.25]
    assert passport.palette[0].name == "red"
    header = server.headers[1]
    assert header.blobs[1].width == 8
    assert server.uploads[1]["alpha"] == found.alpha.data


async def test_a_segmentation_tells_all_that_the_server_knows(client, server, photo):
    found = await client.segment(photo, max_candidates=16, foreground=True)
    assert found.foreground.encoding is PixelEncoding.RGB8
    assert found.foreground.array().tolist()[0] == [[200, 0, 0]] * 8
    assert found.quality == MaskQuality(
        confidence=0.5,
        coverage=0.25,
        border_contact=0.0,
        fragments=1,
        warnings=(),
        symmetry=0.75,
        boundary_confidence=0.625,
        sharpness=0.125,
        lightness=62.5,
        clipped=0.0625,
        cut_off=(Side.LEFT, Side.BOTTOM),
    )
    first, second = found.candidates
    assert first.scores == CandidateScores(0.5, 0.25, 0.125, 0.75, 0.625, 1.0)
    assert (first.source, first.other_garment) == ("box points 1", False)
    assert (second.scores, second.source, second.other_garment) == (None, "", True)
    assert second.mask.array().tolist()[0] == [0] * 4 + [255] * 4


async def test_a_server_without_foreground_gives_none(client, server, photo):
    assert (await client.segment(photo)).foreground is None
    server.has_foreground = False
    assert (await client.segment(photo, foreground=True)).foreground is None


async def test_wishes_for_a_mask_reach_the_server(client, server, photo):
    await client.segment(photo)
    await client.segment(
        photo,
        backend="embedded",
        matting="quality",
        presentation="worn",
        foreground=True,
        max_candidates=16,
        mask_hint=b"a hint",
    )
    await client.segment(photo, checkpoint="sam2.1-hiera-small", presentation="hanger", matting="fast")
    plain, wished, checkpoint = server.headers
    assert plain == segmentation_pb2.SegmentHeader(
        request_id=plain.request_id, blobs=plain.blobs, photo_part="photo", priority=plain.priority
    )
    assert wished.backend == segmentation_pb2.BACKEND_EMBEDDED
    assert wished.matting == segmentation_pb2.MATTING_QUALITY
    assert wished.presentation == segmentation_pb2.PRESENTATION_WORN
    assert (wished.foreground, wished.max_candidates) == (True, 16)
    assert server.uploads[1][wished.mask_hint_part] == b"a hint"
    assert not wished.HasField("sam2")
    assert checkpoint.sam2.checkpoint == "sam2.1-hiera-small"
    assert checkpoint.backend == segmentation_pb2.BACKEND_SAM2
    assert checkpoint.presentation == segmentation_pb2.PRESENTATION_HANGER
    assert checkpoint.matting == segmentation_pb2.MATTING_FAST


async def test_one_question_may_come_with_the_photo(client, server, photo):
    found = await client.segment(photo, points=[Point(3, 2), Point(7, 2, on_garment=False)], box=Box(0, 0, 5, 6))
    [prompt] = server.prompts
    assert prompt.number == 1
    assert [(point.x, point.y, point.on_garment) for point in prompt.points] == [(3, 2, True), (7, 2, False)]
    assert prompt.box.right == 5
    assert found.mask.width == 8
    # The embedded backend, the usual choice of a server, takes none.
    assert server.headers[0].backend == segmentation_pb2.BACKEND_SAM2
    await client.segment(photo, coarse_mask=b"a mask", backend="embedded")
    assert server.prompts[1].mask == b"a mask"
    assert server.headers[1].backend == segmentation_pb2.BACKEND_EMBEDDED


async def test_a_question_with_the_photo_is_asked_again_as_a_whole(client, server, photo):
    server.prompt_failures = [Draining("going", retry_after_s=0.0)]
    await client.segment(photo, points=[Point(3, 2)])
    assert [prompt.number for prompt in server.prompts] == [1, 1]


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"backend": "magic"}, "backend"),
        ({"backend": "embedded", "checkpoint": "tiny"}, "checkpoint"),
        ({"matting": "rough"}, "matting"),
        ({"presentation": "folded"}, "presentation"),
        ({"max_candidates": 17}, "max_candidates"),
        ({"max_candidates": -1}, "max_candidates"),
        ({"coarse_mask": bytes(1024 * 1024 + 1)}, "coarse_mask"),
    ],
)
async def test_wrong_wishes_for_a_mask_are_named_before_anything_is_sent(client, server, photo, wishes, field):
    with pytest.raises(BadField) as caught:
        await client.segment(photo, **wishes)
    assert caught.value.field == field
    assert server.metadata == []


async def test_models_are_listed_loaded_verified_and_unloaded(client, server):
    listed = await client.list_models()
    assert listed.budget_bytes == 2 << 30
    assert [model.name for model in listed.models] == ["tiny", "small", "large"]
    tiny, _, large = listed.models
    assert (tiny.backend, tiny.file, tiny.sha256, tiny.is_default) == ("sam2", "tiny.pt", "ab" * 32, True)
    assert (tiny.weight_bytes, tiny.loaded, tiny.verified, tiny.users) == (155 << 20, False, False, 0)
    assert (tiny.installed, large.installed) == (True, False)

    assert (await client.verify_model("tiny")).verified
    assert (await client.load_model("tiny")).loaded
    server.models["tiny"].users = 2
    with pytest.raises(ModelInUse, match="2 calls"):
        await client.unload_model("tiny", Service.SEGMENTATION)
    server.models["tiny"].users = 0
    assert not (await client.unload_model("tiny")).loaded
    with pytest.raises(ModelNotInstalled):
        await client.load_model("large")


async def test_server_info(client, server):
    info = await client.server_info()
    assert info.ready
    assert info.process_id == 1234


def test_services_are_beside_the_orchestrator():
    places = [beside("studio.example:7400", service) for service in Service]
    assert places == [f"studio.example:{port}" for port in (7400, 7401, 7402, 7403)]


async def test_an_endpoint_without_port_says_what_is_missing(photo):
    async with Client("studio.example") as client:
        with pytest.raises(BadField, match="HOST:PORT"):
            await client.segment(photo)


async def test_a_busy_server_is_asked_again_with_the_same_id(client, server, photo):
    server.failures = [QueueFull("full", retry_after_s=0.01), Draining("going", retry_after_s=0.01)]
    events = await collect(client, photo)
    assert isinstance(events[-1], Finished)
    ids = {header.request_id for header in server.headers}
    assert len(server.headers) == 3
    assert len(ids) == 1
    assert {metadata["x-request-id"] for metadata in server.metadata} == ids


async def test_attempts_are_bounded(client, server, photo):
    server.failures = [QueueFull("full", retry_after_s=0.0)] * 10
    with pytest.raises(QueueFull):
        await client.segment(photo)
    assert len(server.headers) == 3


async def test_no_retry_beyond_the_deadline(client, server, photo):
    server.failures = [QueueFull("full", retry_after_s=60.0)]
    with pytest.raises(QueueFull):
        await client.segment(photo, timeout_s=10)
    assert len(server.headers) == 1


async def test_a_refusal_is_final(client, server, photo):
    server.failures = [NoGarment("there is no garment")]
    with pytest.raises(NoGarment, match="there is no garment"):
        await collect(client, photo)
    assert len(server.headers) == 1


LARGE = bytes(20 * 1024 * 1024)
REFUSED_EARLY = [BytesExhausted("no room", retry_after_s=0.0), ImageTooLarge("too large")]


async def test_a_refusal_during_the_upload_arrives(client, server, photo):
    server.early_failures = [*REFUSED_EARLY]
    with pytest.raises(ImageTooLarge, match="too large"):
        await client.segment(LARGE)
    server.early_failures = [*REFUSED_EARLY]
    with pytest.raises(ImageTooLarge, match="too large"):
        await client.extract_features(LARGE, photo)
    server.early_failures = [*REFUSED_EARLY]
    with pytest.raises(ImageTooLarge, match="too large"):
        await client.try_on_result(LARGE)


async def test_a_retry_after_progress_tells_nothing_twice(client, server, photo):
    server.fail_after_progress = [Draining("going", retry_after_s=0.0)]
    events = await collect(client, photo)
    assert len(server.headers) == 2
    assert sum(isinstance(event, Accepted) for event in events) == 1
    assert [event.stage for event in events if isinstance(event, StageFinished)] == [
        Stage.SEGMENTATION,
        Stage.FEATURES,
        Stage.GENERATION,
        Stage.FIDELITY,
    ]
    assert isinstance(events[-1], Finished)


async def test_no_retry_after_the_picture(client, server, photo):
    server.spoil = lambda messages: messages[:-1]
    server.fail_after_picture = [Draining("going", retry_after_s=0.0)]
    events = []

    async def watch(client):
        async for event in client.try_on(photo):
            events.append(event)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(Draining):
        await watch(client)
    assert sum(isinstance(event, Picture) for event in events) == 1
    assert len(server.headers) == 1


async def test_leaving_the_loop_cancels_the_call(client, server, photo):
    server.hold.clear()
    async with aclosing(client.try_on(photo)) as events:
        async for event in events:
            if isinstance(event, Progress) and event.stage is Stage.GENERATION:
                break
    assert await asyncio.to_thread(server.cancelled.wait, 5)


async def test_breaking_without_closing_cancels_too(client, server, photo):
    server.hold.clear()
    async for event in client.try_on(photo):
        if isinstance(event, Progress) and event.stage is Stage.GENERATION:
            break
    assert await asyncio.to_thread(server.cancelled.wait, 5)


async def test_cancelling_the_task_cancels_the_call(client, server, photo):
    server.hold.clear()
    running = asyncio.create_task(client.try_on_result(photo))
    assert await asyncio.to_thread(server.begun.wait, 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(server.cancelled.wait, 5)


async def test_the_deadline_ends_the_call(client, server, photo):
    server.hold.clear()
    with pytest.raises(DeadlineExceededError):
        await client.try_on_result(photo, timeout_s=0.3)
    assert await asyncio.to_thread(server.cancelled.wait, 5)


async def test_nobody_there_says_where_and_what_to_do(photo):
    said = r"orchestrator server at 127\.0\.0\.1:1 .*\(Connection refused\).*fashquick up"
    async with Client("127.0.0.1:1") as client:
        with pytest.raises(StageUnreachable, match=said):
            await client.try_on_result(photo)


async def test_files_that_cannot_be_sent(client, server, tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(FileNotFoundError):
        await client.segment(tmp_path / "missing.jpg")
    with pytest.raises(IsADirectoryError):
        await client.segment(tmp_path)
    with pytest.raises(NotAnImage, match=r"empty\.jpg is empty"):
        await client.segment(tmp_path / "empty.jpg")
    assert server.headers == []


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 2**64},
        {"size": (-5, 10)},
        {"backend": "magic"},
        {"category": "hat"},
        {"outputs": ["smell"]},
        {"picture_format": "gif"},
        {"request_id": "two words"},
    ],
)
async def test_wrong_options_are_named_before_anything_is_sent(client, server, photo, options):
    with pytest.raises(BadField) as caught:
        await collect(client, photo, **options)
    (name,) = options
    assert caught.value.field in (name, "width")
    assert server.headers == []
