"""Compares what a message caused with what it had to cause. Pure; called by ``play``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twoway_router.lab.demo.scenes import Scene


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What came of one message. ``replies`` are the MTs it caused, ``heard`` what the tenant's webhook was told."""

    status: int
    route: str
    rule: str
    tenant: str | None
    keyword: str | None
    replies: Sequence[str]
    heard: Sequence["Heard"]
    milliseconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One webhook that arrived for a message."""

    rest: str
    is_signed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One scene, what came of it, and what should have but had not."""

    scene: Scene
    seen: Seen
    unmet: Sequence[str]


def judge(scene: Scene, seen: Seen, codes: Mapping[int, str]) -> Verdict:
    """``codes`` are the coupon codes of earlier scenes by their number."""
    unmet = [
        f"{what}: expected {expected or 'nothing'}, got {got or 'nothing'}"
        for what, expected, got in (
            ("route", scene.route, seen.route),
            ("tenant", scene.tenant, seen.tenant),
            ("keyword", scene.keyword, seen.keyword),
        )
        if expected != got
    ]
    if not 200 <= seen.status < 300:
        unmet.append(f"acknowledgement: expected 2xx, got {seen.status}")
    unmet += [*_judge_replies(scene, seen, codes), *_judge_webhooks(scene, seen)]
    return Verdict(scene=scene, seen=seen, unmet=tuple(unmet))


def read_code(scene: Scene, seen: Seen) -> str | None:
    """The coupon code in the scene's reply."""
    found = re.search(scene.reply, seen.replies[0]) if scene.reply and seen.replies else None
    return found.groupdict().get("code") if found else None


def _judge_replies(scene: Scene, seen: Seen, codes: Mapping[int, str]) -> Sequence[str]:
    if len(seen.replies) != (0 if scene.reply is None else 1):
        return [f"replies: expected {0 if scene.reply is None else 1}, got {len(seen.replies)}"]
    if scene.reply is not None and re.search(scene.reply, seen.replies[0]) is None:
        return [f"reply: nothing in it matches {scene.reply!r}"]
    code = read_code(scene, seen)
    if code is None:
        return []
    if scene.same_code_as is not None:
        expected = codes.get(scene.same_code_as)
        return [] if code == expected else [f"coupon: expected {expected} again, got {code}"]
    return [f"coupon: {code} was given to someone else too"] if code in codes.values() else []


def _judge_webhooks(scene: Scene, seen: Seen) -> Sequence[str]:
    expected = [] if scene.hears is None else [scene.hears]
    if [heard.rest for heard in seen.heard] != expected:
        return [f"webhook: expected {expected}, got {[heard.rest for heard in seen.heard]}"]
    return [] if all(heard.is_signed for heard in seen.heard) else ["webhook: its signature is wrong"]
