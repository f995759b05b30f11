"""What must never reach a log, through structlog and through the standard library alike."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from twoway_router.telemetry.logs import Sampler, configure_logs

NUMBER = "+393331234567"
CANARY = "a text that nobody may read"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    kept, level, config = list(root.handlers), root.level, structlog.get_config()
    yield capsys
    root.handlers[:] = kept
    root.setLevel(level)
    structlog.configure(**config)


def test_an_event_is_one_json_object_with_its_fields(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    structlog.get_logger("test").info("mo.accepted", message_id="m-1", count=3)

    event = json.loads(lines.readouterr().err)
    assert (event["event"], event["message_id"], event["count"], event["level"]) == ("mo.accepted", "m-1", 3, "info")


def test_texts_and_secrets_are_hidden_by_their_field_names(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    structlog.get_logger("test").info("mo.accepted", text="PIZZA canary", more={"secret": "canary", "rest": "canary"})

    assert "canary" not in lines.readouterr().err


@pytest.mark.parametrize("value", [NUMBER, f"from {NUMBER}!", [NUMBER], {"sender": NUMBER}, (f"a {NUMBER}",)])
def test_phone_numbers_are_masked_wherever_they_stand(lines: pytest.CaptureFixture[str], value: object) -> None:
    configure_logs("json", "info")

    structlog.get_logger("test").warning("odd", value=value)

    written = lines.readouterr().err
    assert NUMBER not in written
    assert "567" in written


def test_the_standard_librarys_log_goes_the_same_way(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    logging.getLogger("some.library").warning("cannot reach %s", NUMBER)

    event = json.loads(lines.readouterr().err)
    assert event["event"] == "cannot reach +393•••567"


def test_a_traceback_is_masked(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    try:
        raise ValueError(f"no route for {NUMBER}")
    except ValueError:
        structlog.get_logger("test").exception("failed")

    written = lines.readouterr().err
    assert "ValueError" in written
    assert NUMBER not in written


def test_a_value_cannot_start_a_line_of_its_own(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    structlog.get_logger("test").info("odd", value='a\n{"event": "forged"}\x1b[31m\u202e')

    written = lines.readouterr().err
    assert written.count("\n") == 1
    assert "\\u001b" not in written


def test_what_an_error_quotes_is_left_out_and_where_it_came_from_is_not(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")

    try:
        try:
            int(CANARY)
        except ValueError as error:
            raise KeyError(CANARY) from error
    except KeyError:
        structlog.get_logger("test").exception("failed")

    told = json.loads(lines.readouterr().err)["exception"]
    assert CANARY not in told
    assert [line for line in told.splitlines() if line.endswith("Error")] == ["ValueError", "KeyError"]
    assert "int(CANARY)" in told


def test_of_a_cause_that_repeats_one_line_a_second_says_how_many_there_were() -> None:
    times = iter((0.0, 0.2, 0.9, 1.1, 1.2, 2.2, 2.3))
    sampler = Sampler(seconds=1, clock=lambda: next(times))

    lines = [sampler.count("OSError") for _ in range(6)]

    assert lines == [1, 0, 0, 3, 0, 2]
    assert sampler.count("TimeoutError") == 1


def test_an_error_that_is_its_own_cause_is_told_once(lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    own = RuntimeError("stopped")

    try:
        raise own from own
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    assert json.loads(lines.readouterr().err)["exception"].count("RuntimeError: stopped") == 1
