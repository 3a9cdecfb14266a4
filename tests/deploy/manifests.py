"""Manifests as `kubectl kustomize` builds them, and how to find things in them."""

from __future__ import annotations

import copy
import functools
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
Manifests = list[Manifest]

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPONENTS = tuple(path.parent for path in sorted(KUBERNETES.glob("components/**/kustomization.yaml")))
OVERLAYS = tuple(path.parent for path in sorted(KUBERNETES.glob("overlays/*/kustomization.yaml")))
SERVICES = ("orchestrator", "segmentation", "features", "generation")
STAGES = SERVICES[1:]

_KUBECTL = Path(sys.executable).with_name("kubectl")
_UNITS = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}


def _subsets() -> Iterator[tuple[Path, ...]]:
    for count in range(len(COMPONENTS) + 1):
        yield from itertools.combinations(COMPONENTS, count)


def _title(components: Sequence[Path]) -> str:
    return "+".join(["base", *(path.relative_to(KUBERNETES / "components").as_posix() for path in components)])


# What a user can apply: the base with any of the components, and the overlays.
COMBINATIONS: Mapping[str, str] = {
    **{
        _title(components): yaml.safe_dump(
            {"resources": [str(KUBERNETES / "base")], "components": [str(path) for path in components]}
        )
        for components in _subsets()
    },
    **{path.relative_to(KUBERNETES).as_posix(): yaml.safe_dump({"resources": [str(path)]}) for path in OVERLAYS},
}


def build_folder(folder: Path) -> Manifests:
    """Return what `kubectl apply -k FOLDER` would apply.

    Raises:
        CalledProcessError: It does not build; the message of kubectl is in its `stderr`.
    """
    done = subprocess.run([_KUBECTL, "kustomize", folder], check=True, capture_output=True, text=True)
    return [manifest for manifest in yaml.load_all(done.stdout, yaml.CSafeLoader) if manifest is not None]


@functools.cache
def _built(kustomization: str) -> Manifests:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        content = yaml.safe_load(kustomization)
        for key in ("resources", "components"):
            # kustomize takes no absolute paths.
            content[key] = [os.path.relpath(path, folder) for path in content.get(key, [])]
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
        return build_folder(folder)


def build_text(kustomization: str) -> Manifests:
    """Return what a kustomization makes; its resources and components are absolute paths. Built once a session."""
    return copy.deepcopy(_built(kustomization))


def build(combination: str = "base") -> Manifests:
    """Return the manifests of one of `COMBINATIONS`, which the caller may change."""
    return build_text(COMBINATIONS[combination])


def of_kind(manifests: Iterable[Manifest], kind: str) -> Manifests:
    """Return all manifests of a kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    """Return the manifest of a kind and a name."""
    [found] = [manifest for manifest in of_kind(manifests, kind) if name_of(manifest) == name]
    return found


def name_of(manifest: Manifest) -> str:
    """Return a manifest's name."""
    return str(manifest["metadata"]["name"])


def deployment_of(manifests: Iterable[Manifest], service: str) -> Manifest:
    """Return the Deployment of a service, such as "segmentation"."""
    return one(manifests, "Deployment", f"fashquick-{service}")


def pod_of(deployment: Manifest) -> dict[str, Any]:
    """Return the specification of a Deployment's pods."""
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def pod_labels(deployment: Manifest) -> dict[str, str]:
    """Return the labels of a Deployment's pods."""
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return labels


def server_of(deployment: Manifest) -> dict[str, Any]:
    """Return the container that is the server."""
    [server] = pod_of(deployment)["containers"]
    found: dict[str, Any] = server
    return found


def containers_of(deployment: Manifest) -> list[dict[str, Any]]:
    """Return all containers of a Deployment's pods, those that run first included."""
    pod = pod_of(deployment)
    return [*pod.get("initContainers", []), *pod["containers"]]


def ports_of(container: Mapping[str, Any]) -> dict[str, int]:
    """Return a container's ports by name."""
    return {port.get("name", ""): port["containerPort"] for port in container.get("ports", [])}


def environment_of(manifests: Iterable[Manifest], container: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a container gets from its ConfigMaps; a later one goes before an earlier one."""
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        environment |= one(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return environment


def quantity(text: str | int) -> float:
    """Return a quantity of Kubernetes as a number: "250m" is 0.25, "1Gi" is 1073741824."""
    text = str(text)
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * _UNITS[unit]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what has these labels; an empty one selects everything.

    Raises:
        NotImplementedError: It has `matchExpressions`, which no manifest here needs.
    """
    if selector.keys() - {"matchLabels"}:
        raise NotImplementedError(f"only matchLabels is understood: {selector}")
    return bool(selector.get("matchLabels", {}).items() <= labels.items())
