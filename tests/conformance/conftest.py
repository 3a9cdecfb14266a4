"""Which servers are tested: the one at `--target`, or else our own four as real processes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

pytest.register_assert_rewrite("tests.conformance.checks", "tests.conformance.target")

from tests.conformance.contracts import CONTRACTS  # noqa: E402 - after their asserts are made to explain themselves
from tests.conformance.target import NotUsable, Target  # noqa: E402
from tests.support.processes import STAGES, ServerProcess, server_process  # noqa: E402

# So that nobody waits long for an upload to stall.
_IMPATIENT = {"FASHQUICK_UPLOAD_IDLE_S": "1.5"}
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def own_servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, ServerProcess]]:
    """Our four servers; none when another is given."""
    if _GIVEN in request.config.stash:
        yield {}
        return
    folder = tmp_path_factory.mktemp("servers")
    async with contextlib.AsyncExitStack() as stack:
        servers = {
            stage: await stack.enter_async_context(server_process(stage, folder, _IMPATIENT)) for stage in STAGES
        }
        targets = {f"FASHQUICK_{stage.upper()}_TARGET": server.target for stage, server in servers.items()}
        servers["orchestrator"] = await stack.enter_async_context(
            server_process("orchestrator", folder, _IMPATIENT | targets)
        )
        yield servers


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, service: str, own_servers: dict[str, ServerProcess]) -> Iterator[Target]:
    """The server under test."""
    given = request.config.stash.get(_GIVEN, None)
    if given is not None:
        yield given
        return
    own = Target(own_servers[service].target, service)
    yield own
    own.close()
