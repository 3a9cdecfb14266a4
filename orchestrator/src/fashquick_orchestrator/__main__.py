"""Start of the orchestrator: `python -m fashquick_orchestrator`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service
    from fashquick_orchestrator.config import OrchestratorSettings


def _read_settings() -> OrchestratorSettings:
    from fashquick_orchestrator.config import OrchestratorSettings  # noqa: PLC0415 - after the threads are limited: it loads numpy

    return OrchestratorSettings()


def _make_service(settings: OrchestratorSettings) -> Callable[[Kit], Service]:
    from fashquick_orchestrator.servicer import tryon_service  # noqa: PLC0415 - likewise

    return lambda kit: tryon_service(kit, settings)


def main() -> None:
    """Run the orchestrator until it is told to stop."""
    run("orchestrator", _read_settings, _make_service)


if __name__ == "__main__":
    main()
