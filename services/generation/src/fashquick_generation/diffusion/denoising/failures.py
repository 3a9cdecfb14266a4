"""What a device's failures mean: no room, or no device any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from fashquick_common.errors import BytesExhausted, InternalError
from fashquick_generation.diffusion.weights.plan import RETRY_AFTER_S

# torch has a type for what its CUDA allocator cannot give; the libraries below and the CPU's allocator say it in words.
_FULL = ("out of memory", "STATUS_ALLOC_FAILED", "can't allocate memory")
_LOST = ("CUDA error", "STATUS_EXECUTION_FAILED", "HIP error")


class DeviceFull(Exception):
    """The device has no room for a computation; it may for a smaller one."""


class DeviceLost(Exception):
    """The device computes no more, or nothing that could be trusted: CUDA says so at every later call."""


@contextmanager
def device_failures() -> Iterator[None]:
    """Tell a device's failures apart from bugs, which pass as they are.

    Raises:
        DeviceFull: There was no room.
        DeviceLost: The device is gone.
    """
    try:
        yield
    except RuntimeError as error:
        words = str(error)
        if isinstance(error, torch.OutOfMemoryError) or any(sign in words for sign in _FULL):
            raise DeviceFull(words) from error
        if isinstance(error, torch.AcceleratorError) or any(sign in words for sign in _LOST):
            raise DeviceLost(words) from error
        raise


@contextmanager
def told(device: torch.device) -> Iterator[None]:
    """Tell callers of a device's failures.

    Raises:
        BytesExhausted: There was no room.
        InternalError: The device is gone.
    """
    try:
        with device_failures():
            yield
    except DeviceFull as full:
        raise BytesExhausted(
            f"too little memory is free on {device}; try later, or ask for a smaller picture",
            retry_after_s=RETRY_AFTER_S,
        ) from full
    except DeviceLost as lost:
        raise lost_error(device, lost) from lost


def lost_error(device: torch.device, lost: DeviceLost) -> InternalError:
    """What callers are told of a device that is gone."""
    words = str(lost).partition("\n")[0]
    return InternalError(
        f"the device {device} was lost in the middle ({words[:200]}); the server must be restarted; look at the "
        "driver's log if it happens again"
    )


@dataclass(slots=True)
class Room:
    """How many rows are computed together, as far as the memory goes.

    Attributes:
        most: At least 1.
        halved: Whether it was made smaller.
    """

    most: int
    halved: bool = False

    def halve(self, rows: int) -> bool:
        """Answer a device that was full with so many rows.

        Returns:
            Whether fewer may be tried: once, and only if there is more than one.
        """
        torch.cuda.empty_cache()  # pieces left over from the larger batch; nothing where there is no CUDA
        if self.halved or rows == 1:
            return False
        self.most, self.halved = rows // 2, True
        return True
