"""What every combination of the manifests must keep: each check yields a line for what breaks its rule.

Settings come from the services' own classes, measured memory from docs/benchmarks.md.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from pydantic import ValidationError

from fashquick_common.server.settings import ServerSettings
from fashquick_features.config import FeaturesSettings
from fashquick_generation.config import GenerationSettings
from fashquick_orchestrator.config import OrchestratorSettings
from fashquick_segmentation.config import SegmentationSettings
from tests.deploy.manifests import (
    ROOT,
    STAGES,
    Manifest,
    Manifests,
    containers_of,
    deployment_of,
    environment_of,
    name_of,
    of_kind,
    pod_labels,
    pod_of,
    ports_of,
    quantity,
    selects,
    server_of,
)

Check = Callable[[Manifests], Iterator[str]]

SETTINGS: dict[str, type[ServerSettings]] = {
    "fashquick-orchestrator": OrchestratorSettings,
    "fashquick-segmentation": SegmentationSettings,
    "fashquick-features": FeaturesSettings,
    "fashquick-generation": GenerationSettings,
}
VERSION = str(
    tomllib.loads((ROOT / "services" / "common" / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
)
CLOSING_S = 15  # Of the grace time, for what is not draining: the preStop hook, closing connections and traces.
MIB = 2**20
NOT_NAMESPACED = ("Namespace", "PersistentVolume")
POD_SECURITY: dict[str, object] = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: dict[str, object] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "privileged": None,
}
RESOURCES = ("cpu", "memory", "ephemeral-storage")
PROBES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def measured_peaks() -> dict[str, float]:
    """Return the peak memory in bytes of each server, as docs/benchmarks.md has it."""
    [text] = re.findall(
        r"^Peak of each server's process.*?^$", (ROOT / "docs" / "benchmarks.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return {f"fashquick-{name}": float(mib) * MIB for name, mib in re.findall(r"(\w+)\s+(\d+)\s+MiB", text)}


def settings_of(manifests: Manifests, deployment: Manifest) -> ServerSettings:
    """Return the settings that a server reads in its pod.

    Raises:
        ValidationError: The server would refuse them.
    """
    environment = environment_of(manifests, server_of(deployment))
    with mock.patch.dict(os.environ, environment, clear=True):
        return SETTINGS[name_of(deployment)]()


def _deployments(manifests: Manifests) -> Manifests:
    return of_kind(manifests, "Deployment")


def _containers(manifests: Manifests) -> Iterator[tuple[str, Manifest, dict[str, Any]]]:
    for deployment in _deployments(manifests):
        for container in containers_of(deployment):
            yield f"{name_of(deployment)}/{container['name']}", deployment, container


def _selected(manifests: Manifests, selector: dict[str, Any]) -> list[str]:
    return [name_of(item) for item in _deployments(manifests) if selects(selector, pod_labels(item))]


def containers_are_restricted(manifests: Manifests) -> Iterator[str]:
    """What the pod security standard `restricted` asks, and more: fixed ids and a read-only root."""
    for where, deployment, container in _containers(manifests):
        own = container.get("securityContext", {})
        context = pod_of(deployment).get("securityContext", {}) | own
        for key, value in POD_SECURITY.items():
            if context.get(key) != value:
                yield f"{where}: {key} is {context.get(key)}"
        for key, value in CONTAINER_SECURITY.items():
            if own.get(key) != value:
                yield f"{where}: {key} is {own.get(key)}"
    for deployment in _deployments(manifests):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod_of(deployment).get(key):
                yield f"{name_of(deployment)}: {key}"


def volumes_are_of_bounded_kinds(manifests: Manifests) -> Iterator[str]:
    """An emptyDir with a size, or a claim that exists."""
    claims = {name_of(claim) for claim in of_kind(manifests, "PersistentVolumeClaim")}
    for deployment in _deployments(manifests):
        for volume in pod_of(deployment).get("volumes", []):
            where = f"{name_of(deployment)}: volume {volume['name']}"
            match volume:
                case {"emptyDir": {"sizeLimit": _}}:
                    pass
                case {"persistentVolumeClaim": {"claimName": claim}}:
                    if claim not in claims:
                        yield f"{where} is of a claim that does not exist"
                case _:
                    yield f"{where} may grow without a limit or is of a kind that is not allowed"


def only_tmp_is_written_to(manifests: Manifests) -> Iterator[str]:
    """Every server has /tmp; all other mounts are read-only; every volume is mounted."""
    for deployment in _deployments(manifests):
        where = name_of(deployment)
        mounts = [mount for container in containers_of(deployment) for mount in container.get("volumeMounts", [])]
        written = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
        if written != {"/tmp"}:
            yield f"{where}: writes to {sorted(written)}"
        volumes = {volume["name"] for volume in pod_of(deployment).get("volumes", [])}
        if volumes != {mount["name"] for mount in mounts}:
            yield f"{where}: not every volume of {sorted(volumes)} is mounted"


def containers_have_resources(manifests: Manifests) -> Iterator[str]:
    """Requests and limits of everything that runs out; no request above its limit."""
    for where, _, container in _containers(manifests):
        resources = container.get("resources", {})
        for kind in RESOURCES:
            request, limit = (resources.get(side, {}).get(kind) for side in ("requests", "limits"))
            if request is None or limit is None:
                yield f"{where}: {kind} request {request}, limit {limit}"
            elif quantity(request) > quantity(limit):
                yield f"{where}: {kind} request {request} is above its limit {limit}"


def memory_holds_what_was_measured_and_promised(manifests: Manifests) -> Iterator[str]:
    """A request of at least the measured peak; a limit that leaves room for the budgets that the server hands out."""
    for deployment in _deployments(manifests):
        where = name_of(deployment)
        settings = settings_of(manifests, deployment)
        peak = measured_peaks()[where]
        promised = settings.byte_budget + settings.decode_budget
        if isinstance(settings, OrchestratorSettings):
            promised += settings.result_store_bytes
        resources = server_of(deployment)["resources"]
        if quantity(resources["requests"]["memory"]) < peak:
            yield f"{where}: memory request {resources['requests']['memory']}, peak {peak / MIB:.0f} MiB"
        if quantity(resources["limits"]["memory"]) < peak + promised:
            needed = (peak + promised) / MIB
            yield f"{where}: memory limit {resources['limits']['memory']}, peak and budgets {needed:.0f} MiB"


def cpu_limits_are_whole_cores(manifests: Manifests) -> Iterator[str]:
    """Servers make as many threads as whole cores are in their quota: half a core is throttled and never used."""
    for where, _, container in _containers(manifests):
        limit = quantity(container["resources"]["limits"]["cpu"])
        if limit < 1 or limit % 1:
            yield f"{where}: cpu limit {container['resources']['limits']['cpu']}"


def ephemeral_storage_holds_the_volumes(manifests: Manifests) -> Iterator[str]:
    """An emptyDir counts towards its pod's limit: a limit below its size would evict the pod first."""
    for deployment in _deployments(manifests):
        volumes = pod_of(deployment).get("volumes", [])
        size = sum(quantity(volume["emptyDir"].get("sizeLimit", 0)) for volume in volumes if "emptyDir" in volume)
        limit = server_of(deployment)["resources"]["limits"]["ephemeral-storage"]
        if quantity(limit) <= size:
            yield f"{name_of(deployment)}: ephemeral-storage limit {limit}, volumes {size / MIB:.0f} MiB"


def images_are_pinned(manifests: Manifests) -> Iterator[str]:
    """The service's own image, from any registry, with this version's tag or a digest; one image a pod."""
    for where, deployment, container in _containers(manifests):
        image = container.get("image", "")
        own = re.escape(name_of(deployment).replace("-", "/", 1))
        if not re.fullmatch(rf"(\S+/)?{own}(:{re.escape(VERSION)}(-cuda)?|@sha256:[0-9a-f]{{64}})", image):
            yield f"{where}: image {image}"
        if image != server_of(deployment)["image"]:
            yield f"{where}: another image than the server's"


def ports_are_named(manifests: Manifests) -> Iterator[str]:
    """A server has two ports, grpc and admin; the annotations for Prometheus name the second."""
    for deployment in _deployments(manifests):
        where = name_of(deployment)
        ports = ports_of(server_of(deployment))
        if ports.keys() != {"grpc", "admin"}:
            yield f"{where}: ports {sorted(ports)}"
        annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
        if annotations.get("prometheus.io/port") != str(ports.get("admin")):
            yield f"{where}: Prometheus is sent to port {annotations.get('prometheus.io/port')}"


def probes_ask_three_questions(manifests: Manifests) -> Iterator[str]:
    """Each probe has its own path on the admin port; a start may take long, a restart is the last resort."""
    for deployment in _deployments(manifests):
        where, server = name_of(deployment), server_of(deployment)
        for probe, path in PROBES.items():
            if server.get(probe, {}).get("httpGet") != {"path": path, "port": "admin"}:
                yield f"{where}: {probe} asks {server.get(probe, {}).get('httpGet')}"
        seconds = {
            probe: server.get(probe, {}).get("periodSeconds", 0) * server.get(probe, {}).get("failureThreshold", 0)
            for probe in PROBES
        }
        if not seconds["readinessProbe"] < seconds["livenessProbe"] < seconds["startupProbe"]:
            yield f"{where}: probes give up after {seconds}"


def services_lead_to_one_deployment(manifests: Manifests) -> Iterator[str]:
    """Headless, with ports that its pods have, and known as HTTP/2."""
    for service in of_kind(manifests, "Service"):
        where, spec = name_of(service), service["spec"]
        found = _selected(manifests, {"matchLabels": spec.get("selector", {})})
        if found != [where]:
            yield f"Service {where}: selects {found}"
            continue
        if spec.get("clusterIP") != "None":
            yield f"Service {where}: is not headless, so clients balance connections only"
        [deployment] = [item for item in _deployments(manifests) if name_of(item) == where]
        ports = ports_of(server_of(deployment))
        for port in spec["ports"]:
            if not port.get("name") or ports.get(port.get("targetPort")) != port["port"]:
                yield f"Service {where}: port {port} is none of its pods'"
            if port.get("appProtocol") != "kubernetes.io/h2c":
                yield f"Service {where}: port {port.get('name')} is not known as HTTP/2"
    if missing := SETTINGS.keys() - {name_of(service) for service in of_kind(manifests, "Service")}:
        yield f"no Service for {sorted(missing)}"


def selectors_are_disjoint(manifests: Manifests) -> Iterator[str]:
    """A Deployment selects its own pods and no other's."""
    for deployment in _deployments(manifests):
        found = _selected(manifests, deployment["spec"]["selector"])
        if found != [name_of(deployment)]:
            yield f"{name_of(deployment)}: selects the pods of {found}"


def network_policies_cover_every_service(manifests: Manifests) -> Iterator[str]:
    """All is denied by default, and each Service's pods have a policy of their own."""
    policies = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    both = {"Ingress", "Egress"}
    denying = [p for p in policies if p["podSelector"] == {} and set(p["policyTypes"]) == both]
    if not any("ingress" not in policy and "egress" not in policy for policy in denying):
        yield "nothing denies all traffic by default"
    for service in of_kind(manifests, "Service"):
        for deployment in _deployments(manifests):
            labels = pod_labels(deployment)
            if selects({"matchLabels": service["spec"]["selector"]}, labels) and not any(
                policy.get("ingress") and selects(policy["podSelector"], labels) for policy in policies
            ):
                yield f"Service {name_of(service)}: no policy lets anyone in"


def disruption_budgets_match(manifests: Manifests) -> Iterator[str]:
    """Each Deployment has one, which lets one pod go."""
    covered = []
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        covered += _selected(manifests, budget["spec"]["selector"])
        if budget["spec"].get("maxUnavailable") != 1 or "minAvailable" in budget["spec"]:
            yield f"PodDisruptionBudget {name_of(budget)}: blocks the drain of a node with the only replica"
    if sorted(covered) != sorted(name_of(deployment) for deployment in _deployments(manifests)):
        yield f"PodDisruptionBudgets cover {sorted(covered)}"


def rollouts_keep_the_service_up(manifests: Manifests) -> Iterator[str]:
    """A new pod first, except where each needs a GPU; then long enough that clients know the new one's address."""
    for deployment in _deployments(manifests):
        where, spec = name_of(deployment), deployment["spec"]
        on_gpu = "nvidia.com/gpu" in server_of(deployment).get("resources", {}).get("limits", {})
        wanted = {"maxUnavailable": 1, "maxSurge": 0} if on_gpu else {"maxUnavailable": 0, "maxSurge": 1}
        if spec["strategy"] != {"type": "RollingUpdate", "rollingUpdate": wanted}:
            yield f"{where}: strategy {spec['strategy']}"
        if spec.get("minReadySeconds", 0) <= 30:
            yield f"{where}: minReadySeconds {spec.get('minReadySeconds')}, DNS answers live 30 s"


def drains_fit_the_grace_time(manifests: Manifests) -> Iterator[str]:
    """SIGKILL comes after the drain: the preStop hook counts too."""
    for deployment in _deployments(manifests):
        where, pod = name_of(deployment), pod_of(deployment)
        drain_s = settings_of(manifests, deployment).drain_s
        hook_s = server_of(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace_s = pod.get("terminationGracePeriodSeconds", 30)
        if grace_s != drain_s + CLOSING_S:
            yield f"{where}: terminationGracePeriodSeconds {grace_s}, drain {drain_s:g} s + {CLOSING_S} s"
        if hook_s + 5 > CLOSING_S:
            yield f"{where}: preStop takes {hook_s} s of the {CLOSING_S} s beside the drain"


def settings_are_real(manifests: Manifests) -> Iterator[str]:
    """Every key is a setting, every value is taken, and the ports are those that the pod declares."""
    for deployment in _deployments(manifests):
        where, server = name_of(deployment), server_of(deployment)
        known = {f"FASHQUICK_{field.upper()}" for field in SETTINGS[where].model_fields}
        for key in environment_of(manifests, server).keys() - known:
            yield f"{where}: {key} is no setting"
        try:
            settings = settings_of(manifests, deployment)
        except ValidationError as error:
            yield f"{where}: {error}"
            continue
        if settings.host != "0.0.0.0":
            yield f"{where}: listens on {settings.host} only"
        if ports_of(server) != {"grpc": settings.port, "admin": settings.admin_port}:
            yield f"{where}: listens on {settings.port} and {settings.admin_port}, declares {ports_of(server)}"


def targets_exist(manifests: Manifests) -> Iterator[str]:
    """The orchestrator's targets are Services with that port, resolved by DNS so that calls are balanced."""
    settings = settings_of(manifests, deployment_of(manifests, "orchestrator"))
    ports = {name_of(item): [port["port"] for port in item["spec"]["ports"]] for item in of_kind(manifests, "Service")}
    for stage in STAGES:
        target = getattr(settings, f"{stage}_target")
        match = re.fullmatch(r"dns:///([a-z-]+):(\d+)", target)
        if match is None or match[1] != f"fashquick-{stage}" or int(match[2]) not in ports.get(match[1], []):
            yield f"fashquick-orchestrator: target {target} of {stage} is no Service"


def service_accounts_hold_nothing(manifests: Manifests) -> Iterator[str]:
    """An account of its own, no token, and no variables made from the names of Services."""
    accounts = {name_of(item): item for item in of_kind(manifests, "ServiceAccount")}
    for deployment in _deployments(manifests):
        where, pod = name_of(deployment), pod_of(deployment)
        if pod.get("serviceAccountName") != where or where not in accounts:
            yield f"{where}: service account {pod.get('serviceAccountName')}"
        elif accounts[where].get("automountServiceAccountToken") is not False:
            yield f"{where}: its account gives tokens"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{where}: mounts a token"
        if pod.get("enableServiceLinks") is not False:
            yield f"{where}: Services set variables that may be taken for settings"


def everything_is_in_the_restricted_namespace(manifests: Manifests) -> Iterator[str]:
    """One namespace, which is made here and holds its pods to the standard."""
    [namespace] = of_kind(manifests, "Namespace")
    for mode in ("enforce", "audit", "warn"):
        if namespace["metadata"].get("labels", {}).get(f"pod-security.kubernetes.io/{mode}") != "restricted":
            yield f"Namespace {name_of(namespace)}: does not {mode} the restricted standard"
    for manifest in manifests:
        place = manifest["metadata"].get("namespace")
        if manifest["kind"] not in NOT_NAMESPACED and place != name_of(namespace):
            yield f"{manifest['kind']} {name_of(manifest)}: is in namespace {place}"


def labels_are_complete(manifests: Manifests) -> Iterator[str]:
    """The labels that Kubernetes recommends, on the objects and on the pods."""
    for deployment in _deployments(manifests):
        where = name_of(deployment)
        wanted = {
            "app.kubernetes.io/name": where,
            "app.kubernetes.io/component": where.removeprefix("fashquick-"),
            "app.kubernetes.io/part-of": "fashquick",
            "app.kubernetes.io/version": VERSION,
        }
        for labels in (deployment["metadata"].get("labels", {}), pod_labels(deployment)):
            if labels != wanted:
                yield f"{where}: labels {labels}"


def replicas_spread(manifests: Manifests) -> Iterator[str]:
    """Over nodes and zones where there are any, without a pod waiting for one; each service counts its own pods."""
    for deployment in _deployments(manifests):
        where = name_of(deployment)
        spreads = pod_of(deployment).get("topologySpreadConstraints", [])
        if {spread["topologyKey"] for spread in spreads} != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{where}: spreads over {[spread['topologyKey'] for spread in spreads]}"
        for spread in spreads:
            if spread["whenUnsatisfiable"] != "ScheduleAnyway":
                yield f"{where}: waits for a {spread['topologyKey']}"
            if not selects(spread["labelSelector"], pod_labels(deployment)):
                yield f"{where}: does not count its own pods"
            if "app.kubernetes.io/name" not in spread.get("matchLabelKeys", []):
                yield f"{where}: counts the pods of other services"


CHECKS: tuple[Check, ...] = (
    containers_are_restricted,
    volumes_are_of_bounded_kinds,
    only_tmp_is_written_to,
    containers_have_resources,
    memory_holds_what_was_measured_and_promised,
    cpu_limits_are_whole_cores,
    ephemeral_storage_holds_the_volumes,
    images_are_pinned,
    ports_are_named,
    probes_ask_three_questions,
    services_lead_to_one_deployment,
    selectors_are_disjoint,
    network_policies_cover_every_service,
    disruption_budgets_match,
    rollouts_keep_the_service_up,
    drains_fit_the_grace_time,
    settings_are_real,
    targets_exist,
    service_accounts_hold_nothing,
    everything_is_in_the_restricted_namespace,
    labels_are_complete,
    replicas_spread,
)
