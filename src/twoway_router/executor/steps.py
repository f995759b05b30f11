"""Runs the steps of many messages together: the first of all, then the second ones, and so on.

Called by ``apply``. The steps of one message run in order; those of one kind at the same place run as one set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from twoway_router.actions.conditions import Facts, evaluate
from twoway_router.actions.context import PlannedAction, Run, RunContext
from twoway_router.domain.ids import new_id
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.executor.decide import Plan
from twoway_router.inbound.service import FinishedRun
from twoway_router.store import Session
from twoway_router.telemetry.metrics import RUNS


@dataclass(kw_only=True, slots=True)
class _Progress:
    """What the actions of one message have brought so far, by their names."""

    plan: Plan
    mt_ids: Sequence[UUID]
    values: dict[str, dict[str, object]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)


async def run_steps(session: Session, plans: Sequence[Plan], context: RunContext) -> Sequence[FinishedRun]:
    """Every action of every plan, run or skipped. Plans come in the order in which their messages were written."""
    finished: list[FinishedRun] = []
    progress = [_started(plan) for plan in plans]
    for ordinal in range(max((len(plan.steps) for plan in plans), default=0)):
        chosen: dict[str, list[_Progress]] = {}
        for each in progress:
            if ordinal < len(each.plan.steps) and each.plan.only in (None, ordinal):
                action = each.plan.steps[ordinal]
                if reason := _skip_reason(each, action):
                    finished.append(_note(each, ordinal, "skipped", reason, {}))
                else:
                    chosen.setdefault(action.kind, []).append(each)
        for group in chosen.values():
            runs: list[Run[Any]] = [
                Run(
                    message=each.plan.message,
                    ordinal=ordinal,
                    mt_id=each.mt_ids[ordinal],
                    spec=each.plan.steps[ordinal].spec,
                    values=dict(each.values),
                )
                for each in group
            ]
            outcomes = await group[0].plan.steps[ordinal].run(session, runs, context)
            finished.extend(_ended(each, ordinal, outcome) for each, outcome in zip(group, outcomes, strict=True))
    return finished


def _started(plan: Plan) -> _Progress:
    """With what earlier runs of the same actions gave, when only one is run again.

    Ids of MTs are made here, for all messages in their order: a person's MTs leave in the order of their ids.
    """
    progress = _Progress(plan=plan, mt_ids=[new_id() for _ in plan.steps])
    for ordinal, action in enumerate(plan.steps):
        run = plan.earlier.get(ordinal)
        if run is not None and run.kind == action.kind and ordinal != plan.only:
            progress.outcomes |= dict.fromkeys(action.names, run.state)
            if run.state == "done":
                progress.values |= {name: dict(run.values) for name in action.names}
    return progress


def _skip_reason(progress: _Progress, action: PlannedAction) -> str | None:
    if not action.needs <= progress.values.keys():
        return "value_missing"
    if action.condition is None:
        return None
    message = progress.plan.message
    facts = Facts(
        sender_is_known=progress.plan.is_sender_known,
        text=message.rest,
        at=message.received_at.astimezone(message.number.zone),
        number=message.number.address,
        country=message.number.country,
        outcomes=progress.outcomes,
    )
    return None if evaluate(action.condition, facts) else "condition"


def _ended(progress: _Progress, ordinal: int, outcome: Outcome) -> FinishedRun:
    if isinstance(outcome, Done):
        for name in progress.plan.steps[ordinal].names:
            progress.values[name] = dict(outcome.values)
        return _note(progress, ordinal, "done", outcome.detail or None, dict(outcome.values))
    for name in progress.plan.steps[ordinal].names:
        progress.values.pop(name, None)
    return _note(progress, ordinal, "failed", outcome.reason, {})


def _note(progress: _Progress, ordinal: int, state: str, reason: str | None, values: dict[str, object]) -> FinishedRun:
    action, message = progress.plan.steps[ordinal], progress.plan.message
    progress.outcomes |= dict.fromkeys(action.names, state)
    RUNS.labels(action.kind, state).inc()
    return FinishedRun(
        key=message.key(ordinal),
        tenant_id=message.tenant_id,
        kind=action.kind,
        state=state,
        reason=reason,
        values=values,
    )
