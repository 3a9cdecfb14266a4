"""SAM 2 in a real server process, from a model store, over gRPC; with random weights of the true architecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from fashquick.common.v1 import models_pb2, models_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick_client import Client
from fashquick_common import errors
from fashquick_common.rpc.blobs import make_blob
from fashquick_common.rpc.channel import open_channel
from fashquick_segmentation.sam2.checkpoints import TINY
from tests.support.calls import SEGMENT
from tests.support.processes import server_process
from tests.unit.segmentation.sam2_weights import listed, random_weights, write_original

PHOTO = Path(__file__).parents[2] / "examples" / "garment" / "photo.jpg"


def upload(*prompts: pb.Prompt) -> list[pb.SegmentRequest]:
    messages = SEGMENT.messages([make_blob("photo", PHOTO.read_bytes())])
    messages[0].header.backend = pb.BACKEND_SAM2
    return [*messages, *(pb.SegmentRequest(prompt=prompt) for prompt in prompts)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    write_original(folder / TINY.original, random_weights(TINY.architecture))
    listed(folder)
    return folder


async def test_a_server_with_weights_answers_with_sam2(store: Path, tmp_path: Path) -> None:
    settings = {"FASHQUICK_MODELS": str(store), "FASHQUICK_SAM2_SIDE_PX": "256", "FASHQUICK_SAM2_DEVICE": "cpu"}
    async with server_process("segmentation", tmp_path, settings) as server, open_channel(server.target) as channel:
        async with Client(segmentation=server.target) as client:
            info = await client.server_info("segmentation")
        assert [backend.name for backend in info.backends] == ["embedded", "sam2"]

        # A box round the shirt; random weights draw something in it, or nothing that passes for a garment.
        box = pb.Prompt(number=1, box=pb.Box(left=60, top=80, right=450, bottom=560))
        try:
            answers = await SEGMENT.collect(channel, upload(box), timeout=60)
        except errors.FailedPreconditionError as refusal:
            said = refusal.message
        else:
            [result] = [answer.result for answer in answers if answer.HasField("result")]
            said = f"{result.number} {result.backend} {result.backend_digest}"
            assert said == f"1 sam2 {info.backends[1].digest}"
        assert len(said) > 20

        # That call has loaded the checkpoint; an operator sees it and takes it out of memory.
        models = models_pb2_grpc.ModelServiceStub(channel)
        tiny, *others = (await models.ListModels(models_pb2.ListModelsRequest(), timeout=60)).models
        assert (tiny.name, tiny.is_default, tiny.verified, tiny.loaded) == (TINY.name, True, True, True)
        assert tiny.sha256 == info.backends[1].digest
        assert [(model.file, model.loaded) for model in others] == [("", False)] * 3
        name = TINY.name
        assert not (await models.UnloadModel(models_pb2.UnloadModelRequest(name=name), timeout=60)).model.loaded
        assert (await models.VerifyModel(models_pb2.VerifyModelRequest(name=name), timeout=60)).model.verified
        assert (await models.LoadModel(models_pb2.LoadModelRequest(name=name), timeout=60)).model.loaded

        outside = pb.Prompt(number=1, points=[pb.Point(x=5000, y=5, on_garment=True)])
        assert isinstance(await SEGMENT.failure(channel, upload(outside), timeout=60), errors.BadField)


async def test_weights_that_are_not_the_listed_ones_are_refused_and_the_server_goes_on(
    store: Path, tmp_path: Path
) -> None:
    with (store / TINY.original).open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    settings = {"FASHQUICK_MODELS": str(store), "FASHQUICK_SAM2_DEVICE": "cpu"}
    async with server_process("segmentation", tmp_path, settings) as server, open_channel(server.target) as channel:
        error = await SEGMENT.failure(channel, upload(), timeout=60)

        assert isinstance(error, errors.ModelNotInstalled)
        assert "SHA-256" in error.message
        plain = upload()
        plain[0].header.backend = pb.BACKEND_UNSPECIFIED
        assert await SEGMENT.collect(channel, plain, timeout=60)
