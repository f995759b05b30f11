"""Settings: how values are written, and that a wrong one is refused with its name."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from twoway_router.config import Settings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", timedelta(seconds=5)),
        ("0.25", timedelta(milliseconds=250)),
        ("PT1M", timedelta(minutes=1)),
        ("PT0S", timedelta(0)),
        ("00:00:10", timedelta(seconds=10)),
    ],
)
def test_a_duration_is_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, written: str, meant: timedelta) -> None:
    monkeypatch.setenv("TWOWAY_LAME_DUCK", written)

    assert Settings().lame_duck == meant


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWOWAY_LAME_DUCK", "soon"),
        ("TWOWAY_LAME_DUCK", "-1"),
        ("TWOWAY_DRAIN", "0"),
        ("TWOWAY_PREFETCH", "21"),
        ("TWOWAY_INGRESS_PORT", "70000"),
        ("TWOWAY_LOG_LEVEL", "loud"),
        ("TWOWAY_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8"),
        ("TWOWAY_WEBHOOK_ALLOWED_NETWORKS", '["10.0.0.0/99"]'),
        ("TWOWAY_DATABASE_URL", "mysql://u@h/d"),
        ("TWOWAY_AMQP_URL", "http://h"),
        ("TWOWAY_PUBLIC_URL", "sms.example.org"),
        ("TWOWAY_PUBLIC_URL", "https://sms.example.org/?key=1"),
        ("TWOWAY_EMAIL_SENDER", "Router <sms@example.org>"),
        ("TWOWAY_MT_TIMEOUT", "60"),
        ("TWOWAY_WEBHOOK_LEASE", "15"),
    ],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises((ValidationError, ValueError), match=r"(?i)" + name.removeprefix("TWOWAY_")):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWOWAY_DATABASE_URL", "postgres://u@h/d?sslmode=require"),
        ("TWOWAY_DATABASE_URL", "postgresql+asyncpg://u@h/d"),
        ("TWOWAY_AMQP_URL", "amqps://u@h/v"),
        ("TWOWAY_PUBLIC_URL", "https://sms.example.org:8443/in/"),
        ("TWOWAY_WEBHOOK_ALLOWED_NETWORKS", '["10.0.0.0/8", "fd00::/8"]'),
    ],
)
def test_a_right_value_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    assert name.removeprefix("TWOWAY_").lower() in Settings().model_fields_set


def test_every_setting_is_documented() -> None:
    undocumented = [name for name, field in Settings.model_fields.items() if not field.description]

    assert undocumented == []


def test_secrets_are_never_shown() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://u:hunter2@h/d", "secret_key": "hunter3"})

    assert "hunter" not in repr(settings)
