"""The one door out: ``queue_mts`` is the only way to send an SMS. Also applies what receipts say of MTs.

Called by ``actions`` (replies) and ``ingress`` (receipts); ``mts.delivery`` asks consent again when it claims.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from twoway_router.consent import service as consent
from twoway_router.consent.rules import ConsentChange, ConsentKind, Person, SuppressionReason, in_rounds, may_send
from twoway_router.contexts import service as contexts
from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.gsm import measure
from twoway_router.domain.ids import ConnectionId, NumberId, OutboundMessageId, TenantId, new_id
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState, MtState, Origin, UnknownPolicy
from twoway_router.events.news import Departure, News
from twoway_router.mts.jobs import add_successors
from twoway_router.mts.queries import cancelling, correspondents, listing, planning, progress, receipts, sweeping
from twoway_router.mts.queries.progress import Progress
from twoway_router.mts.rules import (
    MOVES,
    OPTED_OUT,
    REASONS,
    SEGMENT_LIMIT,
    MtClass,
    MtEvent,
    after_receipt,
    class_of,
    job_of,
)
from twoway_router.store import Session
from twoway_router.store.outbox import lane_of, order_key
from twoway_router.telemetry.metrics import CONSENT_BLOCKED, RECEIPTS

States = tuple[str, str | None]
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

# What other packages may ask of these tables.
list_answers = listing.list_answers
DUE = sweeping.DUE


@dataclass(frozen=True, kw_only=True, slots=True)
class MtDraft:
    """An MT to be sent; all of a person's but bulk leave in the order of (due, id).

    ``due_at`` None is now. ``policy`` None takes the number's own.
    """

    id: UUID = field(default_factory=new_id)
    tenant_id: TenantId | None
    number_id: NumberId
    recipient: str
    text: str
    origin: Origin
    key: EffectKey
    reply_token: str | None = None
    policy: UnknownPolicy | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """What became of a draft: a planned MT, or why it will not be sent. ``refused`` is the row of an MT that will not be."""

    id: OutboundMessageId | None
    reason: str | None = None
    refused: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Obeyed:
    """The cancelled MTs that belong to a tenant, with the tenant, and the changes that had an effect."""

    moved: Mapping[UUID, UUID] = field(default_factory=dict)
    effective: frozenset[ConsentChange] = frozenset()

    @property
    def restored_by(self) -> Collection[UUID]:
        """The MOs whose START has lifted something: only they are confirmed."""
        starts = (each for each in self.effective if each.kind is ConsentKind.OPT_IN)
        return [each.inbound_message_id for each in starts if each.inbound_message_id]


async def queue_mts(
    session: Session, drafts: Sequence[MtDraft], *, now: datetime, lifetime: timedelta
) -> Sequence[Queued]:
    """Plan MTs, one result per draft. Asks consent; never writes to anything but MSISDNs that are not ours."""
    if not drafts:
        return []
    recipients = {draft.recipient for draft in drafts}
    numbers = await planning.list_numbers(session, {draft.number_id for draft in drafts}, recipients)
    ours = {number.address for number in numbers.values()}
    suppressions = await consent.list_suppressions(session, {_person(draft) for draft in drafts})
    rows: list[dict[str, Any]] = []
    results: list[Queued] = []
    for draft in drafts:
        if _E164.fullmatch(draft.recipient) is None:
            results.append(Queued(id=None, reason="recipient_is_no_msisdn"))
        elif draft.recipient in ours:
            results.append(Queued(id=None, reason="recipient_is_ours"))
        elif not draft.text.strip():
            results.append(Queued(id=None, reason="text_is_empty"))
        else:
            verdict = may_send(suppressions.get(_person(draft), ()), draft.tenant_id, draft.origin)
            row = _row(draft, numbers[draft.number_id], now, is_suppressed=not verdict.allows)
            rows.append(row)
            if row["state"] == MtState.PLANNED:
                results.append(Queued(id=OutboundMessageId(row["id"])))
            else:
                results.append(Queued(id=None, reason=row["reason"], refused=row["id"]))
    if rows:
        CONSENT_BLOCKED.labels("queued").inc(sum(row["state"] == MtState.SUPPRESSED for row in rows))
        await planning.insert_mts(session, rows, now, lifetime)
    return results


async def obey(session: Session, changes: Sequence[ConsentChange], *, now: datetime) -> Obeyed:
    """Apply STOPs and STARTs: the one door for both, in the transaction that stores what said them.

    Those of one person in the order given. A STOP cancels what is planned in its scope: nothing that has not left by now
    leaves any more. Contexts end with a STOP, and a START that lifts one begins anew.
    """
    if not changes:
        return Obeyed()
    await consent.reserve(session, {change.person for change in changes})
    moved: dict[UUID, UUID] = {}
    effective: list[ConsentChange] = []
    for batch in in_rounds(changes):
        effective.extend(await consent.apply(session, batch, now))
        if stopping := [change.person for change in batch if change.kind is ConsentKind.OPT_OUT]:
            cancelled = await cancelling.cancel_planned(session, stopping, now)
            CONSENT_BLOCKED.labels("cancelled").inc(len(cancelled))
            await add_successors(
                session, {each.order_key for each in cancelled if each.mt_class is not MtClass.BULK}, now
            )
            moved |= {each.id: each.tenant_id for each in cancelled if each.tenant_id}
    ended = [change for change in changes if change.kind is ConsentKind.OPT_OUT or change in effective]
    scopes = {(Person(number_id=change.number_id, msisdn=change.msisdn), change.tenant_id) for change in ended}
    await contexts.close_open(session, scopes, now=now)
    return Obeyed(moved=moved, effective=frozenset(effective))


async def leave(session: Session, departures: Sequence[Departure], *, now: datetime) -> News:
    """Apply the opt-outs that carriers report: they are about the whole number."""
    people: dict[Person, Departure] = {}
    for each in departures:
        person = Person(number_id=each.number_id, msisdn=each.msisdn)
        first = people.setdefault(person, each)
        people[person] = replace(first, tenant_ids=first.tenant_ids | each.tenant_ids)
    changes = [
        ConsentChange(
            kind=ConsentKind.OPT_OUT,
            number_id=person.number_id,
            msisdn=person.msisdn,
            reason=SuppressionReason.CARRIER,
        )
        for person in people
    ]
    obeyed = await obey(session, changes, now=now)
    left = sorted(change.person for change in obeyed.effective)
    return News(moved=obeyed.moved, left=tuple(people[person] for person in left))


def _person(draft: MtDraft) -> Person:
    return Person(number_id=draft.number_id, msisdn=draft.recipient)


def _row(draft: MtDraft, number: planning.SendingNumber, now: datetime, *, is_suppressed: bool) -> dict[str, Any]:
    size = measure(draft.text)
    if is_suppressed:
        event = MtEvent.OPTED_OUT
    elif size.segments > min(number.max_segments or SEGMENT_LIMIT, SEGMENT_LIMIT):
        event = MtEvent.TOO_LONG
    else:
        event = MtEvent.QUEUED
    mt_class = class_of(draft.key.cause.kind, draft.origin)
    key = order_key(draft.tenant_id or draft.number_id, draft.recipient)
    return {
        "id": draft.id,
        "tenant_id": draft.tenant_id,
        "number_id": draft.number_id,
        "connection_id": number.connection_id,
        "sender": number.address,
        "recipient": draft.recipient,
        "text": draft.text,
        "encoding": size.encoding.value,
        "segments": size.segments,
        "origin": draft.origin.value,
        "cause_id": draft.key.cause.id,
        "cause_kind": draft.key.cause.kind.value,
        "generation": draft.key.generation,
        "ordinal": draft.key.ordinal,
        "state": MOVES[event][None].value,
        "policy": (draft.policy or UnknownPolicy(number.unknown_policy)).value,
        "order_key": key,
        "reply_token": draft.reply_token,
        "mt_class": mt_class.value,
        "due_at": draft.due_at or now,
        "job": job_of(mt_class),
        "lane": lane_of(key),
        "reason": REASONS.get(event),
    }


async def apply_receipts(
    session: Session, reported: Sequence[tuple[ConnectionId, DeliveryReceipt]], *, now: datetime
) -> News:
    """Keep receipts and move their MTs, never backwards. A receipt that overtook its MT's answer waits for it.

    Returns what listeners hear of.
    """
    if not reported:
        return News()
    names = [
        receipts.CarrierId(connection_id=connection_id, carrier_message_id=receipt.carrier_message_id)
        for connection_id, receipt in reported
        if receipt.carrier_message_id is not None
    ]
    await receipts.lock(session, names)
    spoken = await receipts.find_spoken_of(
        session,
        [connection_id for connection_id, _ in reported],
        [receipt.carrier_message_id for _, receipt in reported],
        [_reference(receipt) for _, receipt in reported],
    )
    mts = {found.position: found for found in spoken}
    states: dict[UUID, States] = {}
    for position, (_, receipt) in enumerate(reported):
        mt = mts.get(position)
        RECEIPTS.labels(receipt.state.value, "found" if mt else "waiting").inc()
        if mt:
            _fold(states, mt.id, (mt.state, mt.delivery_state), receipt.state)
    await receipts.update_states(session, states, now)
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "connection_id": connection_id,
            "carrier_message_id": receipt.carrier_message_id,
            "reference": _reference(receipt),
            "recipient": receipt.recipient,
            "outbound_message_id": mts[position].id if position in mts else None,
            "state": receipt.state.value,
            "raw_state": receipt.raw_state,
            "error": receipt.error,
            "opted_out": receipt.opted_out,
            "carrier_time": receipt.carrier_time,
        }
        for position, (connection_id, receipt) in enumerate(reported)
    ]
    await receipts.insert_receipts(session, rows, now)
    await add_successors(
        session, {mt.order_key for mt in spoken if mt.id in states and mt.state == MtState.PLANNED}, now
    )
    blocked = [
        departed(mts[position], Cause(kind=CauseKind.RECEIPT, id=rows[position]["id"]))
        for position, (_, receipt) in enumerate(reported)
        if receipt.opted_out and position in mts
    ]
    news = await leave(session, blocked, now=now)
    moved = {mt.id: mt.tenant_id for mt in spoken if mt.id in states and mt.tenant_id}
    return News(moved={**news.moved, **moved}, left=news.left)


class Sent(Protocol):
    """An MT as far as it says who writes to whom."""

    @property
    def number_id(self) -> UUID: ...
    @property
    def recipient(self) -> str: ...
    @property
    def tenant_id(self) -> UUID | None: ...


def departed(mt: Sent, cause: Cause) -> Departure:
    """The recipient of an MT that the carrier refused because they have opted out."""
    tenants = frozenset((mt.tenant_id,)) if mt.tenant_id else frozenset()
    return Departure(
        number_id=mt.number_id, msisdn=mt.recipient, tenant_ids=tenants, key=EffectKey(cause=cause, ordinal=OPTED_OUT)
    )


async def list_acquainted(
    session: Session, people: Collection[tuple[UUID, str]], since: datetime
) -> Sequence[correspondents.Acquainted]:
    """The tenants that people on numbers have to do with: a dedicated number's owner, else those they wrote to."""
    return await correspondents.list_acquainted(session, people, since)


async def list_progress(session: Session, ids: Collection[UUID]) -> Sequence[Progress]:
    """How MTs fare, as their tenants may know it."""
    return await progress.list_progress(session, ids)


async def apply_waiting_receipts(
    session: Session, found: Sequence[tuple[UUID, str]], known: Mapping[UUID, States], *, now: datetime
) -> Mapping[UUID, States]:
    """Apply receipts that overtook the answers which are being stored: (MT, state). Returns what moved."""
    states: dict[UUID, States] = {}
    for mt_id, reported in found:
        _fold(states, mt_id, known[mt_id], DeliveryState(reported))
    await receipts.update_states(session, states, now)
    return states


def _fold(states: dict[UUID, States], mt_id: UUID, stored: States, reported: DeliveryState) -> None:
    """Note what one more receipt makes of an MT."""
    state, delivery_state = states.get(mt_id, stored)
    moved = after_receipt(MtState(state), DeliveryState(delivery_state) if delivery_state else None, reported)
    if moved:
        states[mt_id] = moved


def _reference(receipt: DeliveryReceipt) -> UUID | None:
    """Our id in a receipt; anything else that a carrier sends there names nothing."""
    try:
        return UUID(receipt.reference) if receipt.reference else None
    except ValueError:
        return None
