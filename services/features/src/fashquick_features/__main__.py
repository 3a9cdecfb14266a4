"""Start of the features service: `python -m fashquick_features`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import available_cpus, run

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service
    from fashquick_features.config import FeaturesSettings


def _read_settings() -> FeaturesSettings:
    from fashquick_features.config import FeaturesSettings  # noqa: PLC0415 - after the threads are limited: it loads numpy

    return FeaturesSettings()


def _make_service(_: FeaturesSettings) -> Callable[[Kit], Service]:
    from fashquick_features.passport import PassportAnalyser  # noqa: PLC0415 - likewise
    from fashquick_features.prints.reading import find_reader  # noqa: PLC0415 - likewise
    from fashquick_features.servicer import features_service  # noqa: PLC0415 - likewise

    analyser = PassportAnalyser(available_cpus(), find_reader())
    return lambda kit: features_service(kit, analyser)


def main() -> None:
    """Run the service until it is told to stop."""
    run("features", _read_settings, _make_service)


if __name__ == "__main__":
    main()
