"""What a dialect is: an account at the carrier, how it words MOs and receipts, how it reads our sends and answers them.

Every file next to this one fills in one ``Dialect``; ``lab.carrier`` and ``lab.emitter`` are the same for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.wire import Moment, Wire
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
class Piece:
    """What one request carries: a whole MO or a part of it. Without plus, ``digits`` are the sender's.

    ``octets`` are the text in ASCII, or in UTF-16BE when ``is_wide``; only they are complete where parts are cut by octets.
    """

    id: str
    sender: str
    recipient: str
    text: str
    octets: bytes
    is_wide: bool
    at: datetime
    variant: str
    is_opt_out: bool = False
    part: Part | None = None

    @property
    def digits(self) -> str:
        return self.sender.removeprefix("+")


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


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """Where the carrier can be asked for an MT: ``asks`` gives our reference, ``answer`` gets the MT's id or None."""

    asks: Callable[[LabRequest], str | None]
    answer: Callable[[str, str | None], LabReply]


def take_2xx(answer: Answer) -> Ack:
    """Any 2xx is an acknowledgement, whatever it says."""
    return Ack.TAKEN if answer.is_success else Ack.AGAIN


def is_403(answer: Answer) -> bool:
    return answer.status == 403


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """One carrier. ``mo`` and ``receipt`` write and sign one request; the second argument is where it goes.

    ``take`` reads a send, or answers it when the credentials or the address are wrong. ``refusals`` are the carrier's
    own error answers: a fault that is not there is one that this carrier does not have. ``words`` are its statuses in
    receipts, ``reads`` says what it makes of our answers, ``is_refusal`` how we must word a wrong signature, ``retry``
    is its schedule in true seconds. A ``variant`` is another method or charset that an account can be set to; those in
    ``narrow`` carry ASCII only, those in ``parts_of`` split texts in their own way, and in ``timeless`` ones neither id
    nor time tells a late repeat from another message. ``reply_token`` is what its MOs carry and its MTs must bring back.
    ``marks_opt_outs``: it answers STOP itself and says so in the MO (``Piece.is_opt_out``). ``number_settings`` stand for
    the one number of an account whose MOs and MTs name none.
    """

    account: Account
    mo: Callable[[Piece, str, Moment, Account], Wire]
    receipt: Callable[[Mt, str, str, Moment, Account], Wire]
    words: Mapping[Report, str]
    take: Callable[[LabRequest, Account], TakenMt | LabReply]
    accepted: Callable[[Mt], LabReply]
    refusals: Mapping[Fault, LabReply]
    retry: RetryRule
    reads: Callable[[Answer], Ack] = take_2xx
    is_refusal: Callable[[Answer], bool] = is_403
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
