"""Which servers are tested: the one at `--target`, or else our own four as real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.conformance.checks", "tests.conformance.target")

from tests.conformance.contracts import CONTRACTS  # noqa: E402 - after their asserts are made to explain themselves
from tests.conformance.target import NotUsable, Target  # noqa: E402

_GIVEN = pytest.StashKey[Target]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(*services): the contract of these services alone promises it")
    address = config.getoption("--target")
    if address is None:
        return
    try:
        config.stash[_GIVEN] = Target(address, config.getoption("--service"))
    except NotUsable as reason:
        raise pytest.UsageError(str(reason)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "service" not in metafunc.fixturenames:
        return
    given = metafunc.config.stash.get(_GIVEN, None)
    metafunc.parametrize("service", [given.contract.service] if given else list(CONTRACTS), scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what a service does not promise."""
    items[:] = [
        item
        for item in items
        if all(item.callspec.params["service"] in marker.args for marker in item.iter_markers("only"))  # type: ignore[attr-defined]
    ]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, service: str) -> Iterator[Target]:
    """The server under test."""
    given = request.config.stash.get(_GIVEN, None)
    if given is not None:
        yield given
        return
    own = Target(request.getfixturevalue("servers")[service].target, service)
    yield own
    own.close()
