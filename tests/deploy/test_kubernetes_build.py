"""What can be applied builds, is valid for the API, and does what the components and overlays are for."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.manifests import (
    COMBINATIONS,
    COMPONENTS,
    KUBERNETES,
    SERVICES,
    Manifest,
    build,
    build_text,
    containers_of,
    deployment_of,
    environment_of,
    name_of,
    of_kind,
    one,
    pod_of,
    quantity,
    server_of,
)
from tests.deploy.policies import VERSION

# The oldest that knows all fields (preStop sleep, by default since 1.30), and the newest.
API_VERSIONS = ("1.30.0", "1.37.0")
GIB = 2**30


@functools.cache
def _valid(manifest: str, version: str) -> str:
    found: str = kubernetes_validate.validate(json.loads(manifest), version, strict=True)
    return found


def validate(manifest: Manifest, version: str) -> str:
    """Return the version of the API that a manifest is valid for; the same manifest is looked at once a session.

    Raises:
        kubernetes_validate.ValidationError: It is not.
    """
    return _valid(json.dumps(manifest, sort_keys=True), version)


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_every_manifest_is_valid(combination: str, version: str) -> None:
    manifests = build(combination)

    assert manifests
    assert {validate(manifest, version) for manifest in manifests} == {version.removesuffix(".0")}


@pytest.mark.parametrize("version", API_VERSIONS)
def test_an_unknown_field_is_not_valid(version: str) -> None:
    deployment = deployment_of(build(), "generation")
    server_of(deployment)["readinessProb"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment, version)


def test_the_newest_api_is_looked_at() -> None:
    assert kubernetes_validate.latest_version() == API_VERSIONS[-1]


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_no_name_is_given_twice(combination: str) -> None:
    names = [(manifest["kind"], name_of(manifest)) for manifest in build(combination)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("service", SERVICES)
def test_the_base_has_two_replicas_of_everything(service: str) -> None:
    assert deployment_of(build(), service)["spec"]["replicas"] == 2


def test_a_changed_setting_replaces_the_pods() -> None:
    changed = yaml.safe_load(COMBINATIONS["base"]) | {
        "configMapGenerator": [
            {
                "name": "fashquick-generation",
                "namespace": "fashquick",
                "behavior": "merge",
                "literals": ["FASHQUICK_LOG_LEVEL=debug"],
            }
        ]
    }

    before, after = (deployment_of(made, "generation") for made in (build(), build_text(yaml.safe_dump(changed))))

    assert before["spec"]["template"] != after["spec"]["template"]


def test_the_order_of_components_does_not_matter() -> None:
    resources = [str(KUBERNETES / "base")]
    forwards, backwards = (
        build_text(yaml.safe_dump({"resources": resources, "components": [str(path) for path in paths]}))
        for paths in (COMPONENTS, COMPONENTS[::-1])
    )

    def sort(manifest: Manifest) -> tuple[str, str]:
        return manifest["kind"], name_of(manifest)

    assert sorted(forwards, key=sort) == sorted(backwards, key=sort)


@pytest.mark.parametrize("stage", ["segmentation", "generation"])
def test_a_gpu_component_gives_its_stage_one_gpu_and_the_image_for_it(stage: str) -> None:
    manifests = build(f"base+gpu/{stage}")
    on_gpu = [
        name_of(deployment)
        for deployment in of_kind(manifests, "Deployment")
        if server_of(deployment)["resources"]["limits"].get("nvidia.com/gpu") == 1
    ]
    cuda = [
        name_of(deployment)
        for deployment in of_kind(manifests, "Deployment")
        if server_of(deployment)["image"].endswith("-cuda")
    ]
    pod = pod_of(deployment_of(manifests, stage))

    assert on_gpu == cuda == [f"fashquick-{stage}"]
    assert deployment_of(manifests, stage)["spec"]["replicas"] == 1
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_the_model_store_is_mounted_where_models_are_used_and_verified_first() -> None:
    manifests = build("base+model-store")
    mounted = {
        name_of(deployment): [
            container["name"] for container in containers_of(deployment) if "/models" in str(container)
        ]
        for deployment in of_kind(manifests, "Deployment")
    }

    assert mounted == {
        "fashquick-orchestrator": [],
        "fashquick-features": [],
        "fashquick-segmentation": ["verify-models", "server"],
        "fashquick-generation": ["verify-models", "server"],
    }
    claim = one(manifests, "PersistentVolumeClaim", "fashquick-models")
    assert claim["spec"]["accessModes"] == ["ReadOnlyMany"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "sam2").mkdir()
    for name in ("sam2/tiny.safetensors", "index.json"):
        (tmp_path / name).write_bytes(name.encode())
    lines = [
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("sam2/tiny.safetensors", "index.json")
    ]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    return tmp_path


def _verified(store: Path) -> bool:
    [container] = pod_of(deployment_of(build("base+model-store"), "generation"))["initContainers"]
    assert container["workingDir"] == "/models"
    return subprocess.run(container["command"], cwd=store, check=False, capture_output=True).returncode == 0


def test_a_whole_store_is_let_through(store: Path) -> None:
    assert _verified(store)


@pytest.mark.parametrize("name", ["sam2/tiny.safetensors", "SHA256SUMS"])
@pytest.mark.parametrize("damage", ["missing", "empty", "changed"])
def test_a_damaged_store_never_starts(store: Path, name: str, damage: str) -> None:
    path = store / name
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case _:
            path.write_bytes(path.read_bytes().replace(b"s", b"z").replace(b"a", b"b"))

    assert not _verified(store)


def test_the_local_overlay_fits_a_small_machine() -> None:
    deployments = of_kind(build("overlays/local-cpu"), "Deployment")
    resources = [server_of(deployment)["resources"] for deployment in deployments]

    assert [deployment["spec"]["replicas"] for deployment in deployments] == [1, 1, 1, 1]
    # Of two cores the cluster's own pods take about one, and a rollout adds a second pod of generation.
    surge = max(quantity(part["requests"]["cpu"]) for part in resources)
    assert sum(quantity(part["requests"]["cpu"]) for part in resources) + surge <= 1
    # Of 8 GB the cluster itself takes about one.
    assert sum(quantity(part["limits"]["memory"]) for part in resources) <= 6 * GIB
    assert {server_of(deployment)["imagePullPolicy"] for deployment in deployments} == {"IfNotPresent"}


def test_the_gpu_overlay_is_for_one_node_with_one_gpu() -> None:
    manifests = build("overlays/single-gpu")
    deployments = of_kind(manifests, "Deployment")
    gpus = {
        name_of(deployment): server_of(deployment)["resources"]["limits"].get("nvidia.com/gpu", 0)
        for deployment in deployments
    }

    assert [deployment["spec"]["replicas"] for deployment in deployments] == [1, 1, 1, 1]
    assert {name: count for name, count in gpus.items() if count} == {"fashquick-generation": 1}
    assert server_of(deployment_of(manifests, "segmentation"))["image"] == f"fashquick/segmentation:{VERSION}"
    claim = one(manifests, "PersistentVolumeClaim", "fashquick-models")["spec"]
    volume = one(manifests, "PersistentVolume", "fashquick-models")["spec"]
    assert volume["storageClassName"] == claim["storageClassName"]
    assert set(claim["accessModes"]) <= set(volume["accessModes"])
    assert quantity(claim["resources"]["requests"]["storage"]) <= quantity(volume["capacity"]["storage"])


def test_settings_of_every_server_are_told_to_every_server() -> None:
    manifests = build()
    told = [environment_of(manifests, server_of(deployment)) for deployment in of_kind(manifests, "Deployment")]

    assert {(variables["FASHQUICK_HOST"], variables["FASHQUICK_DRAIN_S"]) for variables in told} == {("0.0.0.0", "120")}
