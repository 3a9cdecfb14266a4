"""Models that are loaded: when a call first asks for one, kept until the room is needed, never taken from a call."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import ModelInUse

T = TypeVar("T")

_STEP_S = 0.05  # Between two looks at the flag while another call loads.


@dataclass(slots=True)
class _Held(Generic[T]):
    value: T
    users: int


class Shelf(Generic[T]):
    """Loaded models by name. Thread-safe."""

    def __init__(self) -> None:
        """Make it empty."""
        self._held: OrderedDict[str, _Held[T]] = OrderedDict()
        self._loading: str | None = None
        self._changed = threading.Condition()

    @contextmanager
    def lend(self, name: str, load: Callable[[], T], cancel: CancelFlag) -> Iterator[T]:
        """Lend a model for one call; the first call loads it, others that want it meanwhile wait.

        Args:
            name: Of the model.
            load: Loads it. One loads at a time, so it may count what is held and drop what is idle.
            cancel: Checked while another call loads.

        Raises:
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        held = self._take(name, load, cancel)
        try:
            yield held.value
        finally:
            with self._changed:
                held.users -= 1

    def drop(self, name: str) -> None:
        """Drop a model; one that is not loaded stays so.

        Args:
            name: Of the model.

        Raises:
            ModelInUse: Calls use it, or it is being loaded.
        """
        with self._changed:
            held = self._held.get(name)
            if name == self._loading:
                raise ModelInUse(f"{name} is just being loaded; wait until it is, then unload it")
            if held is not None and held.users:
                raise ModelInUse(f"calls compute with {name}, {held.users} of them; unload it when they have ended")
            self._held.pop(name, None)

    def drop_idle(self, name: str) -> bool:
        """Drop a model if no call uses it, and say whether it is gone."""
        with self._changed:
            held = self._held.get(name)
            if held is not None and held.users:
                return False
            self._held.pop(name, None)
            return True

    def held(self) -> Mapping[str, T]:
        """Return what is loaded, that which was lent longest ago first."""
        with self._changed:
            return {name: held.value for name, held in self._held.items()}

    def users(self) -> Mapping[str, int]:
        """Return how many calls use each model that is loaded, in the order of `held`."""
        with self._changed:
            return {name: held.users for name, held in self._held.items()}

    def _take(self, name: str, load: Callable[[], T], cancel: CancelFlag) -> _Held[T]:
        with self._changed:
            while name not in self._held:
                if self._loading is None:
                    self._loading = name
                    break
                if not self._changed.wait(_STEP_S):
                    cancel.check()
            else:
                held = self._held[name]
                held.users += 1
                self._held.move_to_end(name)
                return held
        loaded: _Held[T] | None = None
        try:
            loaded = _Held(load(), users=1)
        finally:
            with self._changed:
                self._loading = None
                if loaded is not None:
                    self._held[name] = loaded
                self._changed.notify_all()
        return loaded
