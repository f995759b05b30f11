"""A carrier's secret is changed here and there at different moments: nothing that comes in between is lost."""

from dataclasses import replace

import pytest

from tests.carriers.cases import HERE, NOW, read_request, sign, view_of
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.registry import CARRIERS

PROVEN = sorted(name for name, spec in CARRIERS.items() if spec.proof_secrets & set(view_of(name).secrets))


def signed(carrier: str) -> RawRequest:
    """By the secrets that the carrier has always had."""
    return sign(carrier, read_request(HERE / carrier / "mo_plain.http"))


def changed(carrier: str, *, is_previous_kept: bool) -> dict[str, str]:
    """The connection's secrets after each that proves something was changed."""
    secrets = dict(view_of(carrier).secrets)
    for name in CARRIERS[carrier].proof_secrets & set(secrets):
        old, secrets[name] = secrets[name], secrets[name][::-1] + "-new"
        if is_previous_kept:
            secrets[f"{name}_previous"] = old
    return secrets


@pytest.mark.parametrize("carrier", PROVEN)
def test_the_secret_before_is_good_as_long_as_it_is_kept(carrier: str) -> None:
    view = replace(view_of(carrier), secrets=changed(carrier, is_previous_kept=True))

    compile_connection(CARRIERS[carrier], view).verify(signed(carrier), NOW)


@pytest.mark.parametrize("carrier", PROVEN)
def test_the_secret_before_is_refused_when_it_is_not_kept(carrier: str) -> None:
    view = replace(view_of(carrier), secrets=changed(carrier, is_previous_kept=False))

    with pytest.raises(BadSignature):
        compile_connection(CARRIERS[carrier], view).verify(signed(carrier), NOW)


@pytest.mark.parametrize("carrier", PROVEN)
def test_the_new_secret_is_good_while_the_one_before_is_kept(carrier: str) -> None:
    secrets = dict(view_of(carrier).secrets)
    kept = {f"{name}_previous": "something else" for name in CARRIERS[carrier].proof_secrets & set(secrets)}
    view = replace(view_of(carrier), secrets=secrets | kept)

    compile_connection(CARRIERS[carrier], view).verify(signed(carrier), NOW)


def test_only_what_proves_requests_has_one_before() -> None:
    settings, secrets = {"username": "shop"}, {"key": "k", "api_key": "a"}

    problems = CARRIERS["africastalking"].check_settings(
        settings, secrets | {"api_key_previous": "b", "key_previous": "c"}
    )

    assert [problem.pointer for problem in problems] == ["/secrets/api_key_previous"]


def test_a_secret_before_stands_beside_one_of_today() -> None:
    problems = CARRIERS["sinch"].check_settings(
        {"service_plan_id": "p"}, {"api_token": "t", "key": "k", "webhook_secret_previous": "old"}
    )

    assert [problem.pointer for problem in problems] == ["/secrets/webhook_secret_previous"]
