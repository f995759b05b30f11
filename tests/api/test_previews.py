"""Route previews: the live decision, shown to each as far as it is theirs."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.api.conftest import Caller
from tests.cast import ANN, BOB, NOON, a_connection, a_number
from twoway_router.consent.rules import Person
from twoway_router.contexts import service as conversations
from twoway_router.contexts.rules import Question
from twoway_router.domain.ids import KeywordId, NumberId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.management.previews import FOREIGN
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, NumberRules
from twoway_router.store import Engine, System, transaction


@pytest.fixture
async def number_id(engine: Engine, table: RoutingTable, pizzeria: Caller, gym: Caller) -> NumberId:
    async with transaction(engine, System("test")) as session:
        number_id = await a_number(session, await a_connection(session))
    table.put_number(
        NumberRules(number_id=number_id, country="IT", address="12345", sharing=Sharing.SHARED, languages=("it",))
    )
    for owner, word in ((pizzeria, "PIZZA"), (gym, "PALESTRA")):
        assert owner.tenant_id is not None
        keyword_id = KeywordId(new_id())
        table.put_keyword(
            KeywordRules(keyword_id=keyword_id, tenant_id=owner.tenant_id, number_id=number_id, spellings=(word,))
        )
    return number_id


async def test_the_holder_sees_why_its_keyword_wins(pizzeria: Caller, number_id: NumberId) -> None:
    shown = (await pizzeria.post("/v1/route-previews", {"number_id": str(number_id), "text": "pizza grande"})).json()

    assert (shown["outcome"], shown["is_yours"], shown["word"], shown["rest"]) == ("keyword", True, "PIZZA", "grande")
    assert [(one["lost_because"], one["detail"]) for one in shown["candidates"]] == [(None, "")]


async def test_another_tenant_learns_only_that_it_is_anothers(gym: Caller, number_id: NumberId) -> None:
    shown = await gym.post("/v1/route-previews", {"number_id": str(number_id), "text": "pizza grande"})

    assert (shown.json()["is_yours"], shown.json()["detail"]) == (False, FOREIGN)
    assert [one["word"] for one in shown.json()["candidates"]] == [FOREIGN]
    assert "PIZZA" not in shown.text


async def test_an_operator_names_the_number_by_country_and_address(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    shown = await operator.post("/v1/route-previews", {"country": "IT", "number": "12345", "text": "PIZZA"})

    assert (shown.json()["number_id"], shown.json()["tenant_id"]) == (str(number_id), str(pizzeria.tenant_id))


async def test_a_number_that_is_not_yours_is_not_there(pizzeria: Caller) -> None:
    refused = await pizzeria.post("/v1/route-previews", {"number_id": str(new_id()), "text": "PIZZA"})

    assert refused.status_code == 404


@pytest.mark.parametrize(
    "naming", [{}, {"country": "IT"}, {"number_id": str(new_id()), "country": "IT", "number": "12345"}]
)
async def test_a_preview_names_exactly_one_number(pizzeria: Caller, naming: dict[str, str]) -> None:
    refused = await pizzeria.post("/v1/route-previews", naming | {"text": "PIZZA"})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


async def opened(
    engine: Engine, number_id: NumberId, tenant: Caller, expected: str = "yes_no", *, origin: str = "ask"
) -> None:
    """ANN has a question of this tenant open."""
    assert tenant.tenant_id is not None
    question = Question(
        person=Person(number_id=number_id, msisdn=ANN),
        tenant_id=tenant.tenant_id,
        origin=origin,
        expected=expected,
        lifetime=timedelta(hours=1),
    )
    async with transaction(engine, System("test")) as session:
        await conversations.open_questions(session, [question], now=NOON)


async def test_a_sender_brings_what_is_open_with_them(engine: Engine, pizzeria: Caller, number_id: NumberId) -> None:
    await opened(engine, number_id, pizzeria)

    body = {"number_id": str(number_id), "text": "SI", "sender": ANN, "at": NOON.isoformat()}
    shown = (await pizzeria.post("/v1/route-previews", body)).json()

    assert (shown["rule"], shown["is_yours"]) == ("open_question", True)
    assert [(one["what"], one["is_used"], one["expected"]) for one in shown["contexts"]] == [
        ("an open question", True, "yes_no")
    ]
    assert UUID(shown["contexts"][0]["id"]).version == 7


@pytest.mark.parametrize(
    ("expected", "text"), [("0-10", "7"), ("yes_no", "si"), ("text", "via Roma 3"), ("text", "pizza 3")]
)
async def test_a_preview_does_not_tell_whether_a_stranger_talks_to_another_tenant(
    engine: Engine, operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId, expected: str, text: str
) -> None:
    await opened(engine, number_id, gym, expected)
    body = {"number_id": str(number_id), "text": text, "at": NOON.isoformat()}

    shown = [(await pizzeria.post("/v1/route-previews", body | {"sender": sender})).json() for sender in (ANN, BOB)]
    [of_operator] = (await operator.post("/v1/route-previews", body | {"sender": ANN})).json()["contexts"]

    assert shown[0] == shown[1]
    assert (of_operator["tenant_id"], of_operator["is_used"]) == (str(gym.tenant_id), True)


async def test_a_preview_does_not_tell_that_the_number_asks_a_stranger_about_a_tenant(
    engine: Engine, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await opened(engine, number_id, pizzeria, origin="did_you_mean")
    body = {"number_id": str(number_id), "text": "si", "at": NOON.isoformat()}

    shown = [(await pizzeria.post("/v1/route-previews", body | {"sender": sender})).json() for sender in (ANN, BOB)]

    assert shown[0] == shown[1]


async def test_a_conversation_can_be_given_by_hand(pizzeria: Caller, number_id: NumberId) -> None:
    body = {"number_id": str(number_id), "text": "SI", "contexts": [{"expected": "yes_no", "age": 60}]}
    shown = (await pizzeria.post("/v1/route-previews", body)).json()

    assert (shown["rule"], [one["is_used"] for one in shown["contexts"]]) == ("open_question", [True])


async def test_a_conversation_given_by_hand_is_ones_own(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    given = {"tenant_id": str(gym.tenant_id), "expected": "yes_no"}

    refused = await pizzeria.post(
        "/v1/route-previews", {"number_id": str(number_id), "text": "SI", "contexts": [given]}
    )

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/contexts/0/tenant_id")


async def test_without_a_sender_no_conversation_counts(engine: Engine, pizzeria: Caller, number_id: NumberId) -> None:
    await opened(engine, number_id, pizzeria)

    body = {"number_id": str(number_id), "text": "SI", "at": NOON.isoformat()}
    shown = (await pizzeria.post("/v1/route-previews", body)).json()

    assert (shown["rule"], shown["contexts"]) == ("courtesy", [])


async def test_the_word_that_may_be_meant_is_shown_to_its_holder_only(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    body = {"number_id": str(number_id), "text": "palestta"}

    shown = [(await caller.post("/v1/route-previews", body)).json() for caller in (gym, pizzeria)]

    assert [(one["rule"], one["suggestion"]) for one in shown] == [("courtesy", "PALESTRA"), ("courtesy", None)]
    assert (shown[1]["reason"], shown[1]["detail"]) == ("no_keyword", "no keyword of this number fits")
