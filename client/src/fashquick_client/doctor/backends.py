"""The backends that do the work here: installed and complete."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from fashquick_client.doctor.findings import Finding, Topic, ok, problem
from fashquick_client.services import Service

_ANEW = "Install it again: scripts/install local, or the package of this service."


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A backend that comes with its service.

    Attributes:
        service: The service.
        name: Name of the backend.
        data: Its data, relative to the service's package.
        libraries: Modules that it computes with.
    """

    service: Service
    name: str
    data: str
    libraries: tuple[str, ...]


BUILT_IN = (
    BuiltIn(Service.SEGMENTATION, "embedded", "embedded/data/garment_seg.onnx", ("numpy", "cv2")),
    BuiltIn(Service.FEATURES, "passport", "data/category.npz", ("numpy", "cv2", "scipy")),
    BuiltIn(Service.GENERATION, "studio", "studio/figure/data/body.npz", ("numpy", "cv2", "scipy", "numba")),
)
OPTIONAL = {
    "sam2": ("torch", "sam2", "safetensors"),
    "diffusion": ("torch", "diffusers", "transformers", "safetensors", "accelerate"),
}
"""Libraries of the backends that serve where their weights are in the model store."""


def check() -> list[Finding]:
    """Look at all backends."""
    found = [finding for backend in BUILT_IN for finding in built_in(backend)]
    if package_folder(Service.ORCHESTRATOR.module) is None:
        found.append(_not_installed(Service.ORCHESTRATOR))
    return [*found, *(optional(name, libraries) for name, libraries in OPTIONAL.items())]


def built_in(backend: BuiltIn) -> list[Finding]:
    """Judge a backend that comes with its service; loads neither it nor its libraries."""
    folder = package_folder(backend.service.module)
    if folder is None:
        return [_not_installed(backend.service)]
    name = f"{backend.name} ({backend.service})"
    found = []
    file = folder / backend.data
    try:
        size = file.stat().st_size
    except OSError as error:
        found.append(problem(Topic.BACKENDS, f"{name} has lost its data: {file}: {error.strerror}", _ANEW))
    else:
        if size == 0:
            found.append(problem(Topic.BACKENDS, f"{name} has lost its data: {file} is empty", _ANEW))
    missing = [library for library in backend.libraries if not is_installed(library)]
    if missing:
        found.append(problem(Topic.BACKENDS, f"{name} lacks its libraries: {', '.join(missing)}", _ANEW))
    return found or [ok(Topic.BACKENDS, f"{name} is installed, with its data ({size / 1e6:.1f} MB)")]


def optional(name: str, libraries: tuple[str, ...]) -> Finding:
    """Report a backend that comes with an extra."""
    missing = [library for library in libraries if not is_installed(library)]
    if missing:
        text = f"{name} is left out: {', '.join(missing)} not installed (extra {name}); nothing needs it"
    else:
        text = f"{name} has its libraries; it serves where its weights are in the model store"
    return ok(Topic.BACKENDS, text)


def package_folder(module: str) -> Path | None:
    """Return the folder of an installed package, None if there is none. Does not load it."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:  # Without an origin it is what an uninstalled package left behind.
        return None
    return Path(spec.origin).absolute().parent


def is_installed(module: str) -> bool:
    """Return whether a top-level module can be found. Does not load it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _not_installed(service: Service) -> Finding:
    return ok(Topic.BACKENDS, f"the {service} service is not installed here (only needed to run servers)")
