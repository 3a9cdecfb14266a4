"""Peak memory of a process."""

from pathlib import Path


def peak_kib() -> int:
    """Peak resident memory of this process; ru_maxrss would start at the peak of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])
