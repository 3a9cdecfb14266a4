"""Start of the features service: `python -m fashquick_features`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run
from fashquick_features.config import FeaturesSettings

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service


def _make_service(_: FeaturesSettings) -> Callable[[Kit], Service]:
    from fashquick_features.engine import PassportAnalyser  # noqa: PLC0415 - after the threads are limited
    from fashquick_features.servicer import features_service  # noqa: PLC0415 - likewise

    analyser = PassportAnalyser()
    return lambda kit: features_service(kit, analyser)


def main() -> None:
    """Run the service until it is told to stop."""
    run("features", FeaturesSettings, _make_service)


if __name__ == "__main__":
    main()
