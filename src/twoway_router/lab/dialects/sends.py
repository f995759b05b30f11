"""How a carrier takes our sends: where they go, how they prove themselves, what stands where, how they are answered."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twoway_router.lab.dialects.dialect import Account, Mt, TakenMt
from twoway_router.lab.dialects.samples import filled, parse, values_in
from twoway_router.lab.dialects.wire import b64, form_of, json_of
from twoway_router.lab.web import LabReply, LabRequest

Proof = Callable[[LabRequest, Account], bool]
Values = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SendApi:
    """A carrier's way to take an MT; called as ``Dialect.take``.

    ``at`` is method (``*``: any) and path, with settings in braces; a named group of it is a value too. ``mt`` is a sample
    with the values of ``TakenMt``, where ``recipient_digits`` are the recipient without plus; ``text`` reads the text from
    all values where that takes more.
    """

    at: str
    proof: Proof
    mt: str
    text: Callable[[Values], str] = lambda values: values["text"]
    read: Callable[[LabRequest], Mapping[str, object]] = json_of
    nowhere: LabReply
    unproven: LabReply
    incomplete: LabReply

    def __call__(self, request: LabRequest, account: Account) -> TakenMt | LabReply:
        method, path = self.at.split()
        place = re.fullmatch(path.format_map(account), request.path)
        if place is None or method not in ("*", request.method):
            return self.nowhere
        if not self.proof(request, account):
            return self.unproven
        found = values_in(parse(self.mt), self.read(request))
        if found is None:
            return self.incomplete
        values = defaultdict(str, {**found, **place.groupdict()})
        return TakenMt(
            sender=values["sender"],
            recipient=values["recipient"] or f"+{values['recipient_digits']}",
            text=self.text(values),
            reference=values["reference"],
            reply_token=values["reply_token"],
            receipt_url=values["receipt_url"],
        )


def header(name: str, value: str) -> Proof:
    """The header must be this, with settings and secrets in braces."""
    return lambda request, account: request.header(name.encode()) == value.format_map(account)


def basic(user: str, password: str) -> Proof:
    """HTTP Basic with these settings."""
    return lambda request, account: (
        request.header(b"authorization") == f"Basic {b64(f'{account[user]}:{account[password]}'.encode())}"
    )


def parameters(*names: str) -> Proof:
    """Fields of the form or query must be the settings of these names; ``user=username`` where the names differ."""
    pairs = [(name.partition("=")[0], name.rpartition("=")[2]) for name in names]
    return lambda request, account: all(form_of(request).get(field) == account[setting] for field, setting in pairs)


def accepted(sample: str, status: int = 200) -> Callable[[Mt], LabReply]:
    """The answer to a send that was taken, by a sample with ``mt``."""
    return lambda mt: LabReply.json(filled(parse(sample), {"mt": mt}), status)
