"""Which backends a server has: the studio always, diffusion where its libraries and its weights are.

The first is the default: diffusion on a GPU, else the studio. On a CPU a picture by diffusion takes minutes; it is then
there for those who ask for it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import structlog

from fashquick_common.models import ModelManager, ModelStore, NoModels
from fashquick_generation.config import GenerationSettings
from fashquick_generation.engine import Generator
from fashquick_generation.studio import StudioGenerator

_DIFFUSION_LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "accelerate")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backends:
    """What makes pictures on a server.

    Attributes:
        generators: The backends, the default one first.
        models: Their weights in the model store.
    """

    generators: tuple[Generator, ...]
    models: ModelManager


def make_backends(settings: GenerationSettings) -> Backends:
    """Make the backends of a server; diffusion's weights are not read yet.

    Raises:
        BadField: The file with own profiles is wrong, or a GPU is asked for and there is none.
        NotFound: The default profile is not among the profiles.
    """
    studio = StudioGenerator()
    if settings.models is None:
        return Backends((studio,), NoModels("set FASHQUICK_MODELS to a folder with weights"))
    missing = [name for name in _DIFFUSION_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        why = f"{', '.join(missing)} not installed"
        log.info("diffusion.left_out", why=why)
        return Backends((studio,), NoModels(f"{why}; install the extra diffusion"))
    from fashquick_generation.diffusion.generator import DiffusionGenerator  # noqa: PLC0415 - loads torch
    from fashquick_generation.diffusion.options import DiffusionOptions, diffusion_registry  # noqa: PLC0415 - likewise

    options = DiffusionOptions(
        profile=settings.diffusion_profile or None,
        profiles_file=settings.diffusion_profiles,
        device=settings.diffusion_device,
        precision=settings.diffusion_precision,
        memory_bytes=settings.diffusion_memory_bytes,
    )
    registry = diffusion_registry(ModelStore(settings.models), options)
    if not registry.state(registry.default).installed:
        log.info("diffusion.left_out", why=f"{registry.default} is not whole in {settings.models}")
        return Backends((studio,), registry)
    diffusion = DiffusionGenerator(registry, studio)
    on_gpu = registry.device.type == "cuda"
    return Backends((diffusion, studio) if on_gpu else (studio, diffusion), registry)
