"""SAM 2 on random weights of the true architectures: time, memory and file size of every checkpoint.

Random weights compute as long as real ones do; what they find means nothing. Each checkpoint runs in a process of its
own, because the peak of a process never falls again.

Run: python -m benchmarks.segmentation_sam2 [NAME ...] [--side PIXELS] [--device cuda] [--batch PHOTOS] [--bf16]
                                                [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS, SIDE_PX, Architecture
from fashquick_segmentation.sam2.network import empty_network
from fashquick_segmentation.sam2.predictor import PROMPTS_PER_PASS, Predictor
from fashquick_segmentation.sam2.question import Prompt
from fashquick_segmentation.sam2.weights import load_network

ROUNDS = 5
PHOTO_SIZE = 1536, 2048


@dataclass(frozen=True, slots=True)
class Row:
    """What one checkpoint takes; times in seconds, medians of `ROUNDS`, memory in MiB.

    Attributes:
        name: Of the checkpoint.
        side_px: Of the encoder's square.
        file_mib: The converted file.
        load_s: Until the weights can be used, without their bytes.
        encode_s: One photo of `PHOTO_SIZE`.
        photos_per_s: As many photos at once as `--batch` says.
        decode_s: One prompt.
        decode_many_s: `PROMPTS_PER_PASS` prompts.
        enlarge_s: One mask to the photo's size.
        embedding_mib: What one photo takes in the cache.
        loaded_mib: Memory of the process that is no file, after loading.
        peak_mib: The most memory of the process, weights included.
        vram_mib: The most memory of the GPU that torch took; 0 on a CPU.
    """

    name: str
    side_px: int
    file_mib: float
    load_s: float
    encode_s: float
    photos_per_s: float
    decode_s: float
    decode_many_s: float
    enlarge_s: float
    embedding_mib: float
    loaded_mib: float
    peak_mib: float
    vram_mib: float


def write_random(path: Path, architecture: Architecture) -> None:
    """Write weights that keep activations finite."""
    shapes = empty_network(architecture).state_dict()
    save_file({name: torch.randn(tensor.shape) * 0.02 for name, tensor in shapes.items()}, path)


def median_s(work: Callable[[], object], device: str) -> float:
    """Median time of some rounds, after one that does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def kib(file: str, field: str) -> int:
    """A number of this process from /proc/self."""
    lines = Path("/proc/self", file).read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def measure(name: str, path: Path, side_px: int, device: str, *, batch: int, bf16: bool) -> Row:
    """Measure one checkpoint in this process."""
    start = time.perf_counter()
    network = load_network(path, CHECKPOINTS[name].architecture, device)
    load_s = time.perf_counter() - start
    loaded = kib("smaps_rollup", "Anonymous:")
    predictor = Predictor(network, name, device=device, bf16=bf16, photos_per_pass=batch)
    flag = CancelFlag()
    photo = np.random.default_rng(0).integers(0, 256, (*PHOTO_SIZE, 3), dtype=np.uint8)
    prompts = [
        Prompt(np.array([[100.0 + 90 * index, 700.0]], np.float32), np.ones(1, np.int32))
        for index in range(PROMPTS_PER_PASS)
    ]
    encode_s = median_s(lambda: predictor.encode([photo], flag, side_px=side_px), device)
    batch_s = median_s(lambda: predictor.encode([photo] * batch, flag, side_px=side_px), device)
    [embedding] = predictor.encode([photo], flag, side_px=side_px)
    decode_s = median_s(lambda: predictor.decode(embedding, prompts[:1], flag), device)
    many_s = median_s(lambda: predictor.decode(embedding, prompts, flag), device)
    [answer] = predictor.decode(embedding, prompts[:1], flag)
    return Row(
        name=name,
        side_px=side_px,
        file_mib=path.stat().st_size / 2**20,
        load_s=load_s,
        encode_s=encode_s,
        photos_per_s=batch / batch_s,
        decode_s=decode_s,
        decode_many_s=many_s,
        enlarge_s=median_s(lambda: answer.full_size(0), "cpu"),
        embedding_mib=embedding.size_bytes / 2**20,
        loaded_mib=loaded / 1024,
        peak_mib=kib("status", "VmHWM:") / 1024,
        vram_mib=0.0 if device == "cpu" else torch.cuda.max_memory_allocated() / 2**20,
    )


def main() -> None:
    """Measure the checkpoints that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CHECKPOINTS, []], metavar="NAME")
    parser.add_argument("--side", type=int, default=SIDE_PX)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=1, help="photos in one pass; 8 on a GPU")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each checkpoint")
    parser.add_argument("--file", type=Path, help="measure one checkpoint's weights in this process")
    arguments = parser.parse_args()
    if arguments.file:
        row = measure(
            arguments.names[0],
            arguments.file,
            arguments.side,
            arguments.device,
            batch=arguments.batch,
            bf16=arguments.bf16,
        )
        print(json.dumps(asdict(row)))
        return
    for name in arguments.names or CHECKPOINTS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.safetensors"
            write_random(path, CHECKPOINTS[name].architecture)
            command = [sys.executable, "-m", "benchmarks.segmentation_sam2", name, "--file", str(path)]
            command += ["--side", str(arguments.side), "--device", arguments.device]
            command += ["--batch", str(arguments.batch)]
            command += ["--bf16"] if arguments.bf16 else []
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        if arguments.json:
            print(done.stdout.strip(), flush=True)
            continue
        for field, value in json.loads(done.stdout).items():
            print(f"{field:>14}  {value if isinstance(value, (str, int)) else format(value, '.3f')}")
        print(flush=True)


if __name__ == "__main__":
    main()
