"""Start of the generation service: `python -m fashquick_generation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service
    from fashquick_generation.config import GenerationSettings


def _read_settings() -> GenerationSettings:
    from fashquick_generation.config import GenerationSettings  # noqa: PLC0415 - after the threads are limited: it loads numpy

    return GenerationSettings()


def _make_service(settings: GenerationSettings) -> Callable[[Kit], Service]:
    from fashquick_generation.backends import make_backends  # noqa: PLC0415 - after the threads are limited
    from fashquick_generation.servicer import generation_service  # noqa: PLC0415 - likewise

    backends = make_backends(settings)
    return lambda kit: generation_service(kit, *backends.generators, models=backends.models)


def main() -> None:
    """Run the service until it is told to stop."""
    run("generation", _read_settings, _make_service)


if __name__ == "__main__":
    main()
