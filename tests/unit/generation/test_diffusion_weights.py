"""Networks come from both published formats, stay in their files, and no file ends in anything but words."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from fashquick_common.errors import ModelNotInstalled, NotFound
from fashquick_common.models import ModelStore
from fashquick_common.models.profiles import IN_A_WHOLE, Profile, Role, SchedulerName, gaps, profiles
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES, empty_network, random_network
from fashquick_generation.diffusion.weights.published import as_built
from fashquick_generation.diffusion.weights.reading import load_network
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from fashquick_generation.diffusion.weights.tensors import WeightsFile
from fashquick_generation.diffusion.weights.tokenizer import read_tokenizer
from scripts.small_diffusion import small_lora
from tests.unit.generation.single_files import unet_name, vae_tensor, whole_file

States = dict[Role, dict[str, Tensor]]
Pair = tuple[WeightsFile, WeightsFile]
UNET = "small/unet/diffusion_pytorch_model.safetensors"


def in_store(store: Path, name: str) -> WeightsFile:
    return WeightsFile(name, store / name)


def read(store: Path, name: str, role: Role = Role.UNET, dtype: torch.dtype = torch.float32) -> nn.Module:
    return load_network("small", role, [in_store(store, name)], dtype)


def written(folder: Path, tensors: dict[str, Tensor], name: str = "a.safetensors") -> WeightsFile:
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / name)
    return WeightsFile(name, folder / name)


def same(network: nn.Module, wanted: dict[str, Tensor]) -> bool:
    state = network.state_dict()
    return state.keys() == wanted.keys() and all(torch.equal(state[name], wanted[name]) for name in wanted)


@pytest.fixture(scope="module")
def states() -> States:
    return {role: random_network("small", role, seed=7).state_dict() for role in NETWORK_ROLES}


class TestFolders:
    @pytest.mark.parametrize("role", NETWORK_ROLES)
    def test_a_network_has_the_weights_of_its_file(self, role: Role, states: States, tmp_path: Path) -> None:
        network = load_network("small", role, [written(tmp_path, states[role])], torch.float32)
        assert same(network, states[role])
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert not any(buffer.is_meta for buffer in network.buffers())

    def test_weights_stay_in_the_file(self, small_set: Path) -> None:
        network = read(small_set, UNET)
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
        assert str(small_set / UNET) in mapped
        del network

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_converted_either_way(self, dtype: torch.dtype, states: States, tmp_path: Path) -> None:
        halved = {name: tensor.to(dtype) for name, tensor in states[Role.VAE].items()}
        file = written(tmp_path, halved)
        assert same(load_network("small", Role.VAE, [file], dtype), halved)
        full = load_network("small", Role.VAE, [file], torch.float32)
        assert same(full, {name: tensor.float() for name, tensor in halved.items()})

    def test_a_text_encoder_answers_as_the_one_that_was_written(self, small_set: Path) -> None:
        tokens = torch.tensor([[1022, 5, 9, 1023]])
        name = "small/text_encoder/model.safetensors"
        expected = random_network("small", Role.TEXT_ENCODER, seed=list(Role).index(Role.TEXT_ENCODER))(tokens)
        answer = read(small_set, name, Role.TEXT_ENCODER)(tokens)
        torch.testing.assert_close(answer.last_hidden_state, expected.last_hidden_state)

    def test_older_names_are_known(self, states: States, tmp_path: Path) -> None:
        old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        vae = {}
        for name, tensor in states[Role.VAE].items():
            new = name
            for today, then in old.items():
                new = new.replace(f".{today}.", f".{then}.")
            vae[new] = tensor
        assert "encoder.mid_block.attentions.0.proj_attn.weight" in vae
        text = {f"text_model.{name}": tensor for name, tensor in states[Role.TEXT_ENCODER].items()}
        text["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        safety = {f"vision_model.{n}" if n.startswith("vision") else n: t for n, t in states[Role.SAFETY].items()}
        safety["vision_model.vision_model.embeddings.position_ids"] = torch.arange(50.0)[None]
        for role, tensors in {Role.VAE: vae, Role.TEXT_ENCODER: text, Role.SAFETY: safety}.items():
            assert same(load_network("small", role, [written(tmp_path, tensors)], torch.float32), states[role])


class TestSingleFiles:
    def test_three_networks_come_from_one_file(self, states: States, tmp_path: Path) -> None:
        tensors = whole_file(states[Role.UNET], states[Role.VAE], states[Role.TEXT_ENCODER], 1, ".x")
        tensors["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
        tensors["alphas_cumprod"] = torch.rand(1000)
        file = written(tmp_path, tensors)
        for role in IN_A_WHOLE:
            assert same(load_network("small", role, [file], torch.float32), states[role])

    def test_a_vae_and_a_controlnet_have_single_files_too(self, states: States, tmp_path: Path) -> None:
        vae = dict(vae_tensor(name, tensor, 4) for name, tensor in states[Role.VAE].items())
        assert same(load_network("small", Role.VAE, [written(tmp_path, vae)], torch.float32), states[Role.VAE])
        control = {
            f"control_model.{unet_name(name, 1, [])}": tensor for name, tensor in states[Role.CONTROL_POSE].items()
        }
        file = written(tmp_path, control)
        assert same(load_network("small", Role.CONTROL_POSE, [file], torch.float32), states[Role.CONTROL_POSE])

    @pytest.mark.parametrize(
        ("lost", "role"), [("time_embed.0.weight", Role.UNET), ("zero_convs.0.0.weight", Role.CONTROL_POSE)]
    )
    def test_a_single_file_with_a_hole_is_refused(self, lost: str, role: Role, states: States, tmp_path: Path) -> None:
        prefix = "model.diffusion_model." if role == Role.UNET else "control_model."
        tensors = {prefix + unet_name(name, 1, [False, True]): tensor for name, tensor in states[role].items()}
        del tensors[prefix + lost]
        with pytest.raises(ModelNotInstalled, match="lack"):
            load_network("small", role, [written(tmp_path, tensors)], torch.float32)


class TestStableDiffusion15:
    """On torch's meta device: the names are the published ones, and nobody holds gigabytes."""

    @pytest.mark.parametrize("role", NETWORK_ROLES)
    def test_published_folders_have_the_names_of_the_architecture(self, role: Role) -> None:
        network = empty_network("sd15", role)
        state = network.state_dict()
        prefix = {Role.TEXT_ENCODER: "text_model.", Role.SAFETY: "vision_model."}.get(role, "")
        published = {
            prefix + name if role == Role.TEXT_ENCODER or name.startswith("vision_model.") else name: tensor
            for name, tensor in state.items()
        }
        assert KNOWN[role] in published
        built = as_built(role, network, published)
        assert {name: tensor.shape for name, tensor in built.items()} == {n: t.shape for n, t in state.items()}

    def test_a_single_file_has_all_three(self) -> None:
        networks = {role: empty_network("sd15", role) for role in IN_A_WHOLE}
        states = {role: network.state_dict() for role, network in networks.items()}
        file = whole_file(states[Role.UNET], states[Role.VAE], states[Role.TEXT_ENCODER], 2, ".xxx")
        # From the published v1-5-pruned-emaonly.safetensors.
        assert file["model.diffusion_model.output_blocks.5.2.conv.weight"].shape == (1280, 1280, 3, 3)
        assert file["model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"].shape == (320, 768)
        assert file["model.diffusion_model.middle_block.2.out_layers.3.bias"].shape == (1280,)
        assert file["first_stage_model.decoder.up.3.upsample.conv.weight"].shape == (512, 512, 3, 3)
        assert file["first_stage_model.encoder.mid.attn_1.proj_out.weight"].shape == (512, 512, 1, 1)
        assert "cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc2.weight" in file
        for role, network in networks.items():
            built = {name: tensor.shape for name, tensor in as_built(role, network, file).items()}
            assert built == {name: tensor.shape for name, tensor in states[role].items()}


KNOWN = {
    Role.UNET: "up_blocks.1.attentions.2.transformer_blocks.0.ff.net.0.proj.weight",
    Role.INPAINT_UNET: "down_blocks.0.downsamplers.0.conv.weight",
    Role.VAE: "decoder.up_blocks.2.resnets.0.conv_shortcut.weight",
    Role.TEXT_ENCODER: "text_model.encoder.layers.11.self_attn.out_proj.bias",
    Role.CONTROL_POSE: "controlnet_cond_embedding.blocks.5.weight",
    Role.CONTROL_DEPTH: "controlnet_down_blocks.11.bias",
    Role.PREVIEW: "decoder.layers.18.weight",
    Role.SAFETY: "vision_model.vision_model.embeddings.class_embedding",
}
"""A name of each published file."""


class TestLora:
    @pytest.fixture
    def changes(self, states: States) -> dict[str, Tensor]:
        return small_lora(states[Role.UNET])

    def read(self, folder: Path, unet: dict[str, Tensor], changes: dict[str, Tensor]) -> dict[str, Tensor]:
        files = written(folder, unet), written(folder, changes, "lora.safetensors")
        return load_network("small", Role.UNET, [files[0]], torch.float32, loras=[files[1]]).state_dict()

    def test_changes_are_added_once(self, tmp_path: Path, states: States, changes: dict[str, Tensor]) -> None:
        unet, layer = states[Role.UNET], "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
        flat = f"lora_unet_{layer.replace('.', '_')}"
        found = self.read(tmp_path, unet, changes)
        delta = changes[f"{flat}.lora_up.weight"] @ changes[f"{flat}.lora_down.weight"] / 2  # alpha 1, rank 2
        torch.testing.assert_close(found[f"{layer}.weight"], unet[f"{layer}.weight"] + delta)
        changed = {name for name in unet if not torch.equal(found[name], unet[name])}
        assert changed == {name for name in unet if name.endswith((".to_q.weight", ".to_v.weight", ".conv1.weight"))}

    def test_a_change_of_a_convolution_is_two_convolutions(
        self, tmp_path: Path, states: States, changes: dict[str, Tensor]
    ) -> None:
        layer = "mid_block.resnets.0.conv1"
        flat = f"lora_unet_{layer.replace('.', '_')}"
        before, after = states[Role.UNET], self.read(tmp_path, states[Role.UNET], changes)
        picture = torch.randn(1, 64, 6, 6)
        between = nn.functional.conv2d(picture, changes[f"{flat}.lora_down.weight"], padding=1)
        added = nn.functional.conv2d(between, changes[f"{flat}.lora_up.weight"]) / 2
        old, new = (nn.functional.conv2d(picture, of[f"{layer}.weight"], padding=1) for of in (before, after))
        torch.testing.assert_close(new, old + added, atol=1e-4, rtol=1e-4)

    @pytest.mark.parametrize("parts", [("lora_A", "lora_B"), ("lora.down", "lora.up")])
    def test_all_names_mean_the_same(self, parts: tuple[str, str], tmp_path: Path, states: States) -> None:
        layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
        down, up = torch.randn(2, 64), torch.randn(64, 2)
        named = {f"unet.{layer}.{parts[0]}.weight": down, f"unet.{layer}.{parts[1]}.weight": up}
        found = self.read(tmp_path, states[Role.UNET], named)
        torch.testing.assert_close(found[f"{layer}.weight"], states[Role.UNET][f"{layer}.weight"] + up @ down)

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda c: c | {"lora_te_text_model_x.alpha": torch.ones(())}, "no LoRA of Stable Diffusion's UNet alone"),
            (lambda c: {n.replace("mid_block", "output_blocks"): t for n, t in c.items()}, "does not have"),
            (lambda c: {n: t for n, t in c.items() if "lora_up" not in n}, "only half"),
            (lambda c: {n: t * torch.nan if "alpha" in n else t for n, t in c.items()}, "no number as the scale"),
            (lambda c: {n: t[:1] if "lora_down" in n else t for n, t in c.items()}, "do not fit each other"),
            (lambda c: {n: t[:, :1] if "lora_down" in n else t for n, t in c.items()}, "it has shape"),
            (lambda _: {}, "is empty"),
        ],
    )
    def test_what_is_of_another_network_is_refused(
        self,
        spoil: Callable[..., dict[str, Tensor]],
        why: str,
        tmp_path: Path,
        states: States,
        changes: dict[str, Tensor],
    ) -> None:
        with pytest.raises(ModelNotInstalled, match=why):
            self.read(tmp_path, states[Role.UNET], spoil(changes))


def header(names: dict[str, object], data: bytes = b"") -> bytes:
    text = json.dumps(names).encode()
    return struct.pack("<Q", len(text)) + text + data


HOSTILE = {
    "empty": b"",
    "a huge claim": struct.pack("<Q", 2**62) + b"{}",
    "no json": struct.pack("<Q", 4) + b"\xff{{{",
    "overlapping": header({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in ("a", "b")}, bytes(8)),
    "beyond the end": header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(8)),
    "backwards": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 4]}}, bytes(8)),
    "too many numbers": header({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}}, bytes(8)),
    "a hole": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
}


class TestRefusals:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotInstalled, match=r"small/gone\.safetensors are no whole safetensors file") as caught:
            read(tmp_path, "small/gone.safetensors")
        assert str(tmp_path) not in caught.value.message

    @pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
    def test_damaged(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "a.safetensors").write_bytes(content)
        with pytest.raises(ModelNotInstalled, match=r"a\.safetensors") as caught:
            read(tmp_path, "a.safetensors")
        assert str(tmp_path) not in caught.value.message

    @pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
    def test_cut_short(self, share: float, small_set: Path, tmp_path: Path) -> None:
        content = (small_set / UNET).read_bytes()
        (tmp_path / "a.safetensors").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ModelNotInstalled, match="no whole safetensors file"):
            read(tmp_path, "a.safetensors")

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_change_of_the_header_ends_in_words_or_a_network(
        self, data: st.DataObject, small_set: Path, tmp_path: Path
    ) -> None:
        content = bytearray((small_set / "small-taesd/diffusion_pytorch_model.safetensors").read_bytes())
        (length,) = struct.unpack("<Q", content[:8])
        for place in data.draw(st.lists(st.integers(0, 8 + length), min_size=1, max_size=4)):
            content[place] = data.draw(st.integers(0, 255))
        (tmp_path / "a.safetensors").write_bytes(content)
        with contextlib.suppress(ModelNotInstalled):
            read(tmp_path, "a.safetensors", Role.PREVIEW)

    @pytest.mark.parametrize("name", ["model.bin", "model.ckpt", "model.safetensors.ckpt", "model"])
    def test_pickles_are_never_read(self, name: str, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(pickle.dumps({"conv_in.weight": np.zeros(3)}))
        with pytest.raises(ModelNotInstalled, match="can hide code"):
            read(tmp_path, name)

    def test_another_network_of_the_same_architecture(self, small_set: Path) -> None:
        with pytest.raises(
            ModelNotInstalled, match=r"conv_in\.weight of shape \(32, 9, 3, 3\) instead of \(32, 4, 3, 3\)"
        ):
            read(small_set, "small-inpainting/unet/diffusion_pytorch_model.safetensors")

    def test_another_architecture_in_the_folder(self, small_set: Path) -> None:
        with pytest.raises(ModelNotInstalled, match=r"conv_in\.weight of shape \(32, 4, 3, 3\).*not of sd15 unet"):
            load_network("sd15", Role.UNET, [in_store(small_set, UNET)], torch.float16)

    def test_a_tensor_too_many(self, tmp_path: Path, states: States) -> None:
        file = written(tmp_path, states[Role.VAE] | {"loss.logvar": torch.zeros(3)})
        with pytest.raises(ModelNotInstalled, match=r"also have 'loss\.logvar'"):
            load_network("small", Role.VAE, [file], torch.float32)

    def test_whole_numbers_for_weights(self, tmp_path: Path, states: States) -> None:
        tensors = states[Role.VAE] | {"quant_conv.bias": torch.zeros(8, dtype=torch.int64)}
        with pytest.raises(ModelNotInstalled, match=r"lack quant_conv\.bias"):
            load_network("small", Role.VAE, [written(tmp_path, tensors)], torch.float32)

    def test_ten_thousand_tensors(self, tmp_path: Path) -> None:
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        names = {f"model.diffusion_model.input_blocks.{i}.0.x": empty for i in range(10_000)}
        (tmp_path / "a.safetensors").write_bytes(header(names))
        with pytest.raises(ModelNotInstalled, match="10000 tensors, more than 4096"):
            read(tmp_path, "a.safetensors")

    @pytest.mark.parametrize("name", ["input_blocks.1.0.in_layers.0.weight", "input_blocks.9.1.x", "middle_block.x.y"])
    def test_names_that_the_conversion_stumbles_over(self, name: str, tmp_path: Path) -> None:
        file = written(tmp_path, {f"model.diffusion_model.{name}": torch.zeros(1)})
        with pytest.raises(ModelNotInstalled):
            load_network("small", Role.UNET, [file], torch.float32)

    def test_an_unknown_architecture(self, small_set: Path) -> None:
        with pytest.raises(NotFound, match="'sdxl'"):
            load_network("sdxl", Role.UNET, [in_store(small_set, UNET)], torch.float32)


class TestTokenizer:
    @pytest.fixture
    def files(self, small_set: Path, tmp_path: Path) -> Pair:
        for name in ("vocab.json", "merges.txt"):
            (tmp_path / name).write_bytes((small_set / "small/tokenizer" / name).read_bytes())
        return in_store(tmp_path, "vocab.json"), in_store(tmp_path, "merges.txt")

    def test_it_cuts_words_into_known_tokens(self, files: Pair) -> None:
        tokenizer = read_tokenizer(*files, 1024)
        tokens = tokenizer("A red dress, naïve ☂")["input_ids"]
        assert tokens[0] == 1022
        assert tokens[-1] == 1023
        assert tokenizer.decode(tokens, skip_special_tokens=True).strip() == "a red dress , naïve ☂"
        assert max(tokens) < 1024
        assert tokenizer.model_max_length == 77

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("vocab.json", b"{", "no vocabulary"),
            ("vocab.json", b"[" * 1_000_000, "no vocabulary"),
            ("vocab.json", b'{"a": 0, "b": true}', "not a number for each token"),
            ("vocab.json", b'["a"]', "not a number for each token"),
            ("vocab.json", b'{"a": 0, "b": 2}', "not numbered from 0"),
            ("vocab.json", b'{"a": 0, "b": -1}', "not numbered from 0"),
            ("vocab.json", b'{"a": 0, "b": 1}', "lacks the token"),
            ("vocab.json", b"\xff", "cannot be read"),
            ("vocab.json", b" " * 5_000_000, "more than"),
            ("merges.txt", b"#version: 0.2\na", "line 2 is not two tokens"),
            ("merges.txt", b"a b c", "line 1 is not two tokens"),
            ("merges.txt", b"nosuch token", "different tokenizers"),
        ],
    )
    def test_hostile_files_are_refused(self, name: str, content: bytes, why: str, files: Pair, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelNotInstalled, match=why):
            read_tokenizer(*files, 1024)

    def test_it_must_fit_the_text_encoder(self, files: Pair) -> None:
        with pytest.raises(ModelNotInstalled, match="the 1000 that the text encoder knows"):
            read_tokenizer(*files, 1000)


class TestSchedulers:
    @pytest.mark.parametrize("name", SchedulerName)
    def test_noise_is_that_of_stable_diffusion(self, name: str) -> None:
        scheduler = make_scheduler(name)
        scheduler.set_timesteps(8)
        assert len(scheduler.timesteps) == 8
        # What is left of the picture's variance at the noisiest step; other schedules than the published leave more.
        assert float(scheduler.alphas_cumprod[-1]) == pytest.approx(0.00466, abs=1e-5)

    def test_an_unknown_one_is_named(self) -> None:
        with pytest.raises(NotFound, match="'euler'"):
            make_scheduler("euler")


@pytest.mark.parametrize("profile", profiles().values(), ids=profiles())
def test_files_of_a_packaged_profile_are_as_large_as_its_networks(profile: Profile) -> None:
    for file in profile.files:
        if file.role not in NETWORK_ROLES or file.size_bytes is None:
            continue
        state = empty_network(profile.architecture, file.role).state_dict()
        numbers = sum(tensor.numel() for tensor in state.values())
        # In half precision, but for the small decoder; names and shapes take up to 100 bytes a tensor beside.
        least = numbers * (4 if file.role == Role.PREVIEW else 2)
        assert least < file.size_bytes < least + 200 * len(state), file.name


def test_the_small_set_is_a_model_store_with_profiles(small_set: Path) -> None:
    stored = ModelStore(small_set).files()
    mine = {
        name: profile for name, profile in profiles(small_set / "profiles.json").items() if name.startswith("small")
    }
    assert list(mine) == ["small", "small-quality", "small-fast"]
    assert not any(gaps(profile.files, stored) for profile in mine.values())
    assert {file.role for profile in mine.values() for file in profile.files} == set(Role) - {Role.WHOLE}
    assert sum(file.size_bytes or 0 for file in stored) < 15_000_000
