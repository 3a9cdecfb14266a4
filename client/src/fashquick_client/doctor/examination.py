"""All topics at the same time, each within its time; what goes wrong while looking is a finding too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from fashquick_client.doctor import (
    backends,
    caches,
    devices,
    machine,
    ports,
    python,
    servers,
    settings,
    weights,
)
from fashquick_client.doctor.findings import Finding, Topic, problem
from fashquick_client.doctor.places import Place, first_port_of
from fashquick_client.doctor.probe import Probes

TOPIC_LIMIT_S = 8.0  # A folder on a network drive that is gone would hold the doctor for ever.


@dataclass(frozen=True, slots=True)
class Scope:
    """What to examine.

    Attributes:
        places: Where servers may be.
        endpoint: The orchestrator's `host:port` if one was named, else None.
        verify: Whether the SHA-256 of all weights is computed: as long as reading them takes.
    """

    places: Sequence[Place]
    endpoint: str | None = None
    verify: bool = False


async def examine(scope: Scope) -> list[Finding]:
    """Return all findings, topic by topic; raises nothing on account of what is examined."""
    trouble = python.stubs_trouble()
    probes = Probes(blocked=trouble is not None)
    looks: list[Awaitable[list[Finding]]] = [
        guarded(Topic.PYTHON, in_thread(partial(python.check, trouble))),
        guarded(Topic.MACHINE, in_thread(machine.check)),
        guarded(Topic.DEVICES, in_thread(devices.check)),
        guarded(Topic.PORTS, ports.check(first_port_of(scope.endpoint), probes)),
        guarded(Topic.BACKENDS, in_thread(backends.check)),
        guarded(Topic.WEIGHTS, in_thread(partial(weights.check, verify=scope.verify)), endless=scope.verify),
        guarded(Topic.CACHES, in_thread(caches.check)),
        guarded(Topic.SETTINGS, in_thread(settings.check)),
        guarded(Topic.SERVERS, servers.check(scope.places, probes)),
    ]
    return [finding for findings in await asyncio.gather(*looks) for finding in findings]


async def guarded(
    topic: Topic, look: Awaitable[list[Finding]], *, limit_s: float = TOPIC_LIMIT_S, endless: bool = False
) -> list[Finding]:
    """Return a topic's findings, or that it could not be looked at.

    Args:
        topic: The topic.
        look: Looks at it.
        limit_s: Seconds that it may take.
        endless: Whether it may take any time.
    """
    try:
        async with asyncio.timeout(None if endless else limit_s):
            return await look
    except TimeoutError:
        found = f"could not be looked at within {limit_s:g} seconds"
        return [problem(topic, found, "See whether a network drive or the whole computer hangs.")]
    except Exception as error:  # noqa: BLE001 - whatever is broken must not hide the other findings
        found = f"could not be looked at: {type(error).__name__}: {error}"
        return [problem(topic, found, "Report this as a bug of fashquick doctor, with this line.")]


async def in_thread(look: Callable[[], list[Finding]]) -> list[Finding]:
    """Run what waits for files in a thread that nobody waits for at the end of the process."""
    result: Future[list[Finding]] = Future()
    result.set_running_or_notify_cancel()

    def work() -> None:
        try:
            result.set_result(look())
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            result.set_exception(error)

    threading.Thread(target=work, daemon=True, name="doctor").start()
    return await asyncio.wrap_future(result)
