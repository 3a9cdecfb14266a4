"""Networks that are loaded: when they are first asked for, within a budget of memory, until others need the room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from fashquick_common.errors import BytesExhausted, ModelNotInstalled
from fashquick_common.models import ModelStore, StoredFile
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS, SIDE_PX, Checkpoint
from fashquick_segmentation.sam2.network import weight_bytes
from fashquick_segmentation.sam2.predictor import Predictor
from fashquick_segmentation.sam2.weights import load_network

RETRY_AFTER_S = 2.0  # a call that holds a network lasts about that long


@dataclass(frozen=True, slots=True)
class ModelState:
    """Where a checkpoint stands.

    Attributes:
        name: Such as "sam2.1-hiera-tiny".
        file: The file that it is or would be loaded from, relative to the store; None if none is installed.
        verified: Whether the file's SHA-256 was compared, and it has not changed since.
        loaded: Whether it is in memory.
        users: Calls that compute with it now.
        weight_bytes: Bytes of its weights; on a CPU they stay in the file, and the kernel may drop them.
    """

    name: str
    file: str | None
    verified: bool
    loaded: bool
    users: int
    weight_bytes: int

    @property
    def installed(self) -> bool:
        """Whether a file of it is in the store, as the list says."""
        return self.file is not None


@dataclass(slots=True)
class _Held:
    predictor: Predictor
    weight_bytes: int
    users: int


class ModelRegistry:
    """The networks of one device. Thread-safe; one that a call uses is never unloaded under it."""

    def __init__(
        self,
        store: ModelStore,
        budget_bytes: int,
        *,
        device: str = "cpu",
        bf16: bool = False,
        photos_per_pass: int = 1,
        checkpoints: Mapping[str, Checkpoint] = CHECKPOINTS,
    ) -> None:
        """Make it; nothing is read yet.

        Args:
            store: Where the weights are.
            budget_bytes: Most bytes of all loaded weights together.
            device: See `Predictor`, as for `bf16` and `photos_per_pass`.
            bf16: Likewise.
            photos_per_pass: Likewise.
            checkpoints: Those that may be asked for, by name.
        """
        self._store = store
        self._budget_bytes = budget_bytes
        self._device = device
        self._bf16 = bf16
        self._photos_per_pass = photos_per_pass
        self._checkpoints = dict(checkpoints)
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._coming: dict[str, int] = {}
        self._changed = threading.Condition()

    @contextmanager
    def use(self, name: str) -> Iterator[Predictor]:
        """Lend a network for one call; the first call loads it, others that want it meanwhile wait.

        Args:
            name: Of the checkpoint.

        Raises:
            ModelNotInstalled: There is none of that name, or its weights are missing or not the listed ones.
            BytesExhausted: It does not fit in the budget beside those in use.
        """
        held = self._take(self._checkpoint(name))
        try:
            yield held.predictor
        finally:
            with self._changed:
                held.users -= 1

    def warm_up(self, names: Iterable[str], side_px: int = SIDE_PX) -> None:
        """Load networks and run each once; raises what `use` raises."""
        for name in names:
            with self.use(name) as predictor:
                predictor.warm_up(side_px)

    def states(self) -> tuple[ModelState, ...]:
        """Say where each checkpoint stands; reads no weights. Without a store none is installed."""
        try:
            files = {file.name: file for file in self._store.files()}
        except ModelNotInstalled:
            files = {}
        with self._changed:
            held = {name: one.users for name, one in self._held.items()}
        return tuple(self._state(checkpoint, files, held) for checkpoint in self._checkpoints.values())

    def _state(self, checkpoint: Checkpoint, files: Mapping[str, StoredFile], held: Mapping[str, int]) -> ModelState:
        file = _listed(checkpoint, files)
        there = file is not None and file.size_bytes is not None
        return ModelState(
            name=checkpoint.name,
            file=file.name if file is not None and there else None,
            verified=file is not None and file.verified,
            loaded=checkpoint.name in held,
            users=held.get(checkpoint.name, 0),
            weight_bytes=weight_bytes(checkpoint.architecture),
        )

    def _checkpoint(self, name: str) -> Checkpoint:
        if name not in self._checkpoints:
            raise ModelNotInstalled(f"there is no checkpoint {name!r}; choose of {', '.join(self._checkpoints)}")
        return self._checkpoints[name]

    def _take(self, checkpoint: Checkpoint) -> _Held:
        name, size = checkpoint.name, weight_bytes(checkpoint.architecture)
        with self._changed:
            self._changed.wait_for(lambda: name not in self._coming)
            held = self._held.get(name)
            if held is not None:
                held.users += 1
                self._held.move_to_end(name)
                return held
            self._make_room(name, size)
            self._coming[name] = size
        try:
            held = _Held(self._load(checkpoint), size, users=1)
        finally:
            with self._changed:
                del self._coming[name]
                if held is not None:
                    self._held[name] = held
                self._changed.notify_all()
        return held

    def _make_room(self, name: str, size: int) -> None:
        """Unload what is idle, that used longest ago first, until a network fits.

        Raises:
            BytesExhausted: It does not.
        """
        room = self._budget_bytes - size - sum(self._coming.values()) - sum(o.weight_bytes for o in self._held.values())
        idle = [(other, held.weight_bytes) for other, held in self._held.items() if not held.users]
        if room + sum(freed for _, freed in idle) < 0:
            raise BytesExhausted(
                f"{name} takes {size / 1e6:.0f} MB, and the budget for networks is {self._budget_bytes / 1e6:.0f} MB "
                "with those in use; ask for a smaller checkpoint, or try again later",
                retry_after_s=RETRY_AFTER_S,
            )
        for other, freed in idle:
            if room >= 0:
                break
            del self._held[other]
            room += freed

    def _load(self, checkpoint: Checkpoint) -> Predictor:
        file = _listed(checkpoint, {file.name: file for file in self._store.files()})
        if file is None:
            raise ModelNotInstalled(
                f"{checkpoint.name} is not installed: the model store lists neither {checkpoint.converted} "
                f"nor {checkpoint.original}; put one of them there, or leave the backend unspecified"
            )
        network = load_network(self._store.verified(file.name), checkpoint.architecture, self._device)
        return Predictor(
            network,
            file.sha256,
            device=self._device,
            bf16=self._bf16,
            photos_per_pass=self._photos_per_pass,
        )


def _listed(checkpoint: Checkpoint, files: Mapping[str, StoredFile]) -> StoredFile | None:
    """Return the better of a checkpoint's files that are listed."""
    return files.get(checkpoint.converted) or files.get(checkpoint.original)
