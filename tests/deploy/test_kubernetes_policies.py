"""Every combination keeps the policies, and every policy catches what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy import policies
from tests.deploy.manifests import (
    COMBINATIONS,
    Manifests,
    build,
    deployment_of,
    name_of,
    of_kind,
    one,
    pod_labels,
    pod_of,
    server_of,
)
from tests.deploy.policies import CHECKS, Check

GENERATION = "fashquick-generation"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_every_combination_keeps_every_policy(combination: str, check: Check) -> None:
    assert list(check(build(combination))) == []


def test_the_combinations_are_all_that_can_be_applied() -> None:
    assert {"base", "base+gpu/generation+gpu/segmentation+model-store"} <= COMBINATIONS.keys()
    assert {"overlays/local-cpu", "overlays/single-gpu"} <= COMBINATIONS.keys()
    assert len(COMBINATIONS) == 2**3 + 2


def test_the_measured_peaks_are_found() -> None:
    assert policies.measured_peaks().keys() == policies.SETTINGS.keys()


def _spec(manifests: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = deployment_of(manifests, "generation")["spec"]
    return spec


def _pod(manifests: Manifests) -> dict[str, Any]:
    return pod_of(deployment_of(manifests, "generation"))


def _server(manifests: Manifests) -> dict[str, Any]:
    return server_of(deployment_of(manifests, "generation"))


def _labels(manifests: Manifests) -> dict[str, str]:
    return pod_labels(deployment_of(manifests, "generation"))


def _annotations(manifests: Manifests) -> Any:
    return _spec(manifests)["template"]["metadata"]["annotations"]


def _verify_models(manifests: Manifests) -> Any:
    return _pod(manifests)["initContainers"][0]


def _volume(manifests: Manifests, name: str) -> Any:
    [found] = [volume for volume in _pod(manifests)["volumes"] if volume["name"] == name]
    return found


def _spread(manifests: Manifests) -> Any:
    return _pod(manifests)["topologySpreadConstraints"][1]


def _service(manifests: Manifests) -> Any:
    return one(manifests, "Service", GENERATION)["spec"]


def _policy(manifests: Manifests, name: str) -> Any:
    return one(manifests, "NetworkPolicy", name)["spec"]


def _namespace_labels(manifests: Manifests) -> Any:
    return one(manifests, "Namespace", "fashquick")["metadata"]["labels"]


def _settings(manifests: Manifests, service: str = "generation") -> Any:
    [found] = [item for item in of_kind(manifests, "ConfigMap") if f"-{service}-" in name_of(item)]
    return found["data"]


def _target(manifests: Manifests, target: str) -> None:
    _settings(manifests, "orchestrator").update(FASHQUICK_GENERATION_TARGET=target)


def _remove(manifests: Manifests, kind: str, name: str) -> None:
    manifests.remove(one(manifests, kind, name))


Break = Callable[[Manifests], object]

# For each policy: ways to break it, and what it must then report.
BROKEN: dict[Check, list[tuple[Break, str]]] = {
    policies.containers_are_restricted: [
        (lambda m: _pod(m)["securityContext"].pop("runAsNonRoot"), "server: runAsNonRoot is None"),
        (lambda m: _server(m)["securityContext"].update(runAsUser=0), "server: runAsUser is 0"),
        (lambda m: _pod(m)["securityContext"].pop("seccompProfile"), "server: seccompProfile is None"),
        (lambda m: _server(m)["securityContext"].pop("allowPrivilegeEscalation"), "allowPrivilegeEscalation is None"),
        (lambda m: _verify_models(m)["securityContext"].pop("readOnlyRootFilesystem"), "verify-models: readOnlyRoot"),
        (lambda m: _server(m)["securityContext"]["capabilities"].update(add=["NET_RAW"]), "capabilities is"),
        (lambda m: _server(m)["securityContext"].update(privileged=True), "privileged is True"),
        (lambda m: _pod(m).update(hostNetwork=True), "hostNetwork"),
    ],
    policies.volumes_are_of_bounded_kinds: [
        (lambda m: _pod(m)["volumes"].append({"name": "node", "hostPath": {"path": "/"}}), "volume node may"),
        (lambda m: _volume(m, "tmp")["emptyDir"].pop("sizeLimit"), "volume tmp may grow without a limit"),
        (lambda m: _remove(m, "PersistentVolumeClaim", "fashquick-models"), "does not exist"),
    ],
    policies.only_tmp_is_written_to: [
        (lambda m: [mount.pop("readOnly", None) for mount in _server(m)["volumeMounts"]], "['/models', '/tmp']"),
        (lambda m: _pod(m)["volumes"].append({"name": "spare", "emptyDir": {"sizeLimit": "1Mi"}}), "'spare'"),
    ],
    policies.containers_have_resources: [
        (lambda m: _server(m)["resources"].pop("limits"), "memory request 4Gi, limit None"),
        (lambda m: _verify_models(m)["resources"].pop("requests"), "verify-models: cpu request None"),
        (lambda m: _server(m)["resources"]["requests"].update(memory="9Gi"), "above its limit"),
    ],
    policies.memory_holds_what_was_measured_and_promised: [
        (lambda m: _settings(m).update(FASHQUICK_BYTE_BUDGET=str(2**33)), "memory limit 8Gi"),
        (lambda m: _settings(m, "features").pop("FASHQUICK_DECODE_BUDGET"), "memory limit 1536Mi"),
        (lambda m: _settings(m, "orchestrator").update(FASHQUICK_RESULT_STORE_BYTES=str(2**30)), "memory limit 2Gi"),
        (lambda m: _server(m)["resources"]["requests"].update(memory="64Mi"), "memory request 64Mi"),
    ],
    policies.cpu_limits_are_whole_cores: [
        (lambda m: _server(m)["resources"]["limits"].update(cpu="1500m"), "cpu limit 1500m"),
        (lambda m: _server(m)["resources"]["limits"].update(cpu="500m"), "cpu limit 500m"),
    ],
    policies.ephemeral_storage_holds_the_volumes: [
        (lambda m: _server(m)["resources"]["limits"].update({"ephemeral-storage": "64Mi"}), "volumes 64 MiB"),
    ],
    policies.images_are_pinned: [
        (lambda m: _server(m).update(image="fashquick/generation:latest"), "generation:latest"),
        (lambda m: _server(m).update(image="fashquick/generation"), "image fashquick/generation"),
        (lambda m: _server(m).update(image=f"fashquick/features:{policies.VERSION}"), "image fashquick/features"),
        (lambda m: _verify_models(m).update(image=f"fashquick/generation:{policies.VERSION}"), "another image"),
    ],
    policies.ports_are_named: [
        (lambda m: _server(m)["ports"][1].pop("name"), "ports ['', 'grpc']"),
        (lambda m: _annotations(m).update({"prometheus.io/port": "7403"}), "sent to port 7403"),
    ],
    policies.probes_ask_three_questions: [
        (lambda m: _server(m)["livenessProbe"]["httpGet"].update(path="/readyz"), "livenessProbe asks"),
        (lambda m: _server(m)["startupProbe"]["httpGet"].update(port="grpc"), "startupProbe asks"),
        (lambda m: _server(m).pop("readinessProbe"), "readinessProbe asks"),
        (lambda m: _server(m)["livenessProbe"].update(failureThreshold=1), "give up"),
    ],
    policies.services_lead_to_one_deployment: [
        (lambda m: _service(m)["selector"].update(extra="label"), "selects []"),
        (lambda m: _service(m).update(selector={"app.kubernetes.io/part-of": "fashquick"}), "'fashquick-features',"),
        (lambda m: _service(m)["ports"][0].update(targetPort="http"), "none of its pods'"),
        (lambda m: _service(m)["ports"][0].pop("appProtocol"), "not known as HTTP/2"),
        (lambda m: _service(m).pop("clusterIP"), "not headless"),
        (lambda m: _remove(m, "Service", GENERATION), f"no Service for ['{GENERATION}']"),
    ],
    policies.selectors_are_disjoint: [
        (lambda m: _spec(m).update(selector={"matchLabels": {"app.kubernetes.io/part-of": "fashquick"}}), "pods of"),
    ],
    policies.network_policies_cover_every_service: [
        (lambda m: _remove(m, "NetworkPolicy", "default-deny"), "nothing denies"),
        (lambda m: _policy(m, "default-deny").update(ingress=[{}]), "nothing denies"),
        (lambda m: _policy(m, "default-deny").update(policyTypes=["Ingress"]), "nothing denies"),
        (lambda m: _policy(m, GENERATION).update(podSelector={"matchLabels": {"a": "b"}}), "lets anyone in"),
    ],
    policies.disruption_budgets_match: [
        (lambda m: one(m, "PodDisruptionBudget", GENERATION)["spec"].update(maxUnavailable=0), "blocks the drain"),
        (lambda m: _remove(m, "PodDisruptionBudget", GENERATION), "cover ['fashquick-features',"),
    ],
    policies.rollouts_keep_the_service_up: [
        (lambda m: _spec(m)["strategy"]["rollingUpdate"].update(maxSurge=1), "strategy"),
        (lambda m: _server(m)["resources"]["limits"].pop("nvidia.com/gpu"), "strategy"),
        (lambda m: _spec(m).pop("minReadySeconds"), "minReadySeconds None"),
    ],
    policies.drains_fit_the_grace_time: [
        (lambda m: _settings(m, "server").update(FASHQUICK_DRAIN_S="600"), "Seconds 135, drain 600 s"),
        (lambda m: _pod(m).pop("terminationGracePeriodSeconds"), "Seconds 30, drain 120 s"),
        (lambda m: _server(m)["lifecycle"]["preStop"]["sleep"].update(seconds=30), "preStop takes 30 s"),
    ],
    policies.settings_are_real: [
        (lambda m: _settings(m).update(FASHQUICK_PROT="7403"), "FASHQUICK_PROT is no setting"),
        (lambda m: _settings(m).update(FASHQUICK_MAX_JOBS="4"), "FASHQUICK_MAX_JOBS is no setting"),
        (lambda m: _settings(m).update(FASHQUICK_BYTE_BUDGET="256Mi"), "byte_budget"),
        (lambda m: _settings(m, "server").pop("FASHQUICK_HOST"), "listens on 127.0.0.1"),
        (lambda m: _settings(m).update(FASHQUICK_PORT="7499"), "listens on 7499"),
    ],
    policies.targets_exist: [
        (lambda m: _target(m, "dns:///fashquick-generation:7402"), "of generation is no Service"),
        (lambda m: _target(m, "dns:///fashquick-features:7402"), "of generation is no Service"),
        (lambda m: _target(m, "fashquick-generation:7403"), "of generation is no Service"),
    ],
    policies.service_accounts_hold_nothing: [
        (lambda m: _pod(m).pop("automountServiceAccountToken"), "mounts a token"),
        (lambda m: one(m, "ServiceAccount", GENERATION).pop("automountServiceAccountToken"), "gives tokens"),
        (lambda m: _remove(m, "ServiceAccount", GENERATION), "service account"),
        (lambda m: _pod(m).pop("enableServiceLinks"), "taken for settings"),
    ],
    policies.everything_is_in_the_restricted_namespace: [
        (lambda m: _namespace_labels(m).update({"pod-security.kubernetes.io/enforce": "baseline"}), "not enforce"),
        (lambda m: _namespace_labels(m).clear(), "does not warn"),
        (lambda m: one(m, "Service", GENERATION)["metadata"].pop("namespace"), "is in namespace None"),
    ],
    policies.labels_are_complete: [
        (lambda m: _labels(m).update({"app.kubernetes.io/version": "0.0.9"}), "0.0.9"),
        (lambda m: _labels(m).pop("app.kubernetes.io/part-of"), f"{GENERATION}: labels"),
    ],
    policies.replicas_spread: [
        (lambda m: _pod(m)["topologySpreadConstraints"].pop(0), "spreads over"),
        (lambda m: _spread(m).update(whenUnsatisfiable="DoNotSchedule"), "waits for"),
        (lambda m: _spread(m).pop("matchLabelKeys"), "pods of other services"),
        (lambda m: _spread(m).update(labelSelector={"matchLabels": {"a": "b"}}), "its own pods"),
    ],
}


@pytest.mark.parametrize(
    ("check", "break_it", "report"),
    [(check, *way) for check, ways in BROKEN.items() for way in ways],
    ids=[f"{check.__name__}: {report}" for check, ways in BROKEN.items() for _, report in ways],
)
def test_a_policy_catches_what_breaks_it(check: Check, break_it: Break, report: str) -> None:
    manifests = build("base+gpu/generation+model-store")
    assert list(check(manifests)) == []

    break_it(manifests)

    assert any(report in line for line in check(manifests)), list(check(manifests))


def test_every_policy_has_been_seen_to_catch_something() -> None:
    assert BROKEN.keys() == set(CHECKS)
