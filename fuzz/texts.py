"""Targets of ``routing`` and ``kit``: texts of handsets, words of tenants, templates, conditions and rules files."""

from collections.abc import Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError
from tests.unit.routing.cast import (
    ANN,
    GYM,
    NOON,
    OWNED,
    PIZZERIA,
    RADIO,
    SHARED,
    a_keyword,
    a_question,
    a_table,
)

from fuzz.requests import DOCS, yaml_blocks
from fuzz.target import Target, demand
from twoway_router.actions.conditions import Condition, Facts, evaluate, outcome_names
from twoway_router.actions.spec import VARIABLES
from twoway_router.domain.gsm import measure
from twoway_router.domain.msisdn import read_msisdn
from twoway_router.routing.claims import Claim, judge_claim
from twoway_router.routing.plan import choose_route
from twoway_router.routing.text import CLUSTERS, HEAD, fold, locate
from twoway_router.routing.types import RouteRequest
from twoway_router.rulesets import file as rules_file
from twoway_router.templates.liquid import TemplateError, check_template, render, variables_of

WORDS: Final = ("PIZZA", "REPARAR BAÑO", "20%", "SÍ", "пицца", "ピザ", "披萨", "พิซซ่า", "PIZZERIA", "👍")
TENANTS: Final = (PIZZERIA, GYM, RADIO)
TABLE: Final = a_table(
    *(a_keyword(word, TENANTS[place % 3]) for place, word in enumerate(WORDS)), a_keyword("GYM", GYM, OWNED)
)
CONTEXTS: Final = ((), (a_question(GYM, "yes_no"),), (a_question(GYM, "free_text"), a_question(RADIO, "number", 30)))
TEXTS: Final = (
    "pizza grande", "“Pizza”!", "P I Z Z A", "reparar bano", "STOP", "stop pizza", "sí", "2", "ピザ 2枚", "พิซซ่าใหญ่",
    "\u200e#ПИЦЦА", "ｐｉｚｚａ", "👍👍 pizza", "aiuto", "Piazza", "p" * 70, "пицца\u0301 \u3000x",
)  # fmt: skip
VALUES: Final[Mapping[str, object]] = {
    "message": {"text": "{{ message.text }} {% if %}", "rest": "perché \ud83d\x00", "sender": ANN},
    "keyword": {"word": "PIZZA"},
    "sub_keyword": "",
    "number": {"address": "12345"},
    "tenant": {"name": "Pizzeria Bella"},
    "answer": "2",
    "coupon": {"code": "X-1"},
}
KNOWN: Final = VARIABLES | {"answer", "coupon.code"}
LONGEST_TEXT: Final = 3 * 65_536
"""Of a rendered template: its limit of bytes, each of which NFC may make three of."""

FACTS: Final = Facts(
    sender_is_known=True, text="Perché no", at=NOON, number="12345", country="IT", outcomes={"coupon": "done"}
)
CONDITION: Final[TypeAdapter[Condition]] = TypeAdapter(Condition)


def _text(data: bytes) -> str:
    """Bytes that are no UTF-8 become lone surrogates, as hostile as a text can be."""
    return data.decode("utf-8", "surrogateescape")


def fold_texts(data: bytes) -> None:
    """The head of a text, and where its words stand in it."""
    text = _text(data)
    folded = fold(text)
    demand(len(folded.tokens) <= CLUSTERS and 0 <= folded.size <= len(folded.tokens), "too many tokens")
    demand(len(folded.key) <= 6 * HEAD, "a long key")
    for count in range(1, len(folded.tokens) + 1):
        start, end = locate(text, folded.tokens[:count])
        demand(0 <= start <= end <= len(text), "a place outside the text")


def route_texts(data: bytes) -> None:
    """A byte for the number and what is open with the sender, then the text."""
    head, text = data[0] if data else 0, _text(data[1:])
    number = (SHARED, OWNED)[head & 1]
    request = RouteRequest(number_id=number, sender=ANN, text=text, at=NOON, contexts=CONTEXTS[(head >> 1) % 3])
    decision, explained = choose_route(TABLE, request), choose_route(TABLE, request, explain=True)
    demand(decision == choose_route(TABLE, request), "another decision for the same message")
    demand(explained[:7] == decision[:7], "another decision when it is explained")
    demand(decision.tenant_id in (None, *TENANTS), "a tenant from nowhere")
    demand(decision.rest in text, "a rest that was not written")
    if decision.span is not None:
        start, end = decision.span
        demand(0 <= start <= end <= len(text), "a match outside the text")


def claim_words(data: bytes) -> None:
    """A word and its aliases, one a line, that a tenant asks for."""
    spellings = tuple(_text(data).split("\n")[:8])
    verdict = judge_claim(TABLE, Claim(number_id=SHARED, tenant_id=RADIO, spellings=spellings))
    demand(bool(verdict.kind.value), "no verdict")


def render_templates(data: bytes) -> None:
    """A template as it is saved, and rendered although it was refused."""
    source = _text(data)
    try:
        check_template(source, KNOWN)
        demand(variables_of(source) <= KNOWN, "an unknown variable was let in")
    except TemplateError:
        pass
    try:
        text = render(source, VALUES)
    except TemplateError:
        return
    demand(len(text) <= LONGEST_TEXT and "\x00" not in text, "too much text, or a NUL")
    text.encode()


def judge_conditions(data: bytes) -> None:
    """A condition's JSON; what is accepted has an answer."""
    try:
        condition = CONDITION.validate_json(data)
    except ValidationError:
        return
    demand(isinstance(evaluate(condition, FACTS), bool), "neither yes nor no")
    outcome_names(condition)


def read_rules_files(data: bytes) -> None:
    """A rules file; what is accepted routes and judges."""
    try:
        rules = rules_file.read_rules(_text(data))
    except ValueError:
        return
    number = rules.file.numbers[0].id if rules.file.numbers else "1"
    message = {"id": "1", "number": number, "from": ANN, "text": "pizza grande"}
    demand(bool(rules_file.evaluate(rules, message, 0, NOON)), "no decision")
    demand(bool(rules_file.check(rules, {"number": number, "tenant": "t", "word": "PIZZA"}, 0)), "no verdict")


def read_addresses(data: bytes) -> None:
    """A sender as a carrier wrote it, and what a text of it would cost."""
    text = _text(data)
    for country in ("IT", "US", None):
        read = read_msisdn(text, country)
        demand(read is None or (read.startswith("+") and read[1:].isdigit() and len(read) <= 16), "an odd number")
    size = measure(text)
    demand(size.segments >= 1 and size.units >= 0, "an odd size")


def _lines(*texts: str) -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in texts]


RULES: Final = """\
numbers:
  - {id: "1", country: IT, address: "12345", languages: [it, en], time_zone: Europe/Rome}
  - {id: "2", country: ES, sharing: dedicated, owner: gym, fuzzy: true}
keywords:
  - {number: "1", tenant: pizzeria, word: PIZZA, aliases: [PIZZE], sub_keywords: [GRANDE], options: {glued: true}}
  - {number: "12345", tenant: gym, word: NO, state: suspended, active_from: 2026-01-01T00:00:00}
  - {number: "2", tenant: gym, word: CORSO, active_until: "2027-01-01T00:00:00Z"}
"""
TEXT_TARGETS: Final[Mapping[str, Target]] = {
    "fold": Target(run=fold_texts, seeds=lambda: _lines(*TEXTS), max_length=2048),
    "route": Target(
        run=route_texts,
        seeds=lambda: [bytes((n % 6,)) + text for n, text in enumerate(_lines(*TEXTS))],
        max_length=2048,
    ),
    "claims": Target(run=claim_words, seeds=lambda: _lines(*WORDS, "PIZZA\nPIZZE", *TEXTS), max_length=1024),
    "templates": Target(
        run=render_templates,
        seeds=lambda: _lines(
            "Ciao {{ message.rest | upcase }}!",
            "{% if answer == '2' %}due{% elsif message.rest contains 'x' %}x{% else %}{{ coupon.code }}{% endif %}",
            "{% case keyword.word %}{% when 'PIZZA' or 'X' %}a{% else %}b{% endcase %}{% comment %}x{% endcomment %}",
            "{% unless sub_keyword %}{{ tenant.name | truncate: 5, '…' | default: 'n' }}{% endunless %}",
            "{{ 'a' | append: 'b' | replace: 'a', \"c\" | slice: 0, 3 }}{{ 1.5 }}{{ nil }}",
        ),
        max_length=10_100,
    ),
    "conditions": Target(
        run=judge_conditions,
        seeds=lambda: _lines(
            '{"kind":"all","conditions":[{"kind":"sender_is","value":"new"},{"kind":"not","condition":'
            '{"kind":"text","operator":"contains","value":"perché"}}]}',
            '{"kind":"any","conditions":[{"kind":"time","weekdays":["monday"],"from_time":"22:00","until_time":"02:00"},'
            '{"kind":"number","numbers":["12345"]},{"kind":"country","countries":["IT"]},'
            '{"kind":"outcome","action":"coupon","outcome":"done"}]}',
        ),
    ),
    "rules": Target(run=read_rules_files, seeds=lambda: [RULES.encode(), *yaml_blocks(DOCS / "routing.md")]),
    "addresses": Target(
        run=read_addresses,
        seeds=lambda: _lines("+39 320 000 0001", "0039320", "tel:+1(202)555-0100", "PIZZA"),
        max_length=512,
    ),
}
