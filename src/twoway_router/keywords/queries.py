"""SQL of keywords: claims and their spellings, revisions to run, and the rules that routing is built from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, TextClause, cast, delete, insert, select, text, tuple_, update

from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.keywords.rules import Holder, Spelling
from twoway_router.keywords.states import RELEASED
from twoway_router.keywords.tables import KeywordRevisions, Keywords, KeywordSpellings
from twoway_router.routing.claims import WINDOW_GUARD
from twoway_router.routing.types import ClaimState, KeywordRules, MatchMode, SubKeyword
from twoway_router.store import Session

_BATCH: Final = 5_000
_STATES: Final = {state.value: state for state in ClaimState}
_MODES: Final = {mode.value: mode for mode in MatchMode}
# Grouped before it is joined: the spellings of a million keywords are gathered in one pass over one table. A keyword
# without a spelling has nothing to be matched by and is left out. What a tenant's suspension or a hold stops routes as a
# suspended keyword, so that the row itself keeps the state to which it returns.
_RULES = (
    "SELECT keyword.id, keyword.tenant_id, keyword.number_id, keyword.word, keyword.revision, keyword.active_from,"
    " keyword.active_until, CASE WHEN keyword.state = 'active'"
    " AND (tenant.state = 'suspended' OR keyword.hold_note IS NOT NULL) THEN 'suspended'"
    " ELSE keyword.state END AS state,"
    " coalesce(CAST(keyword.definition->>'is_glued' AS boolean), false) AS is_glued,"
    " coalesce(CAST(keyword.definition->>'is_whole_message' AS boolean), false) AS is_whole_message,"
    " coalesce(keyword.definition->>'match', 'start') AS match,"
    " nullif(keyword.definition->'sub_keywords', CAST('[]' AS jsonb)) AS sub_keywords, spelling.texts"
    " FROM (SELECT keyword_id, array_agg(text) AS texts FROM keyword_spellings {which} GROUP BY keyword_id) AS spelling"
    " JOIN keywords AS keyword ON keyword.id = spelling.keyword_id JOIN tenants AS tenant ON tenant.id = keyword.tenant_id"
)
_ALL_RULES = text(_RULES.format(which=""))
_RULES_OF_KEYWORDS = text(_RULES.format(which="WHERE keyword_id = ANY(CAST(:ids AS uuid[]))"))
_RULES_OF_NUMBER = text(_RULES.format(which="WHERE number_id = :number_id"))
_NEWER_RULES = text(
    _RULES.format(
        which="WHERE number_id = :number_id"
        " AND keyword_id IN (SELECT subject_id FROM changes WHERE kind = 'keyword' AND sequence > :version)"
    )
)
_HOLDERS = text(
    "SELECT spelling.key, spelling.tenant_id, spelling.keyword_id, keyword.word, keyword.state, keyword.updated_at,"
    " keyword.active_from, keyword.active_until"
    " FROM keyword_spellings AS spelling JOIN keywords AS keyword ON keyword.id = spelling.keyword_id"
    " WHERE spelling.number_id = :number_id AND spelling.key = ANY(CAST(:keys AS text[]))"
    " ORDER BY spelling.key, spelling.keyword_id"
)
# The day that must lie between two tenants' windows belongs to the period, so that the exclusion keeps it, too.
_INSERT_SPELLINGS = text(
    "INSERT INTO keyword_spellings (number_id, key, tenant_id, keyword_id, text, mask, is_alias, period)"
    " SELECT :number_id, new.key, :tenant_id, :keyword_id, new.text, new.mask, new.is_alias,"
    " tstzrange(CAST(:active_from AS timestamptz), CAST(:active_until AS timestamptz) + CAST(:guard AS interval))"
    " FROM unnest(CAST(:keys AS text[]), CAST(:texts AS text[]), CAST(:masks AS bigint[]), CAST(:aliases AS boolean[]))"
    " AS new (key, text, mask, is_alias) ON CONFLICT DO NOTHING RETURNING key"
)
# An empty period overlaps nothing: the exclusion lets everybody pass, and ``rules.holder_problem`` decides.
_REST = text("UPDATE keyword_spellings SET period = 'empty' WHERE keyword_id = :keyword_id")
# The conditions of the exclusion and of the unique key once more, so that a key in the way is skipped and raises nothing;
# at rest there is no period that could overlap, so one that rests is in the way whatever the window.
_MOVE_KEY = text(
    "UPDATE keyword_spellings AS own SET key = :new, mask = :mask WHERE own.keyword_id = :keyword_id AND own.key = :old"
    " AND NOT EXISTS (SELECT FROM keyword_spellings AS other WHERE other.number_id = own.number_id AND other.key = :new"
    " AND (other.tenant_id = own.tenant_id OR isempty(other.period) OR isempty(own.period)"
    " OR other.period && own.period)) RETURNING own.key"
)
# As above, for the spellings of many keywords.
_INSERT_MANY_SPELLINGS = text(
    "INSERT INTO keyword_spellings (number_id, key, tenant_id, keyword_id, text, mask, is_alias, period)"
    " SELECT new.number_id, new.key, new.tenant_id, new.keyword_id, new.text, new.mask, new.is_alias,"
    " tstzrange(new.active_from, new.active_until + CAST(:guard AS interval))"
    " FROM unnest(CAST(:number_ids AS uuid[]), CAST(:keys AS text[]), CAST(:tenant_ids AS uuid[]),"
    " CAST(:keyword_ids AS uuid[]), CAST(:texts AS text[]), CAST(:masks AS bigint[]), CAST(:aliases AS boolean[]),"
    " CAST(:active_from AS timestamptz[]), CAST(:active_until AS timestamptz[]))"
    " AS new (number_id, key, tenant_id, keyword_id, text, mask, is_alias, active_from, active_until)"
    " ON CONFLICT DO NOTHING RETURNING keyword_id"
)
_DELETE_MANY_SPELLINGS = text(
    "DELETE FROM keyword_spellings AS spelling"
    " USING unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS gone (keyword_id, key)"
    " WHERE spelling.keyword_id = gone.keyword_id AND spelling.key = gone.key"
)
# Handed over and at rest in one step: a spelling that is given up is in nobody's way from then on.
_RETIRE_SPELLINGS = text(
    "UPDATE keyword_spellings AS spelling SET keyword_id = given.retired_id, period = 'empty'"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:retired_ids AS uuid[]))"
    " AS given (keyword_id, key, retired_id)"
    " WHERE spelling.keyword_id = given.keyword_id AND spelling.key = given.key"
)
_LONG_PAUSE = text("SET LOCAL idle_in_transaction_session_timeout = '5min'")
_REST_MANY = text("UPDATE keyword_spellings SET period = 'empty' WHERE keyword_id = ANY(CAST(:ids AS uuid[]))")
_HELD = text(
    "SELECT id, revision, state FROM keywords WHERE state <> 'released' AND number_id = ANY(CAST(:number_ids AS uuid[]))"
    " AND tenant_id = ANY(CAST(:tenant_ids AS uuid[])) ORDER BY id"
)
_REVISIONS: Final = text(
    "SELECT keyword_id, revision, definition FROM keyword_revisions WHERE (keyword_id, revision) IN"
    " (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:revisions AS int[])))"
)
_CURRENT: Final = text(
    "SELECT k.id, k.tenant_id, k.revision, k.word, k.state = 'active' AND t.state = 'active' AS is_active"
    " FROM keywords AS k JOIN tenants AS t ON t.id = k.tenant_id WHERE k.id = ANY(CAST(:ids AS uuid[]))"
)
_NEW_PLACES: Final = text(
    "INSERT INTO keyword_places (keyword_id, taken) SELECT id, 0 FROM unnest(CAST(:ids AS uuid[])) AS new (id)"
    " WHERE NOT EXISTS (SELECT FROM keyword_places AS known WHERE known.keyword_id = new.id) ON CONFLICT DO NOTHING"
)
_TAKE_PLACES: Final = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[]), CAST(:limits AS int[]))
            AS wanted (id, places, most)
    ), locked AS (
        SELECT keyword_id, taken FROM keyword_places WHERE keyword_id IN (SELECT id FROM wanted)
        ORDER BY keyword_id FOR UPDATE
    ), granted AS (
        SELECT wanted.id, least(wanted.places, greatest(wanted.most - locked.taken, 0)) AS places
        FROM wanted JOIN locked ON locked.keyword_id = wanted.id
    )
    UPDATE keyword_places AS p SET taken = p.taken + granted.places FROM granted WHERE p.keyword_id = granted.id
    RETURNING p.keyword_id, granted.places
    """
)
_ANY_WORD: Final = text(
    "SELECT id, word, active_from, active_until FROM keywords WHERE number_id = :number_id AND state <> 'released'"
    " AND definition->>'match' = 'any_word' AND id <> :keyword_id ORDER BY id"
)
# Sorted, so that two executors that note the same keywords never wait for each other crosswise.
_NOTE_USES: Final = text(
    "INSERT INTO keyword_uses (keyword_id, last_on) SELECT id, max(day)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS new (id, day) GROUP BY id ORDER BY id"
    " ON CONFLICT (keyword_id) DO UPDATE SET last_on = excluded.last_on WHERE keyword_uses.last_on < excluded.last_on"
)

# Keywords that are given back by themselves: what ``lapsing`` moves. Each statement passes over what somebody else has locked.
_IS_FREE: Final = (
    "k.state <> 'released' AND k.hold_note IS NULL AND NOT (k.state = 'suspended' AND k.is_operators_suspension)"
)
# A day counts until it is over. What waits for approval is not idle: it waits for the operator.
_IDLE_AT: Final = (
    "CASE WHEN k.state <> 'requested' THEN greatest(k.created_at, k.active_from,"
    " CAST(used.last_on + 1 AS timestamp) AT TIME ZONE 'UTC') + make_interval(days => term.days) END"
)
_TERMS: Final = "unnest(CAST(:number_ids AS uuid[]), CAST(:days AS int[])) AS term (number_id, days)"
_USED: Final = "LEFT JOIN keyword_uses AS used ON used.keyword_id = k.id"

# A word that never was in use is free at once; every other rests.
_RELEASE: Final = """
    WITH due AS (
        {due} ORDER BY k.id LIMIT :limit FOR UPDATE OF k SKIP LOCKED
    ), freed AS (
        DELETE FROM keyword_spellings AS s USING due WHERE s.keyword_id = due.id AND due.state = 'requested'
    ), rested AS (
        UPDATE keyword_spellings AS s SET period = 'empty' FROM due WHERE s.keyword_id = due.id AND due.state <> 'requested'
    )
    UPDATE keywords AS k SET state = 'released', releases_at = NULL, updated_at = :now FROM due WHERE k.id = due.id
    RETURNING k.id, k.tenant_id, due.state
"""
_RELEASE_EXPIRED: Final = text(
    _RELEASE.format(due=f"SELECT k.id, k.state FROM keywords AS k WHERE k.expires_at <= :now AND {_IS_FREE}")
)
_RELEASE_IDLE: Final = text(
    _RELEASE.format(
        due=f"SELECT k.id, k.state FROM keywords AS k JOIN {_TERMS} ON term.number_id = k.number_id {_USED}"
        f" WHERE k.releases_at <= :now AND {_IDLE_AT} <= :now AND {_IS_FREE}"
    )
)
# A message came, or the operator changed the terms: the notice was for nothing.
_WITHDRAW: Final = text(
    f"""
    UPDATE keywords SET releases_at = NULL WHERE id IN (
        SELECT k.id FROM keywords AS k LEFT JOIN {_TERMS} ON term.number_id = k.number_id {_USED}
        WHERE k.releases_at IS NOT NULL AND k.state <> 'released'
          AND coalesce(least(k.expires_at, {_IDLE_AT}) > k.releases_at, true)
        ORDER BY k.id LIMIT :limit FOR UPDATE OF k SKIP LOCKED
    ) RETURNING id
    """
)
# Whoever is idle for longer than allowed has the whole notice all the same; a date of expiry is the tenant's own.
_NOTIFY: Final = """
    WITH due AS (
        SELECT k.id, used.last_on, {releases_at} AS releases_at FROM keywords AS k {joins} {used}
        WHERE {condition} AND k.releases_at IS NULL AND {is_free}
        ORDER BY k.id LIMIT :limit FOR UPDATE OF k SKIP LOCKED
    )
    UPDATE keywords AS k SET releases_at = due.releases_at FROM due WHERE k.id = due.id
    RETURNING k.id, k.tenant_id, k.number_id, k.word, k.releases_at, due.last_on
"""
_NOTIFY_EXPIRING: Final = text(
    _NOTIFY.format(
        releases_at="k.expires_at", joins="", used=_USED, condition="k.expires_at <= :until", is_free=_IS_FREE
    )
)
_NOTIFY_IDLE: Final = text(
    _NOTIFY.format(
        releases_at=f"least(k.expires_at, greatest({_IDLE_AT}, CAST(:until AS timestamptz)))",
        joins=f"JOIN {_TERMS} ON term.number_id = k.number_id",
        used=_USED,
        condition=f"{_IDLE_AT} <= :until",
        is_free=_IS_FREE,
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeywordRow:
    """A keyword as it is now. A suspended tenant's is not active."""

    id: UUID
    tenant_id: UUID
    revision: int
    word: str
    is_active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldKeyword:
    """A keyword that is not given back, with what it runs now."""

    id: UUID
    revision: int
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedSpelling:
    """A spelling with whose and where it is."""

    number_id: UUID
    tenant_id: UUID
    keyword_id: UUID
    spelling: Spelling
    window: tuple[datetime | None, datetime | None]


async def list_keyword_rules(session: Session, keyword_ids: Collection[UUID] | None = None) -> Sequence[KeywordRules]:
    """Keywords that have a spelling, as routing sees them: all, or those among the ids. A suspended tenant's are suspended."""
    if keyword_ids is None:
        return await _list_rules(session, _ALL_RULES, {})
    return await _list_rules(session, _RULES_OF_KEYWORDS, {"ids": list(keyword_ids)})


async def list_rules_of_number(
    session: Session, number_id: NumberId, *, newer_than: int | None = None
) -> Sequence[KeywordRules]:
    """The keywords of one number, or those of them that changed after a version of the routing table."""
    if newer_than is None:
        return await _list_rules(session, _RULES_OF_NUMBER, {"number_id": number_id})
    return await _list_rules(session, _NEWER_RULES, {"number_id": number_id, "version": newer_than})


async def list_keyword_ids_of_tenant(session: Session, tenant_id: UUID) -> Sequence[UUID]:
    """Every keyword of a tenant, as its suspension concerns them all."""
    return (await session.scalars(select(Keywords.id).where(Keywords.tenant_id == tenant_id))).all()


async def find_keyword(
    session: Session, keyword_id: UUID, *, tenant_id: TenantId | None, for_update: bool = False
) -> Keywords | None:
    """A tenant's keyword; anybody's when there is no tenant."""
    statement = select(Keywords).where(Keywords.id == keyword_id)
    if tenant_id is not None:
        statement = statement.where(Keywords.tenant_id == tenant_id)
    return await session.scalar(statement.with_for_update() if for_update else statement)


async def list_keywords(
    session: Session,
    *,
    tenant_id: UUID | None,
    number_id: UUID | None,
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Keywords]:
    """Keywords, newest first. Without a state those that were given back are left out."""
    statement = select(Keywords).order_by(Keywords.id.desc()).limit(limit)
    if tenant_id is not None:
        statement = statement.where(Keywords.tenant_id == tenant_id)
    if number_id is not None:
        statement = statement.where(Keywords.number_id == number_id)
    statement = statement.where(Keywords.state != RELEASED if state is None else Keywords.state == state)
    if after is not None:
        statement = statement.where(Keywords.id < after)
    return (await session.scalars(statement)).all()


async def list_holders(session: Session, number_id: UUID, keys: Collection[str]) -> Sequence[Holder]:
    """Who has any of the keys on a number, at whatever time."""
    rows = await session.execute(_HOLDERS, {"number_id": number_id, "keys": list(keys)})
    return [
        Holder(
            key=row.key,
            tenant_id=row.tenant_id,
            keyword_id=row.keyword_id,
            word=row.word,
            is_released=row.state == RELEASED,
            changed_at=row.updated_at,
            active_from=row.active_from,
            active_until=row.active_until,
        )
        for row in rows
    ]


async def list_any_word(session: Session, number_id: UUID, *, but: UUID) -> Sequence[Any]:
    """The keywords of a number that take any text, with their windows."""
    return (await session.execute(_ANY_WORD, {"number_id": number_id, "keyword_id": but})).all()


async def list_offering(
    session: Session, number_id: UUID, beside: TenantId, keys: Collection[str]
) -> Sequence[Keywords]:
    """The keywords of others on a number whose questions may offer one of these keys as a choice."""
    statement = select(Keywords).where(
        text("choice_keys <> '{}'"),
        Keywords.choice_keys.op("&&")(cast(list(keys), ARRAY(Text))),
        Keywords.number_id == number_id,
        Keywords.tenant_id != beside,
        Keywords.state != RELEASED,
    )
    return (await session.scalars(statement.order_by(Keywords.id))).all()


async def list_numbers_with_choices(session: Session, number_ids: Collection[UUID]) -> set[UUID]:
    """Those of the numbers on which a keyword asks a question with choices."""
    statement = select(Keywords.number_id).where(
        text("choice_keys <> '{}'"), Keywords.number_id.in_(number_ids), Keywords.state != RELEASED
    )
    return set(await session.scalars(statement.distinct()))


async def list_keys_of(session: Session, keyword_id: UUID) -> frozenset[str]:
    """The keys that a keyword has."""
    return frozenset(
        await session.scalars(select(KeywordSpellings.key).where(KeywordSpellings.keyword_id == keyword_id))
    )


async def insert_keyword(session: Session, values: Mapping[str, object]) -> None:
    """Store a new keyword."""
    await session.execute(insert(Keywords).values(**values))


async def insert_revision(
    session: Session, keyword_id: UUID, tenant_id: UUID, revision: int, definition: Mapping[str, Any], *, now: datetime
) -> None:
    """Store a definition for good."""
    await session.execute(
        insert(KeywordRevisions).values(
            keyword_id=keyword_id, revision=revision, tenant_id=tenant_id, definition=dict(definition), created_at=now
        )
    )


async def insert_spellings(
    session: Session,
    number_id: UUID,
    tenant_id: UUID,
    keyword_id: UUID,
    spellings: Sequence[Spelling],
    window: tuple[datetime | None, datetime | None],
) -> bool:
    """Claim keys for a window; False when somebody else has got one of them at that time."""
    active_from, active_until = window
    columns = {
        "active_from": active_from,
        "active_until": active_until,
        "guard": WINDOW_GUARD,
        "keys": [spelling.key for spelling in spellings],
        "texts": [spelling.text for spelling in spellings],
        "masks": [spelling.mask for spelling in spellings],
        "aliases": [spelling.is_alias for spelling in spellings],
    }
    owner = {"number_id": number_id, "tenant_id": tenant_id, "keyword_id": keyword_id}
    return len((await session.execute(_INSERT_SPELLINGS, {**owner, **columns})).all()) == len(spellings)


async def delete_spellings(session: Session, keyword_id: UUID, keys: Collection[str]) -> None:
    """Give keys of a keyword back."""
    await session.execute(
        delete(KeywordSpellings).where(KeywordSpellings.keyword_id == keyword_id, KeywordSpellings.key.in_(keys))
    )


async def rest_spellings(session: Session, keyword_id: UUID) -> None:
    """Let a keyword's keys rest: they are in nobody's way but for the rest that ``rules.holder_problem`` demands."""
    await session.execute(_REST, {"keyword_id": keyword_id})


async def move_spellings(session: Session, keyword_id: UUID, keys: Collection[str], successor_id: UUID) -> None:
    """Hand keys from one keyword of a tenant to another of the same tenant."""
    await session.execute(
        update(KeywordSpellings)
        .where(KeywordSpellings.keyword_id == keyword_id, KeywordSpellings.key.in_(keys))
        .values(keyword_id=successor_id)
    )


async def list_spellings(session: Session, after: tuple[UUID, str] | None) -> Sequence[KeywordSpellings]:
    """The next page of all spellings, by keyword and key."""
    statement = select(KeywordSpellings).order_by(KeywordSpellings.keyword_id, KeywordSpellings.key).limit(_BATCH)
    if after is not None:
        statement = statement.where(tuple_(KeywordSpellings.keyword_id, KeywordSpellings.key) > after)
    return (await session.scalars(statement)).all()


async def move_key(session: Session, keyword_id: UUID, old_key: str, spelling: Spelling) -> bool:
    """Give a keyword's spelling another key; False when somebody has that one, at that time or at rest."""
    values = {"keyword_id": keyword_id, "old": old_key, "new": spelling.key, "mask": spelling.mask}
    return (await session.execute(_MOVE_KEY, values)).first() is not None


async def hand_over_spellings(session: Session, keyword_id: UUID, successor_id: UUID, tenant_id: TenantId) -> None:
    """Give all keys of a keyword to another tenant's."""
    await session.execute(
        update(KeywordSpellings)
        .where(KeywordSpellings.keyword_id == keyword_id)
        .values(keyword_id=successor_id, tenant_id=tenant_id)
    )


async def _list_rules(session: Session, statement: TextClause, values: Mapping[str, object]) -> Sequence[KeywordRules]:
    found: list[KeywordRules] = []
    rows = await session.stream(statement, values)
    async for batch in rows.partitions(_BATCH):
        found.extend(map(_rules, batch))
    return found


def _rules(row: Sequence[Any]) -> KeywordRules:
    (
        keyword_id,
        tenant_id,
        number_id,
        word,
        revision,
        start,
        end,
        state,
        is_glued,
        is_whole_message,
        match,
        subs,
        texts,
    ) = row
    return KeywordRules(
        keyword_id=keyword_id,
        tenant_id=tenant_id,
        number_id=number_id,
        spellings=(texts[0],) if len(texts) == 1 else tuple(sorted(texts, key=lambda each: (each != word, each))),
        sub_keywords=tuple(
            SubKeyword(name=sub["word"], spellings=(sub["word"], *sub.get("aliases", ()))) for sub in subs or ()
        ),
        revision=revision,
        state=_STATES[state],
        active_from=start,
        active_until=end,
        is_glued=is_glued,
        is_whole_message=is_whole_message,
        match=_MODES[match],
    )


async def list_revisions(
    session: Session, wanted: Collection[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """Definitions of keyword revisions, as stored."""
    columns = {"ids": [keyword_id for keyword_id, _ in wanted], "revisions": [revision for _, revision in wanted]}
    return {(row.keyword_id, row.revision): row.definition for row in await session.execute(_REVISIONS, columns)}


async def list_current(session: Session, ids: Collection[UUID]) -> Mapping[UUID, KeywordRow]:
    """Keywords as they are now, by id."""
    rows = await session.execute(_CURRENT, {"ids": list(ids)}) if ids else ()
    return {row.id: KeywordRow(**row._asdict()) for row in rows}


async def note_uses(session: Session, used: Collection[tuple[UUID, date]]) -> None:
    """Remember on which day keywords got a message; an earlier day than the known one changes nothing."""
    columns = {"ids": [keyword_id for keyword_id, _ in used], "days": [day for _, day in used]}
    await session.execute(_NOTE_USES, columns)


async def release_expired(session: Session, now: datetime, limit: int) -> Sequence[Any]:
    """Give back keywords whose date of expiry has come: their ids, tenants and former states."""
    return (await session.execute(_RELEASE_EXPIRED, {"now": now, "limit": limit})).all()


async def release_idle(session: Session, terms: Mapping[UUID, int], now: datetime, limit: int) -> Sequence[Any]:
    """Give back keywords that are idle for as many days as their numbers allow, and whose tenants were notified."""
    return (await session.execute(_RELEASE_IDLE, {**_columns(terms), "now": now, "limit": limit})).all()


async def withdraw_notices(session: Session, terms: Mapping[UUID, int], limit: int) -> int:
    """Take back notices of what will not be; how many."""
    return len((await session.execute(_WITHDRAW, {**_columns(terms), "limit": limit})).all())


async def mark_expiring(session: Session, until: datetime, limit: int) -> Sequence[Any]:
    """Keywords that expire until then and whose tenants were not notified; now they count as notified."""
    return (await session.execute(_NOTIFY_EXPIRING, {"until": until, "limit": limit})).all()


async def mark_idle(session: Session, terms: Mapping[UUID, int], until: datetime, limit: int) -> Sequence[Any]:
    """The same for keywords that will be idle for too long then."""
    return (await session.execute(_NOTIFY_IDLE, {**_columns(terms), "until": until, "limit": limit})).all()


def _columns(terms: Mapping[UUID, int]) -> dict[str, list[Any]]:
    return {"number_ids": list(terms), "days": list(terms.values())}


async def take_places(session: Session, wanted: Mapping[UUID, tuple[int, int]]) -> Mapping[UUID, int]:
    """Take as many places of each keyword as there are: (how many are wanted, its limit). Exact: the count is locked."""
    await session.execute(_NEW_PLACES, {"ids": list(wanted)})
    columns = {
        "ids": list(wanted),
        "counts": [count for count, _ in wanted.values()],
        "limits": [limit for _, limit in wanted.values()],
    }
    return {row.keyword_id: row.places for row in await session.execute(_TAKE_PLACES, columns)}


async def list_by_ids(
    session: Session, ids: Collection[UUID], *, tenant_id: UUID | None, for_update: bool = False
) -> Sequence[Keywords]:
    """Keywords by their ids: a tenant's own, or anybody's. They are locked in the order of their ids."""
    wanted = select(Keywords).where(Keywords.id.in_(ids)).order_by(Keywords.id)
    if tenant_id is not None:
        wanted = wanted.where(Keywords.tenant_id == tenant_id)
    return (await session.scalars(wanted.with_for_update() if for_update else wanted)).all()


async def allow_pauses(session: Session) -> None:
    """Let this transaction wait for minutes between two statements, while thousands of words are judged."""
    await session.execute(_LONG_PAUSE)


async def list_held(session: Session, number_ids: Collection[UUID], tenant_ids: Collection[UUID]) -> list[HeldKeyword]:
    """What tenants hold on numbers, by the order of ids."""
    rows = await session.execute(_HELD, {"number_ids": list(number_ids), "tenant_ids": list(tenant_ids)})
    return [HeldKeyword(**row._asdict()) for row in rows]


async def list_keys_of_many(session: Session, ids: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    """The keys that each keyword has; a keyword without any is left out."""
    columns = select(KeywordSpellings.keyword_id, KeywordSpellings.key)
    found: dict[UUID, set[str]] = {}
    for row in await session.execute(columns.where(KeywordSpellings.keyword_id.in_(ids))):
        found.setdefault(row.keyword_id, set()).add(row.key)
    return {keyword_id: frozenset(keys) for keyword_id, keys in found.items()}


async def insert_keywords(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Store new keywords with their first revisions."""
    if values:
        await session.execute(insert(Keywords), [dict(each) for each in values])


async def insert_revisions(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Store definitions for good."""
    if values:
        await session.execute(insert(KeywordRevisions), [dict(each) for each in values])


async def insert_many_spellings(session: Session, placed: Sequence[PlacedSpelling]) -> bool:
    """Claim keys of many keywords; False when somebody else has got one of them."""
    columns = {
        "guard": WINDOW_GUARD,
        "number_ids": [each.number_id for each in placed],
        "tenant_ids": [each.tenant_id for each in placed],
        "keyword_ids": [each.keyword_id for each in placed],
        "keys": [each.spelling.key for each in placed],
        "texts": [each.spelling.text for each in placed],
        "masks": [each.spelling.mask for each in placed],
        "aliases": [each.spelling.is_alias for each in placed],
        "active_from": [each.window[0] for each in placed],
        "active_until": [each.window[1] for each in placed],
    }
    return len((await session.execute(_INSERT_MANY_SPELLINGS, columns)).all()) == len(placed)


async def delete_many_spellings(session: Session, spellings: Collection[tuple[UUID, str]]) -> None:
    """Free keys, by the keywords that have them."""
    columns = {"ids": [keyword_id for keyword_id, _ in spellings], "keys": [key for _, key in spellings]}
    await session.execute(_DELETE_MANY_SPELLINGS, columns)


async def retire_spellings(session: Session, retired: Mapping[tuple[UUID, str], UUID]) -> None:
    """Hand keys that keywords give up to released keywords, where they rest."""
    columns = {
        "ids": [keyword_id for keyword_id, _ in retired],
        "keys": [key for _, key in retired],
        "retired_ids": list(retired.values()),
    }
    await session.execute(_RETIRE_SPELLINGS, columns)


async def rest_many_spellings(session: Session, ids: Collection[UUID]) -> None:
    """Let the keys of released keywords rest."""
    await session.execute(_REST_MANY, {"ids": list(ids)})
