from __future__ import annotations

import logging

import pytest
import structlog


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    """Log lines of servers in the tests' own process are of no use; lines that a test wants it captures itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
