"""Start of a server as a child process: `python -m fashquick_client.child PARENT_PID MODULE`.

The kernel ends the server when the process that started it dies, however it dies (Linux only; elsewhere a
parent that is killed leaves its servers behind).
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with(parent: int) -> None:
    """End this process at the death of the thread that started it.

    Args:
        parent: Process id of who started it; if it has died already, this process ends at once.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the process that started this server has ended")


def main() -> None:
    """Tie this process to its parent, then become the server."""
    parent, module = sys.argv[1:]
    die_with(int(parent))
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
