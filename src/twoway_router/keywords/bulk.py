"""Many changes of keywords as one: judged beside each other, refused together, written by a few statements.

Called by ``rulesets.service``. What one claim, change or release is refused for (``service``, ``administration``) counts for
each of them too. Words that are given up go first, so that words can move between a tenant's keywords.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from twoway_router.actions.checks import check_references
from twoway_router.domain.errors import FieldError, PreconditionFailed, RouterError
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.events.news import News
from twoway_router.keywords import queries
from twoway_router.keywords.administration import check_held
from twoway_router.keywords.choices import check_choices, choice_keys, list_taken
from twoway_router.keywords.drafts import Draft
from twoway_router.keywords.queries import PlacedSpelling
from twoway_router.keywords.resting import resting_time
from twoway_router.keywords.rules import (
    AnyWordTaken,
    DefinitionNotAcceptable,
    Judgement,
    KeywordClaim,
    KeywordNotFound,
    KeywordReleased,
    KeywordTaken,
    MatchNotAllowed,
    NumberNotAllowed,
    check_expiry,
    claims_problem,
    spellings_of,
)
from twoway_router.keywords.service import needs_approval, usable_number
from twoway_router.keywords.states import (
    ACTIVE,
    RELEASED,
    REQUESTED,
    SUSPENDED,
    ApprovalNeeded,
    action_of,
    check_step,
    first_state,
)
from twoway_router.keywords.tables import Keywords
from twoway_router.numbers.rules import Claims
from twoway_router.numbers.service import is_open_to, list_claims, list_routed_numbers
from twoway_router.numbers.tables import Numbers
from twoway_router.routing.barred_words import BarredWords
from twoway_router.routing.claims import Window, are_apart
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, MatchMode, SubKeyword
from twoway_router.store import Session, audit, changes
from twoway_router.store.audit import Actor, Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """A keyword to claim."""

    tenant_id: TenantId
    wanted: KeywordClaim
    is_suspended: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Alteration:
    """A keyword to change: its definition, its state (active or suspended), or both. ``seen_at``: as its caller read it."""

    keyword_id: KeywordId
    seen_at: datetime
    wanted: KeywordClaim | None
    state: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A keyword to give back."""

    keyword_id: KeywordId
    seen_at: datetime


Step = Creation | Alteration | Release


@dataclass(kw_only=True, slots=True)
class Writes:
    """What admitted steps come to, as rows."""

    keywords: list[dict[str, Any]] = field(default_factory=list)
    altered: list[tuple[Keywords, dict[str, Any]]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    retired: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    resting: list[UUID] = field(default_factory=list)
    freed: list[tuple[UUID, str]] = field(default_factory=list)
    placed: list[PlacedSpelling] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    admitted: list[tuple[KeywordRules, RoutingTable]] = field(default_factory=list)
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    def note(self, action: str, keyword_id: UUID, tenant_id: UUID, **details: Any) -> None:
        """An entry of the audit log."""
        entry = Entry(subject_id=keyword_id, tenant_id=tenant_id, details=details)
        self.entries.setdefault(action, []).append(entry)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Every step's refusal or judgement, by its place. What is to be written if nothing is refused.

    ``number_ids`` and ``tenant_ids`` are those of the keywords that are changed or released.
    """

    problems: Mapping[int, RouterError]
    judgements: Mapping[int, Judgement]
    writes: Writes
    number_ids: frozenset[UUID]
    tenant_ids: frozenset[UUID]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A number with the draft of its keywords. ``any_word``: those that take any text, with their windows."""

    number: Numbers
    draft: Draft
    any_word: dict[UUID, tuple[str, Window]]


async def judge_steps(
    session: Session,
    steps: Sequence[Step],
    known_problems: Mapping[int, RouterError],
    *,
    by: Actor,
    barred_words: BarredWords,
    now: datetime,
    is_locked: bool,
) -> Judged:
    """Judge all steps as they would be made together. ``is_locked``: they will be written in this transaction.

    The numbers' keywords are read anew: the process's routing table may be a moment old.
    """
    problems = dict(known_problems)
    await queries.allow_pauses(session)
    rows = await _find_rows(session, steps, problems, by=by, is_locked=is_locked)
    own_keys = await queries.list_keys_of_many(session, rows)
    numbers = await _find_numbers(session, steps, rows, problems, is_locked=is_locked)
    await _check_references(session, steps, rows, problems, now=now)
    keys: dict[UUID, set[str]] = {number_id: set() for number_id in numbers}
    for step in steps:
        row = None if isinstance(step, Creation) else rows.get(step.keyword_id)
        wanted = None if isinstance(step, Release) else step.wanted
        if row is not None and row.number_id in keys:
            keys[row.number_id] |= own_keys.get(row.id, frozenset())
        if wanted is not None and wanted.number_id in keys:
            keys[wanted.number_id] |= {each.key for each in spellings_of(wanted.word, wanted.aliases)}
    rules = {each.rules.number_id: each.rules for each in await list_routed_numbers(session, list(numbers))}
    places: dict[UUID, _Place] = {}
    for number_id, number in numbers.items():
        keywords = await queries.list_rules_of_number(session, NumberId(number_id))
        holders = await queries.list_holders(session, number_id, keys[number_id])
        draft = await asyncio.to_thread(
            Draft,
            rules[NumberId(number_id)],
            keywords,
            holders,
            barred_words=barred_words,
            quarantine=resting_time(number),
            now=now,
        )
        any_word = {
            each.id: (each.word, (each.active_from, each.active_until))
            for each in await queries.list_any_word(session, number_id, but=number_id)
        }
        places[number_id] = _Place(number=number, draft=draft, any_word=any_word)
    claims: dict[tuple[UUID, UUID], Claims] = {}
    for step in steps:
        if isinstance(step, Creation) and step.wanted.number_id in numbers:
            pair = step.wanted.number_id, step.tenant_id
            if pair not in claims:
                claims[pair] = (await list_claims(session, [numbers[pair[0]]], pair[1]))[pair[0]]
    await _check_choices(session, steps, rows, problems, [place.draft.table for place in places.values()])
    desk = _Desk(rows=rows, own_keys=own_keys, places=places, claims=claims, by=by, now=now)
    return await asyncio.to_thread(desk.judge, steps, problems)


async def write(session: Session, writes: Writes, *, by: Actor, now: datetime, details: Mapping[str, Any]) -> News:
    """Make the changes that were judged, in the same transaction. ``details`` go into every entry of the audit log."""
    for row, values in writes.altered:
        for name, value in values.items():
            setattr(row, name, value)
    await queries.insert_keywords(session, writes.keywords)
    await session.flush()
    await queries.insert_revisions(session, writes.revisions)
    await queries.retire_spellings(session, writes.retired)
    await queries.rest_many_spellings(session, writes.resting)
    await queries.delete_many_spellings(session, writes.freed)
    if not await queries.insert_many_spellings(session, writes.placed):
        raise KeywordTaken
    for action, entries in writes.entries.items():
        noted = [replace(entry, details={**entry.details, **details}) for entry in entries]
        await audit.record_all(session, action, noted, by=by, now=now)
    await changes.record_all(session, "keyword", list(dict.fromkeys(writes.changed)))
    offering = await queries.list_numbers_with_choices(session, {rules.number_id for rules, _ in writes.admitted})
    taken = [await list_taken(session, rules, table) for rules, table in writes.admitted if rules.number_id in offering]
    return News(events=tuple(chain.from_iterable(taken)))


async def _find_rows(
    session: Session, steps: Sequence[Step], problems: dict[int, RouterError], *, by: Actor, is_locked: bool
) -> dict[UUID, Keywords]:
    """The keywords that steps name and that may be changed as their caller saw them."""
    named = {step.keyword_id for step in steps if not isinstance(step, Creation)}
    tenant_id = by.tenant_id
    rows = {row.id: row for row in await queries.list_by_ids(session, named, tenant_id=tenant_id, for_update=is_locked)}
    for place, step in enumerate(steps):
        if isinstance(step, Creation) or place in problems:
            continue
        row = rows.get(step.keyword_id)
        try:
            if row is None or (
                not isinstance(step, Release) and step.wanted and step.wanted.number_id != row.number_id
            ):
                raise KeywordNotFound
            if row.state == RELEASED:
                raise KeywordReleased
            if row.updated_at != step.seen_at:
                raise PreconditionFailed
            check_held(row, by)
        except RouterError as problem:
            problems[place] = problem
    return rows


async def _find_numbers(
    session: Session,
    steps: Sequence[Step],
    rows: Mapping[UUID, Keywords],
    problems: dict[int, RouterError],
    *,
    is_locked: bool,
) -> dict[UUID, Numbers]:
    """The numbers on which words are claimed, each asked for once for each tenant, locked in the order of their ids."""
    wanted: dict[tuple[UUID, UUID], list[int]] = {}
    for place, step in enumerate(steps):
        if place in problems or isinstance(step, Release) or step.wanted is None:
            continue
        tenant_id = step.tenant_id if isinstance(step, Creation) else rows[step.keyword_id].tenant_id
        wanted.setdefault((step.wanted.number_id, tenant_id), []).append(place)
    numbers: dict[UUID, Numbers] = {}
    for (number_id, tenant_id), asking in sorted(wanted.items()):
        try:
            numbers[number_id] = await usable_number(session, NumberId(number_id), TenantId(tenant_id), lock=is_locked)
        except RouterError as problem:
            problems |= dict.fromkeys(asking, problem)
    return numbers


async def _check_references(
    session: Session,
    steps: Sequence[Step],
    rows: Mapping[UUID, Keywords],
    problems: dict[int, RouterError],
    *,
    now: datetime,
) -> None:
    """What actions name, asked once for each tenant: the steps' places stand before the pointers. Also dates of expiry."""
    by_tenant: dict[UUID, list[tuple[str, Any]]] = {}
    for place, step in enumerate(steps):
        if place in problems or isinstance(step, Release) or step.wanted is None:
            continue
        tenant_id = step.tenant_id if isinstance(step, Creation) else rows[step.keyword_id].tenant_id
        by_tenant.setdefault(tenant_id, []).extend((f"{place}{at}", action) for at, action in step.wanted.actions)
    found: dict[int, list[FieldError]] = {}
    for place, step in enumerate(steps):
        wanted = None if isinstance(step, Release) else step.wanted
        if wanted is not None and (errors := check_expiry(wanted, now)):
            found[place] = list(errors)
    for tenant_id, placed in by_tenant.items():
        for error in await check_references(session, TenantId(tenant_id), placed):
            place_text, _, pointer = error.pointer.partition("/")
            found.setdefault(int(place_text), []).append(replace(error, pointer=f"/{pointer}"))
    for place, errors in found.items():
        problems.setdefault(place, DefinitionNotAcceptable(errors=errors))


async def _check_choices(
    session: Session,
    steps: Sequence[Step],
    rows: Mapping[UUID, Keywords],
    problems: dict[int, RouterError],
    tables: Sequence[RoutingTable],
) -> None:
    """Choices of questions beside the keywords of the numbers that are changed."""
    for place, step in enumerate(steps):
        if place in problems or isinstance(step, Release) or step.wanted is None:
            continue
        tenant_id = step.tenant_id if isinstance(step, Creation) else TenantId(rows[step.keyword_id].tenant_id)
        try:
            await check_choices(session, tenant_id, step.wanted, tables)
        except RouterError as problem:
            problems[place] = problem


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desk:
    """Steps are judged here one after the other. Pure: what they come to is collected in ``writes``."""

    rows: Mapping[UUID, Keywords]
    own_keys: Mapping[UUID, frozenset[str]]
    places: Mapping[UUID, _Place]
    claims: dict[tuple[UUID, UUID], Claims]
    by: Actor
    now: datetime
    writes: Writes = field(default_factory=Writes)

    def judge(self, steps: Sequence[Step], problems: dict[int, RouterError]) -> Judged:
        """Words that are given up first, so that the others may have them."""
        for place, step in enumerate(steps):
            if place not in problems and not isinstance(step, Creation):
                self._give_up(step)
        judgements: dict[int, Judgement] = {}
        for place, step in enumerate(steps):
            if place in problems or isinstance(step, Release):
                continue
            try:
                judgement = self._create(step) if isinstance(step, Creation) else self._alter(step)
            except RouterError as problem:
                problems[place] = problem
                if self.by.tenant_id is None and step.wanted is not None:
                    self._name_holder(problem, self.places[step.wanted.number_id])
            else:
                judgements |= {place: judgement} if judgement is not None else {}
        return Judged(
            problems=problems,
            judgements=judgements,
            writes=self.writes,
            number_ids=frozenset(row.number_id for row in self.rows.values()),
            tenant_ids=frozenset(row.tenant_id for row in self.rows.values()),
        )

    def _give_up(self, step: Alteration | Release) -> None:
        row = self.rows[step.keyword_id]
        keyword_id = KeywordId(row.id)
        keys = self.own_keys.get(row.id, frozenset())
        target = self.places.get(row.number_id)
        if target is not None and (isinstance(step, Release) or step.wanted is not None):
            target.any_word.pop(row.id, None)
        if isinstance(step, Release):
            if (pair := (row.number_id, row.tenant_id)) in self.claims:
                self.claims[pair] = replace(self.claims[pair], used=self.claims[pair].used - 1)
            is_to_rest = row.state != REQUESTED  # such a word never was in use
            if target is not None:
                target.draft.release(keyword_id, keys, is_to_rest=is_to_rest)
            if is_to_rest:
                self.writes.resting.append(row.id)
            else:
                self.writes.freed += [(row.id, key) for key in sorted(keys)]
            self._set_state(row, RELEASED)
        elif step.wanted is not None and target is not None:
            kept = {each.key for each in spellings_of(step.wanted.word, step.wanted.aliases)}
            if not (dropped := keys - kept):
                return
            # A released keyword of their own, so that they rest (as ``resting.retire`` has it).
            retired_id, word = KeywordId(new_id()), min(dropped)
            target.draft.give_up(keyword_id, dropped, retired_id)
            copied = {name: getattr(row, name) for name in ("tenant_id", "number_id", "active_from", "active_until")}
            self._add({**copied, "id": retired_id, "state": RELEASED, "word": word, "definition": {"word": word}})
            self.writes.retired |= {(row.id, key): retired_id for key in sorted(dropped)}

    def _create(self, step: Creation) -> Judgement:
        keyword_id, wanted = KeywordId(new_id()), step.wanted
        target = self.places[wanted.number_id]
        is_operators = self.by.tenant_id is None
        state = first_state(needs_approval=needs_approval(target.number), is_operators=is_operators)
        if step.is_suspended:
            check_step(state, SUSPENDED)
        judgement = self._admit(keyword_id, step.tenant_id, wanted, target)
        pair = wanted.number_id, step.tenant_id
        if (problem := claims_problem(self.claims[pair])) is not None:
            raise problem
        self.claims[pair] = replace(self.claims[pair], used=self.claims[pair].used + 1)
        row: dict[str, Any] = {
            "id": keyword_id,
            "tenant_id": step.tenant_id,
            "state": SUSPENDED if step.is_suspended else state,
            "is_operators_suspension": step.is_suspended and is_operators,
            "definition": dict(wanted.definition),
            "choice_keys": choice_keys(wanted.actions),
        }
        copied = ("number_id", "word", "active_from", "active_until", "expires_at")
        self._add(row | {name: getattr(wanted, name) for name in copied})
        said = {"word": wanted.word, "state": state, "is_override": wanted.is_override, "verdict": judgement.code}
        self.writes.note("keyword.claimed", keyword_id, step.tenant_id, **said)
        if step.is_suspended:
            self.writes.note(action_of(state, SUSPENDED), keyword_id, step.tenant_id, **{"from": state})
        return judgement

    def _alter(self, step: Alteration) -> Judgement | None:
        row = self.rows[step.keyword_id]
        judgement = None if step.wanted is None else self._redefine(row, step.wanted)
        if step.state is not None and step.state != row.state:
            self._set_state(row, step.state)
        return judgement

    def _redefine(self, row: Keywords, wanted: KeywordClaim) -> Judgement:
        target, is_operators = self.places[row.number_id], self.by.tenant_id is None
        own = self.own_keys.get(row.id, frozenset())
        kept = {each.key for each in spellings_of(wanted.word, wanted.aliases)}
        if needs_approval(target.number) and not is_operators and not kept <= own:
            raise ApprovalNeeded
        if not kept <= own and not is_open_to(target.number, row.tenant_id):
            raise NumberNotAllowed
        held = {row.word, *row.definition.get("aliases", ())}
        if {wanted.word, *wanted.aliases} <= held and wanted.window == (row.active_from, row.active_until):
            # What an operator has allowed once is not asked again for each change of an action.
            wanted = replace(wanted, is_override=True, confirmed_moves=None)
        judgement = self._admit(KeywordId(row.id), TenantId(row.tenant_id), wanted, target)
        self.writes.freed += [(row.id, key) for key in sorted(own & kept)]
        definition, revision = dict(wanted.definition), row.revision + 1
        values = {name: getattr(wanted, name) for name in ("word", "active_from", "active_until")}
        values |= {"definition": definition, "revision": revision, "updated_at": self.now}
        values["choice_keys"] = choice_keys(wanted.actions)
        if row.expires_at != wanted.expires_at:  # what its tenant was notified of holds no more
            values |= {"expires_at": wanted.expires_at, "releases_at": None}
        self.writes.altered.append((row, values))
        stored = {"keyword_id": row.id, "revision": revision, "tenant_id": row.tenant_id}
        self.writes.revisions.append({**stored, "definition": definition, "created_at": self.now})
        said = {"word": wanted.word, "revision": revision, "verdict": judgement.code}
        self.writes.note("keyword.changed", row.id, row.tenant_id, **said)
        return judgement

    def _set_state(self, row: Keywords, state: str) -> None:
        check_step(row.state, state)
        values: dict[str, Any] = {"state": state, "updated_at": self.now}
        if state == SUSPENDED:
            values["is_operators_suspension"] = row.is_operators_suspension or self.by.tenant_id is None
        elif state == ACTIVE:
            values["is_operators_suspension"] = False
        self.writes.altered.append((row, values))
        self.writes.note(action_of(row.state, state), row.id, row.tenant_id, **{"from": row.state})
        self.writes.changed.append(row.id)

    def _admit(self, keyword_id: KeywordId, tenant_id: TenantId, wanted: KeywordClaim, target: _Place) -> Judgement:
        """Judge the words beside the draft and let them in."""
        if wanted.match is not MatchMode.START and target.number.sharing == Sharing.SHARED:
            raise MatchNotAllowed(errors=[FieldError(pointer="/match", detail=MatchNotAllowed().detail)])
        if wanted.match is MatchMode.ANY_WORD:
            for other, (word, window) in target.any_word.items():
                if not are_apart(wanted.window, window):
                    raise AnyWordTaken(extra={"keyword_id": str(other), "word": word})
        spellings = spellings_of(wanted.word, wanted.aliases)
        subs = wanted.definition.get("sub_keywords", ())
        rules = KeywordRules(
            keyword_id=keyword_id,
            tenant_id=tenant_id,
            number_id=wanted.number_id,
            spellings=tuple(each.text for each in spellings),
            sub_keywords=tuple(
                SubKeyword(name=sub["word"], spellings=(sub["word"], *sub.get("aliases", ()))) for sub in subs
            ),
            active_from=wanted.active_from,
            active_until=wanted.active_until,
            is_glued=wanted.definition.get("is_glued", False),
            is_whole_message=wanted.definition.get("is_whole_message", False),
            match=wanted.match,
        )
        judgement, overtaken = target.draft.admit(tenant_id, wanted, rules)
        if wanted.match is MatchMode.ANY_WORD:
            target.any_word[keyword_id] = wanted.word, wanted.window
        self.writes.admitted.append((rules, target.draft.table))
        self.writes.freed += overtaken
        self.writes.changed += [former for former, _ in overtaken]
        self.writes.changed.append(keyword_id)
        self.writes.placed += [
            PlacedSpelling(
                number_id=wanted.number_id,
                tenant_id=tenant_id,
                keyword_id=keyword_id,
                spelling=each,
                window=wanted.window,
            )
            for each in spellings
        ]
        return judgement

    def _add(self, row: dict[str, Any]) -> None:
        """A new keyword with its first revision."""
        made = {"revision": 1, "is_operators_suspension": False, "expires_at": None, "choice_keys": [], **row}
        made |= {"created_at": self.now, "updated_at": self.now}
        self.writes.keywords.append(made)
        self.writes.changed.append(row["id"])
        stored = {"keyword_id": row["id"], "revision": 1, "tenant_id": row["tenant_id"]}
        self.writes.revisions.append({**stored, "definition": row["definition"], "created_at": self.now})

    def _name_holder(self, problem: RouterError, target: _Place) -> None:
        """Operators read which keyword has the word."""
        if holder := target.draft.holder_of(problem.extra.get("key")):
            named = {"keyword_id": str(holder.keyword_id), "tenant_id": str(holder.tenant_id), "word": holder.word}
            problem.extra["held_by"] = named
