"""Run every benchmark, each in a process of its own: `make bench`, or `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

NAMES = (
    "image_edge",
    "segmentation",
    "segmentation_sam2",
    "features",
    "features_palette",
    "features_pattern",
    "features_texture",
    "features_landmarks",
    "features_prints",
    "features_retrieval",
    "features_fidelity",
    "studio",
    "diffusion_memory",
    "diffusion",
    "footprint",
    "stack",
    "replicas",
)
FOLDER = Path(__file__).parent


def processor() -> str:
    """Name the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    cpus = len(os.sched_getaffinity(0))
    print(f"{processor()}, {cpus} CPUs, Python {platform.python_version()}, fashquick {version('fashquick-client')}")
    failed = []
    for name in names:
        print(f"\n== {name} ==", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
