"""Weights of a server, as those who operate it see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fashquick.common.v1 import models_pb2


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by the name that callers use, and where they stand.

    Attributes:
        name: Such as "sam2.1-hiera-tiny".
        backend: Backend that uses them, such as "sam2".
        file: File of the model store that they are loaded from; empty when none is installed.
        sha256: SHA-256 that the list gives for that file, in hexadecimal; empty when none is installed.
        verified: Whether the file was compared with it, and has not changed since.
        loaded: Whether they are in memory.
        users: Calls that compute with them now.
        weight_bytes: Bytes that they take when loaded.
        is_default: Whether the backend uses them when a call names none.
    """

    name: str
    backend: str
    file: str
    sha256: str
    verified: bool
    loaded: bool
    users: int
    weight_bytes: int
    is_default: bool

    @property
    def installed(self) -> bool:
        """Whether there is a file to load them from."""
        return bool(self.file)


@dataclass(frozen=True, slots=True)
class ModelList:
    """All models that a server knows by name.

    Attributes:
        models: The default of each backend before its others.
        budget_bytes: Most bytes of all loaded weights together.
    """

    models: tuple[Model, ...]
    budget_bytes: int


def model_of(message: models_pb2.Model) -> Model:
    """Return a model as a value."""
    return Model(
        name=message.name,
        backend=message.backend,
        file=message.file,
        sha256=message.sha256,
        verified=message.verified,
        loaded=message.loaded,
        users=message.users,
        weight_bytes=message.weight_bytes,
        is_default=message.is_default,
    )
