"""How much memory a device has, how much of it is free for this process, and how much it has taken at most."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_CGROUP = Path("sys/fs/cgroup")
_ROOT = Path("/")


def free_bytes(device: torch.device, root: Path = _ROOT) -> int:
    """Return the bytes that may still be taken on a device.

    Args:
        device: Of torch's. On a GPU what torch holds, but no tensor needs, is free; on a CPU what the kernel can do
            without, within the cgroup's limit.
        root: Root of the file system.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    available = _entry(root / "proc/meminfo", "MemAvailable")
    free_now = _physical_bytes() if available is None else available * 1024
    limit = _number(root / _CGROUP / "memory.max")
    if limit is None:
        return free_now
    used = _number(root / _CGROUP / "memory.current") or 0
    # Pages of files count as used, and are given up when memory is short.
    pages = [_entry(root / _CGROUP / "memory.stat", name) or 0 for name in ("active_file", "inactive_file")]
    return max(0, min(free_now, limit - used + sum(pages)))


def total_bytes(device: torch.device, root: Path = _ROOT) -> int:
    """Return the bytes that a device has for this process, free or not; arguments as above."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    total = _entry(root / "proc/meminfo", "MemTotal")
    built_in = _physical_bytes() if total is None else total * 1024
    limit = _number(root / _CGROUP / "memory.max")
    return built_in if limit is None else min(built_in, limit)


def peaks(device: torch.device, root: Path = _ROOT) -> dict[str, float]:
    """Return the most bytes that this process has taken: `peak_resident_bytes`, on a GPU `peak_device_bytes` too.

    Args:
        device: Where networks compute.
        root: Root of the file system.
    """
    found: dict[str, float] = {}
    # Not getrusage, whose peak is inherited from the process that started this one.
    resident = _entry(root / "proc/self/status", "VmHWM")
    if resident is not None:
        found["peak_resident_bytes"] = 1024.0 * resident
    if device.type == "cuda":
        found["peak_device_bytes"] = float(torch.cuda.max_memory_allocated(device))
    return found


def _physical_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _entry(file: Path, name: str) -> int | None:
    """Return the number behind a name in one of the kernel's tables; None where there is none."""
    try:
        for line in file.read_text(encoding="ascii").splitlines():
            words = line.replace(":", " ").split()
            if words and words[0] == name:
                return int(words[1])
    except (OSError, ValueError, IndexError):
        pass
    return None


def _number(file: Path) -> int | None:
    """Return a limit of the cgroup's; None where there is none."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # No cgroup v2, or "max".
