"""The compose files: what they build, where they listen, what they may do."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from fashquick_common.server.settings import ServerSettings
from fashquick_features.config import FeaturesSettings
from fashquick_generation.config import GenerationSettings
from fashquick_orchestrator.config import OrchestratorSettings
from fashquick_segmentation.config import SegmentationSettings
from scripts.images.dockerfile import read_stages

DEPLOY = Path(__file__).parents[2] / "deploy"
SETTINGS: dict[str, type[ServerSettings]] = {
    "orchestrator": OrchestratorSettings,
    "segmentation": SegmentationSettings,
    "features": FeaturesSettings,
    "generation": GenerationSettings,
}
STAGES = ("segmentation", "features", "generation")
SIZES = {"k": 1024, "m": 1024**2, "g": 1024**3}

every_service = pytest.mark.parametrize("service", SETTINGS)


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text())


def merged(below: Any, above: Any) -> Any:
    """What compose makes of a file and one that overrides it; neither has a list that the other has too."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: merged(below.get(name), value) for name, value in above.items()}
    return above


SERVICES: dict[str, dict[str, Any]] = read("compose.yaml")["services"]
WITH_GPU: dict[str, dict[str, Any]] = merged(read("compose.yaml"), read("compose.gpu.yaml"))["services"]


def dockerfile_of(service: str) -> Path:
    build = SERVICES[service]["build"]
    return DEPLOY / build["context"] / build["dockerfile"]


def defaults(service: str) -> ServerSettings:
    return SETTINGS[service]()


def settings(service: str, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, value)
    return SETTINGS[service]()


def compose_works() -> bool:
    try:
        return subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not compose_works(), reason="no `docker compose` here; the other tests hold our own rules")
@pytest.mark.parametrize("files", [("compose.yaml",), ("compose.yaml", "compose.gpu.yaml")])
def test_compose_itself_takes_the_files(files: tuple[str, ...]) -> None:
    words = [word for name in files for word in ("--file", str(DEPLOY / name))]

    done = subprocess.run(["docker", "compose", *words, "config", "--quiet"], check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_four_services_are_there_and_the_override_names_no_other() -> None:
    assert SERVICES.keys() == WITH_GPU.keys() == SETTINGS.keys()


@every_service
def test_each_is_built_from_its_own_dockerfile(service: str) -> None:
    dockerfile = dockerfile_of(service)

    assert (DEPLOY / SERVICES[service]["build"]["context"]).resolve() == DEPLOY.parent
    assert read_stages(dockerfile)[-1].entrypoint[-1].endswith(f"fashquick_{service}")
    version = re.search(r'image\.version="([^"]*)"', dockerfile.read_text())
    assert version
    assert SERVICES[service]["image"] == f"fashquick/{service}:{version[1]}"


@every_service
def test_each_variable_is_a_setting_and_its_value_is_accepted(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"FASHQUICK_{name.upper()}" for name in SETTINGS[service].model_fields}

    settings(service, monkeypatch)

    assert SERVICES[service]["environment"].keys() <= names
    assert all(isinstance(value, str) for value in SERVICES[service]["environment"].values())


def test_the_orchestrator_is_told_where_the_stages_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings("orchestrator", monkeypatch)

    for stage in STAGES:
        assert getattr(told, f"{stage}_target") == f"dns:///{stage}:{defaults(stage).port}"
        assert set(SERVICES[stage]["networks"]) & set(SERVICES["orchestrator"]["networks"])


def test_only_the_orchestrator_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    port = defaults("orchestrator").port
    assert published == {"orchestrator": [f"127.0.0.1:{port}:{port}"]}


def test_the_stages_reach_nothing_outside_and_the_orchestrator_can_be_reached() -> None:
    networks = read("compose.yaml")["networks"]

    for stage in STAGES:
        assert all(networks[name]["internal"] for name in SERVICES[stage]["networks"])
    assert not all(networks[name].get("internal") for name in SERVICES["orchestrator"]["networks"])


@every_service
@pytest.mark.parametrize("services", [SERVICES, WITH_GPU], ids=["cpu", "gpu"])
def test_each_may_do_no_more_than_it_needs(services: dict[str, dict[str, Any]], service: str) -> None:
    described = services[service]

    assert described["read_only"] is True
    assert [mount.partition(":")[0] for mount in described["tmpfs"]] == ["/tmp"]
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert not described.keys() & {"privileged", "cap_add", "volumes", "user", "network_mode", "pid", "ipc", "devices"}


@every_service
def test_the_memory_holds_what_the_settings_may_take(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    number, unit = re.fullmatch(r"(\d+)([kmg])", SERVICES[service]["mem_limit"]).groups()  # type: ignore[union-attr]
    chosen = settings(service, monkeypatch)

    assert int(number) * SIZES[unit] > chosen.decode_budget + chosen.byte_budget


@every_service
def test_readiness_is_asked_at_the_admin_port(service: str) -> None:
    kind, *command = SERVICES[service]["healthcheck"]["test"]

    assert kind == "CMD"
    assert command[:2] == ["python", "-c"]
    assert f"http://127.0.0.1:{defaults(service).admin_port}/readyz" in command[2]


async def test_the_health_check_tells_a_ready_server_from_one_that_is_not(unused_tcp_port: int) -> None:
    status = 200

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status if request.path == "/readyz" else 404)

    async def check() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL)
        return await process.wait()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", unused_tcp_port)
    await site.start()
    _, _, *arguments = SERVICES["features"]["healthcheck"]["test"]
    arguments = [argument.replace(":7502/", f":{unused_tcp_port}/") for argument in arguments]
    try:
        assert await check() == 0
        status = 503
        assert await check() != 0
    finally:
        await runner.cleanup()
    assert await check() != 0


def test_the_orchestrator_waits_until_the_stages_are_ready() -> None:
    assert SERVICES["orchestrator"]["depends_on"] == {stage: {"condition": "service_healthy"} for stage in STAGES}


@every_service
def test_running_calls_have_time_to_finish_at_a_stop(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grace = float(SERVICES[service]["stop_grace_period"].removesuffix("s"))

    assert grace > settings(service, monkeypatch).drain_s


def test_the_override_builds_the_variants_that_have_one_and_gives_them_a_gpu() -> None:
    changed = read("compose.gpu.yaml")["services"]

    assert set(changed) == {service for service in SETTINGS if "ARG VARIANT" in dockerfile_of(service).read_text()}
    for service in changed:
        described = WITH_GPU[service]
        assert described["build"]["args"] == {"VARIANT": "cuda"}
        assert described["build"]["dockerfile"] == SERVICES[service]["build"]["dockerfile"]
        assert described["image"] == f"{SERVICES[service]['image']}-cuda"
        [device] = described["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
