"""How much memory the process has used at most."""

from __future__ import annotations

import re
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peaks(device: torch.device) -> dict[str, float]:
    """Return the most bytes since the process began: `peak_resident_bytes`, and `peak_device_bytes` on a GPU.

    Args:
        device: Where networks compute.
    """
    found: dict[str, float] = {}
    # Not getrusage, whose peak is inherited from the process that started this one.
    if _STATUS.exists() and (match := _PEAK.search(_STATUS.read_text())):
        found["peak_resident_bytes"] = float(match[1]) * 1024
    if device.type == "cuda":
        found["peak_device_bytes"] = float(torch.cuda.max_memory_allocated(device))
    return found
