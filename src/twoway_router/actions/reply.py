"""Action ``reply``: answer the sender on the number the message came to."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field

from twoway_router.actions.context import Run, RunContext, Spec
from twoway_router.actions.kind import ActionKind, Template
from twoway_router.actions.spec import ActionBase
from twoway_router.domain.messages import Origin, UnknownPolicy
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.mts.service import MtDraft, Queued, queue_mts
from twoway_router.store import Session
from twoway_router.templates.liquid import TemplateError, render, variables_of


class ReplySpec(ActionBase):
    """Answer the sender on the number the message came to."""

    kind: Literal["reply"]
    text: str = Field(min_length=1, max_length=1600, description="The answer, a Liquid template.")


async def run(session: Session, runs: Sequence[Run[ReplySpec]], context: RunContext) -> Sequence[Outcome]:
    """Render each text and queue it. A reply with a value of an earlier action (a code) is never sent twice."""
    return await queue_texts(session, [(each, each.spec.text) for each in runs], context)


async def queue_texts(
    session: Session, texts: Sequence[tuple[Run[Spec], str]], context: RunContext
) -> Sequence[Outcome]:
    """Queue a template's text for every run. One that cannot be rendered fails alone."""
    outcomes: list[Outcome | None] = []
    drafts: list[MtDraft] = []
    for each, source in texts:
        try:
            drafts.append(draft(each, source))
            outcomes.append(None)
        except TemplateError:
            outcomes.append(Failed(reason="template_failed"))
    queued = iter(await queue(session, drafts, context))
    return [outcome or outcome_of(next(queued)) for outcome in outcomes]


async def queue(session: Session, drafts: Sequence[MtDraft], context: RunContext) -> Sequence[Queued]:
    """Queue MTs, and note those that will not be sent: their tenants are notified."""
    queued = await queue_mts(session, drafts, now=context.now, lifetime=context.mt_lifetime)
    for each, wanted in zip(queued, drafts, strict=True):
        if each.refused and wanted.tenant_id:
            context.refused[each.refused] = wanted.tenant_id
    return queued


def draft(each: Run[Spec], source: str) -> MtDraft:
    """The MT that answers a message with a template's text."""
    message = each.message
    has_values = any(name.partition(".")[0] in each.values for name in variables_of(source))
    return MtDraft(
        id=each.mt_id,
        tenant_id=message.tenant_id,
        number_id=message.number.id,
        recipient=message.sender,
        text=render(source, {**message.variables(), **each.values}),
        origin=Origin.REPLY,
        key=each.key,
        reply_token=message.reply_token,
        policy=UnknownPolicy.AT_MOST_ONCE if has_values else None,
    )


def outcome_of(queued: Queued) -> Outcome:
    """The action is done once its MT is planned; the delivery decides what becomes of the MT."""
    if queued.id is None:
        return Failed(reason=queued.reason or "not_queued")
    return Done(values={"message_id": str(queued.id)})


KIND: Final = ActionKind(spec=ReplySpec, run=run, templates=(Template(field="text"),), is_exchange=True)
