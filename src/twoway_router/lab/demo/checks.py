"""Compares what a message caused with what it had to cause. Pure; called by ``sending``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twoway_router.lab.demo.messages import DemoMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedWebhook:
    """One webhook that arrived for a message; ``rest`` is the text after the keyword."""

    rest: str
    is_signed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Effects:
    """What came of one message: its acknowledgement, its route, the MTs and webhooks that it caused."""

    status: int
    route: str
    rule: str
    tenant: str | None
    keyword: str | None
    replies: Sequence[str]
    webhooks: Sequence[ReceivedWebhook]
    milliseconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One message, its effects, and which expectations they do not meet."""

    message: DemoMessage
    effects: Effects
    unmet: Sequence[str]


def check(message: DemoMessage, effects: Effects, codes: Mapping[int, str]) -> Result:
    """``codes`` are the coupon codes of earlier messages by their number."""
    unmet = [
        f"{what}: expected {expected or 'nothing'}, got {got or 'nothing'}"
        for what, expected, got in (
            ("route", message.route, effects.route),
            ("tenant", message.tenant, effects.tenant),
            ("keyword", message.keyword, effects.keyword),
        )
        if expected != got
    ]
    if not 200 <= effects.status < 300:
        unmet.append(f"acknowledgement: expected 2xx, got {effects.status}")
    unmet += _unmet_replies(message, effects, codes)
    expected_rests = [] if message.webhook_rest is None else [message.webhook_rest]
    rests = [webhook.rest for webhook in effects.webhooks]
    if rests != expected_rests:
        unmet.append(f"webhook: expected {expected_rests}, got {rests}")
    elif not all(webhook.is_signed for webhook in effects.webhooks):
        unmet.append("webhook: its signature is wrong")
    return Result(message=message, effects=effects, unmet=tuple(unmet))


def read_code(message: DemoMessage, effects: Effects) -> str | None:
    """The coupon code in the message's reply."""
    found = re.search(message.reply, effects.replies[0]) if message.reply and effects.replies else None
    return found.groupdict().get("code") if found else None


def _unmet_replies(message: DemoMessage, effects: Effects, codes: Mapping[int, str]) -> Sequence[str]:
    """One reply or none, in the right words, with a coupon code of the sender's own."""
    expected_count = 0 if message.reply is None else 1
    if len(effects.replies) != expected_count:
        return [f"replies: expected {expected_count}, got {len(effects.replies)}"]
    if message.reply is not None and re.search(message.reply, effects.replies[0]) is None:
        return [f"reply: nothing in it matches {message.reply!r}"]
    code = read_code(message, effects)
    if code is None:
        return []
    if message.same_code_as is not None:
        expected = codes.get(message.same_code_as)
        return [] if code == expected else [f"coupon: expected {expected} again, got {code}"]
    return [f"coupon: {code} was given to someone else too"] if code in codes.values() else []
