"""Disk, memory and video memory of the whole stack with diffusion's default profile, against the hardware floor.

Measured: the libraries that are installed here, the peak of each server's process after a picture by diffusion on small
random weights, and that of SAM 2's smallest checkpoint on random weights. Added by arithmetic: the files that the
profile lists, its weights in main memory, and what the plan for a card of 4 GB needs. torch's own size is listed apart:
on PyPI it comes with CUDA's libraries, and a torch for CPUs has none.

Run: python -m benchmarks.footprint
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.stack import drawn_photo, peak_mib
from fashquick_client import Client, Diffusion
from fashquick_client.local import run_servers
from fashquick_client.services import Service
from fashquick_common.models.profiles import Profile, profiles
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES
from fashquick_generation.diffusion.weights.plan import Footprint, choose
from fashquick_generation.diffusion.weights.reading import layer_elements, weight_elements
from scripts.small_diffusion import PROFILES_FILE, write_small_set

MIB = 1024 * 1024
CARD_BYTES = 4_000_000_000
HALF = 2  # bytes of a number in float16
STACK = ("fashquick-client[local]", "fashquick-segmentation[sam2]", "fashquick-features[ocr]")
DIFFUSION = "fashquick-generation[diffusion]"
TORCH = ("torch", "triton", "nvidia", "cuda")


def needed(requirements: list[str]) -> set[str]:
    """Return the names of all distributions that some need to run, those of this project too."""
    found: set[str] = set()
    waiting = [(Requirement(text).name, frozenset(Requirement(text).extras)) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            requires = distribution(name).requires or ()
        except PackageNotFoundError:
            continue  # Of another platform.
        found.add(name.lower())
        for text in requires:
            requirement = Requirement(text)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in {"", *extras}):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def installed_bytes(name: str) -> int:
    """Return the bytes of a distribution's files."""
    here = distribution(name)
    paths = [Path(str(here.locate_file(file))) for file in here.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def disk(profile: Profile) -> Iterator[tuple[str, int]]:
    """Yield what lies on the disk, in bytes."""
    names = needed([*STACK, DIFFUSION])
    torch_names = {name for name in names if name.startswith(TORCH)}
    yield f"weights of {profile.name}", sum(file.size_bytes or 0 for file in profile.needed)
    yield "libraries and services", sum(map(installed_bytes, names - torch_names))
    yield "torch, apart", sum(map(installed_bytes, torch_names))


async def server_peaks() -> dict[str, int]:
    """Return the most main memory of each server, in bytes, diffusion's on small weights."""
    photo = await asyncio.to_thread(drawn_photo)
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(write_small_set, Path(folder))
        os.environ |= {
            "FASHQUICK_MODELS": folder,
            "FASHQUICK_DIFFUSION_PROFILES": str(Path(folder) / PROFILES_FILE),
            "FASHQUICK_DIFFUSION_PROFILE": "small",
        }
        async with run_servers(list(Service)) as servers:
            async with Client(servers.endpoints[Service.ORCHESTRATOR]) as client:
                await client.try_on_result(photo, backend="diffusion", diffusion=Diffusion(steps=2))
            return {service.value: int(await peak_mib(servers.endpoints[service]) * MIB) for service in Service}


def sam2_peak() -> int:
    """Return the most main memory of a process with SAM 2's smallest checkpoint, in bytes."""
    command = [sys.executable, "-m", "benchmarks.segmentation_sam2", "sam2.1-hiera-tiny", "--json"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return int(found["peak_mib"] * MIB)


def memory(profile: Profile) -> Iterator[tuple[str, int]]:
    """Yield what takes main memory, in bytes."""
    yield from (asyncio.run(server_peaks()) | {"segmentation": sam2_peak()}).items()
    roles = (role for role in NETWORK_ROLES if profile.of(role))
    yield f"weights of {profile.name}", HALF * sum(weight_elements(profile.architecture, role) for role in roles)


def video_memory(profile: Profile) -> tuple[str, int]:
    """Return the plan for a card of 4 GB, and what it needs in bytes."""
    need = Footprint(
        profile=profile.name,
        elements={
            role: weight_elements(profile.architecture, role)
            for role in NETWORK_ROLES
            if profile.of(role) and role not in profile.optional
        },
        layer_elements=layer_elements(profile.architecture),
        controls_together=profile.controls_together,
        working_pixels=profile.working_pixels,
        element_bytes=HALF,
        on_gpu=True,
    )
    plan = choose(need, CARD_BYTES)
    return plan.name, plan.peak_bytes


def table(what: str, goal_gb: float, lines: list[tuple[str, int]], apart: tuple[str, ...] = ()) -> None:
    """Print some lines and their sum against the goal; lines that stand apart are not in the sum."""
    total = sum(size for name, size in lines if name not in apart)
    print(f"{what}: {total / 1e9:.2f} GB (goal {goal_gb:g})")
    for name, size in lines:
        print(f"  {size / 1e9:6.2f} GB  {name}")


def main() -> None:
    """Print the sums."""
    profile = next(iter(profiles().values()))
    table("disk", 5, list(disk(profile)), apart=("torch, apart",))
    table("memory", 8, list(memory(profile)))
    plan, peak = video_memory(profile)
    table("video memory, estimated", 4, [(f"diffusion under plan {plan}", peak), ("SAM 2 on the CPU", 0)])


if __name__ == "__main__":
    main()
