"""Steps that do not need each other, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from numba import get_num_threads

Item = TypeVar("Item")
Made = TypeVar("Made")

MOST_THREADS = 8
"""More would each hold a band's buffers for little gain."""


def in_order(step: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[Made]:
    """What `step` makes of each item, in the items' order, whatever order they are worked on.

    Kernels let go of the interpreter, so threads gain what processes would. Numba's own threads do not suit a server:
    its default threading layer may not be entered from two threads at once.

    Args:
        step: Must not depend on the other items, so that the number of threads changes nothing.
        items: What to work on.

    Raises:
        Exception: What `step` raises first, in the items' order; steps not begun by then are left out.
    """
    threads = min(int(get_num_threads()), MOST_THREADS, len(items))
    if threads < 2:
        yield from map(step, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="photograph")
    try:
        yield from pool.map(step, items)
    finally:
        pool.shutdown(cancel_futures=True)
