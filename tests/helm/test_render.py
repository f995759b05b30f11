"""The chart renders for every way of installing it, and Kubernetes would take what comes out."""

import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from tests.helm.chart import CHART, ROLES, VALUES_FILES, Object, helm, name_of, of_kind, render, template

from twoway_router.config import Settings

OLDEST, NEWEST = "1.30", "1.37"
FOREIGN = {"HTTPRoute", "PodMonitor", "ScaledObject"}  # their schemas come with their operators
EXTRAS = ('serviceAccount={"create":true}', 'smtp={"host":"mail.example.org","existingSecret":"mail"}')
SET_BY_THE_CHART = {
    *("database_url", "database_pool_size", "amqp_url", "broker_shards", "secret_key", "lame_duck", "drain"),
    *("listen_host", "ingress_port", "api_port", "ops_port", "email_sender"),
    *("smtp_host", "smtp_port", "smtp_user", "smtp_password", "smtp_tls"),
}
EMBEDDED_ONLY = {"state_folder", "embedded_postgres_bin"}


@pytest.mark.parametrize("values_file", VALUES_FILES)
def test_lint_is_clean(values_file: str) -> None:
    run = helm("lint", "--strict", str(CHART), "-f", str(CHART / values_file))

    assert run.passed, run.complaint


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values_file", VALUES_FILES)
def test_kubernetes_knows_every_field(values_file: str, version: str) -> None:
    objects = [found for found in render(values_file, *EXTRAS) if found["kind"] not in FOREIGN]

    for found in objects:
        kubernetes_validate.validate(dict(found), version, strict=True)

    assert len(objects) >= len(ROLES)


@pytest.mark.parametrize("values_file", VALUES_FILES)
def test_two_renders_are_the_same_bytes(values_file: str) -> None:
    first, second = template(values_file), template(values_file)

    assert first.output == second.output != ""


@pytest.mark.parametrize("values_file", VALUES_FILES)
def test_no_name_is_used_twice(values_file: str) -> None:
    names = [(found["kind"], name_of(found)) for found in render(values_file, *EXTRAS)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("mode", ["hook", "job"])
def test_the_migration_runs_expand_and_nothing_else(mode: str) -> None:
    (job,) = of_kind(render("values-small.yaml", f'migrations={{"mode":"{mode}"}}'), "Job")

    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate", "expand"]


def test_external_migrations_render_no_job() -> None:
    assert of_kind(render("values-small.yaml", 'migrations={"mode":"external"}'), "Job") == []


def test_a_plain_migration_job_is_named_after_its_image() -> None:
    first = of_kind(render("values-small.yaml", 'migrations={"mode":"job"}', 'image={"tag":"1"}'), "Job")
    second = of_kind(render("values-small.yaml", 'migrations={"mode":"job"}', 'image={"tag":"2"}'), "Job")

    assert name_of(first[0]) != name_of(second[0])


@pytest.mark.parametrize(("role", "kind"), [("ingress", "HorizontalPodAutoscaler"), ("executor", "ScaledObject")])
def test_an_autoscaler_owns_the_replicas(role: str, kind: str) -> None:
    objects = render("values-keda.yaml")
    deployment = next(found for found in of_kind(objects, "Deployment") if name_of(found).endswith(role))

    scaled = [found["spec"]["scaleTargetRef"]["name"] for found in of_kind(objects, kind)]

    assert ("replicas" in deployment["spec"], scaled) == (False, [name_of(deployment)])


def test_a_role_can_be_left_out() -> None:
    deployments = of_kind(render("values-small.yaml", 'roles={"api":{"enabled":false}}'), "Deployment")

    assert sorted(name_of(found).rpartition("-")[2] for found in deployments) == ["executor", "ingress", "scheduler"]


FROM_A_SECRET = {"TWOWAY_AMQP_URL": "amqps://broker.example"}


def read_environment(deployment: Object) -> dict[str, str]:
    """As the container gets it; what a secret holds is made up."""
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return {
        entry["name"]: entry.get("value") or FROM_A_SECRET.get(entry["name"], "postgresql://db.example/db")
        for entry in env
    }


@pytest.mark.parametrize("role", ROLES)
def test_the_program_understands_its_environment(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render("values-ha.yaml", EXTRAS[1])
    deployment = next(found for found in of_kind(objects, "Deployment") if name_of(found).endswith(role))
    environment = read_environment(deployment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = Settings()

    assert {name.removeprefix("TWOWAY_").lower() for name in environment} <= set(Settings.model_fields)
    assert settings.lame_duck.total_seconds() == 30


def test_the_schema_knows_every_setting_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    known = set(schema["properties"]["config"]["properties"])

    assert known == set(Settings.model_fields) - SET_BY_THE_CHART - EMBEDDED_ONLY


def test_it_works_as_a_part_of_another_chart(tmp_path: Path) -> None:
    umbrella = tmp_path / "umbrella"
    (umbrella / "charts").mkdir(parents=True)
    (umbrella / "charts" / "twoway-router").symlink_to(CHART)
    dependency = {"name": "twoway-router", "version": "0.1.0", "condition": "twoway-router.enabled"}
    chart = {"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": [dependency]}
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(chart), encoding="utf-8")
    small = yaml.safe_load((CHART / "values-small.yaml").read_text(encoding="utf-8"))
    values = {"global": {"anything": 1}, "twoway-router": {"enabled": True, **small}}
    (umbrella / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")

    run = helm("template", "sms", str(umbrella))

    assert run.passed, run.complaint
