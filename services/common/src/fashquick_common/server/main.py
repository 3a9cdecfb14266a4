"""The `__main__` of every server: threads, settings, log lines, then the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service
    from fashquick_common.server.settings import ServerSettings

S = TypeVar("S", bound="ServerSettings")

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def available_cpus() -> int:
    """Return how many CPUs this process may use: its affinity, cut by the cgroup's quota. At least 1."""
    cpus = len(os.sched_getaffinity(0))
    try:
        quota, period = _CGROUP_QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cpus
    if quota == "max":
        return cpus
    return max(1, min(cpus, int(quota) // int(period)))


def limit_threads() -> None:
    """Let numeric libraries use no more threads than there are CPUs. Call it before they are imported."""
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, str(available_cpus()))
    # Several libraries have threads of OpenMP. Those of one that wait by turning in circles take the CPUs from the
    # other's: small networks after the studio took 30 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def run(service: str, read_settings: Callable[[], S], make_service: Callable[[S], Callable[[Kit], Service]]) -> None:
    """Run a server until it is told to stop.

    Args:
        service: Short name, such as "segmentation".
        read_settings: Reads the settings from the environment.
        make_service: Makes the service from its settings and, inside the event loop, its kit. May import
            what is heavy.
    """
    limit_threads()
    try:
        settings = read_settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "FASHQUICK_" + "_".join(map(str, problem["loc"])).upper()
            print(f"{name}: {problem['msg']}, got {problem['input']!r}", file=sys.stderr)  # noqa: T201 - no log yet
        sys.exit(2)
    from fashquick_common.errors import FashquickError  # noqa: PLC0415 - after the threads are limited
    from fashquick_common.server.info import service_version  # noqa: PLC0415 - likewise
    from fashquick_common.server.runtime import serve  # noqa: PLC0415 - likewise
    from fashquick_common.server.telemetry import configure_logging  # noqa: PLC0415 - likewise
    from fashquick_common.server.tracing import tracing_to  # noqa: PLC0415 - likewise

    configure_logging(settings.log_format, settings.log_level, service)
    tracing = tracing_to(settings.trace_endpoint, service, service_version(service), settings.trace_ratio)
    try:
        asyncio.run(serve(settings, make_service(settings), tracing))
    except (OSError, FashquickError) as error:  # A port that is taken; weights that are missing or damaged.
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201 - the last word to whoever started it
        sys.exit(1)
