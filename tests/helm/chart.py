"""Render the chart with the real helm and look at what came out. Used by the chart's tests."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "helm" / "twoway-router"
VALUES_FILES: Final = tuple(sorted(path.name for path in CHART.glob("values-*.yaml")))
ROLES: Final = ("ingress", "api", "executor", "scheduler")

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class HelmRun:
    passed: bool
    output: str
    complaint: str


@cache
def find_helm() -> str:
    """On PATH, or fetched; a machine that cannot have it fails here, with the script's own words."""
    command = [sys.executable, str(ROOT / "scripts" / "get_helm.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"no helm for the chart's tests:\n{done.stderr}")
    return done.stdout.strip()


def helm(*arguments: str) -> HelmRun:
    done = subprocess.run([find_helm(), *arguments], capture_output=True, text=True, check=False)
    return HelmRun(passed=done.returncode == 0, output=done.stdout, complaint=done.stdout + done.stderr)


def template(values_file: str, *settings: str) -> HelmRun:
    """`helm template`, as a release named `sms` in the namespace `router`."""
    overrides = [part for setting in settings for part in ("--set-json", setting)]
    return helm("template", "sms", str(CHART), "-n", "router", "-f", str(CHART / values_file), *overrides)


@cache
def render(values_file: str, *settings: str) -> Sequence[Object]:
    """The objects; fails when the chart does not render."""
    run = template(values_file, *settings)
    if not run.passed:
        raise AssertionError(run.complaint)
    return tuple(found for found in yaml.safe_load_all(run.output) if found)


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [found for found in objects if found["kind"] in kinds]


def name_of(found: Object) -> str:
    return str(found["metadata"]["name"])


def pod_templates(objects: Sequence[Object]) -> list[Object]:
    """Of deployments and jobs, hooks included."""
    return [found["spec"]["template"] for found in of_kind(objects, "Deployment", "Job")]


def containers(objects: Sequence[Object]) -> list[Object]:
    return [
        container
        for pod in pod_templates(objects)
        for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    ]


def matches(selector: Object, labels: Object) -> bool:
    wanted = selector.get("matchLabels", {})
    excluded = {rule["key"]: rule["values"] for rule in selector.get("matchExpressions", ())}
    return wanted.items() <= labels.items() and not any(labels.get(key) in values for key, values in excluded.items())


def referenced_names(node: Any) -> Iterator[str]:
    """Every name of another object that a pod needs before it can start."""
    if isinstance(node, dict):
        for key in ("secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef", "configMap"):
            if key in node:
                yield node[key]["name"]
        for key in ("secretName", "claimName", "serviceAccountName"):
            if key in node:
                yield node[key]
        for child in node.values():
            yield from referenced_names(child)
    if isinstance(node, list):
        for child in node:
            yield from referenced_names(child)
