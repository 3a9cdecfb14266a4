"""Which backend a request asks for."""

from __future__ import annotations

from collections.abc import Sequence

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common.errors import BadField, ModelNotInstalled, NotBuilt
from fashquick_generation.engine import CollectiveGenerator, Generator

_NAMES = {scene_pb2.BACKEND_STUDIO: "studio", scene_pb2.BACKEND_DIFFUSION: "diffusion"}
_SETTINGS_OF = {"studio": scene_pb2.BACKEND_STUDIO, "diffusion": scene_pb2.BACKEND_DIFFUSION}


def chosen(header: pb.GenerateHeader, generators: Sequence[Generator]) -> Generator:
    """Return the backend that makes the pictures of a header; where that leaves it open, the first.

    Raises:
        BadField: The settings are those of another backend.
        ModelNotInstalled: It is not there, and no other may take its place.
        NotBuilt: It is none that this version knows.
    """
    backend = _asked(header)
    if backend == scene_pb2.BACKEND_UNSPECIFIED:
        return generators[0]
    found = next((generator for generator in generators if generator.name == _NAMES[backend]), None)
    if found is not None:
        return found
    if backend == scene_pb2.BACKEND_STUDIO or header.allow_fallback:
        return generators[0]  # What needs no weights is there under whatever name.
    raise _missing(generators[0])


def chosen_to_repair(header: pb.GenerateHeader, generators: Sequence[Generator]) -> CollectiveGenerator:
    """Return the backend that repairs the picture of a header; where that leaves it open, the first that can.

    Raises:
        BadField: The settings are those of another backend.
        ModelNotInstalled: It is not there.
        NotBuilt: It does not repair, or is none that this version knows.
    """
    backend = _asked(header)
    if backend == scene_pb2.BACKEND_STUDIO:
        raise NotBuilt("the studio repairs nothing: the same scene makes the same picture again; ask for a new one")
    repairing = [generator for generator in generators if isinstance(generator, CollectiveGenerator)]
    if not repairing:
        if backend == scene_pb2.BACKEND_DIFFUSION:
            raise _missing(generators[0])
        raise NotBuilt("no backend of this server repairs regions of pictures; ask for a new picture with create")
    return repairing[0]


def _asked(header: pb.GenerateHeader) -> scene_pb2.Backend.ValueType:
    """Return the backend that a header names, be it by its settings."""
    if header.backend not in scene_pb2.Backend.values():
        raise NotBuilt(f"this server does not know backend {header.backend}")
    settings = header.WhichOneof("settings")
    if settings is None:
        return header.backend
    backend = header.backend or _SETTINGS_OF[settings]
    if backend != _SETTINGS_OF[settings]:
        raise BadField(f"the settings are those of {settings!r}, the backend is another", field="settings")
    return backend


def _missing(default: Generator) -> ModelNotInstalled:
    return ModelNotInstalled(
        "the diffusion backend is not installed on this server, whose log says at its start what it lacks: libraries, "
        f"or weights; leave the backend unspecified for {default.name!r}, or set allow_fallback"
    )
