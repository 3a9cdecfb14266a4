"""Architectures are Meta's, weights stay in their files, and no file runs code or ends in anything but words."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hydra import compose
from hydra.utils import instantiate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from fashquick_common.errors import BadField, ModelNotInstalled
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS, SIDE_MAX_PX, SIDE_PX, check_side
from fashquick_segmentation.sam2.network import Sam2Network, _Shapes, empty_network, weight_bytes
from fashquick_segmentation.sam2.weights import FOR_FILMS, convert, load_network
from tests.unit.segmentation.sam2_weights import MINI, OTHER, SMALL, RunsWhenRead, random_weights, write_original

CONFIGS = {
    "sam2.1-hiera-tiny": "t",
    "sam2.1-hiera-small": "s",
    "sam2.1-hiera-base-plus": "b+",
    "sam2.1-hiera-large": "l",
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_architecture_is_that_of_metas_configuration(name: str) -> None:
    config = compose(config_name=f"configs/sam2.1/sam2.1_hiera_{CONFIGS[name]}.yaml")
    with torch.device("meta"), _Shapes():
        stock = instantiate(config.model, _recursive_=True).state_dict()
    ours = empty_network(CHECKPOINTS[name].architecture)
    shapes = {key: tensor.shape for key, tensor in ours.state_dict().items()}
    assert shapes == {key: tensor.shape for key, tensor in stock.items() if not key.startswith(FOR_FILMS)}
    assert sum(len(key) > 0 for key in stock if key.startswith(FOR_FILMS)) == len(stock) - len(shapes) > 0
    trunk = instantiate(config.model.image_encoder, _recursive_=True).trunk
    windows = [block.window_size for block in ours.image_encoder.trunk.blocks]
    assert windows == [block.window_size for block in trunk.blocks]


def test_an_empty_network_takes_no_memory() -> None:
    state = empty_network(SMALL).state_dict()
    assert sum(tensor.nbytes for tensor in state.values() if not tensor.is_meta) < 1000
    assert weight_bytes(SMALL) == sum(tensor.nbytes for tensor in random_weights(SMALL).values())


@pytest.mark.parametrize("side", [0, -32, 96, 1000, SIDE_MAX_PX + 32])
def test_a_side_that_cannot_be_is_refused(side: int) -> None:
    check_side(SIDE_PX)
    with pytest.raises(BadField, match=f"{side} pixels; choose a multiple of 32"):
        check_side(side)


def assert_same_weights(network: Sam2Network) -> None:
    wanted = random_weights(SMALL)
    state = network.state_dict()
    assert state.keys() == wanted.keys()
    assert all(torch.equal(state[name], wanted[name]) for name in wanted)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


class TestReading:
    def test_an_original_is_read_without_what_films_need(self, tmp_path: Path) -> None:
        assert_same_weights(load_network(write_original(tmp_path / "a.pt", random_weights(SMALL)), SMALL))

    def test_a_converted_file_has_the_same_and_no_more(self, tmp_path: Path) -> None:
        original = write_original(tmp_path / MINI.original, random_weights(SMALL))
        original.chmod(0o644)
        convert(original, tmp_path / MINI.converted, MINI)
        assert (tmp_path / MINI.converted).stat().st_mode == original.stat().st_mode
        assert_same_weights(load_network(tmp_path / MINI.converted, SMALL))
        assert b"memory_attention" not in (tmp_path / MINI.converted).read_bytes()
        assert sorted(path.name for path in tmp_path.iterdir()) == [MINI.original, MINI.converted]

    def test_a_conversion_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        original = write_original(tmp_path / "a.pt", random_weights(SMALL))
        with pytest.raises(ModelNotInstalled, match="another network"):
            convert(original, tmp_path / "b.safetensors", CHECKPOINTS["sam2.1-hiera-tiny"])
        assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]

    def test_several_threads_read_at_once(self, tmp_path: Path) -> None:
        path = write_original(tmp_path / "a.pt", random_weights(SMALL))
        with ThreadPoolExecutor(4) as pool:
            for network in pool.map(lambda _: load_network(path, SMALL), range(8)):
                assert_same_weights(network)
        assert torch.zeros(1).device.type == "cpu"

    @pytest.mark.parametrize("ending", ["pt", "safetensors"])
    def test_weights_stay_in_their_file(self, tmp_path: Path, ending: str) -> None:
        """In a process of its own: anonymous memory is what the kernel cannot take back by dropping pages."""
        program = textwrap.dedent("""
            import sys
            from pathlib import Path
            from fashquick_segmentation.sam2.checkpoints import TINY
            from fashquick_segmentation.sam2.weights import load_network

            def anonymous_kib():
                lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
                return int(next(line for line in lines if line.startswith("Anonymous:")).split()[1])

            before = anonymous_kib()
            network = load_network(Path(sys.argv[1]), TINY.architecture)
            total = sum(float(tensor.sum()) for tensor in network.state_dict().values())
            print((anonymous_kib() - before) * 1024)
        """)
        tiny = CHECKPOINTS["sam2.1-hiera-tiny"]
        empty = {
            name: torch.ones(tensor.shape) for name, tensor in empty_network(tiny.architecture).state_dict().items()
        }
        path = tmp_path / f"tiny.{ending}"
        if ending == "pt":
            write_original(path, empty)
        else:
            save_file(empty, path)
        assert path.stat().st_size > 100e6
        command = [sys.executable, "-c", program, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(done.stdout) < path.stat().st_size / 4


class TestHostileFiles:
    def test_hidden_code_is_refused_and_not_run(self, tmp_path: Path) -> None:
        trace = tmp_path / "trace"
        archive, bare = tmp_path / "archive.pt", tmp_path / "bare.pt"
        hiding = {"model": {**random_weights(SMALL), "no_obj_ptr": RunsWhenRead(trace)}}
        torch.save(hiding, archive)
        bare.write_bytes(pickle.dumps({"model": RunsWhenRead(trace)}))
        for path in (archive, bare):
            with pytest.raises(ModelNotInstalled, match="cannot be read"):
                load_network(path, SMALL)
        assert not trace.exists()
        torch.load(archive, weights_only=False)
        assert trace.exists(), "the pickle would not have run, so this test says nothing"

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        for name in ("a.pt", "a.safetensors"):
            with pytest.raises(ModelNotInstalled, match=f"{name}; put them there"):
                load_network(tmp_path / name, SMALL)

    @pytest.mark.parametrize("ending", ["pt", "safetensors"])
    @pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99, 0.99999])
    def test_a_file_cut_short_is_refused(self, tmp_path: Path, ending: str, share: float) -> None:
        whole = write_original(tmp_path / "whole.pt", random_weights(SMALL))
        if ending == "safetensors":
            convert(whole, tmp_path / "whole.safetensors", MINI)
        content = (tmp_path / f"whole.{ending}").read_bytes()
        short = tmp_path / f"short.{ending}"
        short.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ModelNotInstalled, match="get it again") as raised:
            load_network(short, SMALL)
        assert str(tmp_path) not in raised.value.message

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        content=st.binary(max_size=400), start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x10" + bytes(7)])
    )
    def test_random_bytes_are_refused(self, tmp_path: Path, content: bytes, start: bytes) -> None:
        for name in ("a.pt", "a.safetensors"):
            (tmp_path / name).write_bytes(start + content)
            with pytest.raises(ModelNotInstalled):
                load_network(tmp_path / name, SMALL)

    def test_another_network_is_refused(self, tmp_path: Path) -> None:
        path = write_original(tmp_path / "a.pt", random_weights(SMALL))
        with pytest.raises(ModelNotInstalled, match=r"no_mem_embed of shape \(1, 1, 32\) instead of \(1, 1, 256\)"):
            load_network(path, CHECKPOINTS["sam2.1-hiera-tiny"].architecture)
        assert_same_weights(load_network(path, OTHER.architecture))  # which differs only in what attends to what

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"no_mem_embed": None}, "lack no_mem_embed"),
            ({"image_encoder.trunk.blocks.9.norm1.weight": torch.ones(8)}, r"also have .*blocks\.9"),
            ({"no_mem_embed": torch.zeros(1, 1, 32, dtype=torch.float16)}, "float16.*plain float32"),
            ({"no_mem_embed": torch.zeros(1, 1, 32).to_sparse()}, "plain float32|cannot be read"),
            ({"no_mem_embed": torch.zeros(1, 1, 1).expand(1, 1, 32)}, "plain float32"),
            ({"no_mem_embed": torch.zeros(1, 1, 32, device="meta")}, "plain float32|cannot be read"),
            ({"no_mem_embed": 7}, "no tensor"),
            ({7: torch.zeros(1)}, "no tensor"),
        ],
    )
    def test_weights_that_do_not_fit_are_refused(self, tmp_path: Path, change: dict[str, object], words: str) -> None:
        weights = {**random_weights(SMALL), **change}
        torch.save({"model": {name: value for name, value in weights.items() if value is not None}}, tmp_path / "a.pt")
        with pytest.raises(ModelNotInstalled, match=words):
            load_network(tmp_path / "a.pt", SMALL)

    @pytest.mark.parametrize("content", [[], {}, {"model": 3}, torch.zeros(3)])
    def test_other_content_is_refused(self, tmp_path: Path, content: object) -> None:
        torch.save(content, tmp_path / "a.pt")
        with pytest.raises(ModelNotInstalled, match="no entry 'model'"):
            load_network(tmp_path / "a.pt", SMALL)
