"""The carrier engine: a spec and a connection, compiled once into functions that verify, parse, acknowledge and send.

Sans-I/O: bytes in, values out. Called by ``ingress`` (verify, parse, acknowledge) and ``outbound`` (build_send, read_reply).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from twoway_router.carriers.answers import compile_acks, compile_receipt_url, probe_answer
from twoway_router.carriers.common_settings import ANSWERS, PREVIOUS, read_base
from twoway_router.carriers.errors import BadSignature, SpecError
from twoway_router.carriers.hooks import CONFIGURATORS, HOOKS
from twoway_router.carriers.http import AckOutcome, HttpReply, HttpRequest, RawRequest
from twoway_router.carriers.placeholders import fill_all, values_for
from twoway_router.carriers.proving.primitives import Check
from twoway_router.carriers.proving.verifiers import VERIFIERS
from twoway_router.carriers.reading.decoders import Document, Undecodable, decode, load_json
from twoway_router.carriers.reading.events import Reject
from twoway_router.carriers.reading.fields import Scene
from twoway_router.carriers.reading.selection import Kind, Parsed, Selection
from twoway_router.carriers.sending.look_ups import LookUpClient
from twoway_router.carriers.sending.replies import ReplyReader
from twoway_router.carriers.sending.requests import Sender
from twoway_router.carriers.spec import Auth, CarrierSpec
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import Capability, OutboundMessage
from twoway_router.domain.outcomes import SendReply

SHORTEST_SECRET: Final = 4
"""Shorter secrets are not hidden in logs: they stand in ordinary words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionView:
    """What a carrier may know of a connection. ``public_url`` is ``https://host/in/{carrier}/{connection_id}``.

    ``certificates`` (URL → PEM) is shared with whoever fetches them.
    """

    connection_id: ConnectionId
    carrier: str
    country: str | None
    settings: Mapping[str, object]
    secrets: Mapping[str, str]
    public_url: str = ""
    certificates: Mapping[str, str] = field(default_factory=dict)


class CompiledConnection:
    """One connection, ready to work. Made by ``compile_connection``; holds no state."""

    def __init__(self, spec: CarrierSpec, view: ConnectionView) -> None:
        values = values_for(spec, view.settings, view.secrets)
        filled = replace(spec, events=fill_all(spec.events, values), acks=fill_all(spec.acks, values))
        self.carrier: Final = spec.name
        self.capability: Final[Capability] = spec.capability
        self.body_limit: Final = spec.body_limit
        self.secret_words: Final = tuple(word for word in view.secrets.values() if len(word) >= SHORTEST_SECRET)
        self.public_base: Final = read_base(view.settings)
        self._answers_stop = view.settings.get(ANSWERS) is True
        self.part_wait: Final = timedelta(seconds=spec.part_wait_seconds)
        self._spec = filled
        self._checks = _compile_checks(spec, values, view)
        self._selection = Selection(filled, view.country)
        self._hook = HOOKS[spec.hook] if spec.hook else None
        self._acks = compile_acks(filled)
        self._sender = (
            Sender(spec.send, values, compile_receipt_url(spec, values, view.public_url)) if spec.send else None
        )
        self._replies = ReplyReader(spec.send) if spec.send else None
        self._look_up = LookUpClient(spec.look_up, values) if spec.look_up else None

    def verify(self, request: RawRequest, now: datetime) -> None:
        """Return when the request is the carrier's; raise BadSignature (or CertificateMissing) when that is not shown.

        A probe carries no message and needs no proof.
        """
        if self._spec.probes and probe_answer(self._spec, request, self._acks):
            return
        for check in self._checks:
            check(request, now)

    def parse(self, kind: Kind, request: RawRequest, now: datetime) -> Parsed:
        """Everything a verified request holds. Never raises: what is not understood is a reject."""
        if self._spec.probes and (answer := probe_answer(self._spec, request, self._acks)):
            return Parsed(is_probe=True, answer=answer)
        try:
            root = self._unwrapped(decode(request, self._spec.decode))
        except Undecodable:
            return Parsed(rejects=(Reject(reason="undecodable"),))
        parsed = self._selection.read(kind, Scene.of(request, root), now)
        if not self._answers_stop:
            return parsed
        # This carrier answers STOP, START and HELP and does not say so.
        return replace(parsed, messages=tuple(replace(message, carrier_replied=True) for message in parsed.messages))

    def _unwrapped(self, root: Document) -> Document:
        """Read JSON that stands as a string in one field, and let the hook do what data cannot say."""
        name = self._spec.unwrap
        if name and isinstance(root, dict):
            # A dotted name beside the field would be found before what is in it, and only the field is signed.
            root = {key: value for key, value in root.items() if not key.startswith(f"{name}.")}
            if isinstance(text := root.get(name), str):
                with suppress(Undecodable):
                    root[name] = load_json(text)
        return self._hook(root) if self._hook else root

    def acknowledge(self, outcome: AckOutcome) -> HttpReply:
        """The answer to the carrier, in its own words."""
        return self._acks[outcome]

    def build_send(self, message: OutboundMessage, now: datetime | None = None) -> HttpRequest:
        """The request that hands an MT over. ``now`` goes into the signature where the carrier demands one (AWS, Azure)."""
        if self._sender is None:
            raise SpecError("send", f"{self.carrier} cannot send")
        return self._sender.build(message, now)

    def read_reply(self, reply: HttpReply) -> SendReply:
        """What the carrier said to ``build_send``'s request."""
        if self._replies is None:
            raise SpecError("send", f"{self.carrier} cannot send")
        return self._replies.read(reply)

    def build_look_up(self, reference: str) -> HttpRequest:
        """The request that asks whether the carrier has an MT; only where ``capability`` is look_up."""
        if self._look_up is None:
            raise SpecError("look_up", f"{self.carrier} cannot be asked")
        return self._look_up.build(reference)

    def read_look_up(self, reply: HttpReply) -> SendReply:
        """Done: the carrier has it. Retry: it never arrived and may be sent again. Unknown: it cannot say now."""
        if self._look_up is None:
            raise SpecError("look_up", f"{self.carrier} cannot be asked")
        return self._look_up.read(reply)


def compile_connection(spec: CarrierSpec, connection: ConnectionView) -> CompiledConnection:
    """Compile once per connection and change of it. Raises SpecError when the settings cannot work."""
    configured = CONFIGURATORS[spec.configure](spec, connection.settings) if spec.configure else spec
    return CompiledConnection(configured, connection)


def _compile_checks(spec: CarrierSpec, values: Mapping[str, str], view: ConnectionView) -> tuple[Check, ...]:
    """Every verifier whose secrets are set, and all of them must agree. Without any, everything is refused."""
    wanted = [auth for auth in spec.auth if all(values.get(name) for name in auth.needs)]
    if not wanted and view.settings.get("allow_unsigned") is True:
        return ()
    if not wanted:
        wanted = [Auth(verifier="refuse")]
    before = {name: old for name in spec.proof_secrets if (old := values.get(name + PREVIOUS))}
    return tuple(_compile_check(auth, values, before, view) for auth in wanted)


def _compile_check(auth: Auth, values: Mapping[str, str], before: Mapping[str, str], view: ConnectionView) -> Check:
    """One proof; by the secrets from before too, so that a secret can be changed here and there without a gap."""
    verifier = VERIFIERS[auth.verifier]
    check = verifier.compile(options := fill_all(auth.options, values), view.certificates)
    if (others := fill_all(auth.options, {**values, **before})) == options:
        return check
    other = verifier.compile(others, view.certificates)

    def check_either(request: RawRequest, now: datetime) -> None:
        try:
            check(request, now)
        except BadSignature:
            other(request, now)

    return check_either
