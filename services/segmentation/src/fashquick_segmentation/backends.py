"""Which backends a server has: the embedded one always, SAM 2 where its libraries and its weights are.

The first is the default. On a CPU that is the embedded one, which answers in a fraction of the time; SAM 2 is then
there for those who ask for it.
"""

from __future__ import annotations

import importlib.util

import structlog

from fashquick_common.models import ModelStore
from fashquick_segmentation.config import SegmentationSettings
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import Segmenter

_SAM2_LIBRARIES = ("torch", "sam2")

log = structlog.get_logger(__name__)


def make_segmenters(settings: SegmentationSettings) -> tuple[Segmenter, ...]:
    """Make the backends of a server, the default one first; SAM 2's weights are not read yet."""
    embedded = EmbeddedSegmenter()
    if settings.models is None:
        return (embedded,)
    missing = [name for name in _SAM2_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        log.info("sam2.left_out", why=f"{', '.join(missing)} not installed")
        return (embedded,)
    from fashquick_segmentation.sam2.segmenter import Sam2Options, sam2_segmenter  # noqa: PLC0415 - loads torch

    options = Sam2Options(
        checkpoint=settings.sam2_checkpoint,
        device=settings.sam2_device,
        bf16=settings.sam2_bf16,
        memory_bytes=settings.sam2_memory_bytes,
        cache_bytes=settings.sam2_cache_bytes,
        side_px=settings.sam2_side_px,
    )
    sam2 = sam2_segmenter(ModelStore(settings.models), options, embedded)
    if sam2 is None:
        log.info("sam2.left_out", why=f"{settings.sam2_checkpoint} is not in {settings.models}")
        return (embedded,)
    return (sam2, embedded) if sam2.on_gpu else (embedded, sam2)
