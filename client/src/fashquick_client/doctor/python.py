"""Python and what is installed: versions that do not fit together are the first cause of trouble."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Mapping

from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem
from fashquick_client.services import Service

MIN_PYTHON = (3, 11)
_STUBS = "fashquick.common.v1.server_info_pb2_grpc"
_DISTRIBUTIONS = ("protos", "common", "client", *(service.value for service in Service))
_REQUIREMENT = re.compile(r"(grpcio|protobuf)\s*>=\s*([0-9.]+)$")
_SAME_VERSION = "Install all of one version into a new virtual environment: scripts/install local."


def check(trouble: str | None) -> list[Finding]:
    """Look at Python and the installed distributions.

    Args:
        trouble: Why the stubs cannot be loaded, from `stubs_trouble`.
    """
    return [
        *interpreter(sys.version_info[:3], platform.python_implementation(), bits=64 if sys.maxsize > 2**32 else 32),
        *surroundings(sys.platform, sys.prefix, sys.base_prefix),
        *distributions(installed_versions()),
        *stubs(trouble),
    ]


def stubs_trouble() -> str | None:
    """Load gRPC and the stubs; return why that fails, or None.

    Stubs refuse a grpcio or protobuf that is older than the tools they were made with.
    """
    try:
        importlib.import_module(_STUBS)
    except Exception as error:  # noqa: BLE001 - generated code and compiled libraries raise anything
        return f"{type(error).__name__}: {error}"
    return None


def interpreter(version: tuple[int, ...], implementation: str, *, bits: int) -> list[Finding]:
    """Judge the interpreter.

    Args:
        version: Major, minor and micro version.
        implementation: "CPython" or another.
        bits: Size of its pointers.
    """
    text = f"{implementation} {'.'.join(map(str, version))}, {bits} bit"
    least = ".".join(map(str, MIN_PYTHON))
    if version[:2] < MIN_PYTHON or bits != 64:
        advice = f"Make a virtual environment with a 64 bit Python {least} or newer and install fashquick into it."
        return [problem(Topic.PYTHON, text, advice)]
    if implementation != "CPython":
        return [note(Topic.PYTHON, text, "The services are made for CPython: use it if something does not install.")]
    return [ok(Topic.PYTHON, text)]


def surroundings(system: str, prefix: str, base_prefix: str) -> list[Finding]:
    """Judge the operating system and the environment.

    Args:
        system: As in `sys.platform`.
        prefix: As in `sys.prefix`.
        base_prefix: As in `sys.base_prefix`.
    """
    name = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if system == "linux":
        found = [ok(Topic.PYTHON, name)]
    else:
        found = [note(Topic.PYTHON, name, "Only Linux is supported: use it if something does not work here.")]
    if prefix != base_prefix:
        return [*found, ok(Topic.PYTHON, f"virtual environment {prefix}")]
    advice = "Where other Python programs share this environment, give fashquick its own: python3 -m venv .venv."
    return [*found, note(Topic.PYTHON, f"no virtual environment: {prefix}", advice)]


def installed_versions() -> dict[str, str]:
    """Return the version of each distribution of fashquick that is installed here."""
    versions = {}
    for name in _DISTRIBUTIONS:
        version = installed_version(f"fashquick-{name}")
        if version is not None:
            versions[name] = version
    return versions


def installed_version(distribution: str) -> str | None:
    """Return the version of a distribution, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def distributions(versions: Mapping[str, str]) -> list[Finding]:
    """Judge whether the distributions belong together.

    Args:
        versions: Version by distribution, its name without "fashquick-".
    """
    if len(set(versions.values())) > 1:
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        return [problem(Topic.PYTHON, f"fashquick's distributions differ in version: {listed}", _SAME_VERSION)]
    version = next(iter(versions.values()), "unknown")
    return [ok(Topic.PYTHON, f"fashquick {version}: {', '.join(versions) or 'nothing'} installed")]


def stubs(trouble: str | None) -> list[Finding]:
    """Judge grpcio and protobuf.

    Args:
        trouble: Why the stubs cannot be loaded, or None.
    """
    found, old = [], []
    for name, least in _least_versions().items():
        version = installed_version(name)
        if version is None or _numbers(version) < _numbers(least):
            old.append(f"{name}>={least}")
            is_here = "is not installed" if version is None else f"{version} is too old"
            advice = f'Install it: "{sys.executable}" -m pip install "{name}>={least}"'
            found.append(problem(Topic.PYTHON, f"{name} {is_here} for fashquick's stubs, which need {least}", advice))
        else:
            found.append(ok(Topic.PYTHON, f"{name} {version}, at least {least} is needed"))
    if trouble is not None and not old:
        found.append(problem(Topic.PYTHON, f"fashquick's stubs cannot be loaded: {trouble}", _SAME_VERSION))
    return found


def _least_versions() -> dict[str, str]:
    try:
        requirements = importlib.metadata.requires("fashquick-protos") or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    return {match[1]: match[2] for each in requirements if (match := _REQUIREMENT.match(each))}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
