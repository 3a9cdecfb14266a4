"""Start of the segmentation service: `python -m fashquick_segmentation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service
    from fashquick_segmentation.config import SegmentationSettings


def _read_settings() -> SegmentationSettings:
    from fashquick_segmentation.config import SegmentationSettings  # noqa: PLC0415 - after the threads are limited: it loads numpy

    return SegmentationSettings()


def _make_service(settings: SegmentationSettings) -> Callable[[Kit], Service]:
    from fashquick_segmentation.backends import make_backends  # noqa: PLC0415 - after the threads are limited
    from fashquick_segmentation.servicer import segmentation_service  # noqa: PLC0415 - likewise

    backends = make_backends(settings)
    return lambda kit: segmentation_service(
        kit, *backends.segmenters, prompt_idle_s=settings.prompt_idle_s, models=backends.models
    )


def main() -> None:
    """Run the service until it is told to stop."""
    run("segmentation", _read_settings, _make_service)


if __name__ == "__main__":
    main()
