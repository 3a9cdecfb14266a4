"""Generate over real gRPC with toy engines: who makes a picture, what of diffusion's settings arrives or is refused."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fashquick.common.v1 import models_pb2, models_pb2_grpc, server_info_pb2, server_info_pb2_grpc
from fashquick.generation.v1 import scene_pb2
from fashquick.generation.v1.scene_pb2 import BACKEND_DIFFUSION, BACKEND_STUDIO, DiffusionSettings, StudioSettings
from fashquick.tryon.v1 import try_on_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob
from fashquick_generation.wishes import DiffusionWishes, PromptWishes
from tests.contract.conftest import parts_for
from tests.support.calls import GENERATE, TRY_ON, Rpc
from tests.support.repairs import CONDITIONS, HEIGHT, WIDTH, parts_of, result_of, views_of
from tests.support.servers import Stack, toy_stack
from tests.support.toys import toy_record

SCENE = scene_pb2.Scene(width=WIDTH, height=HEIGHT)


@pytest.fixture
async def diffusing() -> AsyncIterator[Stack]:
    """The four services; generation has diffusion beside the studio."""
    async with toy_stack(has_diffusion=True, stage_patience_s=0.5) as running:
        yield running


async def generated(stack: Stack, blobs: dict[str, Blob], **fields: Any) -> list[Any]:
    messages = GENERATE.messages(parts_for(GENERATE, blobs))
    header = messages[0].header
    header.create.scene.CopyFrom(SCENE)
    header.MergeFrom(type(header)(**fields))
    return await GENERATE.collect(stack.channels["generation"], messages)


@pytest.mark.parametrize(
    ("fields", "maker"),
    [
        ({}, "studio"),
        ({"backend": BACKEND_STUDIO}, "studio"),
        ({"backend": BACKEND_DIFFUSION}, "diffusion"),
        ({"diffusion": DiffusionSettings()}, "diffusion"),
        ({"studio": StudioSettings()}, "studio"),
        ({"backend": BACKEND_DIFFUSION, "diffusion": DiffusionSettings(), "allow_fallback": True}, "diffusion"),
    ],
)
async def test_the_backend_asked_for_makes_the_picture(
    diffusing: Stack, good_blobs: dict[str, Blob], fields: dict[str, Any], maker: str
) -> None:
    answers = await generated(diffusing, good_blobs, **fields)

    digest = "3" * 64 if maker == "diffusion" else "2" * 64
    assert (result_of(answers).backend, result_of(answers).backend_digest) == (maker, digest)
    [view] = views_of(answers)
    assert view.backend == maker
    assert view.HasField("diffusion") == (maker == "diffusion")


async def test_a_backend_that_is_missing_is_replaced_only_where_that_is_allowed(
    stack: Stack, good_blobs: dict[str, Blob]
) -> None:
    with pytest.raises(errors.ModelNotInstalled, match="allow_fallback"):
        await generated(stack, good_blobs, diffusion=DiffusionSettings())
    answers = await generated(stack, good_blobs, diffusion=DiffusionSettings(), allow_fallback=True)

    assert result_of(answers).backend == "studio"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"backend": BACKEND_STUDIO, "diffusion": DiffusionSettings()}, errors.BadField),
        ({"backend": BACKEND_DIFFUSION, "studio": StudioSettings()}, errors.BadField),
        ({"backend": 99}, errors.NotBuilt),
    ],
)
async def test_contradictions_and_unknown_backends_are_refused_from_the_header(
    diffusing: Stack, good_blobs: dict[str, Blob], fields: dict[str, Any], error: type[errors.FashquickError]
) -> None:
    [message, *_] = GENERATE.messages(parts_for(GENERATE, good_blobs))
    message.header.MergeFrom(type(message.header)(**fields))

    assert isinstance(await GENERATE.failure(diffusing.channels["generation"], [message]), error)


async def test_the_server_says_which_backends_it_has_and_manages_their_models(diffusing: Stack) -> None:
    channel = diffusing.channels["generation"]
    info = await server_info_pb2_grpc.ServerInfoServiceStub(channel).GetServerInfo(
        server_info_pb2.GetServerInfoRequest()
    )
    models = await models_pb2_grpc.ModelServiceStub(channel).ListModels(models_pb2.ListModelsRequest())

    assert [backend.name for backend in info.backends] == ["studio", "diffusion"]
    assert not models.models


async def test_the_settings_reach_the_generator(diffusing: Stack, good_blobs: dict[str, Blob]) -> None:
    settings = DiffusionSettings(
        profile="sd15-quality",
        steps=30,
        strength=0.0,
        guidance=1.0,
        control=0.5,
        prompt="a woman in a park",
        negative_prompt="rain",
        extra_prompt="soft light",
        extra_negative_prompt="hat",
        veto=["logo", "red"],
        deterministic=True,
        without_previews=True,
        safety_check=True,
        colour_guidance=0.25,
        upscale=True,
    )
    await generated(diffusing, good_blobs, diffusion=settings, seed=3)
    await generated(diffusing, good_blobs, diffusion=DiffusionSettings())

    said, left = (job.diffusion for job in diffusing.diffusion.jobs)
    assert said == DiffusionWishes(
        profile="sd15-quality",
        steps=30,
        strength=0.0,
        guidance=1.0,
        control=0.5,
        prompt=PromptWishes("soft light", "hat", "a woman in a park", "rain", ("logo", "red")),
        deterministic=True,
        previews=False,
        safety=True,
        colour_guidance=0.25,
        upscale=True,
    )
    assert left == DiffusionWishes()


async def test_what_a_repair_needs_comes_when_the_picture_can_be_repaired(
    diffusing: Stack, good_blobs: dict[str, Blob]
) -> None:
    def kinds(answers: list[Any]) -> set[int]:
        return {output.kind for output in result_of(answers).outputs}

    create = {"repairable": True}
    by_diffusion = await generated(diffusing, good_blobs, backend=BACKEND_DIFFUSION, create=create)
    by_studio = await generated(diffusing, good_blobs, backend=BACKEND_STUDIO, create=create)

    assert kinds(by_diffusion) == {scene_pb2.OUTPUT_KIND_PICTURE, *CONDITIONS.values()}
    assert kinds(by_studio) == {scene_pb2.OUTPUT_KIND_PICTURE}
    assert "view/0/base" in parts_of(by_diffusion)
    [view] = views_of(by_diffusion)
    record = toy_record(0)
    assert (view.diffusion.prompt, view.diffusion.strength, view.diffusion.seed) == (record.prompt, 0.45, 0)
    assert [region.HasField("seed") for region in view.diffusion.regions] == [True, False]


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "0 steps": ({"steps": 0}, "steps"),
    "1,000 steps": ({"steps": 1000}, "steps"),
    "a strength above 1": ({"strength": 1.5}, "strength"),
    "a strength below 0": ({"strength": -0.1}, "strength"),
    "a strength that is no number": ({"strength": math.nan}, "strength"),
    "an infinite guidance": ({"guidance": math.inf}, "guidance"),
    "a control of 9": ({"control": 9.0}, "control"),
    "a colour guidance that is no number": ({"colour_guidance": math.nan}, "colour_guidance"),
    "a prompt of 100 KB": ({"prompt": "a " * 50_000}, "prompt"),
    "an addition of 100 KB": ({"extra_prompt": "a " * 50_000}, "extra_prompt"),
    "a prompt with control characters": ({"extra_negative_prompt": "a\x1b[2Jb"}, "extra_negative_prompt"),
    "a thousand vetoes": ({"veto": ["a"] * 1000}, "veto"),
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("rpc", [GENERATE, TRY_ON], ids=lambda rpc: rpc.service)
async def test_settings_beyond_their_limits_are_refused_from_the_header(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, case: str
) -> None:
    fields, name = SETTINGS[case]
    [message, *_] = rpc.messages(parts_for(rpc, good_blobs))
    settings = DiffusionSettings(**fields)
    if rpc is TRY_ON:
        message.header.options.CopyFrom(try_on_pb2.TryOnOptions(diffusion=settings))
    else:
        message.header.diffusion.CopyFrom(settings)

    error = await rpc.failure(stack.channels[rpc.service], [message])

    assert type(error) is errors.BadField, error.message
    assert error.field.endswith(f"diffusion.{name}")
    assert len(error.message) < 300


async def test_a_profile_that_nobody_knows_is_told_by_the_backend(
    diffusing: Stack, good_blobs: dict[str, Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any) -> Any:
        raise errors.NotFound("there is no profile 'sd99'; there is sd15-4gb")

    monkeypatch.setattr(diffusing.diffusion, "generate", unknown)
    with pytest.raises(errors.NotFound, match="sd15-4gb"):
        await generated(diffusing, good_blobs, diffusion=DiffusionSettings(profile="sd99"))
