"""Who reaches whom, computed from the network policies as a cluster's network does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.deploy.manifests import (
    COMBINATIONS,
    SERVICES,
    STAGES,
    Manifests,
    build,
    deployment_of,
    of_kind,
    one,
    pod_labels,
    ports_of,
    selects,
    server_of,
)

OWN = {"kubernetes.io/metadata.name": "fashquick"}


@dataclass(frozen=True)
class Pod:
    """A pod as policies see it; `own` says whether it is in the namespace of the policies."""

    labels: Mapping[str, str]
    namespace: Mapping[str, str] = field(default_factory=lambda: OWN)

    @property
    def own(self) -> bool:
        return self.namespace == OWN


def other(name: str, pod: Mapping[str, str] | None = None, **namespace: str) -> Pod:
    """Return a pod of another namespace; keywords are labels of that namespace, below `fashquick/`."""
    labels = {f"fashquick/{key}": value for key, value in namespace.items()}
    return Pod(pod or {}, {"kubernetes.io/metadata.name": name} | labels)


STRANGERS = {
    "a pod without labels": Pod({}),
    "a pod that calls itself a caller": Pod({"fashquick/caller": "true"}),
    "a pod of another namespace": other("shop"),
    "a pod of a namespace that says no": other("shop", caller="false"),
    "a pod of another namespace that calls itself the orchestrator": other(
        "shop", {"app.kubernetes.io/name": "fashquick-orchestrator", "app.kubernetes.io/part-of": "fashquick"}
    ),
    "a caller": other("shop", caller="true"),
    "a monitor": other("metrics", monitoring="true"),
    "DNS": other("kube-system", {"k8s-app": "kube-dns"}),
}


def is_peer(peer: Mapping[str, Any], pod: Pod) -> bool:
    """Whether an entry of `from` or `to` means the pod; an address range means none."""
    if "ipBlock" in peer:
        return False
    placed = selects(peer["namespaceSelector"], pod.namespace) if "namespaceSelector" in peer else pod.own
    return placed and selects(peer.get("podSelector", {}), pod.labels)


def is_port(entries: Iterable[Mapping[str, Any]], port: int, protocol: str) -> bool:
    return any((entry.get("port", port), entry.get("protocol", "TCP")) == (port, protocol) for entry in entries)


def lets_through(policies: Manifests, direction: str, subject: Pod, peer: Pod, port: int, protocol: str) -> bool:
    """Whether the policies let a pod send to its peer (`Egress`) or receive from it (`Ingress`)."""
    if not subject.own:
        return True  # The policies are those of one namespace.
    side, peers = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
    about = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], subject.labels)
    ]
    rules = [rule for spec in about for rule in spec.get(side, [])]
    return not about or any(
        (not rule.get(peers) or any(is_peer(entry, peer) for entry in rule[peers]))
        and (not rule.get("ports") or is_port(rule["ports"], port, protocol))
        for rule in rules
    )


def reaches(manifests: Manifests, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    policies = of_kind(manifests, "NetworkPolicy")
    return lets_through(policies, "Egress", source, target, port, protocol) and lets_through(
        policies, "Ingress", target, source, port, protocol
    )


def servers(manifests: Manifests) -> dict[str, Pod]:
    return {service: Pod(pod_labels(deployment_of(manifests, service))) for service in SERVICES}


def ways_in(manifests: Manifests) -> set[tuple[str, str, str]]:
    """Return every source, service and port that are connected."""
    own = servers(manifests)
    return {
        (name, service, port)
        for name, source in (own | STRANGERS).items()
        for service, target in own.items()
        for port, number in ports_of(server_of(deployment_of(manifests, service))).items()
        if reaches(manifests, source, target, number)
    }


WANTED = {
    ("a caller", "orchestrator", "grpc"),
    *(("orchestrator", stage, "grpc") for stage in STAGES),
    *(("a monitor", service, "admin") for service in SERVICES),
}


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_servers_are_reached_by_whom_they_are_for_and_nobody_else(combination: str) -> None:
    assert ways_in(build(combination)) == WANTED


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_reaches_dns_and_the_collector_and_no_other_stranger(service: str) -> None:
    manifests = build()
    source = servers(manifests)[service]
    ports = [(53, "UDP"), (53, "TCP"), (80, "TCP"), (443, "TCP"), (4317, "TCP"), (7400, "TCP")]

    reached = {
        (name, port, protocol)
        for name, target in STRANGERS.items()
        for port, protocol in ports
        if reaches(manifests, source, target, port, protocol)
    }

    assert reached == {("DNS", 53, "UDP"), ("DNS", 53, "TCP"), ("a monitor", 4317, "TCP")}


def test_the_only_address_that_is_allowed_is_the_dns_cache_of_a_node() -> None:
    rules = [
        (policy["metadata"]["name"], entry["ipBlock"]["cidr"])
        for policy in of_kind(build(), "NetworkPolicy")
        for side, peers in (("ingress", "from"), ("egress", "to"))
        for rule in policy["spec"].get(side, [])
        for entry in rule[peers]
        if "ipBlock" in entry
    ]

    assert rules == [("allow-dns", "169.254.20.10/32")]


def _policy(manifests: Manifests, name: str) -> Any:
    return one(manifests, "NetworkPolicy", name)["spec"]


def test_a_rule_without_a_source_is_seen_to_let_everyone_in() -> None:
    manifests = build()
    _policy(manifests, "fashquick-generation")["ingress"].append({})

    opened = ways_in(manifests) - WANTED

    assert ("a pod of another namespace", "generation", "grpc") in opened
    assert ("a caller", "generation", "admin") in opened


def test_an_empty_namespace_selector_is_seen_to_let_everyone_in() -> None:
    manifests = build()
    _policy(manifests, "fashquick-orchestrator")["ingress"][0]["from"] = [{"namespaceSelector": {}}]

    assert ("a pod of another namespace", "orchestrator", "grpc") in ways_in(manifests)


def test_without_the_default_a_pod_without_labels_is_seen_to_send() -> None:
    manifests = build()
    collector = STRANGERS["a monitor"]
    assert not reaches(manifests, STRANGERS["a pod without labels"], collector, 443)

    manifests.remove(one(manifests, "NetworkPolicy", "default-deny"))

    assert reaches(manifests, STRANGERS["a pod without labels"], collector, 443)


@pytest.mark.parametrize("name", ["fashquick-generation", "fashquick-orchestrator"])
def test_without_its_policy_a_stage_is_seen_to_be_cut_off(name: str) -> None:
    manifests = build()

    manifests.remove(one(manifests, "NetworkPolicy", name))

    assert ("orchestrator", "generation", "grpc") in WANTED - ways_in(manifests)
