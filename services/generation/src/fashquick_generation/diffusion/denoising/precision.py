"""Computing in float32 with weights of 16 bits, for what float16 cannot hold; the shared weights stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_HALVES = (torch.float16, torch.bfloat16)
# All through which the networks' weights meet what they compute; everything else takes the wider type by itself.
_WEIGHTED = frozenset({functional.linear, functional.conv2d, functional.group_norm, functional.layer_norm})


class _InFloat32(TorchFunctionMode):
    """Gives each layer a float32 copy of its weights for its turn; of this thread alone."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func not in _WEIGHTED:
            return func(*args, **named)
        return func(*(_widened(value) for value in args), **{name: _widened(value) for name, value in named.items()})


def computing_in(dtype: torch.dtype, held: torch.dtype) -> AbstractContextManager[object]:
    """What to compute under so that inputs of `dtype` go through networks whose weights are `held` in another type.

    Args:
        dtype: float32, or what is held.
        held: The networks' own type.
    """
    return nullcontext() if dtype == held else _InFloat32()


def name_of(dtype: torch.dtype) -> str:
    """Name of a type, such as "float16"."""
    return str(dtype).removeprefix("torch.")


def _widened(value: object) -> object:
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in _HALVES else value
