"""ModelService: operators list, load, unload and verify weights while calls about photos go on."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from fashquick.common.v1 import models_pb2 as pb
from fashquick.common.v1 import models_pb2_grpc
from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.models import ModelState
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.channel import open_channel
from fashquick_common.rpc.status import error_from_rpc
from fashquick_common.server.kit import State
from fashquick_common.server.runtime import Server
from fashquick_common.server.settings import ServerSettings
from fashquick_segmentation.servicer import segmentation_service
from tests.support.calls import SEGMENT
from tests.support.servers import Stack, running
from tests.support.toys import ToySegmenter
from tests.support.waiting import eventually

SMALL = ModelState(
    "toy-small", "toy", "small.pt", "a" * 64, verified=False, loaded=False, users=0, weight_bytes=1000, is_default=True
)
LARGE = dataclasses.replace(SMALL, name="toy-large", file=None, sha256=None, weight_bytes=5000, is_default=False)


class ToyManager:
    """Two models; the large one has no file. Loading and verifying wait at a gate, the flag checked meanwhile."""

    budget_bytes = 6000

    def __init__(self) -> None:
        self.held = {SMALL.name: SMALL, LARGE.name: LARGE}
        self.gate = threading.Event()
        self.gate.set()
        self.working: set[int] = set()
        self.threads: set[int] = set()

    def states(self) -> tuple[ModelState, ...]:
        return tuple(self.held.values())

    def load(self, name: str, cancel: CancelFlag) -> ModelState:
        return self._changed(name, cancel, verified=True, loaded=True)

    def unload(self, name: str) -> ModelState:
        if self._known(name).users:
            raise errors.ModelInUse(f"2 calls compute with {name}; unload it when they have ended")
        return self._changed(name, CancelFlag(), loaded=False)

    def verify(self, name: str, cancel: CancelFlag) -> ModelState:
        return self._changed(name, cancel, verified=True)

    def _changed(self, name: str, cancel: CancelFlag, **change: bool) -> ModelState:
        state = self._known(name)
        if not state.installed:
            raise errors.ModelNotInstalled(f"{name} is not installed; put its file into the store")
        thread = threading.get_ident()
        self.threads.add(thread)
        self.working.add(thread)
        try:
            while not self.gate.wait(0.005):
                cancel.check()
        finally:
            self.working.remove(thread)
        self.held[name] = dataclasses.replace(state, **change)
        return self.held[name]

    def _known(self, name: str) -> ModelState:
        if name not in self.held:
            raise errors.NotFound(f"there is no model {name[:80]!r}; choose of {', '.join(self.held)}")
        return self.held[name]


@pytest.fixture
def manager() -> ToyManager:
    return ToyManager()


@pytest.fixture
async def server(manager: ToyManager) -> AsyncIterator[Server]:
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, reflection=True)
    async with running(settings, lambda kit: segmentation_service(kit, ToySegmenter(), models=manager)) as made:
        yield made
        manager.gate.set()


@pytest.fixture
async def models(server: Server) -> AsyncIterator[models_pb2_grpc.ModelServiceStub]:
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        yield models_pb2_grpc.ModelServiceStub(channel)


async def failure(call: Awaitable[Any]) -> errors.FashquickError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return error_from_rpc(refused.value)


async def listed(models: Any) -> list[pb.Model]:
    return list((await models.ListModels(pb.ListModelsRequest(), timeout=10)).models)


async def test_every_field_of_a_model_is_told(models: Any) -> None:
    answer = await models.ListModels(pb.ListModelsRequest())

    assert answer.budget_bytes == 6000
    small, large = answer.models
    assert small == pb.Model(
        name="toy-small", backend="toy", file="small.pt", sha256="a" * 64, weight_bytes=1000, is_default=True
    )
    assert large == pb.Model(name="toy-large", backend="toy", weight_bytes=5000)


async def test_a_model_goes_through_its_life(models: Any) -> None:
    assert (await models.VerifyModel(pb.VerifyModelRequest(name="toy-small"))).model.verified
    assert (await models.LoadModel(pb.LoadModelRequest(name="toy-small"))).model.loaded
    assert (await listed(models))[0].loaded
    assert not (await models.UnloadModel(pb.UnloadModelRequest(name="toy-small"))).model.loaded
    assert not (await listed(models))[0].loaded


CALLS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
    "load": lambda models, name: models.LoadModel(pb.LoadModelRequest(name=name), timeout=10),
    "unload": lambda models, name: models.UnloadModel(pb.UnloadModelRequest(name=name), timeout=10),
    "verify": lambda models, name: models.VerifyModel(pb.VerifyModelRequest(name=name), timeout=10),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["", "sam9", "../toy-small", "ü" * 500_000], ids=["empty", "unknown", "path", "1 MB"])
async def test_a_name_that_nobody_has_is_not_found(models: Any, call: str, name: str) -> None:
    error = await failure(CALLS[call](models, name))

    assert isinstance(error, errors.NotFound)
    assert "toy-small" in error.message


async def test_a_model_without_a_file_is_not_installed(models: Any) -> None:
    for call in ("load", "verify"):
        assert isinstance(await failure(CALLS[call](models, "toy-large")), errors.ModelNotInstalled)


async def test_a_model_in_use_stays_and_programs_can_tell_why(models: Any, manager: ToyManager) -> None:
    manager.held["toy-small"] = dataclasses.replace(SMALL, loaded=True, users=2)

    error = await failure(CALLS["unload"](models, "toy-small"))

    assert isinstance(error, errors.ModelInUse)
    assert error.status is errors.Status.FAILED_PRECONDITION
    [small, _] = await listed(models)
    assert (small.loaded, small.users) == (True, 2)


async def test_a_server_without_a_store_lists_nothing_and_says_so(stack: Stack) -> None:
    models = models_pb2_grpc.ModelServiceStub(stack.channels["segmentation"])

    assert not await listed(models)
    for call in CALLS.values():
        error = await failure(call(models, "sam2.1-hiera-tiny"))
        assert isinstance(error, errors.ModelNotInstalled)
        assert "no model store" in error.message


async def test_photos_and_lists_are_answered_while_a_model_is_loaded(
    server: Server, models: Any, manager: ToyManager, good_blobs: dict[str, Blob]
) -> None:
    manager.gate.clear()
    loading = asyncio.ensure_future(CALLS["load"](models, "toy-small"))
    await eventually(lambda: bool(manager.working))

    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        assert await SEGMENT.collect(channel, SEGMENT.messages([good_blobs["photo"]]))
    assert not (await listed(models))[0].loaded
    assert not loading.done()
    manager.gate.set()
    assert (await loading).model.loaded


@pytest.mark.parametrize("call", ["load", "verify"])
async def test_a_cancel_stops_the_work_and_frees_the_thread(models: Any, manager: ToyManager, call: str) -> None:
    manager.gate.clear()
    running_call = asyncio.ensure_future(CALLS[call](models, "toy-small"))
    await eventually(lambda: bool(manager.working))

    running_call.cancel()

    await eventually(lambda: not manager.working)
    manager.gate.set()
    assert (await CALLS["load"](models, "toy-small")).model.loaded


async def test_a_deadline_stops_the_work(models: Any, manager: ToyManager) -> None:
    manager.gate.clear()

    error = await failure(models.VerifyModel(pb.VerifyModelRequest(name="toy-small"), timeout=0.3))

    assert isinstance(error, errors.DeadlinePassed)
    await eventually(lambda: not manager.working)
    manager.gate.set()
    assert not (await listed(models))[0].verified


async def test_many_calls_at_once_take_one_thread_and_the_rest_is_refused(
    server: Server, models: Any, manager: ToyManager
) -> None:
    manager.gate.clear()
    calls = [asyncio.ensure_future(CALLS["verify"](models, "toy-small")) for _ in range(40)]
    await eventually(lambda: sum(call.done() for call in calls) > 20)

    assert (await listed(models))[0].name == "toy-small"
    manager.gate.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    refused = [error_from_rpc(one) for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
    assert 20 < len(refused) < 40
    assert all(isinstance(error, errors.QueueFull) and error.retry_after_s > 0 for error in refused)
    assert len(manager.threads) == 1
    await eventually(lambda: server.kit.active == 0)


async def test_a_draining_server_changes_nothing_but_still_lists(server: Server, models: Any) -> None:
    server.kit.state = State.DRAINING

    for call in CALLS.values():
        assert isinstance(await failure(call(models, "toy-small")), errors.Draining)
    assert await listed(models)


async def test_a_bug_is_told_without_its_text(
    models: Any, manager: ToyManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyManager, "states", lambda _: 1 / 0)

    error = await failure(models.ListModels(pb.ListModelsRequest(), timeout=10))

    assert isinstance(error, errors.InternalError)
    assert "division" not in error.message


async def test_managing_counts_in_the_metrics_but_not_as_computing(server: Server, models: Any) -> None:
    await CALLS["load"](models, "toy-small")

    labels = {"method": "/fashquick.common.v1.ModelService/LoadModel", "status": "OK", "reason": ""}
    assert server.kit.metrics.registry.get_sample_value("fashquick_calls_total", labels) == 1
    assert server.kit.steps.total == 0
