"""Networks are loaded when they are asked for, within a budget, and never taken from a call that uses them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BytesExhausted, ModelNotInstalled
from fashquick_common.models import ModelStore
from fashquick_segmentation.sam2 import registry as under_test
from fashquick_segmentation.sam2.checkpoints import Checkpoint
from fashquick_segmentation.sam2.network import Sam2Network, weight_bytes
from fashquick_segmentation.sam2.registry import ModelRegistry, ModelState
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
    return ModelRegistry(ModelStore(folder), int(models * SIZE), checkpoints=ALL)


def state(registry: ModelRegistry, checkpoint: Checkpoint) -> ModelState:
    return next(state for state in registry.states() if state.name == checkpoint.name)


def loaded(registry: ModelRegistry) -> list[str]:
    return [state.name for state in registry.states() if state.loaded]


def test_states_follow_a_networks_life(files: Path) -> None:
    registry = registry_of(files, models=1)
    unused = ModelState(MINI.name, MINI.original, verified=False, loaded=False, users=0, weight_bytes=SIZE)
    assert state(registry, MINI) == unused
    assert unused.installed
    with registry.use(MINI.name) as predictor:
        assert len(predictor.encode([drawn_photo(64, 64)], CancelFlag(), side_px=SIDE)) == 1
        assert predictor.digest == next(f.sha256 for f in ModelStore(files).files() if f.name == MINI.original)
        assert (state(registry, MINI).users, state(registry, MINI).verified) == (1, True)
    with registry.use(MINI.name) as again:
        assert again is predictor
    assert (state(registry, MINI).users, state(registry, MINI).loaded) == (0, True)
    registry.warm_up([OTHER.name], SIDE)
    assert loaded(registry) == [OTHER.name]
    assert state(registry, MINI).verified


def test_the_one_used_longest_ago_makes_room(files: Path) -> None:
    registry = registry_of(files, models=2)
    for checkpoint in (MINI, OTHER, MINI, THIRD):
        with registry.use(checkpoint.name):
            pass
    assert loaded(registry) == [MINI.name, THIRD.name]


def test_one_in_use_is_never_unloaded(files: Path) -> None:
    registry = registry_of(files, models=2)
    with registry.use(MINI.name) as predictor, registry.use(MINI.name):
        with registry.use(OTHER.name):
            with pytest.raises(BytesExhausted, match="try again later"), registry.use(THIRD.name):
                pass
            assert loaded(registry) == [MINI.name, OTHER.name]
        with registry.use(THIRD.name):
            assert loaded(registry) == [MINI.name, THIRD.name]
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


class TestNotInstalled:
    def test_an_unknown_name(self, files: Path) -> None:
        with (
            pytest.raises(ModelNotInstalled, match=r"no checkpoint 'sam9'; choose of sam2\.1-mini"),
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
