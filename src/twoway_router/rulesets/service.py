"""Rules applied as a whole: all changes or none, with a version of what was held afterwards. Called by ``api``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from twoway_router.domain.errors import NotFound, RouterError
from twoway_router.domain.ids import new_id
from twoway_router.events.news import News
from twoway_router.keywords import bulk
from twoway_router.keywords.bulk import Alteration, Creation, Judged, Release, Step
from twoway_router.keywords.service import list_held
from twoway_router.routing.barred_words import BarredWords
from twoway_router.rulesets import queries
from twoway_router.rulesets.rules import Extent, Origin, RulesRefused, as_refusal
from twoway_router.rulesets.tables import RuleVersions
from twoway_router.store import Session, audit
from twoway_router.store.audit import Actor
from twoway_router.tenants.service import list_named

_NOTHING: Final[Mapping[str, int]] = {"created": 0, "changed": 0, "released": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSet:
    """What shall be done. ``problems`` are of steps that are refused by what they say, by their places."""

    steps: Sequence[Step]
    problems: Mapping[int, RouterError]
    extent: Extent
    origin: Origin


async def judge(
    session: Session,
    wanted: ChangeSet,
    *,
    by: Actor,
    now: datetime,
    barred_words: BarredWords,
    is_locked: bool = False,
) -> Judged:
    """What every step would be answered if all were made together; nothing is changed."""
    problems = dict(wanted.problems)
    claimants = {step.tenant_id for step in wanted.steps if isinstance(step, Creation)}
    known = await list_named(session, claimants)
    for place, step in enumerate(wanted.steps):
        if isinstance(step, Creation) and step.tenant_id not in known:
            problems.setdefault(place, NotFound("There is no such tenant."))
    return await bulk.judge_steps(
        session, wanted.steps, problems, by=by, barred_words=barred_words, now=now, is_locked=is_locked
    )


async def apply(
    session: Session, wanted: ChangeSet, *, by: Actor, now: datetime, barred_words: BarredWords
) -> tuple[RuleVersions, News]:
    """Make all changes or raise ``RulesRefused`` with every refusal. The version that it comes to is stored.

    What other changes have left behind since the newest version becomes a version first, so that it is not lost.
    """
    await queries.lock_versions(session, by.tenant_id)
    judged = await judge(session, wanted, by=by, now=now, barred_words=barred_words, is_locked=True)
    if judged.problems:
        refusals = refusals_of(wanted.steps, judged)
        raise RulesRefused(f"{len(refusals)} of {len(wanted.steps)} changes are refused.", extra={"refusals": refusals})
    extent = Extent(
        number_ids=tuple(sorted({*wanted.extent.number_ids, *judged.number_ids})),
        tenant_ids=tuple(sorted({*wanted.extent.tenant_ids, *judged.tenant_ids})),
    )
    newest = await queries.find_newest(session, by.tenant_id)
    number = newest.version if newest is not None else 0
    before = await _version(session, extent, by=by, now=now)
    if newest is None or _content(newest) != _content(before):
        number += 1
        before.version, before.origin = number, "found"
        await queries.insert_version(session, before)
    number += 1
    news = await bulk.write(session, judged.writes, by=by, now=now, details={"rule_version": number})
    after = await _version(session, extent, by=by, now=now)
    after.version, after.origin = number, "applied" if wanted.origin.restores is None else "restored"
    after.source_digest, after.restores = wanted.origin.source_digest, wanted.origin.restores
    after.created = _count(wanted.steps, Creation)
    after.changed = _count(wanted.steps, Alteration)
    after.released = _count(wanted.steps, Release)
    await queries.insert_version(session, after)
    said = {"version": number, "origin": after.origin, "source_digest": after.source_digest, "restores": after.restores}
    said |= {name: getattr(after, name) for name in _NOTHING}
    await audit.record(session, "rules.applied", after.id, by=by, now=now, tenant_id=by.tenant_id, details=said)
    return after, news


def refusals_of(steps: Sequence[Step], judged: Judged) -> list[dict[str, Any]]:
    """Every refusal, by the order of steps."""
    return [as_refusal(place, word_of(steps[place]), problem) for place, problem in sorted(judged.problems.items())]


def word_of(step: Step) -> str | None:
    """The word that a step is about, where it says one."""
    return None if isinstance(step, Release) or step.wanted is None else step.wanted.word


async def _version(session: Session, extent: Extent, *, by: Actor, now: datetime) -> RuleVersions:
    """What is held now, as a version that is not stored yet."""
    held = await list_held(session, extent.number_ids, extent.tenant_ids)
    return RuleVersions(
        id=new_id(),
        tenant_id=by.tenant_id,
        number_ids=list(extent.number_ids),
        tenant_ids=list(extent.tenant_ids),
        keyword_ids=[keyword.id for keyword in held],
        revisions=[keyword.revision for keyword in held],
        states=[keyword.state for keyword in held],
        keywords=len(held),
        actor_key_id=by.key_id,
        created_at=now,
        **_NOTHING,
    )


def _content(version: RuleVersions) -> tuple[Collection[object], ...]:
    return version.number_ids, version.tenant_ids, version.keyword_ids, version.revisions, version.states


def _count(steps: Sequence[Step], kind: type[Step]) -> int:
    return sum(isinstance(step, kind) for step in steps)
