"""`fashquick doctor`."""

from __future__ import annotations

from collections.abc import Mapping

from fashquick_client.commands.running import run
from fashquick_client.doctor.examination import Scope, examine
from fashquick_client.doctor.places import places_of
from fashquick_client.doctor.python import installed_version
from fashquick_client.doctor.report import print_json, print_report
from fashquick_client.problems import gravest
from fashquick_client.services import Service


def doctor(endpoint: str | None, stages: Mapping[Service, str | None], *, verify: bool, as_json: bool) -> int:
    """Look at this installation and at servers, print what was found, and return the exit code."""
    return run(_doctor(endpoint, stages, verify=verify, as_json=as_json))


async def _doctor(endpoint: str | None, stages: Mapping[Service, str | None], *, verify: bool, as_json: bool) -> int:
    findings = await examine(Scope(places_of(endpoint, stages), endpoint, verify))
    (print_json if as_json else print_report)(findings, installed_version("fashquick-client") or "unknown")
    return gravest(finding.exit_code for finding in findings)
