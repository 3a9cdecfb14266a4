"""Client of fashquick: photo of a garment in, picture of a mannequin wearing it out.

    async with Client("localhost:7400") as client:
        async for event in client.try_on("shirt.jpg", seed=7):
            ...

`SyncClient` is the same without asyncio. Both raise the exceptions of `fashquick_common.errors`.

Names are loaded at their first use, so that the command answers `--help` without loading gRPC.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fashquick_client.calls import DEFAULT_TIMEOUT_S
    from fashquick_client.client import Client
    from fashquick_client.events import (
        Accepted,
        ConditionMap,
        Event,
        Finished,
        OutputKind,
        Picture,
        Preview,
        Progress,
        Stage,
        StageFinished,
        Turntable,
    )
    from fashquick_client.models import Model, ModelList
    from fashquick_client.options import (
        Box,
        Diffusion,
        Garment,
        Point,
        PromptOptions,
        SegmentOptions,
        SegmentWishes,
        TryOnOptions,
        View,
    )
    from fashquick_client.photos import PhotoSource
    from fashquick_client.pixels import PixelEncoding, PixelMap
    from fashquick_client.quality import MaskQuality, Side
    from fashquick_client.report import fidelity_report, manifest_report, passport_report, segmentation_report
    from fashquick_client.results import (
        Candidate,
        CandidateScores,
        FidelityResult,
        Making,
        Region,
        Repair,
        RepairAttempt,
        Segmentation,
        TryOnResult,
        ViewResult,
    )
    from fashquick_client.services import Service
    from fashquick_client.session import SegmentSession
    from fashquick_client.sync_client import SyncClient, SyncSegmentSession

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "Accepted",
    "Box",
    "Candidate",
    "CandidateScores",
    "Client",
    "ConditionMap",
    "Diffusion",
    "Event",
    "FidelityResult",
    "Finished",
    "Garment",
    "Making",
    "MaskQuality",
    "Model",
    "ModelList",
    "OutputKind",
    "PhotoSource",
    "Picture",
    "PixelEncoding",
    "PixelMap",
    "Point",
    "Preview",
    "Progress",
    "PromptOptions",
    "Region",
    "Repair",
    "RepairAttempt",
    "SegmentOptions",
    "SegmentSession",
    "SegmentWishes",
    "Segmentation",
    "Service",
    "Side",
    "Stage",
    "StageFinished",
    "SyncClient",
    "SyncSegmentSession",
    "TryOnOptions",
    "TryOnResult",
    "Turntable",
    "View",
    "ViewResult",
    "fidelity_report",
    "manifest_report",
    "passport_report",
    "segmentation_report",
]

_HOMES = {
    "calls": ("DEFAULT_TIMEOUT_S",),
    "client": ("Client",),
    "events": (
        "Accepted",
        "ConditionMap",
        "Event",
        "Finished",
        "OutputKind",
        "Picture",
        "Preview",
        "Progress",
        "Stage",
        "StageFinished",
        "Turntable",
    ),
    "photos": ("PhotoSource",),
    "pixels": ("PixelEncoding", "PixelMap"),
    "report": ("fidelity_report", "manifest_report", "passport_report", "segmentation_report"),
    "models": ("Model", "ModelList"),
    "options": (
        "Box",
        "Diffusion",
        "Garment",
        "Point",
        "PromptOptions",
        "SegmentOptions",
        "SegmentWishes",
        "TryOnOptions",
        "View",
    ),
    "quality": ("MaskQuality", "Side"),
    "results": (
        "Candidate",
        "CandidateScores",
        "FidelityResult",
        "Making",
        "Region",
        "Repair",
        "RepairAttempt",
        "Segmentation",
        "TryOnResult",
        "ViewResult",
    ),
    "services": ("Service",),
    "session": ("SegmentSession",),
    "sync_client": ("SyncClient", "SyncSegmentSession"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name at its first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
