"""Seconds a stage and peak memory of the studio, on its drawn T-shirt, beside its goals.

    python benchmarks/studio.py [--repeats 3] [--size 768x1152] [--framing full]

The first picture, which compiles or loads the kernels, is counted apart. Another view or pose is what it adds to a job:
the seconds from the picture before it to its own. The longest step is between two looks at the cancel flag, in seconds
of the processor in one thread, so that waiting for others does not count; with all maps and the turntable. The service
counts as ready when its health check says so.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import Event, Framing, GenerationJob, MapKind, Picture, View, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.sample import sample_garment

LARGEST = (2048, 3072)


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
    totals, stages, digests = [], [], set()
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        result = generated(studio, job)
        totals.append(time.perf_counter() - started)
        stages.append(result.seconds)
        digests.add(sha256(result.pictures[0].rgb.tobytes()).hexdigest())
    for stage in stages[0]:
        print(f"{stage:10} {statistics.median(seconds[stage] for seconds in stages):7.2f} s")
    print(
        f"{'picture':10} {statistics.median(totals):7.2f} s   (median of {arguments.repeats}, {width}x{height}; goal 4)"
    )
    print(f"{'memory':10} {peak_mb():7.0f} MB at the peak, {imported_mb:.0f} MB after the imports (goal 1000)")
    for what, view in (("view", View(yaw_degrees=30.0)), ("pose", View(pose="contrapposto"))):
        more = [_added(studio, replace(job, views=(*job.views, view))) for _ in range(arguments.repeats)]
        print(f"another {what} {statistics.median(more):5.2f} s   (goal 1.5)")
    for side in ((width, height), LARGEST):
        print(
            f"step       {_longest_step(studio, replace(job, width=side[0], height=side[1])):5.3f} s   "
            f"at most, {side[0]}x{side[1]} (goal 0.1)"
        )
    print(f"bytes      {'the same' if len(digests) == 1 else 'NOT the same'} in {arguments.repeats} runs")
    print(f"{'ready':10} {_ready():7.2f} s   after the service's start (goal 8)")
    return 0


class _Looks(CancelFlag):
    """Notes the longest time between two looks, which may come from several threads."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0
        self._own = threading.local()

    def check(self) -> None:
        """Look."""
        now = time.thread_time()
        self.longest_s = max(self.longest_s, now - getattr(self._own, "last", now))
        super().check()
        self._own.last = time.thread_time()


def _longest_step(studio: StudioGenerator, job: GenerationJob) -> float:
    """Seconds of the processor between two looks at the flag, with everything that can be asked for."""
    looks = _Looks()
    studio.generate(replace(job, maps=frozenset(MapKind), key_points=True, turntable=True), lambda _: None, looks)
    looks.check()
    return looks.longest_s


def _added(studio: StudioGenerator, job: GenerationJob) -> float:
    """Seconds from the first picture of a job to its last."""
    heard: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, Picture):
            heard.append(time.perf_counter())

    studio.generate(job, hear, CancelFlag())
    return heard[-1] - heard[0]


def _ready() -> float:
    """Seconds from the start of a generation service until its readiness probe answers 200."""
    ports = [_free_port(), _free_port()]
    settings = {"FASHQUICK_PORT": str(ports[0]), "FASHQUICK_ADMIN_PORT": str(ports[1])}
    started = time.perf_counter()
    service = subprocess.Popen(
        [sys.executable, "-m", "fashquick_generation"], env=os.environ | settings, stderr=subprocess.DEVNULL
    )
    try:
        while service.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/readyz", timeout=1):
                return time.perf_counter() - started
            time.sleep(0.05)
    finally:
        service.terminate()
        service.wait()
    raise RuntimeError("the generation service ended before it was ready; start it by hand to see why")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
