"""docs/deployment.md tells the truth: its paths exist, its folders build, its examples do what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import (
    KUBERNETES,
    ROOT,
    SERVICES,
    build,
    build_folder,
    build_text,
    containers_of,
    deployment_of,
    environment_of,
    name_of,
    of_kind,
    pod_of,
    server_of,
)
from tests.deploy.policies import CHECKS, SETTINGS, VERSION, Check, images_are_pinned

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in re.findall(r"^    (\S.*)$", PAGE, re.MULTILINE)]
FOLDERS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
MINE = "deploy/kubernetes/overlays/mine"


def _paths(command: str) -> list[str]:
    """Return the words of a command that are paths in the repository; made ones (`out/`) are no part of it."""
    return [word for word in shlex.split(command) if word.startswith(FOLDERS) and not word.startswith("out/")]


PATHS = sorted({path for command in COMMANDS for path in _paths(command)} - {MINE})
APPLIED = sorted({match[1] for command in COMMANDS if (match := re.search(r"kubectl \w+ -k (\S+)", command))} - {MINE})


def _mine() -> str:
    """Return the page's overlay, its paths absolute."""
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert f"mkdir {MINE}" in COMMANDS
    content = yaml.safe_load(example)
    content["resources"] = [str((ROOT / MINE / path).resolve()) for path in content["resources"]]
    return str(yaml.safe_dump(content))


def test_the_page_names_paths() -> None:
    assert {"deploy/compose.yaml", "orchestrator/Dockerfile", "services/generation/Dockerfile"} <= set(PATHS)
    assert {"deploy/kubernetes/overlays/local-cpu", "deploy/kubernetes/overlays/single-gpu"} == set(APPLIED)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_in_a_command_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", re.findall(r"`((?:services|orchestrator|deploy)/(?!.*/mine/)[\w/.-]+)`", PAGE))
def test_every_path_in_the_text_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("folder", APPLIED)
def test_every_folder_that_is_applied_builds(folder: str) -> None:
    assert of_kind(build_folder(ROOT / folder), "Deployment")


@pytest.mark.parametrize("name", re.findall(r"`(overlays/[\w-]+)`", PAGE) + re.findall(r"components/([\w/-]+)", PAGE))
def test_every_part_that_is_named_exists(name: str) -> None:
    folder = KUBERNETES / name if name.startswith("overlays/") else KUBERNETES / "components" / name

    assert (folder / "kustomization.yaml").exists()


def test_the_images_that_are_built_are_those_that_are_deployed() -> None:
    built = {match[1] for command in COMMANDS if (match := re.search(r"docker build .*-t (\S+)", command))}
    deployed = {
        container["image"]
        for combination in ("base", "base+gpu/generation+gpu/segmentation+model-store")
        for deployment in of_kind(build(combination), "Deployment")
        for container in containers_of(deployment)
    }

    assert built == deployed


def test_the_images_that_are_loaded_are_those_of_the_local_overlay() -> None:
    loaded = {
        word
        for command in COMMANDS
        if command.startswith("kind load docker-image ")
        for word in command.removeprefix("kind load docker-image ").split()
    }
    deployments = of_kind(build("overlays/local-cpu"), "Deployment")

    assert loaded == {server_of(deployment)["image"] for deployment in deployments}


def test_the_example_takes_all_images_from_its_registry_and_sets_what_it_says() -> None:
    manifests = build_text(_mine())

    for service in SERVICES:
        server = server_of(deployment_of(manifests, service))
        assert server["image"] == f"registry.example.com/fashquick/{service}:{VERSION}"
        assert environment_of(manifests, server)["FASHQUICK_LOG_LEVEL"] == "warning"
        assert environment_of(manifests, server)["FASHQUICK_HOST"] == "0.0.0.0"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_example_keeps_the_policies(check: Check) -> None:
    assert list(check(build_text(_mine()))) == []


def test_a_digest_takes_the_place_of_the_tag_everywhere() -> None:
    digest = f"sha256:{'0' * 64}"
    content = yaml.safe_load(_mine())
    content["components"] = [str(KUBERNETES / "components" / name) for name in ("gpu/generation", "model-store")]
    for image in content["images"]:
        image["digest"] = digest
    manifests = build_text(yaml.safe_dump(content))

    assert list(images_are_pinned(manifests)) == []
    images = {container["image"] for item in of_kind(manifests, "Deployment") for container in containers_of(item)}
    assert images == {f"registry.example.com/fashquick/{service}@{digest}" for service in SERVICES}


def test_every_setting_that_is_named_is_one() -> None:
    known = {f"FASHQUICK_{field.upper()}" for settings in SETTINGS.values() for field in settings.model_fields}

    assert set(re.findall(r"FASHQUICK_[A-Z0-9_]*[A-Z0-9]", PAGE)) <= known


def test_every_label_that_is_named_is_one_that_the_policies_look_for() -> None:
    selectors = str([policy["spec"] for policy in of_kind(build(), "NetworkPolicy")])

    named = set(re.findall(r"\b(fashquick/(?:caller|monitoring))=true", PAGE))
    assert named == set(re.findall(r"'(fashquick/\w+)': 'true'", selectors))


def test_the_command_that_lists_a_store_makes_what_the_check_takes(tmp_path: Path) -> None:
    [command] = [line for line in COMMANDS if "SHA256SUMS" in line]
    words = shlex.split(command)
    assert words[:3] == ["sudo", "sh", "-c"]
    (tmp_path / "a model").mkdir()
    model = tmp_path / "a model" / "weights.safetensors"
    model.write_bytes(b"weights")
    [check] = pod_of(deployment_of(build("base+model-store"), "generation"))["initContainers"]

    subprocess.run(words[1:], cwd=tmp_path, check=True)
    assert subprocess.run(check["command"], cwd=tmp_path, check=False).returncode == 0
    subprocess.run(words[1:], cwd=tmp_path, check=True)
    assert subprocess.run(check["command"], cwd=tmp_path, check=False).returncode == 0

    model.write_bytes(b"weighed")
    assert subprocess.run(check["command"], cwd=tmp_path, check=False, capture_output=True).returncode != 0


def test_every_deployment_that_is_named_exists() -> None:
    there = {name_of(item) for item in of_kind(build(), "Deployment")}

    assert set(re.findall(r"(?:deployment|service)/([\w-]+)", PAGE)) <= there
