"""Which backends a generation server has, and which is its default."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fashquick_common.errors import BadField, ModelNotInstalled, NotFound
from fashquick_generation.backends import Backends, make_backends
from fashquick_generation.config import GenerationSettings
from fashquick_generation.diffusion.weights.registry import DiffusionRegistry


def names(backends: Backends) -> list[str]:
    return [generator.name for generator in backends.generators]


def small_settings(store: Path, **changes: object) -> GenerationSettings:
    values = {"models": store, "diffusion_profiles": store / "profiles.json", "diffusion_profile": "small"}
    return GenerationSettings(**(values | changes))


def test_without_a_store_it_is_the_studio() -> None:
    backends = make_backends(GenerationSettings())
    assert names(backends) == ["studio"]
    with pytest.raises(ModelNotInstalled, match="set FASHQUICK_MODELS"):
        backends.models.unload("sd15-4gb")


def test_without_the_profiles_weights_it_is_the_studio(tmp_path: Path) -> None:
    backends = make_backends(GenerationSettings(models=tmp_path))
    assert names(backends) == ["studio"]
    states = backends.models.states()
    assert all(state.weight_bytes > 3_000_000_000 for state in states)  # what a pull fetches
    assert {state.name: state.installed for state in states} == {
        "sd15-4gb": False,
        "sd15-quality": False,
        "sd15-fast": False,
    }


def test_without_the_libraries_it_is_the_studio(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fashquick_generation.backends._DIFFUSION_LIBRARIES", ("torch", "no_such_library"))
    backends = make_backends(small_settings(small_set))
    assert names(backends) == ["studio"]
    with pytest.raises(ModelNotInstalled, match="no_such_library not installed; install the extra diffusion"):
        backends.models.unload("small")


def test_on_a_processor_diffusion_is_there_for_those_who_ask(small_set: Path) -> None:
    backends = make_backends(small_settings(small_set, diffusion_device="cpu", diffusion_memory_bytes=3_000_000_000))
    assert names(backends) == ["studio", "diffusion"]
    registry = backends.models
    assert isinstance(registry, DiffusionRegistry)
    assert (registry.default, registry.device, registry.dtype) == ("small", torch.device("cpu"), torch.float32)
    assert registry.budget_bytes == 3_000_000_000
    assert registry.states()[0].name == "small"
    assert not any(state.loaded for state in registry.states())


def test_the_first_profile_that_the_store_has_serves_those_who_name_none(small_set: Path) -> None:
    backends = make_backends(small_settings(small_set, diffusion_profile=None, diffusion_device="cpu"))
    assert names(backends) == ["studio", "diffusion"]
    assert [state.name for state in backends.models.states() if state.is_default] == ["small"]


def test_a_profile_that_is_set_is_waited_for(small_set: Path) -> None:
    backends = make_backends(small_settings(small_set, diffusion_profile="sd15-fast", diffusion_device="cpu"))
    assert names(backends) == ["studio"]
    assert [state.name for state in backends.models.states() if state.is_default] == ["sd15-fast"]


def test_on_a_gpu_diffusion_is_the_default(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    backends = make_backends(small_settings(small_set, diffusion_memory_bytes=1))
    assert names(backends) == ["diffusion", "studio"]
    registry = backends.models
    assert isinstance(registry, DiffusionRegistry)
    assert (registry.device.type, registry.dtype) == ("cuda", torch.float16)


def test_precision_is_a_setting(small_set: Path) -> None:
    registry = make_backends(small_settings(small_set, diffusion_device="cpu", diffusion_precision="bfloat16")).models
    assert isinstance(registry, DiffusionRegistry)
    assert registry.dtype == torch.bfloat16


def test_a_gpu_that_is_not_there_stops_the_start(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadField, match="FASHQUICK_DIFFUSION_DEVICE is cuda, and torch finds no GPU"):
        make_backends(small_settings(small_set, diffusion_device="cuda"))


def test_an_unknown_default_stops_the_start(small_set: Path) -> None:
    with pytest.raises(NotFound, match="no profile 'tiny'"):
        make_backends(small_settings(small_set, diffusion_profile="tiny"))


def test_wrong_profiles_of_ones_own_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"profiles": 5}', encoding="utf-8")
    with pytest.raises(BadField, match=r"own\.json"):
        make_backends(GenerationSettings(models=tmp_path, diffusion_profiles=tmp_path / "own.json"))
