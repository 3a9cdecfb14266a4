"""Profiles are loaded when they are asked for, share what they can, and never run out of memory half way."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BytesExhausted, Cancelled, ModelInUse, ModelNotInstalled, NotFound
from fashquick_common.models import SUMS_FILE, ModelStore
from fashquick_common.models.profiles import Role, profiles
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.loading import footprint, installed
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.placing import Turns, place
from fashquick_generation.diffusion.weights.plan import Footprint, Offload, Plan, Weights, choose, plans, rows_that_fit
from fashquick_generation.diffusion.weights.reading import weight_elements
from fashquick_generation.diffusion.weights.registry import DiffusionRegistry
from tests.support.diffusion import small_networks

CPU = torch.device("cpu")
GB = 1_000_000_000
UNET = "small/unet/diffusion_pytorch_model.safetensors"


def rows_of(networks: Networks) -> int:
    """Pictures of the working size that are denoised together."""
    return rows_that_fit(networks.plan, networks.dtype.itemsize, networks.profile.working_pixels, 1)


def registry_of(
    store: Path, *, free: Callable[[], int] = lambda: 8 * GB, budget: int | None = 100 * GB, default: str = "small"
) -> DiffusionRegistry:
    known = {name: one for name, one in profiles(store / "profiles.json").items() if name.startswith("small")}
    return DiffusionRegistry(
        ModelStore(store), known, default=default, device=CPU, dtype=torch.float32, budget_bytes=budget, free=free
    )


@pytest.fixture
def registry(small_set: Path) -> DiffusionRegistry:
    return registry_of(small_set)


@pytest.fixture
def own_set(small_set: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(small_set, tmp_path / "store"))


def forget(store: Path, *names: str) -> None:
    sums = store / SUMS_FILE
    lines = sums.read_text(encoding="utf-8").splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if not line.strip().endswith(names)), encoding="utf-8")


class TestLoading:
    def test_a_profile_comes_whole(self, registry: DiffusionRegistry) -> None:
        assert not registry.state("small").loaded
        with registry.use("small") as networks:
            assert registry.state("small").users == 1
            assert networks.profile.name == "small"
            assert set(networks.controls) == set(Condition)
            assert networks.unet.config.in_channels == 4
            assert networks.inpaint_unet is not None
            assert networks.inpaint_unet.config.in_channels == 9
            assert networks.preview is not None
            assert networks.safety is not None
            assert networks.tokenizer("a dress")["input_ids"][0] == 1022
            assert networks.digest == registry.digest("small")
            assert (networks.plan.name, rows_of(networks)) == ("resident", 8)
            latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
            text = torch.zeros(1, 77, 32)
            expected = small_networks().unet(latents, 5, text).sample
            torch.testing.assert_close(networks.unet(latents, 5, text).sample, expected)
        assert registry.state("small").users == 0

    def test_gradients_of_unets_take_little_memory(self, registry: DiffusionRegistry) -> None:
        with registry.use("small") as networks:
            assert networks.unet.is_gradient_checkpointing

    def test_states_are_told_without_reading_weights(self, registry: DiffusionRegistry) -> None:
        first, *others = registry.states()
        assert first.is_default
        assert (first.name, first.backend, first.file, first.loaded) == ("small", "diffusion", UNET, False)
        assert {state.name for state in others} == {"small-quality", "small-fast"}
        assert not first.verified
        assert first.sha256 == registry.digest("small")
        assert first.weight_bytes > 8_000_000
        assert registry.load("small", CancelFlag()).verified

    def test_a_second_call_gets_the_same_networks(self, registry: DiffusionRegistry) -> None:
        with registry.use("small") as first, registry.use("small") as second:
            assert first is second
            with pytest.raises(ModelInUse, match="2 of them"):
                registry.unload("small")

    def test_calls_that_come_together_load_once(self, registry: DiffusionRegistry) -> None:
        found = []

        def call() -> None:
            with registry.use("small") as networks:
                found.append(networks)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len({id(networks) for networks in found}) == 1

    def test_a_raised_flag_stops_loading(self, registry: DiffusionRegistry) -> None:
        flag = CancelFlag()
        flag.cancel()
        with pytest.raises(Cancelled), registry.use("small", flag):
            pass
        assert not registry.state("small").loaded
        registry.load("small", CancelFlag())

    def test_optional_networks_may_be_absent(self, own_set: Path) -> None:
        forget(own_set, "small-inpainting/unet/diffusion_pytorch_model.safetensors", "safety_checker/model.safetensors")
        registry = registry_of(own_set)
        with registry.use("small") as networks:
            assert networks.inpaint_unet is None
            assert networks.safety is None
            assert networks.preview is not None


class TestSharing:
    def test_profiles_with_the_same_files_share_their_networks(self, registry: DiffusionRegistry) -> None:
        with registry.use("small") as small, registry.use("small-quality") as quality:
            assert quality.unet is small.unet
            assert quality.vae is small.vae
            assert quality.text_encoder is small.text_encoder
            assert quality.tokenizer is small.tokenizer
            assert quality.controls[Condition.DEPTH] is small.controls[Condition.DEPTH]
            assert type(quality.scheduler) is not type(small.scheduler)

    def test_a_lora_is_in_unets_of_its_own(self, registry: DiffusionRegistry) -> None:
        with registry.use("small") as small, registry.use("small-fast") as fast:
            assert fast.vae is small.vae
            assert fast.controls[Condition.POSE] is small.controls[Condition.POSE]
            assert fast.unet is not small.unet
            layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
            assert not torch.equal(fast.unet.state_dict()[layer], small.unet.state_dict()[layer])
            assert fast.digest != small.digest

    def test_unloading_frees_what_nobody_else_uses(self, registry: DiffusionRegistry) -> None:
        with registry.use("small") as small, registry.use("small-fast") as fast:
            shared, own = weakref.ref(small.vae), weakref.ref(fast.unet)
        del small, fast
        registry.unload("small-fast")
        assert own() is None
        assert shared() is not None
        registry.unload("small")
        gc.collect()
        assert shared() is None


class TestMemory:
    def test_the_thriftiest_plan_is_taken_where_little_is_free(self, small_set: Path) -> None:
        with registry_of(small_set, free=lambda: GB // 4).use("small") as networks:
            assert networks.plan.room_bytes > 0
            rows = rows_of(networks)
        with registry_of(small_set, free=lambda: 8 * GB).use("small") as networks:
            assert rows_of(networks) > rows

    @pytest.mark.parametrize(("free", "budget"), [(GB // 10, 8 * GB), (8 * GB, GB // 10)])
    def test_too_little_is_told_before_anything_is_read(self, free: int, budget: int, small_set: Path) -> None:
        registry = registry_of(small_set, free=lambda: free, budget=budget)
        with pytest.raises(BytesExhausted, match=r"profile small needs 0\.\d+ GB"), registry.use("small"):
            pass
        assert not registry.state("small").verified

    def test_idle_profiles_make_room(self, small_set: Path) -> None:
        fits = next(iter(plans(self.need(small_set, "small-fast")))).peak_bytes
        tight = registry_of(small_set, budget=fits + 2_000_000)
        tight.load("small", CancelFlag())
        tight.load("small-fast", CancelFlag())
        assert not tight.state("small").loaded
        assert tight.state("small-fast").loaded

    def test_profiles_in_use_do_not(self, small_set: Path) -> None:
        fits = next(iter(plans(self.need(small_set, "small-fast")))).peak_bytes
        registry = registry_of(small_set, budget=fits + 2_000_000)
        with registry.use("small"):
            with pytest.raises(BytesExhausted, match="profile small-fast needs"), registry.use("small-fast"):
                pass
            assert registry.state("small").loaded
            assert registry.state("small").users == 1
        registry.load("small-fast", CancelFlag())

    def need(self, store: Path, name: str) -> Footprint:
        profile = profiles(store / "profiles.json")[name]
        found = installed(profile, {file.name: file for file in ModelStore(store).files()})
        return footprint(found, torch.float32, on_gpu=False)


class TestRefusals:
    def test_an_unknown_profile(self, registry: DiffusionRegistry) -> None:
        for ask in (registry.digest, registry.state, registry.unload, registry.profile):
            with pytest.raises(NotFound, match="no profile 'sdxl'; choose of small, "):
                ask("sdxl")
        with pytest.raises(NotFound), registry.use("sdxl"):
            pass

    def test_an_unknown_architecture(self, own_set: Path) -> None:
        text = (own_set / "profiles.json").read_text(encoding="utf-8")
        (own_set / "profiles.json").write_text(text.replace('"architecture": "small"', '"architecture": "sdxl"'))
        with pytest.raises(BadField, match="profile small has the architecture 'sdxl'; known are sd15, small"):
            registry_of(own_set)

    def test_nothing_in_the_store(self, small_set: Path, tmp_path: Path) -> None:
        known = profiles(small_set / "profiles.json")
        registry = DiffusionRegistry(ModelStore(tmp_path), known, default="small", device=CPU, dtype=torch.float32)
        assert not any(state.installed for state in registry.states())
        with pytest.raises(ModelNotInstalled, match="SHA256SUMS cannot be read"):
            registry.digest("small")

    def test_a_file_that_is_not_there(self, own_set: Path) -> None:
        (own_set / UNET).unlink()
        registry = registry_of(own_set)
        assert not registry.state("small").installed
        with (
            pytest.raises(ModelNotInstalled, match=f"lacks {UNET}.*fashquick models pull small"),
            registry.use("small"),
        ):
            pass

    def test_a_file_that_was_changed(self, own_set: Path) -> None:
        content = bytearray((own_set / UNET).read_bytes())
        content[-1] ^= 1
        (own_set / UNET).write_bytes(content)
        registry = registry_of(own_set)
        with pytest.raises(ModelNotInstalled, match="damaged or another file"), registry.use("small"):
            pass
        with pytest.raises(ModelNotInstalled, match="damaged or another file"):
            registry.verify("small", CancelFlag())
        assert not registry.state("small").loaded

    def test_another_architecture_in_the_folder(self, own_set: Path) -> None:
        text = (own_set / "profiles.json").read_text(encoding="utf-8")
        (own_set / "profiles.json").write_text(text.replace('"architecture": "small"', '"architecture": "sd15"'))
        registry = registry_of(own_set, free=lambda: 99 * GB)
        with (
            pytest.raises(ModelNotInstalled, match=r"conv_in\.weight of shape .* not of sd15 unet"),
            registry.use("small"),
        ):
            pass
        assert not registry.state("small").loaded

    def test_a_damaged_tokenizer_leaves_nothing_loaded(self, own_set: Path) -> None:
        profile = registry_of(own_set).profile("small")
        both_json = [file for file in profile.files if file.role == Role.TOKENIZER and file.name.endswith("json")]
        others = [file for file in profile.files if file.role != Role.TOKENIZER]
        odd = replace(profile, files=(*others, *both_json, *both_json))
        registry = DiffusionRegistry(
            ModelStore(own_set), {"small": odd}, default="small", device=CPU, dtype=torch.float32, free=lambda: 8 * GB
        )
        with pytest.raises(ModelNotInstalled, match=r"has \.json as its tokenizer"), registry.use("small"):
            pass
        assert not registry.state("small").loaded


def plan_of(offload: Offload = Offload.NONE, weights: Weights = Weights.PLAIN, *, tiled: bool = False) -> Plan:
    return Plan("a", offload, weights, tiled_vae=tiled, peak_bytes=0)


class TestPlacing:
    def test_fp8_halves_weights_and_changes_little(self, small_set: Path) -> None:
        need = TestMemory().need(small_set, "small")
        fp8 = [plan for plan in plans(need) if plan.weights is Weights.FP8]
        free = fp8[0].peak_bytes
        assert choose(need, free).weights is Weights.FP8
        with (
            registry_of(small_set, free=lambda: free).use("small") as thrifty,
            registry_of(small_set).use("small") as plain,
        ):
            held = sum(tensor.nbytes for tensor in thrifty.unet.parameters())
            assert held < 0.35 * 4 * weight_elements("small", Role.UNET)
            latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
            text = torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(1))
            rough, exact = (each.unet(latents, 500, text).sample for each in (thrifty, plain))
            assert rough.dtype == torch.float32
            assert not torch.equal(rough, exact)
            assert (rough - exact).abs().mean() < 0.1 * exact.abs().mean()

    def test_tiles_are_for_the_vae_alone(self) -> None:
        networks = small_networks()
        vae, unet = type(networks.vae)(**networks.vae.config), networks.unet
        before = unet.state_dict().keys()
        for network, role in ((vae, Role.VAE), (unet, Role.UNET)):
            place(network, role, plan_of(tiled=True), Turns(CPU), dtype=torch.float32, controls_together=1)
        assert vae.use_tiling
        assert vae.use_slicing
        assert unet.state_dict().keys() == before

    def test_on_a_processor_offloading_does_nothing(self) -> None:
        network = nn.Linear(2, 2)
        for offload in Offload:
            place(network, Role.UNET, plan_of(offload), Turns(CPU), dtype=torch.float32, controls_together=1)
        assert "_hf_hook" not in vars(network)


class TestTurns:
    """On torch's meta device, which takes weights as a GPU does, and computes shapes alone."""

    @pytest.fixture
    def here(self) -> Callable[..., set[str]]:
        def names(**networks: nn.Module) -> set[str]:
            return {name for name, network in networks.items() if next(network.parameters()).is_meta}

        return names

    def network(self, turns: Turns, role: Role, together: int = 1) -> nn.Linear:
        network = nn.Linear(2, 2).requires_grad_(False)
        place(network, role, plan_of(Offload.MODEL), turns, dtype=torch.float32, controls_together=together)
        return network

    def test_networks_come_when_they_compute(self, here: Callable[..., set[str]]) -> None:
        turns = Turns(torch.device("meta"))
        roles = {
            "text": Role.TEXT_ENCODER,
            "unet": Role.UNET,
            "inpaint": Role.INPAINT_UNET,
            "pose": Role.CONTROL_POSE,
            "vae": Role.VAE,
        }
        networks = {name: self.network(turns, role) for name, role in roles.items()}
        values = torch.empty(1, 2, device="meta")
        kept = networks["text"].weight
        assert here(**networks) == set()
        for name, expected in [
            ("text", {"text"}),
            ("vae", {"vae"}),
            ("pose", {"vae", "pose"}),
            ("unet", {"vae", "pose", "unet"}),
            ("vae", {"vae", "unet"}),
            ("pose", {"vae", "unet", "pose"}),
            ("inpaint", {"vae", "pose", "inpaint"}),
            ("text", {"vae", "inpaint", "text"}),
            ("inpaint", {"vae", "inpaint"}),
        ]:
            networks[name](values)
            assert here(**networks) == expected
        assert networks["text"].weight is kept  # Nothing was copied back.

    @pytest.mark.parametrize(("together", "left"), [(1, {"depth", "unet"}), (2, {"pose", "depth", "unet"})])
    def test_as_many_controlnets_stay_as_look_together(
        self, together: int, left: set[str], here: Callable[..., set[str]]
    ) -> None:
        turns = Turns(torch.device("meta"))
        pose, depth = (self.network(turns, role, together) for role in (Role.CONTROL_POSE, Role.CONTROL_DEPTH))
        unet = self.network(turns, Role.UNET)
        values = torch.empty(1, 2, device="meta")
        for network in (pose, unet, depth, unet):
            network(values)
        assert here(pose=pose, depth=depth, unet=unet) == left

    def test_the_vae_comes_to_encode_and_decode(self, here: Callable[..., set[str]]) -> None:
        turns = Turns(torch.device("meta"))
        vae = random_network("small", Role.VAE)
        place(vae, Role.VAE, plan_of(Offload.MODEL), turns, dtype=torch.float32, controls_together=1)
        control = self.network(turns, Role.CONTROL_POSE)
        for compute in (
            lambda: vae.encode(torch.empty(1, 3, 32, 32, device="meta")),
            lambda: vae.decode(torch.empty(1, 4, 4, 4, device="meta")),
        ):
            control(torch.empty(1, 2, device="meta"))
            assert "control" in here(vae=vae, control=control)
            compute()
            assert here(vae=vae, control=control) == {"vae"}

    def test_gradients_pass_what_came_under_inference_mode(self) -> None:
        unet = self.network(Turns(torch.device("meta")), Role.UNET)
        with torch.inference_mode():
            unet(torch.empty(1, 2, device="meta"))
        latents = torch.empty(1, 2, device="meta", requires_grad=True)
        assert torch.autograd.grad(unet(latents).sum(), latents)[0].shape == latents.shape
