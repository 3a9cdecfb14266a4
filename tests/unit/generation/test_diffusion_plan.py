"""A plan is chosen before anything is loaded: the fastest that fits, and never one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fashquick_common.errors import BytesExhausted
from fashquick_common.models.profiles import profiles
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES
from fashquick_generation.diffusion.weights.memory import free_bytes, total_bytes
from fashquick_generation.diffusion.weights.plan import (
    ROWS_AT_MOST,
    Footprint,
    Offload,
    Plan,
    Weights,
    choose,
    denoising_bytes,
    plans,
    rows_that_fit,
    vae_bytes,
)
from fashquick_generation.diffusion.weights.reading import layer_elements, weight_elements

GB = 1_000_000_000
ELEMENTS = {role: weight_elements("sd15", role) for role in NETWORK_ROLES}
LAYER = layer_elements("sd15")


def rows_of(plan: Plan, need: Footprint) -> int:
    """Pictures of the working size that are denoised together."""
    return rows_that_fit(plan, need.element_bytes, need.working_pixels, 1)


def footprint(name: str = "sd15-4gb", *, on_gpu: bool = True, element_bytes: int = 2, pixels: int = 0) -> Footprint:
    profile = profiles()[name]
    roles = {file.role for file in profile.files} & set(NETWORK_ROLES)
    return Footprint(
        profile=name,
        elements={role: ELEMENTS[role] for role in roles},
        layer_elements=LAYER,
        controls_together=profile.controls_together,
        working_pixels=pixels or profile.working_pixels,
        element_bytes=element_bytes,
        on_gpu=on_gpu,
    )


FOOTPRINTS = st.builds(
    footprint,
    st.sampled_from(list(profiles())),
    on_gpu=st.booleans(),
    element_bytes=st.sampled_from([2, 4]),
    pixels=st.integers(64 * 64, 1536 * 1024),
)


def test_the_default_profile_fits_a_card_of_four_gigabytes() -> None:
    # Some 0.4 GB of such a card are CUDA's own.
    plan = choose(footprint(), int(3.6 * GB))
    assert (plan.offload, plan.weights) == (Offload.MODEL, Weights.PLAIN)
    assert plan.peak_bytes < 3.2 * GB


@pytest.mark.parametrize(
    ("free", "name"),
    [
        (80, "resident"),
        (4.9, "resident+tiled"),
        (3.4, "model-offload"),
        (2.2, "model-offload+fp8"),
        (1.2, "group-offload"),
    ],
)
def test_the_less_is_free_the_thriftier_is_the_plan(free: float, name: str) -> None:
    assert choose(footprint(), int(free * GB)).name == name


@pytest.mark.parametrize("on_gpu", [True, False])
def test_too_little_is_told_before_anything_starts(on_gpu: bool) -> None:
    need = footprint(on_gpu=on_gpu)
    with pytest.raises(BytesExhausted, match=r"sd15-4gb needs \d\.\d\d GB .* 0\.20 GB are free") as caught:
        choose(need, GB // 5)
    assert int(caught.value.metadata["needed_bytes"]) == min(plan.peak_bytes for plan in plans(need))


def test_shared_networks_need_no_room_of_their_own() -> None:
    need = footprint()
    assert choose(need, int(1.2 * GB), lambda plan: 4 * GB if plan.offload is Offload.NONE else 0).name == "resident"


@given(FOOTPRINTS)
def test_each_plan_needs_less_than_that_before(need: Footprint) -> None:
    peaks = [plan.peak_bytes for plan in plans(need)]
    assert peaks == sorted(peaks, reverse=True)


@given(FOOTPRINTS, st.integers(0, 20 * GB))
def test_what_is_chosen_fits(need: Footprint, free: int) -> None:
    try:
        plan = choose(need, free)
    except BytesExhausted:
        assert all(plan.peak_bytes > free for plan in plans(need))
        return
    assert plan.peak_bytes <= free
    fitting = rows_of(plan, need)
    sizes = [
        max(
            denoising_bytes(need.element_bytes, need.working_pixels, rows),
            0 if plan.tiled_vae else vae_bytes(plan, need.element_bytes, need.working_pixels, rows),
        )
        for rows in (fitting, fitting + 1)
    ]
    assert sizes[0] <= plan.room_bytes <= free
    assert fitting == ROWS_AT_MOST or sizes[1] > plan.room_bytes


@given(FOOTPRINTS, st.integers(1 * GB, 20 * GB), st.integers(0, GB))
def test_more_memory_never_makes_a_plan_worse(need: Footprint, free: int, more: int) -> None:
    order = [plan.name for plan in plans(need)]
    try:
        before = choose(need, free)
    except BytesExhausted:
        return
    after = choose(need, free + more)
    assert order.index(after.name) <= order.index(before.name)
    assert after.name != before.name or rows_of(after, need) >= rows_of(before, need)


@given(st.integers(8, 96), st.integers(8, 96))
def test_larger_pictures_are_fewer(width: int, height: int) -> None:
    plan = choose(footprint(), int(3.6 * GB))
    rows = rows_that_fit(plan, 2, 8 * width, 8 * height)
    assert 1 <= rows <= ROWS_AT_MOST
    assert rows >= rows_that_fit(plan, 2, 8 * width + 64, 8 * height)
    assert rows_that_fit(plan, 2, 512, 768) == 2


def test_on_a_processor_nothing_is_offloaded() -> None:
    assert {plan.offload for plan in plans(footprint(on_gpu=False))} == {Offload.NONE}


class TestFreeMemory:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/meminfo").write_text("MemTotal: 8000000 kB\nMemFree: 5 kB\nMemAvailable:  3000000 kB\n")
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
        return tmp_path

    def limit(self, root: Path, limit: str, used: int) -> None:
        folder = root / "sys/fs/cgroup"
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
        (folder / "memory.stat").write_text("anon 5\nfile 300\nactive_file 100\ninactive_file 200\n")

    def test_the_kernel_says(self, root: Path) -> None:
        assert free_bytes(torch.device("cpu"), root) == 3_000_000 * 1024
        assert total_bytes(torch.device("cpu"), root) == 8_000_000 * 1024

    def test_a_cgroup_allows_less(self, root: Path) -> None:
        self.limit(root, "1000000", 400_000)
        assert free_bytes(torch.device("cpu"), root) == 600_300
        assert total_bytes(torch.device("cpu"), root) == 1_000_000

    @pytest.mark.parametrize("limit", ["max", "9000000000000"])
    def test_or_not(self, root: Path, limit: str) -> None:
        self.limit(root, limit, 400_000)
        assert free_bytes(torch.device("cpu"), root) == 3_000_000 * 1024
        assert total_bytes(torch.device("cpu"), root) == 8_000_000 * 1024

    def test_without_either_it_is_what_is_built_in(self, tmp_path: Path) -> None:
        assert free_bytes(torch.device("cpu"), tmp_path) == total_bytes(torch.device("cpu"), tmp_path) > GB // 4
