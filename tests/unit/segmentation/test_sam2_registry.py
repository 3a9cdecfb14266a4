"""Networks are loaded when they are asked for, within a budget, and never taken from a call that uses them."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import (
    BytesExhausted,
    Cancelled,
    DeadlinePassed,
    ModelInUse,
    ModelNotInstalled,
    NotFound,
)
from fashquick_common.models import ModelState, ModelStore
from fashquick_segmentation.sam2 import registry as under_test
from fashquick_segmentation.sam2.checkpoints import Checkpoint
from fashquick_segmentation.sam2.network import Sam2Network, weight_bytes
from fashquick_segmentation.sam2.registry import ModelRegistry
from fashquick_segmentation.sam2.weights import convert, load_network
from tests.unit.segmentation.sam2_weights import (
    MINI,
    OTHER,
    SIDE,
    SMALL,
    THIRD,
    drawn_photo,
    listed,
    random_weights,
    write_original,
)

SIZE = weight_bytes(SMALL)
ALL = {checkpoint.name: checkpoint for checkpoint in (MINI, OTHER, THIRD)}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    for seed, checkpoint in enumerate(ALL.values()):
        write_original(folder / checkpoint.original, random_weights(checkpoint.architecture, seed))
    listed(folder)
    return folder


def registry_of(folder: Path, models: float = 10) -> ModelRegistry:
    return ModelRegistry(ModelStore(folder), int(models * SIZE), default=OTHER.name, checkpoints=ALL)


def state(registry: ModelRegistry, checkpoint: Checkpoint) -> ModelState:
    return next(state for state in registry.states() if state.name == checkpoint.name)


def loaded(registry: ModelRegistry) -> set[str]:
    return {state.name for state in registry.states() if state.loaded}


def listed_digest(folder: Path, checkpoint: Checkpoint) -> str:
    return next(file.sha256 for file in ModelStore(folder).files() if file.name == checkpoint.original)


def raised() -> CancelFlag:
    flag = CancelFlag()
    flag.cancel()
    return flag


def test_states_follow_a_networks_life(files: Path) -> None:
    registry = registry_of(files, models=1)
    unused = ModelState(
        MINI.name,
        "sam2",
        MINI.original,
        listed_digest(files, MINI),
        verified=False,
        loaded=False,
        users=0,
        weight_bytes=SIZE,
        is_default=False,
    )
    assert state(registry, MINI) == registry.state(MINI.name) == unused
    assert unused.installed
    with registry.use(MINI.name) as predictor:
        assert len(predictor.encode([drawn_photo(64, 64)], CancelFlag(), side_px=SIDE)) == 1
        assert predictor.digest == registry.digest(MINI.name) == listed_digest(files, MINI)
        assert (state(registry, MINI).users, state(registry, MINI).verified) == (1, True)
    with registry.use(MINI.name) as again:
        assert again is predictor
    assert (state(registry, MINI).users, state(registry, MINI).loaded) == (0, True)
    registry.warm_up([OTHER.name], SIDE)
    assert loaded(registry) == {OTHER.name}
    assert state(registry, MINI).verified
    assert [state.name for state in registry.states() if state.is_default] == [registry.names[0]] == [OTHER.name]


def test_the_one_used_longest_ago_makes_room(files: Path) -> None:
    registry = registry_of(files, models=2)
    for checkpoint in (MINI, OTHER, MINI, THIRD):
        with registry.use(checkpoint.name):
            pass
    assert loaded(registry) == {MINI.name, THIRD.name}


def test_one_in_use_is_never_unloaded(files: Path) -> None:
    registry = registry_of(files, models=2)
    with registry.use(MINI.name) as predictor, registry.use(MINI.name):
        with registry.use(OTHER.name):
            with pytest.raises(BytesExhausted, match="try again later"), registry.use(THIRD.name):
                pass
            assert loaded(registry) == {MINI.name, OTHER.name}
        with registry.use(THIRD.name):
            assert loaded(registry) == {MINI.name, THIRD.name}
        with registry.use(MINI.name) as still:
            assert still is predictor
    assert state(registry, MINI).users == 0


def test_one_larger_than_the_budget_is_refused_and_unloads_nothing(files: Path) -> None:
    registry = registry_of(files, models=0.5)
    with pytest.raises(BytesExhausted, match="a smaller checkpoint"), registry.use(MINI.name):
        pass
    assert not loaded(registry)


def test_a_call_that_fails_gives_the_network_back(files: Path) -> None:
    registry = registry_of(files)
    with pytest.raises(RuntimeError, match="of the call"), registry.use(MINI.name):
        raise RuntimeError("of the call")
    assert state(registry, MINI).users == 0


def test_threads_that_ask_at_once_share_one_load(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def counted(path: Path, *rest: object) -> Sam2Network:
        loads.append(path.name)
        return load_network(path, *rest)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(under_test, "load_network", counted)
    registry = registry_of(files)
    start = threading.Barrier(6)

    def work(_: int) -> int:
        start.wait()
        with registry.use(MINI.name) as predictor:
            return id(predictor)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(work, range(6)))) == 1
    assert loads == [MINI.original]


def test_threads_that_push_each_other_out_all_get_answers(files: Path) -> None:
    registry = registry_of(files, models=2)
    photo = [drawn_photo(64, 64)]

    def work(number: int) -> str:
        checkpoint = list(ALL.values())[number % 3]
        with registry.use(checkpoint.name) as predictor:
            predictor.encode(photo, CancelFlag(), side_px=SIDE)
            assert sum(state.weight_bytes for state in registry.states() if state.loaded) <= 2 * SIZE
            return predictor.digest

    with ThreadPoolExecutor(2) as pool:
        digests = list(pool.map(work, range(30)))
    assert len(set(digests)) == 3
    assert digests[:3] * 10 == digests


def test_the_converted_file_is_preferred(files: Path, tmp_path: Path) -> None:
    (tmp_path / MINI.original).write_bytes((files / MINI.original).read_bytes())
    convert(tmp_path / MINI.original, tmp_path / MINI.converted, MINI)
    listed(tmp_path)
    registry = registry_of(tmp_path)
    assert state(registry, MINI).file == MINI.converted
    with registry.use(MINI.name):
        assert state(registry, MINI).verified


class TestManaging:
    def test_what_is_loaded_is_ready_and_stays(self, files: Path) -> None:
        registry = registry_of(files)
        first = registry.load(MINI.name, CancelFlag())
        assert (first.loaded, first.verified, first.users) == (True, True, 0)
        with registry.use(MINI.name) as predictor:
            assert registry.load(MINI.name, CancelFlag()).users == 1
        with registry.use(MINI.name) as still:
            assert still is predictor

    def test_what_is_unloaded_is_gone_and_can_come_back(self, files: Path) -> None:
        registry = registry_of(files)
        with registry.use(MINI.name) as predictor:
            gone = weakref.ref(predictor)
        del predictor
        gc.disable()
        try:
            assert not registry.unload(MINI.name).loaded
            assert gone() is None
        finally:
            gc.enable()
        assert not registry.unload(MINI.name).loaded
        assert registry.load(MINI.name, CancelFlag()).loaded

    def test_one_in_use_is_not_unloaded(self, files: Path) -> None:
        registry = registry_of(files)
        with registry.use(MINI.name), registry.use(MINI.name):
            with pytest.raises(ModelInUse, match=r"calls compute with sam2\.1-mini, 2 of them"):
                registry.unload(MINI.name)
            assert state(registry, MINI).loaded
        assert not registry.unload(MINI.name).loaded

    def test_one_that_is_being_loaded_is_not_unloaded_and_who_waits_for_it_can_leave(
        self, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, gate = threading.Event(), threading.Event()

        def slow(*arguments: object) -> Sam2Network:
            begun.set()
            gate.wait(10)
            return load_network(*arguments)  # type: ignore[arg-type] # handed on as they came

        monkeypatch.setattr(under_test, "load_network", slow)
        registry = registry_of(files)
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(registry.load, MINI.name, CancelFlag())
            assert begun.wait(10)
            with pytest.raises(ModelInUse, match="just being loaded"):
                registry.unload(MINI.name)
            with pytest.raises(Cancelled), registry.use(MINI.name, raised()):
                pass
            gate.set()
            assert loading.result().loaded

    def test_a_cancelled_load_leaves_nothing_and_the_next_succeeds(self, files: Path) -> None:
        registry = registry_of(files)
        with pytest.raises(Cancelled):
            registry.load(MINI.name, raised())
        assert not loaded(registry)
        with pytest.raises(DeadlinePassed):
            registry.load(MINI.name, CancelFlag(deadline=0.0))
        assert registry.load(MINI.name, CancelFlag()).loaded

    def test_verifying_reads_the_file_again_though_it_seems_unchanged(self, files: Path, tmp_path: Path) -> None:
        path = tmp_path / MINI.original
        path.write_bytes((files / MINI.original).read_bytes())
        listed(tmp_path)
        registry = registry_of(tmp_path)
        assert registry.verify(MINI.name, CancelFlag()).verified
        seen = path.stat()
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"rot")
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert state(registry, MINI).verified
        with pytest.raises(ModelNotInstalled, match="damaged"):
            registry.verify(MINI.name, CancelFlag())
        assert not state(registry, MINI).verified

    def test_verifying_loads_nothing_and_stops_when_told(self, files: Path) -> None:
        registry = registry_of(files)
        with pytest.raises(Cancelled):
            registry.verify(MINI.name, raised())
        assert not state(registry, MINI).verified
        assert not registry.verify(MINI.name, CancelFlag()).loaded

    def test_unknown_names_are_not_found(self, files: Path) -> None:
        registry = registry_of(files)
        for ask in (
            lambda: registry.load("sam9", CancelFlag()),
            lambda: registry.verify("sam9", CancelFlag()),
            lambda: registry.unload("sam9"),
            lambda: registry.state("sam9"),
            lambda: registry.digest("sam9"),
        ):
            with pytest.raises(NotFound, match="no checkpoint 'sam9'"):
                ask()


class TestNotInstalled:
    def test_an_unknown_name(self, files: Path) -> None:
        with (
            pytest.raises(NotFound, match=r"no checkpoint 'sam9'; choose of sam2\.1-other, sam2\.1-mini"),
            registry_of(files).use("sam9"),
        ):
            pass

    def test_no_store(self, tmp_path: Path) -> None:
        registry = registry_of(tmp_path / "absent")
        assert not any(state.installed or state.loaded for state in registry.states())
        with pytest.raises(ModelNotInstalled, match="FASHQUICK_MODELS"), registry.use(MINI.name):
            pass

    def test_a_file_that_is_not_listed(self, files: Path, tmp_path: Path) -> None:
        (tmp_path / OTHER.original).write_bytes((files / OTHER.original).read_bytes())
        listed(tmp_path)
        (tmp_path / MINI.original).write_bytes((files / MINI.original).read_bytes())
        registry = registry_of(tmp_path)
        assert not state(registry, MINI).installed
        with pytest.raises(ModelNotInstalled, match=r"lists neither .*safetensors nor .*\.pt"), registry.use(MINI.name):
            pass

    def test_a_damaged_file_and_its_repair(self, files: Path, tmp_path: Path) -> None:
        content = (files / MINI.original).read_bytes()
        (tmp_path / MINI.original).write_bytes(content)
        listed(tmp_path)
        (tmp_path / MINI.original).write_bytes(content[:-1] + b"x")
        registry = registry_of(tmp_path)
        with pytest.raises(ModelNotInstalled, match="damaged"), registry.use(MINI.name):
            pass
        assert not state(registry, MINI).verified
        (tmp_path / MINI.original).write_bytes(content)
        with registry.use(MINI.name):
            assert state(registry, MINI).users == 1
