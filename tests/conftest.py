from __future__ import annotations

import logging

import pytest
import structlog


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests/conformance; here because pytest reads options from the tests' own root only."""
    group = parser.getgroup("conformance")
    group.addoption("--target", metavar="HOST:PORT", help="server to test; by default our own four are started")
    group.addoption("--service", metavar="NAME", help="its service, when it does not say so itself")


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    """Log lines of servers in the tests' own process are of no use; lines that a test wants it captures itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
