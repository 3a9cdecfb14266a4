"""Which backends a server has: the embedded one always, SAM 2 where its libraries and its weights are.

The first is the default. On a CPU that is the embedded one, which answers in a fraction of the time; SAM 2 is then
there for those who ask for it. Operators manage SAM 2's weights; those of the embedded one are a part of the service.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import structlog

from fashquick_common.models import ModelManager, ModelStore, NoModels
from fashquick_segmentation.config import SegmentationSettings
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import Segmenter

_SAM2_LIBRARIES = ("torch", "sam2")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backends:
    """What computes on a server.

    Attributes:
        segmenters: The backends, the default one first.
        models: Their weights in the model store.
    """

    segmenters: tuple[Segmenter, ...]
    models: ModelManager


def make_backends(settings: SegmentationSettings) -> Backends:
    """Make the backends of a server; SAM 2's weights are not read yet."""
    embedded = EmbeddedSegmenter()
    if settings.models is None:
        return Backends((embedded,), NoModels("set FASHQUICK_MODELS to a folder with weights"))
    missing = [name for name in _SAM2_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        why = f"{', '.join(missing)} not installed"
        log.info("sam2.left_out", why=why)
        return Backends((embedded,), NoModels(f"{why}; install the extra sam2"))
    from fashquick_segmentation.sam2.segmenter import (  # noqa: PLC0415 - loads torch
        Sam2Options,
        sam2_registry,
        sam2_segmenter,
    )

    options = Sam2Options(
        checkpoint=settings.sam2_checkpoint,
        device=settings.sam2_device,
        bf16=settings.sam2_bf16,
        memory_bytes=settings.sam2_memory_bytes,
        cache_bytes=settings.sam2_cache_bytes,
        side_px=settings.sam2_side_px,
    )
    registry = sam2_registry(ModelStore(settings.models), options)
    sam2 = sam2_segmenter(registry, options, embedded)
    if sam2 is None:
        log.info("sam2.left_out", why=f"{settings.sam2_checkpoint} is not in {settings.models}")
        return Backends((embedded,), registry)
    return Backends((sam2, embedded) if sam2.on_gpu else (embedded, sam2), registry)
