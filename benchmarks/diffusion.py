"""The diffusion backend on random weights of full size: time and memory of profiles, plans and batches.

Random weights compute as long as real ones do; the pictures mean nothing. They are written as a model store, with the
published files' names and types, and read as real ones are. Each profile and plan runs in a process of its own, because
the peak of a process never falls again. A plan is chosen by being told that no more memory is free than it needs.

On two CPU cores a step takes minutes: there one profile is measured with few steps. Nothing is extrapolated.

Run: python -m benchmarks.diffusion [PROFILE ...] [--device cuda] [--plans NAME,NAME] [--steps N] [--batches 1,2,4,8]
                                    [--size 768x1152] [--rounds N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import save_file

from fashquick_common.models import SUMS_FILE, ModelStore
from fashquick_common.models.profiles import Profile, Role, profiles
from fashquick_generation.diffusion import regions
from fashquick_generation.diffusion.denoising.embeddings import PromptEncoder
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import Row
from fashquick_generation.diffusion.generator import DiffusionGenerator
from fashquick_generation.diffusion.hints import hints_for
from fashquick_generation.diffusion.stages.conditions import (
    Conditions,
    conditions_of,
    resized,
    studio_job,
    working_size,
)
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES, random_network
from fashquick_generation.diffusion.weights.loading import footprint, installed
from fashquick_generation.diffusion.weights.memory import peaks
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.weights.plan import plans
from fashquick_generation.diffusion.weights.registry import DiffusionRegistry
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from fashquick_generation.engine import GenerationJob, UInt8Array, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.sample import sample_garment
from fashquick_generation.wishes import DiffusionWishes, RegionKind
from scripts.small_diffusion import small_lora, small_vocabulary

MIB = 1024 * 1024
PROMPT = "photograph of a woman wearing a plain red t-shirt, studio light"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one profile takes under one plan; seconds are medians.

    Attributes:
        profile: Its name.
        plan: Its name.
        device: Where the networks compute.
        steps: Of a whole run from noise.
        load_s: From the store to networks that compute, weights verified.
        picture_s: One picture, by step of the work.
        step_s: One denoising step of a first pass alone, with guidance and its ControlNets, by rows made together.
        crop_s: One step of the face's region as it is made, a crop at the networks' own size.
        frame_s: The same as it would be by a mask over the whole picture.
        device_mib: Most memory that torch took on the GPU; 0 on a CPU.
        resident_mib: Most memory of the process.
        planned_mib: What the plan foretold for the device.
    """

    profile: str
    plan: str
    device: str
    steps: int
    load_s: float
    picture_s: dict[str, float]
    step_s: dict[int, float]
    crop_s: float
    frame_s: float
    device_mib: float
    resident_mib: float
    planned_mib: float


def write_store(folder: Path, chosen: list[Profile]) -> None:
    """Write random weights under the names of some profiles' files."""
    tokens, merges = small_vocabulary()
    texts = {
        "vocab.json": json.dumps(tokens, ensure_ascii=False),
        "merges.txt": "\n".join(["#version: 0.2", *(f"{a} {b}" for a, b in merges), ""]),
        "scheduler_config.json": make_scheduler("ddim").to_json_string(),
    }
    written: dict[str, str] = {}
    for file in (file for profile in chosen for file in profile.needed):
        path = folder / file.name
        if file.name in written:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.role in NETWORK_ROLES:
            network = random_network("sd15", file.role).half().state_dict()
            save_file({name: tensor.contiguous() for name, tensor in network.items()}, path)
        elif file.role is Role.LORA:
            save_file(small_lora(random_network("sd15", Role.UNET).state_dict()), path)
        else:
            path.write_text(texts[path.name], encoding="utf-8")
        with path.open("rb") as content:
            written[file.name] = hashlib.file_digest(content, "sha256").hexdigest()
    (folder / SUMS_FILE).write_text("".join(f"{digest}  {name}\n" for name, digest in written.items()))


def as_stored(profile: Profile, store: ModelStore) -> Profile:
    """Return a profile with the sizes and digests of the files that a store has in the place of the published ones."""
    listed = {file.name: file for file in store.files()}
    files = [
        replace(file, size_bytes=listed[file.name].size_bytes, sha256=listed[file.name].sha256)
        for file in profile.needed
    ]
    return replace(profile, files=tuple(files))


def registry_of(store: ModelStore, profile: Profile, device: str, free: int | None = None) -> DiffusionRegistry:
    """Return a registry that lends one profile; `free` is the memory that it is told of."""
    return DiffusionRegistry(
        store,
        {profile.name: profile},
        default=profile.name,
        device=torch.device(device),
        dtype=torch.float16 if device == "cuda" else torch.float32,
        free=None if free is None else lambda: free,
    )


def plan_bytes(store: ModelStore, profile: Profile, device: str) -> dict[str, int]:
    """Return what each plan needs, by its name."""
    found = installed(profile, {file.name: file for file in store.files()})
    dtype = torch.float16 if device == "cuda" else torch.float32
    return {plan.name: plan.peak_bytes for plan in plans(footprint(found, dtype, on_gpu=device == "cuda"))}


def measure(arguments: argparse.Namespace, store: ModelStore, profile: Profile, plan: str) -> Measured:
    """Measure a profile under a plan, in this process."""
    device = arguments.device
    registry = registry_of(store, profile, device, plan_bytes(store, profile, device)[plan])
    started = time.perf_counter()
    with registry.use(profile.name) as networks:
        load_s = time.perf_counter() - started
        studio = StudioGenerator()
        generator = DiffusionGenerator(registry, studio)
        wishes = DiffusionWishes(steps=arguments.steps, previews=False)
        job = GenerationJob((sample_garment(),), width=arguments.size[0], height=arguments.size[1], diffusion=wishes)
        generated(studio, replace(job, width=256, height=256))  # Compiles or loads its kernels.
        print(f"{profile.name}, {plan}: loaded in {load_s:.1f} s", file=sys.stderr)
        rounds = [generated(generator, job).seconds for _ in range(arguments.rounds)]
        print(f"  pictures {[dict(one) for one in rounds]}", file=sys.stderr)
        [shot] = generated(studio, studio_job(job)).pictures
        steps = profile.steps if arguments.steps is None else arguments.steps
        first, crop, frame = example_rows(conditions_of(shot), networks, steps)
        step_s = {count: step_seconds(networks, first, count) for count in arguments.batches}
        print(f"  steps {step_s}", file=sys.stderr)
        crop_s, frame_s = step_seconds(networks, crop), step_seconds(networks, frame)
        found = peaks(networks.device)
        return Measured(
            profile=profile.name,
            plan=networks.plan.name,
            device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
            steps=steps,
            load_s=load_s,
            picture_s={step: statistics.median(one[step] for one in rounds) for step in rounds[0]},
            step_s=step_s,
            crop_s=crop_s,
            frame_s=frame_s,
            device_mib=found.get("peak_device_bytes", 0.0) / MIB,
            resident_mib=found["peak_resident_bytes"] / MIB,
            planned_mib=networks.plan.peak_bytes / MIB,
        )


def example_rows(conditions: Conditions, networks: Networks, steps: int) -> tuple[Row, Row, Row]:
    """Return a first pass, the face's region as a crop, and the same as a mask over the whole picture."""
    profile = networks.profile
    prompt = PromptEncoder().encode(PROMPT, "", networks).embedding
    small = resized(conditions, *working_size(*conditions.size, profile.working_pixels))
    [face] = (
        region
        for region in regions.regions_of(conditions, (RegionKind.FACE,), profile.working_pixels)
        if isinstance(region, regions.Region)
    )

    def row(image: UInt8Array, mask: UInt8Array | None, pose: UInt8Array, depth: UInt8Array) -> Row:
        hints = hints_for(pose, depth, profile, profile.control, steps)
        return Row(image, mask, prompt, hints, seed=1, steps=steps, strength=1.0, guidance=profile.guidance)

    cut = [regions.crop(image, face) for image in (conditions.base, face.mask, conditions.pose, conditions.depth)]
    return (
        row(small.base, None, small.pose, small.depth),
        row(*cut),
        row(conditions.base, face.mask, conditions.pose, conditions.depth),
    )


def step_seconds(networks: Networks, row: Row, count: int = 1) -> float:
    """Return the median seconds of a step of so many like rows, from the times between steps."""
    ticks: list[float] = []
    timed = replace(row, on_step=lambda *_: ticks.append(time.perf_counter()))
    denoise(networks, [timed, *[replace(row, seed=seed) for seed in range(2, count + 1)]])
    return statistics.median(after - before for before, after in pairwise(ticks))


def pair(text: str) -> tuple[int, int]:
    """Read a size such as 768x1152."""
    width, height = map(int, text.split("x"))
    return width, height


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profiles", nargs="*", default=["sd15-4gb"], metavar="PROFILE")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plans", type=lambda text: text.split(","), help="only these")
    parser.add_argument("--steps", type=int, help="of a whole run, at least 2; else 4 on a CPU, the profile's on a GPU")
    parser.add_argument("--size", type=pair, default=(768, 1152))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=lambda text: [int(rows) for rows in text.split(",")], default=[1])
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)  # Of a child: where the parent wrote the weights.
    arguments = parser.parse_args()
    if arguments.steps is None and arguments.device == "cpu":
        arguments.steps = 4
    return arguments


def print_table(found: list[Measured]) -> None:
    """Print what was measured, a line each."""
    for one in found:
        picture = sum(one.picture_s.values())
        parts = ", ".join(f"{step} {seconds:.2f}" for step, seconds in one.picture_s.items())
        print(f"{one.profile}, {one.plan}, {one.device}, {one.steps} steps")
        print(f"  load     {one.load_s:8.1f} s")
        print(f"  picture  {picture:8.2f} s ({parts})")
        for rows, seconds in one.step_s.items():
            gain = rows * one.step_s[min(one.step_s)] / (min(one.step_s) * seconds)
            print(f"  {rows} together {seconds:6.3f} s a step, {1 / seconds:.2f} it/s, {gain:.2f} times the pictures")
        print(f"  face     {one.crop_s:8.3f} s a step as a crop, {one.frame_s:.3f} s over the whole picture")
        print(
            f"  memory   {one.resident_mib:8.0f} MiB, GPU {one.device_mib:.0f} MiB, planned {one.planned_mib:.0f} MiB"
        )


def main() -> None:
    """Write the weights, and measure each profile and plan in a process of its own."""
    arguments = read_arguments()
    known = profiles()
    chosen = [known[name] for name in arguments.profiles]
    if arguments.store is not None:
        store = ModelStore(arguments.store)
        print(json.dumps(asdict(measure(arguments, store, as_stored(chosen[0], store), arguments.plans[0]))))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder), chosen)
        store = ModelStore(Path(folder))
        for profile in chosen:
            for plan in plan_bytes(store, as_stored(profile, store), arguments.device):
                if arguments.plans is None or plan in arguments.plans:
                    command = [sys.executable, "-m", "benchmarks.diffusion", profile.name, "--store", folder]
                    command += ["--plans", plan, "--device", arguments.device, "--rounds", str(arguments.rounds)]
                    command += ["--size", "x".join(map(str, arguments.size))]
                    command += ["--batches", ",".join(map(str, arguments.batches))]
                    command += [] if arguments.steps is None else ["--steps", str(arguments.steps)]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    values = json.loads(done.stdout.splitlines()[-1])
                    values["step_s"] = {int(rows): seconds for rows, seconds in values["step_s"].items()}
                    found.append(Measured(**values))
                    print_table(found[-1:])


if __name__ == "__main__":
    main()
