"""FASHQUICK_ variables in the environment: known to a server, and with values that it takes."""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fashquick_client.doctor.backends import is_installed, package_folder
from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem
from fashquick_client.fetching.store import OFFLINE_VARIABLE, PROFILE_VARIABLE, PROFILES_VARIABLE, STORE_VARIABLE
from fashquick_client.services import Service

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

PREFIX = "FASHQUICK_"
OTHERS = (PROFILE_VARIABLE, PROFILES_VARIABLE, STORE_VARIABLE, OFFLINE_VARIABLE, "FASHQUICK_PHOTOS")
"""Variables that the client reads too, and the one that names the photos of tests."""
_MAX_VALUE_CHARS = 60


def check() -> list[Finding]:
    """Look at the variables of this environment."""
    offline = os.environ.get(OFFLINE_VARIABLE)
    found = [] if offline is None else [ok(Topic.SETTINGS, f"{OFFLINE_VARIABLE} is {offline!r}")]
    if not is_installed("pydantic_settings"):
        reason = "the services are not installed here (only needed to run servers)"
        return [*found, ok(Topic.SETTINGS, f"FASHQUICK_ variables were not checked: {reason}")]
    classes = settings_classes()
    wrong = invalid(classes)
    found += [*unknown(known_names(classes), os.environ), *wrong]
    count = sum(1 for name in os.environ if name.upper().startswith(PREFIX))
    if not wrong:
        are_set = f"{count} FASHQUICK_ {'variable is' if count == 1 else 'variables are'} set, with values that fit"
        found.append(ok(Topic.SETTINGS, are_set if count else "no FASHQUICK_ variable is set"))
    return found


def settings_classes() -> list[type[BaseSettings]]:
    """Load the settings classes of the kit and of the services that are installed here."""
    classes: list[type[BaseSettings]] = [importlib.import_module("fashquick_common.server.settings").ServerSettings]
    for service in Service:
        if package_folder(service.module) is not None:
            config = importlib.import_module(f"{service.module}.config")
            classes.append(getattr(config, f"{service.capitalize()}Settings"))
    return classes


def known_names(classes: list[type[BaseSettings]]) -> set[str]:
    """Return the variables that are read."""
    return {PREFIX + field.upper() for each in classes for field in each.model_fields} | set(OTHERS)


def unknown(known: set[str], environment: Mapping[str, str]) -> list[Finding]:
    """Judge the variables' names.

    Args:
        known: The variables that are read.
        environment: The variables that are set.
    """
    found = []
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            closest = difflib.get_close_matches(name.upper(), known, n=1)
            advice = f"Did you mean {closest[0]}?" if closest else "Unset it, or look for its name in the README."
            found.append(note(Topic.SETTINGS, f"{name} is set, but nothing reads it", advice))
    return found


def invalid(classes: list[type[BaseSettings]]) -> list[Finding]:
    """Judge the variables' values by reading them as the servers do."""
    from pydantic import ValidationError  # noqa: PLC0415 - only where the services are installed

    found: dict[str, Finding] = {}
    for each in classes:
        try:
            each()
        except ValidationError as error:
            for mistake in error.errors():
                name = PREFIX + "_".join(map(str, mistake["loc"])).upper()
                value = repr(mistake["input"])[:_MAX_VALUE_CHARS]
                found[name] = problem(
                    Topic.SETTINGS, f"{name} is {value}: {mistake['msg']}", f"Correct {name}, or unset it."
                )
    return list(found.values())
