"""What every object of the chart has to keep, whatever the values: security, secrets, closed references, time to drain."""

import pytest
from tests.helm.chart import (
    VALUES_FILES,
    Object,
    containers,
    matches,
    name_of,
    of_kind,
    pod_templates,
    referenced_names,
    render,
)

SECRETS = {"TWOWAY_DATABASE_URL", "TWOWAY_AMQP_URL", "TWOWAY_SECRET_KEY", "TWOWAY_SMTP_PASSWORD"}
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
MAIL = 'smtp={"host":"mail.example.org","existingSecret":"mail"}'
EVERYTHING = (
    MAIL,
    "serviceAccount.create=true",
    "networkPolicy.enabled=true",
    "monitoring.podMonitor.enabled=true",
)
every_values_file = pytest.mark.parametrize("values_file", VALUES_FILES)


@every_values_file
def test_every_container_is_hardened(values_file: str) -> None:
    found = [container["securityContext"] for container in containers(render(values_file))]

    assert found == [HARDENED] * 5


@every_values_file
def test_every_pod_meets_the_restricted_standard(values_file: str) -> None:
    specs = [pod["spec"] for pod in pod_templates(render(values_file))]

    assert all(spec["securityContext"]["runAsNonRoot"] for spec in specs)
    assert all(spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"} for spec in specs)
    assert not [spec for spec in specs if {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()]
    assert {volume.keys() - {"name"} == {"emptyDir"} for spec in specs for volume in spec["volumes"]} == {True}


@every_values_file
def test_no_pod_gets_a_token_of_the_cluster(values_file: str) -> None:
    mounted = [pod["spec"]["automountServiceAccountToken"] for pod in pod_templates(render(values_file, *EVERYTHING))]

    assert mounted == [False] * 5


@every_values_file
def test_memory_is_limited_to_what_is_requested_and_cpu_is_not(values_file: str) -> None:
    resources = [container["resources"] for container in containers(render(values_file))]

    assert all(found["limits"] == {"memory": found["requests"]["memory"]} for found in resources)
    assert all("cpu" in found["requests"] for found in resources)


@every_values_file
def test_the_user_is_fixed_unless_the_platform_chooses(values_file: str) -> None:
    users = {pod["spec"]["securityContext"].get("runAsUser") for pod in pod_templates(render(values_file))}

    assert users == {None if values_file == "values-openshift.yaml" else 10001}


@every_values_file
def test_no_secret_is_rendered(values_file: str) -> None:
    assert of_kind(render(values_file, *EVERYTHING), "Secret", "ConfigMap") == []


@every_values_file
def test_secrets_come_by_reference_only(values_file: str) -> None:
    entries = [entry for container in containers(render(values_file, MAIL)) for entry in container["env"]]

    assert all("value" not in entry for entry in entries if entry["name"] in SECRETS)
    assert {entry["name"] for entry in entries if "valueFrom" in entry} == SECRETS


@every_values_file
def test_the_hook_needs_nothing_that_the_release_makes(values_file: str) -> None:
    objects = render(values_file, *EVERYTHING)
    (hook,) = of_kind(objects, "Job")
    made = {name_of(found) for found in objects if found is not hook}

    needed = set(referenced_names(hook["spec"]["template"]))

    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert (needed & made, len(needed)) == (set(), 1)


def selectors(objects: tuple[Object, ...]) -> list[tuple[str, Object]]:
    found = [
        (name_of(each), each["spec"]["selector"]) for each in of_kind(objects, "PodDisruptionBudget", "PodMonitor")
    ]
    found += [(name_of(each), each["spec"]["podSelector"]) for each in of_kind(objects, "NetworkPolicy")]
    found += [(name_of(each), {"matchLabels": each["spec"]["selector"]}) for each in of_kind(objects, "Service")]
    return found


@every_values_file
def test_every_selector_selects_a_pod(values_file: str) -> None:
    objects = tuple(render(values_file, *EVERYTHING))
    labels = [pod["metadata"]["labels"] for pod in pod_templates(objects)]

    lost = [name for name, selector in selectors(objects) if not any(matches(selector, each) for each in labels)]

    assert (lost, len(selectors(objects)) > 6) == ([], True)


@every_values_file
def test_a_deployment_selects_its_own_pods_and_no_others(values_file: str) -> None:
    objects = render(values_file)
    deployments = of_kind(objects, "Deployment")

    selected = [
        sum(matches(deployment["spec"]["selector"], pod["metadata"]["labels"]) for pod in pod_templates(objects))
        for deployment in deployments
    ]

    assert selected == [1] * 4


def ports_of(pod: Object) -> set[str]:
    return {port["name"] for container in pod["spec"]["containers"] for port in container.get("ports", ())}


@every_values_file
def test_every_service_reaches_a_port_that_is_open(values_file: str) -> None:
    objects = render(values_file)

    closed = [
        name_of(service)
        for service in of_kind(objects, "Service")
        for pod in pod_templates(objects)
        if matches({"matchLabels": service["spec"]["selector"]}, pod["metadata"]["labels"])
        if not {port["targetPort"] for port in service["spec"]["ports"]} <= ports_of(pod)
    ]

    assert closed == []


def test_every_route_leads_to_a_service() -> None:
    objects = render("values-ha.yaml")
    services = {name_of(found) for found in of_kind(objects, "Service")}

    ingress, route = of_kind(objects, "Ingress")[0], of_kind(objects, "HTTPRoute")[0]

    assert ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] in services
    assert route["spec"]["rules"][0]["backendRefs"][0]["name"] in services


@every_values_file
def test_probes_ask_the_ops_port_and_liveness_asks_no_dependency(values_file: str) -> None:
    probed = {
        (kind, container[kind]["httpGet"]["path"], container[kind]["httpGet"]["port"])
        for container in containers(render(values_file))
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        if kind in container
    }

    expected = {("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")}
    assert probed == {(kind, path, "ops") for kind, path in expected}


def seconds(container: Object, name: str) -> int:
    (value,) = [entry["value"] for entry in container["env"] if entry["name"] == name]
    return int(value.removeprefix("PT").removesuffix("S"))


@every_values_file
def test_a_pod_has_time_to_be_a_lame_duck_and_to_drain(values_file: str) -> None:
    specs = [found["spec"]["template"]["spec"] for found in of_kind(render(values_file), "Deployment")]

    spare = [
        spec["terminationGracePeriodSeconds"]
        - seconds(spec["containers"][0], "TWOWAY_LAME_DUCK")
        - seconds(spec["containers"][0], "TWOWAY_DRAIN")
        for spec in specs
    ]

    assert min(spare) >= 10


@every_values_file
def test_an_upgrade_takes_no_pod_away_before_its_successor_is_ready(values_file: str) -> None:
    strategies = [found["spec"]["strategy"]["rollingUpdate"] for found in of_kind(render(values_file), "Deployment")]

    assert strategies == [{"maxUnavailable": 0, "maxSurge": "25%"}] * 4


def test_only_the_executor_reaches_the_outside_and_no_private_network() -> None:
    policies = of_kind(render("values-ha.yaml"), "NetworkPolicy")

    outside = {
        name_of(policy): block["ipBlock"]["except"]
        for policy in policies
        for rule in policy["spec"].get("egress", ())
        for block in rule.get("to", ())
        if block["ipBlock"]["cidr"] == "0.0.0.0/0"
    }

    assert outside.keys() == {"sms-twoway-router-executor"}
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(outside["sms-twoway-router-executor"])
