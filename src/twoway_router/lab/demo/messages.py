"""The demo's content as data: who owns what, which messages come in, and what must come of them. Pure.

Handsets are of a range that Ofcom keeps for drama, so nobody can ever be reached on them.
"""

from dataclasses import dataclass
from typing import Final, Literal

SHORT_CODE: Final = "66777"
LONG_NUMBER: Final = "+447700900999"
COUNTRY: Final = "GB"
BURGERS: Final = "Burger Chain"
CARS: Final = "Used Cars Ltd"
REPAIRS: Final = "Reparaciones Sol"

HANDSETS: Final = ("Ann", "Bob", "Carla", "Dan", "Eve", "Finn", "Gema", "Hugo", "Ines")
_FIRST_HANDSET: Final = 447_700_900_000
_RUNS: Final = 100

COUPON_REPLY: Final = "A free burger for you! Show code {{ coupon.code }} at the till."
CARS_REPLY: Final = "Thanks! A dealer calls you back within the hour."
COURTESY_REPLY: Final = "We do not know that keyword. Text HELP for help, STOP to end."
REPAIR_REPLY: Final = "Reparaciones Sol: responda REPARAR BAÑO, KIT o CALEFACCIÓN."
REPAIR_REPLIES: Final = {
    "BAÑO": "Un fontanero le llama en 30 minutos.",
    "KIT": "Su kit de reparación sale hoy.",
    "CALEFACCIÓN": "Un técnico de calefacción le llama en una hora.",
}
_CODE: Final = r"Show code (?P<code>[A-Z0-9-]{6,}) at the till"

Line = Literal["shared", "repairs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoMessage:
    """One message and what must come of it.

    ``reply`` is a regular expression of the only MT that it causes, None when there must be none. ``webhook_rest`` is the rest
    of the text that the tenant's webhook must get. ``again`` and ``same_code_as`` are numbers of earlier messages.
    """

    why: str
    handset: str
    text: str
    route: str
    line: Line = "shared"
    tenant: str | None = None
    keyword: str | None = None
    reply: str | None = None
    webhook_rest: str | None = None
    again: int | None = None
    same_code_as: int | None = None


def _burger(why: str, handset: str, text: str, **more: int) -> DemoMessage:
    return DemoMessage(
        why=why, handset=handset, text=text, route="keyword", tenant=BURGERS, keyword="FREEBURGER", reply=_CODE,
        again=more.get("again"), same_code_as=more.get("same_code_as"),
    )  # fmt: skip


def _repair(why: str, handset: str, text: str, second: str) -> DemoMessage:
    return DemoMessage(
        why=why, handset=handset, text=text, line="repairs", route="keyword", tenant=REPAIRS,
        keyword=f"REPARAR {second}".strip(), reply=REPAIR_REPLIES.get(second, "responda REPARAR"),
    )  # fmt: skip


def _cars(why: str, handset: str, text: str, rest: str) -> DemoMessage:
    return DemoMessage(
        why=why, handset=handset, text=text, route="keyword", tenant=CARS, keyword="USEDCARS",
        reply="A dealer calls you back", webhook_rest=rest,
    )  # fmt: skip


MESSAGES: Final[tuple[DemoMessage, ...]] = (
    _burger("a keyword", "Ann", "FREEBURGER"),
    _burger("lower case", "Bob", "freeburger please"),
    _burger("quotes", "Carla", "“FreeBurger”"),
    DemoMessage(
        why="the carrier repeats message 1",
        handset="Ann", text="FREEBURGER", route="keyword", tenant=BURGERS, keyword="FREEBURGER", again=0,
    ),
    _burger("asks again: one code per person", "Ann", "Freeburger!", same_code_as=0),
    _cars("the other tenant of the code", "Dan", "USEDCARS", ""),
    _cars("the rest goes to the CRM", "Eve", "usedcars diesel estate", "diesel estate"),
    DemoMessage(why="a wrong word", handset="Finn", text="PIZZA", route="default", reply="do not know that keyword"),
    DemoMessage(why="again: one courtesy reply a day", handset="Finn", text="PIZZA???", route="default"),
    _repair("a second word with its accent", "Gema", "REPARAR BAÑO", "BAÑO"),
    _repair("missing accents", "Hugo", "reparar bano", "BAÑO"),
    _repair("no accents, lower case", "Ines", "reparar calefaccion no funciona", "CALEFACCIÓN"),
    _repair("no second word", "Hugo", "Reparar", ""),
    DemoMessage(why="STOP: all tenants of the code", handset="Bob", text="Stop", route="opt_out", reply="."),
    DemoMessage(
        why="after STOP nothing goes out",
        handset="Bob", text="FREEBURGER", route="keyword", tenant=BURGERS, keyword="FREEBURGER",
    ),
    DemoMessage(why="START ends it", handset="Bob", text="START", route="opt_in", reply="."),
)  # fmt: skip


def handset_address(handset: str, run: int) -> str:
    """The handset's number in this run: new people on every run, or one courtesy reply a day would spoil the second."""
    return f"+{_FIRST_HANDSET + (run % _RUNS) * len(HANDSETS) + HANDSETS.index(handset)}"


def message_id(index: int, run_id: str) -> str:
    """The carrier's id of a message's message; a repeat has the id of what it repeats."""
    again = MESSAGES[index].again
    return f"{run_id}-{index if again is None else again}"
