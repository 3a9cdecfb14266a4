"""Servers: reached, the right ones, of a version that fits, ready, and what they compute with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem
from fashquick_client.doctor.places import How, Place
from fashquick_client.doctor.probe import Answer, NoAnswer, Probes, Silence
from fashquick_client.doctor.python import installed_version
from fashquick_client.problems import ExitCode
from fashquick_client.services import DEFAULT_HOST, Service

if TYPE_CHECKING:
    from fashquick.common.v1 import limits_pb2, server_info_pb2

_MIB = 1024 * 1024
_DIGEST_CHARS = 12
_MAX_BACKENDS = 8  # A service has one or two; an answer could hold any number.


async def check(places: Sequence[Place], probes: Probes) -> list[Finding]:
    """Look at the servers.

    Args:
        places: Where they may be.
        probes: Asks them.
    """
    answers = await asyncio.gather(*(probes.ask(place.endpoint) for place in places))
    pairs = list(zip(places, answers, strict=True))
    if any(isinstance(answer, NoAnswer) and answer.silence is Silence.BLOCKED for answer in answers):
        advice = "See to what stands under python first."
        named = [place.endpoint for place in places if place.how is How.NAMED]
        text = f"cannot be asked from here: {', '.join(named) or 'any server'}"
        return [problem(Topic.SERVERS, text, advice)] if named else [note(Topic.SERVERS, text, advice)]
    found = [finding for place, answer in pairs for finding in _one(place, answer, pairs)]
    if all(place.how is How.USUAL and isinstance(answer, NoAnswer) for place, answer in pairs):
        found = [ok(Topic.SERVERS, f"none runs on {DEFAULT_HOST}; commands then start what they need")]
    return [*found, *_same(pairs)]


def _one(place: Place, answer: Answer | NoAnswer, pairs: Sequence[tuple[Place, Answer | NoAnswer]]) -> list[Finding]:
    match answer:
        case NoAnswer():
            return _unreached(place, answer, pairs)
        case Answer(info) if info.service != place.service:
            text = f"{place.endpoint} is the {info.service or 'unnamed'} server, not {place.service}"
            return [problem(Topic.SERVERS, text, f"Name the {place.service} server's own endpoint: {_option(place)}.")]
        case Answer(info, seconds):
            return [
                *_ready(place, info, seconds),
                *_version(place, info.version, installed_version("fashquick-client") or "unknown"),
                *(_backend(place.service, backend) for backend in info.backends[:_MAX_BACKENDS]),
                *_limits(place, info, pairs),
            ]


def _unreached(place: Place, answer: NoAnswer, pairs: Sequence[tuple[Place, Answer | NoAnswer]]) -> list[Finding]:
    text = f"{place.service} cannot be reached at {place.endpoint}: {answer.words}"
    if place.how is How.NAMED:
        if answer.silence is Silence.FOREIGN:
            advice = "See what listens there: the endpoint may be an admin port, need TLS, or be another program."
        elif answer.silence is Silence.SLOW:
            advice = "It may hang, or a firewall may swallow calls: look at its log, and from its own machine."
        else:
            advice = "See that it runs and listens there: FASHQUICK_HOST must be 0.0.0.0 for other machines."
        return [problem(Topic.SERVERS, text, advice, ExitCode.UNAVAILABLE)]
    if not any(isinstance(other, Answer) for _, other in pairs):
        return []  # Where nobody is, nobody has a neighbour.
    if place.service is Service.ORCHESTRATOR:
        return [note(Topic.SERVERS, text, "Pictures need it: start it, or name it with --endpoint.")]
    advice = f"If it is elsewhere, name it with {_option(place)}; if not, pictures need it: start it."
    return [note(Topic.SERVERS, text, advice)]


def _ready(place: Place, info: server_info_pb2.GetServerInfoResponse, seconds: float) -> list[Finding]:
    text = f"{place.service} {info.version} at {place.endpoint}"
    if not info.ready:
        advice = "It is starting, the first time for about half a minute, or stopping: look again, then at its log."
        return [problem(Topic.SERVERS, f"{text} takes no work now", advice, ExitCode.UNAVAILABLE)]
    calls = info.calls_in_progress
    busy = f", {calls} {'call' if calls == 1 else 'calls'} in progress" * bool(calls)
    return [ok(Topic.SERVERS, f"{text} is ready and answers in {seconds * 1000:.1f} ms{busy}")]


def _version(place: Place, theirs: str, ours: str) -> list[Finding]:
    if theirs == ours:
        return []
    mine, other = _major_minor(ours), _major_minor(theirs)
    text = f"{place.service} at {place.endpoint} is version {theirs or 'unknown'}, this client {ours}"
    if other is None or mine is None:
        return [note(Topic.SERVERS, text, "Versions that name no numbers cannot be compared: see where it is from.")]
    if mine == other:
        return [ok(Topic.SERVERS, f"{text}: they work together")]
    advice = "Install the same version on both sides: they differ in more than corrections."
    # Until 1.0 every minor version may change the contract, later only the major one.
    if mine[0] == other[0] >= 1:
        return [note(Topic.SERVERS, text, advice)]
    return [problem(Topic.SERVERS, text, advice)]


def _major_minor(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d{1,6})\.(\d{1,6})(?!\d)", version, re.ASCII)
    return None if match is None else (int(match[1]), int(match[2]))


def _backend(service: Service, backend: server_info_pb2.Backend) -> Finding:
    digest = f", digest {backend.digest[:_DIGEST_CHARS]}" if backend.digest else ""
    return ok(
        Topic.SERVERS, f"{service} computes with {backend.name} on {backend.device or 'an unknown device'}{digest}"
    )


def _limits(
    place: Place,
    info: server_info_pb2.GetServerInfoResponse,
    pairs: Sequence[tuple[Place, Answer | NoAnswer]],
) -> list[Finding]:
    """Say the first server's limits, and those of each that differs from it."""
    first = next(answer.info for _, answer in pairs if isinstance(answer, Answer))
    if info is not first and _limits_text(info.limits) == _limits_text(first.limits):
        return []
    return [ok(Topic.SERVERS, f"{place.service} takes {_limits_text(info.limits)}")]


def _limits_text(limits: limits_pb2.Limits) -> str:
    return (
        f"photos up to {limits.max_file_bytes / _MIB:g} MiB and {limits.max_pixels / 1e6:g} megapixels, "
        f"works at {limits.working_side} pixels, lets {limits.queue_length} calls wait"
    )


def _same(pairs: Sequence[tuple[Place, Answer | NoAnswer]]) -> list[Finding]:
    by_instance: dict[str, list[Place]] = {}
    for place, answer in pairs:
        if isinstance(answer, Answer) and answer.info.instance_id:
            by_instance.setdefault(answer.info.instance_id, []).append(place)
    found = []
    for places in by_instance.values():
        if len(places) > 1:
            text = f"{' and '.join(place.endpoint for place in places)} are one and the same server"
            advice = "Name another endpoint for each, unless one process is meant to do it all."
            found.append(note(Topic.SERVERS, text, advice))
    return found


def _option(place: Place) -> str:
    return "--endpoint" if place.service is Service.ORCHESTRATOR else f"--{place.service}-endpoint"
