"""Networks that are loaded: when they are first asked for, within a budget of memory, until others need the room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BytesExhausted, ModelNotInstalled, NotFound
from fashquick_common.models import ModelState, ModelStore, Shelf, StoredFile
from fashquick_segmentation.sam2.checkpoints import BACKEND, CHECKPOINTS, SIDE_PX, Checkpoint
from fashquick_segmentation.sam2.network import weight_bytes
from fashquick_segmentation.sam2.predictor import Predictor, give_memory_back
from fashquick_segmentation.sam2.weights import load_network

RETRY_AFTER_S = 2.0  # a call that holds a network lasts about that long


class ModelRegistry:
    """The networks of one device. Thread-safe; one that a call uses is never unloaded under it.

    Attributes:
        budget_bytes: Most bytes of all loaded weights together.
        default: Name of the checkpoint that is used when a call names none.
        device: Where the networks are.
    """

    def __init__(
        self,
        store: ModelStore,
        budget_bytes: int,
        *,
        default: str = "",
        device: str = "cpu",
        bf16: bool = False,
        photos_per_pass: int = 1,
        checkpoints: Mapping[str, Checkpoint] = CHECKPOINTS,
    ) -> None:
        """Make it; nothing is read yet.

        Args:
            store: Where the weights are.
            budget_bytes: Most bytes of all loaded weights together.
            default: Name of the checkpoint that is used when a call names none; it is listed first.
            device: See `Predictor`, as for `bf16` and `photos_per_pass`.
            bf16: Likewise.
            photos_per_pass: Likewise.
            checkpoints: Those that may be asked for, by name.
        """
        self._store = store
        self.budget_bytes = budget_bytes
        self.default = default
        self.device = device
        self._bf16 = bf16
        self._photos_per_pass = photos_per_pass
        self._checkpoints = dict(checkpoints)
        self._shelf: Shelf[Predictor] = Shelf()

    @property
    def names(self) -> tuple[str, ...]:
        """The checkpoints that may be asked for, the default one first."""
        return tuple(sorted(self._checkpoints, key=lambda name: name != self.default))

    @contextmanager
    def use(self, name: str, cancel: CancelFlag | None = None) -> Iterator[Predictor]:
        """Lend a network for one call; the first call loads it, others that want it meanwhile wait.

        Args:
            name: Of the checkpoint.
            cancel: Checked while it is loaded; None: loading is not stopped.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: Its weights are missing or not the listed ones.
            BytesExhausted: It does not fit in the budget beside those in use.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        checkpoint, flag = self._checkpoint(name), cancel or CancelFlag()
        with self._shelf.lend(name, lambda: self._load(checkpoint, flag), flag) as predictor:
            yield predictor

    def warm_up(self, names: Iterable[str], side_px: int = SIDE_PX) -> None:
        """Load networks and run each once; raises what `use` raises."""
        for name in names:
            with self.use(name) as predictor:
                predictor.warm_up(side_px)

    def load(self, name: str, cancel: CancelFlag) -> ModelState:
        """Load a network that no call has asked for yet; see `fashquick_common.models.ModelManager.load`."""
        with self.use(name, cancel):
            pass
        return self.state(name)

    def unload(self, name: str) -> ModelState:
        """Drop a network that no call uses; see `fashquick_common.models.ModelManager.unload`."""
        self._checkpoint(name)
        self._shelf.drop(name)
        give_memory_back(self.device)
        return self.state(name)

    def verify(self, name: str, cancel: CancelFlag) -> ModelState:
        """Read a checkpoint's file anew; see `fashquick_common.models.ModelManager.verify`."""
        self._store.verified(self._file(self._checkpoint(name)).name, cancel, anew=True)
        return self.state(name)

    def digest(self, name: str) -> str:
        """Return the SHA-256 that the store lists for a checkpoint's file, in hexadecimal; reads no weights.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: Its file is not listed, or missing.
        """
        file = self._file(self._checkpoint(name))
        if file.size_bytes is None:
            raise ModelNotInstalled(f"{name} is not installed: the model store lists {file.name}, but has no such file")
        return file.sha256

    def state(self, name: str) -> ModelState:
        """Say where a checkpoint stands; reads no weights. Without a store none is installed.

        Raises:
            NotFound: There is none of that name.
        """
        checkpoint = self._checkpoint(name)
        return next(state for state in self.states() if state.name == checkpoint.name)

    def states(self) -> tuple[ModelState, ...]:
        """Say where each checkpoint stands, the default one first; reads no weights. See `state`."""
        try:
            files = {file.name: file for file in self._store.files()}
        except ModelNotInstalled:
            files = {}
        users = self._shelf.users()
        return tuple(self._state(self._checkpoints[name], files, users) for name in self.names)

    def _state(self, checkpoint: Checkpoint, files: Mapping[str, StoredFile], users: Mapping[str, int]) -> ModelState:
        file = _listed(checkpoint, files)
        there = file is not None and file.size_bytes is not None
        return ModelState(
            name=checkpoint.name,
            backend=BACKEND,
            file=file.name if file is not None and there else None,
            sha256=file.sha256 if file is not None and there else None,
            verified=file is not None and file.verified,
            loaded=checkpoint.name in users,
            users=users.get(checkpoint.name, 0),
            weight_bytes=weight_bytes(checkpoint.architecture),
            is_default=checkpoint.name == self.default,
        )

    def _checkpoint(self, name: str) -> Checkpoint:
        if name not in self._checkpoints:
            raise NotFound(f"there is no checkpoint {name[:80]!r}; choose of {', '.join(self.names)}")
        return self._checkpoints[name]

    def _make_room(self, name: str, size: int) -> None:
        """Unload what is idle, that used longest ago first, until a network fits.

        Raises:
            BytesExhausted: It does not.
        """
        sizes = {other: weight_bytes(self._checkpoints[other].architecture) for other in self._shelf.held()}
        room = self.budget_bytes - size - sum(sizes.values())
        idle = [other for other, users in self._shelf.users().items() if not users]
        if room + sum(sizes[other] for other in idle) >= 0:
            for other in idle:
                if room < 0 and self._shelf.drop_idle(other):
                    room += sizes[other]
        if room < 0:
            raise BytesExhausted(
                f"{name} takes {size / 1e6:.0f} MB, and the budget for networks is {self.budget_bytes / 1e6:.0f} MB "
                "with those in use; ask for a smaller checkpoint, or try again later",
                retry_after_s=RETRY_AFTER_S,
            )

    def _load(self, checkpoint: Checkpoint, cancel: CancelFlag) -> Predictor:
        file = self._file(checkpoint)
        self._make_room(checkpoint.name, weight_bytes(checkpoint.architecture))
        network = load_network(self._store.verified(file.name, cancel), checkpoint.architecture, self.device)
        return Predictor(
            network,
            file.sha256,
            device=self.device,
            bf16=self._bf16,
            photos_per_pass=self._photos_per_pass,
        )

    def _file(self, checkpoint: Checkpoint) -> StoredFile:
        file = _listed(checkpoint, {file.name: file for file in self._store.files()})
        if file is None:
            raise ModelNotInstalled(
                f"{checkpoint.name} is not installed: the model store lists neither {checkpoint.converted} "
                f"nor {checkpoint.original}; put one of them there, or leave the backend unspecified"
            )
        return file


def _listed(checkpoint: Checkpoint, files: Mapping[str, StoredFile]) -> StoredFile | None:
    """Return the better of a checkpoint's files that are listed."""
    return files.get(checkpoint.converted) or files.get(checkpoint.original)
