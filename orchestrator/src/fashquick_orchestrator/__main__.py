"""Start of the orchestrator: `python -m fashquick_orchestrator`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run
from fashquick_orchestrator.config import OrchestratorSettings

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service


def _make_service(settings: OrchestratorSettings) -> Callable[[Kit], Service]:
    from fashquick_orchestrator.servicer import tryon_service  # noqa: PLC0415 - after the threads are limited

    return lambda kit: tryon_service(kit, settings)


def main() -> None:
    """Run the orchestrator until it is told to stop."""
    run("orchestrator", OrchestratorSettings, _make_service)


if __name__ == "__main__":
    main()
