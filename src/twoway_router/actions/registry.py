"""Every kind of action in plain sight: the kinds that tenants configure, and the notices that a number gives itself."""

from collections.abc import Mapping
from typing import Final

from twoway_router.actions import ask, call_webhook, issue_coupon, notice, offers, reply, send_email
from twoway_router.actions.context import ActionKind

ACTIONS: Final[Mapping[str, ActionKind]] = {
    "reply": reply.run,
    "issue_coupon": issue_coupon.run,
    "call_webhook": call_webhook.run,
    "send_email": send_email.run,
    "ask": ask.run,
    "opt_out": notice.run_opt_out,
    "opt_in": notice.run_opt_in,
    "help": notice.run_plain,
    "courtesy": notice.run_courtesy,
    "window": notice.run_plain,
    "choose": offers.run_choose,
    "did_you_mean": offers.run_did_you_mean,
}
