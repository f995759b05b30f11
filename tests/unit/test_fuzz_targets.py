"""The targets of `make fuzz` hold on their own seeds, so that they cannot rot. Nothing is fuzzed here."""

import pytest
from fuzz.target import Target, Violation, demand
from fuzz.targets import TARGETS

from twoway_router.carriers.registry import CARRIERS

SPOILED = (b"", b"\x00", b"\xff" * 40, b"{" * 300, b"<a>" * 150, b"{{" * 50, b"&a=%", b"- " * 200)
LARGE = (
    ("application/json", b"["),
    ("application/json", b'{"a":'),
    ("application/json", b"\xff"),
    ("application/x-www-form-urlencoded", b"a=%41&"),
    ("text/xml", b"<a>"),
    ("multipart/form-data; boundary=b", b"--b\r\n\r\n"),
)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_its_seeds(name: str) -> None:
    seeds = TARGETS[name].seeds()

    assert seeds
    for seed in seeds:
        assert len(seed) <= TARGETS[name].max_length
        TARGETS[name].check(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_rubbish(name: str) -> None:
    for data in SPOILED:
        TARGETS[name].check(data)


def test_a_broken_promise_is_a_violation() -> None:
    target = Target(run=lambda data: demand(not data, "something"), seeds=list)

    with pytest.raises(Violation, match="something"):
        target.check(b"x")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_body_as_large_as_allowed_is_read_within_its_share_of_the_processor(carrier: str) -> None:
    head = f"POST /in/{carrier}/1/mo HTTP/1.1\r\ncontent-type: {{}}\r\n\r\n"
    for content_type, unit in LARGE:
        body = unit * (CARRIERS[carrier].body_limit // len(unit))
        TARGETS[f"carrier-{carrier}"].check(head.format(content_type).encode() + body)
