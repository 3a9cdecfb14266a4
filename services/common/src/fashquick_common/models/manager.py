"""What a server's weights can be asked and told, whatever library holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import ModelNotInstalled


@dataclass(frozen=True, slots=True)
class ModelState:
    """Where a model stands.

    Attributes:
        name: Such as "sam2.1-hiera-tiny", or "sd15-4gb", which is made of several files.
        backend: Name of the backend that uses it, such as "sam2".
        file: The file that it is or would be loaded from, of several the first, relative to the store; None if it is
            not installed.
        sha256: The SHA-256 that the store lists for that file, in hexadecimal, of several `profiles.weights_digest`;
            None likewise.
        verified: Whether the SHA-256 of all its files was compared, and none has changed since.
        loaded: Whether it is in memory.
        users: Calls that compute with it now.
        weight_bytes: Bytes of its weights; on a CPU they stay in the file, and the kernel may drop them.
        is_default: Whether its backend uses it when a call names none.
    """

    name: str
    backend: str
    file: str | None
    sha256: str | None
    verified: bool
    loaded: bool
    users: int
    weight_bytes: int
    is_default: bool

    @property
    def installed(self) -> bool:
        """Whether a file of it is in the store, as the list says."""
        return self.file is not None


class ModelManager(Protocol):
    """The models of a server. Calls from several threads are allowed; each may read files."""

    @property
    def budget_bytes(self) -> int:
        """Most bytes of all loaded weights together."""
        ...

    def states(self) -> tuple[ModelState, ...]:
        """Say where each model stands, the default of a backend before its others; reads no weights."""
        ...

    def load(self, name: str, cancel: CancelFlag) -> ModelState:
        """Load a model, verified first; one that is loaded stays.

        Args:
            name: Of the model.
            cancel: Checked between steps.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: Its weights are missing or not the listed ones.
            BytesExhausted: It does not fit in the budget beside those in use.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        ...

    def unload(self, name: str) -> ModelState:
        """Take a model out of memory; one that is not loaded stays so.

        Args:
            name: Of the model.

        Raises:
            NotFound: There is none of that name.
            ModelInUse: Calls compute with it, or it is being loaded.
        """
        ...

    def verify(self, name: str, cancel: CancelFlag) -> ModelState:
        """Read a model's file and compare its SHA-256 with the listed one, also if that was done before.

        Args:
            name: Of the model.
            cancel: Checked between steps.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: Its file is missing or not the listed one.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        ...


class NoModels:
    """In the place of a manager on a server that has no models of a store."""

    budget_bytes = 0

    def __init__(self, why: str) -> None:
        """Make it; `why` tells operators what to change."""
        self._why = why

    def states(self) -> tuple[ModelState, ...]:
        """There are none."""
        return ()

    def load(self, name: str, cancel: CancelFlag) -> ModelState:  # noqa: ARG002 - the protocol's
        """Refuse; see `ModelManager.load`."""
        raise self._refusal(name)

    def unload(self, name: str) -> ModelState:
        """Refuse; see `ModelManager.unload`."""
        raise self._refusal(name)

    def verify(self, name: str, cancel: CancelFlag) -> ModelState:  # noqa: ARG002 - the protocol's
        """Refuse; see `ModelManager.verify`."""
        raise self._refusal(name)

    def _refusal(self, name: str) -> ModelNotInstalled:
        return ModelNotInstalled(f"this server has no models to manage, so not {name[:80]!r} either: {self._why}")
