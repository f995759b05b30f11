"""Action ``send_email``: queue one e-mail per recipient."""

from collections.abc import Sequence

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.specs import SendEmailSpec
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.emails.service import EmailDraft, queue_emails
from twoway_router.store import Session
from twoway_router.templates.liquid import TemplateError, render


async def run(session: Session, runs: Sequence[Run[SendEmailSpec]], context: RunContext) -> Sequence[Outcome]:
    """Render subject and text once, queue them for every recipient."""
    outcomes: list[Outcome] = []
    drafts: list[EmailDraft] = []
    for each in runs:
        try:
            drafts.extend(_drafts(each))
            outcomes.append(Done())
        except TemplateError:
            outcomes.append(Failed(reason="template_failed"))
    await queue_emails(session, drafts, now=context.now)
    return outcomes


def _drafts(each: Run[SendEmailSpec]) -> Sequence[EmailDraft]:
    values = {**each.message.variables(), **each.values}
    subject, body = render(each.spec.subject, values), render(each.spec.text, values)
    return [
        EmailDraft(
            tenant_id=each.message.owner,
            recipient=recipient,
            subject=subject,
            body=body,
            key=each.key,
        )
        for recipient in each.spec.recipients
    ]
