"""A mistake in the values is refused when the chart is rendered, by the name of the key."""

import pytest
from tests.helm.chart import template

MISTAKES = [
    ('broker={"shard":4}', "shard"),
    ('config={"log_levle":"debug"}', "log_levle"),
    ('config={"log_level":"loud"}', "log_level"),
    ('config={"mt_timeout":"20 seconds"}', "mt_timeout"),
    ('config={"database_url":"postgresql://u:p@h/d"}', "database_url"),
    ('database={"password":"hunter2"}', "password"),
    ('database={"existingSecret":"Not A Name"}', "existingSecret"),
    ('secrets={"secretKey":"abc"}', "secretKey"),
    ('defaults={"replicas":"2"}', "replicas"),
    ('defaults={"drain":{"drainSeconds":"20s"}}', "drainSeconds"),
    ('defaults={"drain":{"preStopSeconds":5}}', "preStopSeconds"),
    ('roles={"worker":{}}', "worker"),
    ('roles={"executor":{"poolsize":5}}', "poolsize"),
    ('roles={"executor":{"autoscaling":{"mode":"hpa"}}}', "mode"),
    ('roles={"ingress":{"resources":{"limits":{"memory":"1 GB"}}}}', "memory"),
    ('migrations={"mode":"init"}', "mode"),
    ('migrations={"timeoutSeconds":"15m"}', "timeoutSeconds"),
    ('image={"digest":"latest"}', "digest"),
    ('image={"pullPolicy":"Sometimes"}', "pullPolicy"),
    ('networkPolicy={"outboundExcept":["10.0.0.0"]}', "outboundExcept"),
    ('monitoring={"podMonitor":{"interval":"often"}}', "interval"),
    ('podSecurityContext={"runAsUser":0}', "runAsUser"),
    ('routes={"console":{}}', "console"),
    ("replicaCount=3", "replicaCount"),
]
CONTRADICTIONS = [
    ('database={"existingSecret":""}', "database.existingSecret is required"),
    ('broker={"existingSecret":""}', "broker.existingSecret is required"),
    ('secrets={"existingSecret":""}', "secrets.existingSecret is required"),
    ('defaults={"terminationGracePeriodSeconds":39}', "lameDuckSeconds + drainSeconds + 10 = 40"),
    ('roles={"executor":{"autoscaling":{"mode":"cpu"}}}', "a waiting executor uses no CPU"),
    ('roles={"scheduler":{"autoscaling":{"mode":"cpu"}}}', "a waiting scheduler uses no CPU"),
    ('roles={"executor":{"autoscaling":{"mode":"keda"}}}', "needs monitoring.prometheusAddress"),
    ('roles={"api":{"autoscaling":{"mode":"cpu","minReplicas":9}}}', "minReplicas is greater than maxReplicas"),
    ('roles={"executor":{"replicas":20}}', "but database.connectionBudget is 100"),
    ('routes={"api":{"ingress":{"enabled":true}}}', "routes.api.ingress.host is required"),
    ('routes={"api":{"gateway":{"enabled":true}}}', "needs hostnames and parentRefs"),
    (
        'routes={"api":{"ingress":{"enabled":true,"host":"a.example"}},'
        '"carriers":{"ingress":{"enabled":true,"host":"a.example"}}}',
        "the host a.example is in routes",
    ),
    (
        'extraObjects=[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"twoway-database"}}]',
        "the migration hook runs before it exists",
    ),
]


@pytest.mark.parametrize(("mistake", "key"), MISTAKES, ids=[key for _, key in MISTAKES])
def test_a_mistake_is_refused_by_its_key(mistake: str, key: str) -> None:
    run = template("values-small.yaml", mistake)

    assert (run.passed, key in run.complaint) == (False, True), run.complaint


@pytest.mark.parametrize(("values", "sentence"), CONTRADICTIONS, ids=[sentence for _, sentence in CONTRADICTIONS])
def test_values_that_contradict_each_other_are_refused(values: str, sentence: str) -> None:
    run = template("values-small.yaml", values)

    assert (run.passed, sentence in run.complaint) == (False, True), run.complaint


def test_what_the_defaults_say_can_be_replaced_by_a_role() -> None:
    run = template("values-small.yaml", 'roles={"executor":{"terminationGracePeriodSeconds":300}}')

    assert "terminationGracePeriodSeconds: 300" in run.output
