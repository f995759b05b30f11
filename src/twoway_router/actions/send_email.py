"""Action ``send_email``: queue one e-mail per recipient."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.kind import MAIL, ActionKind, Facility, Template
from twoway_router.actions.spec import ActionBase
from twoway_router.domain.errors import Unprocessable
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.emails.service import EmailDraft, queue_emails
from twoway_router.store import Session
from twoway_router.templates.liquid import TemplateError, render

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r'[^@\s.,;:<>()\[\]\\"]+'
EmailAddress = Annotated[str, Field(pattern=rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$", max_length=254)]
"""What can be written behind `To:` without quotes; names of hosts may be international."""


class MailNotPossible(Unprocessable):
    """This router sends no e-mail: its operator has set no SMTP server (TWOWAY_SMTP_HOST)."""

    code = "mail_not_possible"


class SendEmailSpec(ActionBase):
    """Send an e-mail, one to each recipient."""

    kind: Literal["send_email"]
    recipients: tuple[EmailAddress, ...] = Field(min_length=1, max_length=5)
    subject: str = Field(min_length=1, max_length=200, description="A Liquid template.")
    text: str = Field(min_length=1, max_length=10_000, description="A Liquid template.")


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


KIND: Final = ActionKind(
    spec=SendEmailSpec,
    run=run,
    templates=(Template(field="subject", is_sms=False), Template(field="text", is_sms=False)),
    facility=Facility(name=MAIL, error=MailNotPossible, detail="This router has no SMTP server."),
)
