"""NVIDIA GPUs, as the driver's own tool reports them. None is needed."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time

from fashquick_client.doctor.findings import Finding, Topic, note, ok

LIMIT_S = 4.0  # It answers within a second; without a running driver daemon it takes two or three.
MIN_GPU_BYTES = 4_000_000_000  # Below, no model that could run on it fits.
_MIB = 1024 * 1024
_MAX_OUTPUT_BYTES = 64 * 1024
_QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
_NO_MATTER = "Nothing in fashquick needs a GPU yet; to use it for other work, see to its driver."


def check() -> list[Finding]:
    """Look for GPUs."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return [ok(Topic.DEVICES, "no NVIDIA GPU (no nvidia-smi); everything works without one")]
    try:
        code, output = _run(tool)
    except TimeoutError:
        return [note(Topic.DEVICES, f"nvidia-smi gave no answer within {LIMIT_S:g} seconds", _NO_MATTER)]
    except OSError as error:
        return [note(Topic.DEVICES, f"nvidia-smi cannot be started: {error.strerror}", _NO_MATTER)]
    if code != 0:
        words = output.strip().splitlines() or ["without a word"]
        return [note(Topic.DEVICES, f"nvidia-smi failed with exit code {code}: {words[0]}", _NO_MATTER)]
    return gpus(output)


def gpus(output: str) -> list[Finding]:
    """Judge the GPUs in nvidia-smi's answer.

    Args:
        output: A line a GPU: name, memory, driver version.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    if not lines:
        return [ok(Topic.DEVICES, "no NVIDIA GPU found by nvidia-smi; everything works without one")]
    return [_gpu(line) for line in lines]


def _gpu(line: str) -> Finding:
    # From the right: a name may have commas.
    match [part.strip() for part in line.rsplit(",", 2)]:
        case [name, memory, driver]:
            number, _, unit = memory.partition(" ")
        case _:
            return note(Topic.DEVICES, f"nvidia-smi answered what nobody understands: {line}", _NO_MATTER)
    if not (number.isascii() and number.isdecimal() and unit == "MiB"):
        # A GPU that shares the computer's memory has none of its own to report.
        return ok(Topic.DEVICES, f"{name}, driver {driver}; this version computes on the CPU")
    text = f"{name}, {int(number) / 1024:.1f} GiB, driver {driver}"
    if int(number) * _MIB < MIN_GPU_BYTES:
        return note(Topic.DEVICES, text, "Too small for models: leave it to the desktop; everything works without.")
    return ok(Topic.DEVICES, f"{text}; this version computes on the CPU")


def _run(tool: str) -> tuple[int, str]:
    """Return the tool's exit code and the beginning of what it wrote.

    Raises:
        TimeoutError: It has not ended within `LIMIT_S`.
        OSError: It cannot be started.
    """
    deadline = time.monotonic() + LIMIT_S
    with subprocess.Popen(  # noqa: S603 - the driver's tool, with fixed arguments
        [tool, *_QUERY],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # So that what it starts ends with it.
    ) as process:
        try:
            output = b"" if process.stdout is None else _read(process.stdout.fileno(), deadline)
            return process.wait(max(0.0, deadline - time.monotonic())), output.decode("utf-8", errors="replace")
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _read(descriptor: int, deadline: float) -> bytes:
    """Read a pipe to its end; keep the first 64 KiB.

    Raises:
        TimeoutError: It has not ended by then.
    """
    output = b""
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if ready.poll(left * 1000):
            data = os.read(descriptor, _MAX_OUTPUT_BYTES)
            if not data:
                return output
            output = (output + data)[:_MAX_OUTPUT_BYTES]
    raise TimeoutError
