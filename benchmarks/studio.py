"""Seconds a stage and peak memory of the studio, on its drawn T-shirt.

    python benchmarks/studio.py [--repeats 3] [--size 768x1152] [--framing full]

The first picture, which compiles or loads the kernels, is counted apart.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time

from fashquick_generation.engine import Framing, GenerationJob, View, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.sample import sample_garment


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", default="768x1152")
    parser.add_argument("--framing", choices=[framing.value for framing in Framing], default=Framing.FULL.value)
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    imported_mb = peak_mb()
    studio = StudioGenerator()
    started = time.perf_counter()
    studio.warm_up()
    print(f"{'warm-up':10} {time.perf_counter() - started:7.2f} s")
    job = GenerationJob(
        (sample_garment(),), views=(View(framing=Framing(arguments.framing)),), width=width, height=height
    )
    totals, stages = [], []
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        result = generated(studio, job)
        totals.append(time.perf_counter() - started)
        stages.append(result.seconds)
    for stage in stages[0]:
        print(f"{stage:10} {statistics.median(seconds[stage] for seconds in stages):7.2f} s")
    print(f"{'picture':10} {statistics.median(totals):7.2f} s   (median of {arguments.repeats}, {width}x{height})")
    print(f"{'memory':10} {peak_mb():7.0f} MB at the peak, {imported_mb:.0f} MB of it after the imports")
    return 0


if __name__ == "__main__":
    sys.exit(main())
