"""What a dialect is: an account at the carrier, how it writes MOs and receipts, how it reads our sends and answers them.

A carrier's module fills in one ``Dialect``; ``lab.carrier`` and ``lab.emitter`` are the same for all of them.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.samples import filled, parse
from twoway_router.lab.dialects.wire import Form, Wire, b64, get, keyed, post_form, post_json
from twoway_router.lab.web import LabReply, LabRequest


class Splitting(StrEnum):
    """How a carrier passes long texts on: joined, in parts of whole characters, or in parts of octets cut anywhere."""

    JOINED = "joined"
    BY_TEXT = "by_text"
    BY_OCTETS = "by_octets"


class Ack(StrEnum):
    """What the carrier makes of our answer: done, again later, or never again although nothing was stored."""

    TAKEN = "taken"
    AGAIN = "again"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account at the carrier: what the operator enters here, and ``private``, which the carrier keeps to itself.

    ``{lab}`` in a setting stands for the lab's own address.
    """

    carrier: str
    settings: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    country: str = "IT"

    def at(self, lab_url: str) -> "Account":
        """The account of a lab that listens there."""
        settings = {
            name: value.replace("{lab}", lab_url) if isinstance(value, str) else value
            for name, value in self.settings.items()
        }
        return replace(self, settings=settings)

    def falsified(self) -> "Account":
        """Somebody else's: every secret is another one."""
        secrets = {name: value[::-1] for name, value in self.secrets.items()}
        return replace(self, secrets=secrets, private={name: value[::-1] for name, value in self.private.items()})

    def __getitem__(self, name: str) -> str:
        """A private value, secret or setting."""
        return str({**self.settings, **self.secrets, **self.private}[name])


def lab_account(
    carrier: str,
    *made_up: str,
    secrets: Mapping[str, str] | None = None,
    private: Mapping[str, str] | None = None,
    **settings: object,
) -> Account:
    """The lab's own account; the ``made_up`` secrets have values of the lab's."""
    known = {name: f"lab-{carrier}-{name.replace('_', '-')}" for name in made_up}
    return Account(carrier=carrier, settings=settings, secrets={**known, **(secrets or {})}, private=private or {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """A moment as carriers write it; other formats are in their samples."""

    at: datetime

    @property
    def epoch(self) -> str:
        return str(int(self.at.timestamp()))

    @property
    def epoch_ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    @property
    def iso_ms(self) -> str:
        return self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Dated):
    """One request that is about to be made: where it goes, when, a nonce, and the account that signs it.

    An account with a ``key`` has it in every URL, unless the URL carries one already.
    """

    url: str
    nonce: str
    account: Account

    @property
    def keyed_url(self) -> str:
        return keyed(self.url, self.account["key"]) if "key" in self.account.secrets else self.url

    def fill(self, sample: str, **values: object) -> Any:
        """The sample with its values; ``call`` and ``account`` are always among them."""
        return filled(parse(sample), {"call": self, "account": self.account, **values})

    def get(self, fields: Form | str, /, **values: object) -> Wire:
        """Fields, or a sample of them, as a query."""
        return get(self.keyed_url, self.fill(fields, **values) if isinstance(fields, str) else fields)

    def post_form(self, fields: Form | str, /, **values: object) -> Wire:
        return post_form(self.keyed_url, self.fill(fields, **values) if isinstance(fields, str) else fields)

    def post_json(self, fields: Any, /, **values: object) -> Wire:
        return post_json(self.keyed_url, self.fill(fields, **values) if isinstance(fields, str) else fields)

    def with_basic(self, wire: Wire, user: str, password: str) -> Wire:
        """The request with HTTP Basic of these settings."""
        proof = b64(f"{self.account[user]}:{self.account[password]}".encode())
        return wire.with_headers({"Authorization": f"Basic {proof}"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Which part of a long message a piece is."""

    reference: int
    index: int
    total: int

    @property
    def header(self) -> bytes:
        """The user data header of a concatenated message, with an 8-bit reference."""
        return bytes((5, 0, 3, self.reference, self.total, self.index))


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece(Dated):
    """What one request carries: a whole MO or a part of it; ``mo`` in samples.

    ``octets`` are the text in ASCII, or in UTF-16BE when ``is_wide``; only they are complete where parts are cut by octets.
    """

    id: str
    sender: str
    recipient: str
    text: str
    octets: bytes
    is_wide: bool
    variant: str
    is_opt_out: bool = False
    part: Part | None = None

    @property
    def sender_digits(self) -> str:
        return self.sender.removeprefix("+")

    @property
    def recipient_digits(self) -> str:
        return self.recipient.removeprefix("+")

    @property
    def keyword(self) -> str:
        """The first word, as carriers show it."""
        return self.text.split()[0].upper() if self.text.split() else ""

    @property
    def segments(self) -> int:
        return len(self.octets) // 134 + 1

    @property
    def header(self) -> bytes:
        """The user data header; empty when it is no part."""
        return self.part.header if self.part else b""


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenMt:
    """One of our sends as the carrier read it. ``recipient`` is in E.164; ``reference`` is ours where the API has one."""

    sender: str
    recipient: str
    text: str
    reference: str = ""
    reply_token: str = ""
    receipt_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mt:
    """One MT that a handset received, or (``is_repeat``) one that the carrier recognised and did not send again."""

    id: str
    reference: str
    sender: str
    recipient: str
    text: str
    is_repeat: bool
    fault: str | None
    at_ns: int
    reply_token: str = ""
    receipt_url: str = ""

    @property
    def recipient_digits(self) -> str:
        return self.recipient.removeprefix("+")


class Status(NamedTuple):
    """What a carrier writes in a receipt: its word, and an error code where it has one."""

    word: str
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """Where the carrier can be asked for an MT: ``asks`` gives our reference, ``answer`` gets the MT's id or None."""

    asks: Callable[[LabRequest], str | None]
    answer: Callable[[str, str | None], LabReply]


def words(table: str) -> Mapping[Report, Status]:
    """A carrier's statuses, as ``delivered: word, failed: word/code``."""
    rows = (row.split(": ") for row in table.split(", "))
    return {Report(name): Status(*word.split("/")) for name, word in rows}


def refusals(**by_fault: LabReply) -> Mapping[Fault, LabReply]:
    """A carrier's error answers by the fault they stand for."""
    return {Fault(name): reply for name, reply in by_fault.items()}


SUCCESS: Final = range(200, 300)
MISTAKES: Final = frozenset(range(400, 500)) - {429}
"""Answers that a carrier may take for a mistake of ours."""


def acks(
    *statuses: int,
    body: bytes | None = None,
    is_silent: Callable[[Answer], bool] = lambda _: True,
    lost: Collection[int] = (),
) -> Callable[[Answer], Ack]:
    """What the carrier takes for an acknowledgement, and after which statuses it never tries again."""

    def read(answer: Answer) -> Ack:
        is_taken = answer.status in statuses and body in (None, answer.body.strip()) and is_silent(answer)
        return Ack.TAKEN if is_taken else Ack.LOST if answer.status in lost else Ack.AGAIN

    return read


_TAKES_SUCCESS: Final = acks(*SUCCESS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """One carrier. ``mo`` and ``receipt`` write and sign one request.

    ``take`` reads a send, or answers it when the credentials or the address are wrong. ``refusals`` are the carrier's
    own error answers: a fault that is not there is one that this carrier does not have. ``words`` are its statuses in
    receipts, ``reads`` says what it makes of our answers, ``is_refusal`` how we must answer a wrong signature, ``retry``
    is its schedule in true seconds. A ``variant`` is another method or charset that an account can be set to; those in
    ``narrow`` carry ASCII only, those in ``parts_of`` split texts in their own way, and in ``timeless`` ones neither id
    nor time tells a late repeat from another message. ``reply_token`` is what its MOs carry and its MTs must bring back.
    ``marks_opt_outs``: it answers STOP itself and says so in the MO (``Piece.is_opt_out``). ``number_settings`` stand for
    the one number of an account whose MOs and MTs name none.
    """

    account: Account
    mo: Callable[[Piece, Call], Wire]
    receipt: Callable[[Mt, Status, Call], Wire]
    words: Mapping[Report, Status]
    take: Callable[[LabRequest, Account], TakenMt | LabReply]
    accepted: Callable[[Mt], LabReply]
    refusals: Mapping[Fault, LabReply]
    retry: RetryRule
    reads: Callable[[Answer], Ack] = _TAKES_SUCCESS
    is_refusal: Callable[[Answer], bool] = lambda answer: answer.status == 403
    falsify: Callable[[Account], Account] = Account.falsified
    mode: Capability = Capability.RECEIPT
    look_up: LookUp | None = None
    parts: Splitting = Splitting.JOINED
    variants: tuple[str, ...] = ("",)
    narrow: frozenset[str] = frozenset()
    parts_of: Mapping[str, Splitting] = field(default_factory=dict)
    timeless: frozenset[str] = frozenset()
    reply_token: str = ""
    marks_opt_outs: bool = False
    number_settings: tuple[str, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.account.carrier

    def splitting(self, variant: str) -> Splitting:
        """How long texts are passed on in this variant."""
        return self.parts_of.get(variant, self.parts)
