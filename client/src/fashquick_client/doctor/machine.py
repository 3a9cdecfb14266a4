"""CPUs, memory and disk, as much of them as this process may use."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem

GB = 1_000_000_000
MIN_MEMORY_BYTES = 8 * GB  # Four servers, two large photos at a time, and what else a computer runs.
MIN_DISK_BYTES = 5 * GB  # The environment with all its libraries, and room for pictures.
FULL_DISK_BYTES = GB // 10  # Less, and caches, logs and pictures cannot be written.
_CGROUP = Path("sys/fs/cgroup")


def check() -> list[Finding]:
    """Look at this machine."""
    return [*cpus(Path("/")), *memory(Path("/")), *disks([Path(sys.prefix), *_model_store()])]


def cpus(root: Path) -> list[Finding]:
    """Judge the CPUs: the affinity of this process, cut by its cgroup's quota, as the servers count them.

    Args:
        root: Root of the file system.
    """
    installed = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else installed
    quota = _quota(root / _CGROUP / "cpu.max")
    if quota is not None and quota < 1:
        advice = "Give it at least one: a picture takes several seconds of a whole CPU."
        return [note(Topic.MACHINE, f"the cgroup allows {quota:.2g} of a CPU", advice)]
    if quota is not None:
        usable = max(1, min(usable, int(quota)))
    return [ok(Topic.MACHINE, f"{usable} of {installed} {'CPU' if installed == 1 else 'CPUs'} usable")]


def _quota(file: Path) -> float | None:
    """Return the CPUs that a cgroup allows, None for any number."""
    try:
        quota, period = file.read_text(encoding="ascii").split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # No cgroup v2, or "max".


def memory(root: Path) -> list[Finding]:
    """Judge the memory: what is built in, cut by the cgroup's limit.

    Args:
        root: Root of the file system.
    """
    total = _total_memory(root / "proc/meminfo")
    if total is None:
        advice = f"See that there are {MIN_MEMORY_BYTES // GB} GB."
        return [note(Topic.MACHINE, "the amount of memory cannot be read", advice)]
    limit = _limit(root / _CGROUP / "memory.max")
    usable = total if limit is None else min(total, limit)
    text = f"{usable / GB:.1f} GB of memory" + (f", limited by the cgroup from {total / GB:.1f}" * (usable < total))
    if usable < MIN_MEMORY_BYTES:
        advice = (
            f"All four servers want {MIN_MEMORY_BYTES // GB} GB: with less, large photos may end a server. "
            "Lower FASHQUICK_DECODE_BUDGET, or run the servers elsewhere."
        )
        return [note(Topic.MACHINE, text, advice)]
    return [ok(Topic.MACHINE, text)]


def _total_memory(file: Path) -> int | None:
    """Return the bytes of /proc/meminfo's MemTotal."""
    try:
        for line in file.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "MemTotal":
                return int(value.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _limit(file: Path) -> int | None:
    """Return the bytes that a cgroup allows, None for any number."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # No cgroup v2, or "max".


def _model_store() -> list[Path]:
    store = os.environ.get("FASHQUICK_MODELS")
    return [Path(store)] if store else []


def disks(folders: list[Path]) -> list[Finding]:
    """Judge the free space of the file systems that hold some folders; folders that are missing are left out.

    Args:
        folders: The folders, the more important first.
    """
    found, seen = [], set()
    for folder in folders:
        try:
            device, free = folder.stat().st_dev, shutil.disk_usage(folder).free
        except OSError:
            continue
        if device in seen:
            continue
        seen.add(device)
        text = f"{free / GB:.1f} GB of disk free at {folder}"
        if free < FULL_DISK_BYTES:
            found.append(problem(Topic.MACHINE, text, "The disk is full: delete what is not needed."))
        elif free < MIN_DISK_BYTES:
            advice = f"Make room: {MIN_DISK_BYTES // GB} GB are needed to install everything anew."
            found.append(note(Topic.MACHINE, text, advice))
        else:
            found.append(ok(Topic.MACHINE, text))
    return found
