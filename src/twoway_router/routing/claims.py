"""Judge a claim on a keyword before it is registered, so that no message is ever ambiguous. Called by ``keywords``.

Pure: the answer holds for the table as it stands; the database's exclusion of overlapping windows has the last word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.routing.choose import find
from twoway_router.routing.collisions import MetKeyword, collisions_of, is_like_own
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.moves import ANY_TIME, Moves
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.other_spellings import derived_keys
from twoway_router.routing.text import fold
from twoway_router.routing.types import (
    ClaimState,
    CollisionCode,
    KeywordRules,
    NumberRules,
    SubKeyword,
    VerdictCode,
)
from twoway_router.routing.word_faults import fault_of, is_free_campaign_word

WINDOW_GUARD: Final = timedelta(hours=24)
"""What must lie between two tenants' windows of one word."""

Window = tuple[datetime | None, datetime | None]
"""From when, and until when; open where there is none."""


class VerdictKind(StrEnum):
    """What a claim is answered, from yes to no."""

    ACCEPT = "accept"
    WARN = "warn"
    OVERRIDE_NEEDED = "override_needed"
    REFUSE = "refuse"


_GRAVITY: Final = {kind: rank for rank, kind in enumerate(VerdictKind)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a tenant wants to hold. ``keyword_id`` names the keyword that is being changed, if it exists already.

    ``is_override``: an operator allows it. Who asks for that sees to it that ``Verdict.moves`` were confirmed.
    ``is_beside_holders``: who has the very same keys is left out, because the database decides that.
    """

    number_id: NumberId
    tenant_id: TenantId
    spellings: tuple[str, ...]
    is_override: bool = False
    keyword_id: KeywordId | None = None
    active_from: datetime | None = None
    active_until: datetime | None = None
    sub_keywords: tuple[str, ...] = ()
    is_beside_holders: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Collision:
    """An existing keyword that the claim meets, and how. ``moves`` are texts that the claim would take from it."""

    tenant_id: TenantId
    keyword_id: KeywordId
    word: str
    spelling: str
    code: CollisionCode
    kind: VerdictKind
    window: Window = (None, None)
    moves: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """What it means, as a sentence."""
        return _DETAILS[self.code]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to a claim. ``catches`` are spellings that would reach the keyword; ``key`` is the word's folded form.

    ``is_whole_message``: a common word, which takes whole messages and harmless tails only. ``own_keys`` look like a word
    that the claimant holds, so it may have them although they rest for another tenant.
    """

    kind: VerdictKind
    code: VerdictCode
    detail: str
    key: str
    collisions: tuple[Collision, ...] = ()
    catches: tuple[str, ...] = ()
    is_whole_message: bool = False
    own_keys: frozenset[str] = frozenset()

    @property
    def moves(self) -> tuple[str, ...]:
        """Every text that the claim would take from another tenant."""
        return all_moves(self.collisions)


_DETAILS: Final = {
    "free": "Nobody holds this word.",
    "taken": "Another tenant holds this word on this number.",
    "resting": "Another tenant gave this word back a short while ago; its old senders still use it.",
    "other_window": "Another tenant holds this word at another time.",
    "own_alias": "You hold this word already; add an alias to that keyword instead.",
    "look_alike": "The word looks the same as another tenant's, in another script or with digits for letters.",
    "inside_phrase": "The word begins with another tenant's keyword.",
    "prefix_of_theirs": "Another tenant's keyword begins with this word.",
    "compound": "Another tenant's keyword with a word behind it is this word, or the other way round.",
    "begins_many": "Many keywords of other tenants begin with this word.",
    "begins_with_theirs": "The word begins with another tenant's keyword, and its script has no spaces.",
    "with_their_sub_keyword": "The word is another tenant's keyword and sub-keyword written together.",
    "with_their_digits": "Another tenant's keyword takes digits without a space, so the word is its keyword already.",
    "in_their_advert": "The word is another tenant's keyword and words of its advert, such as TEXT or SEND.",
    "derived": "Another tenant's keyword is reached by this spelling, or by one derived from it.",
    "own_beside_derived": "A spelling derived from this word is another tenant's keyword, and stays its.",
    "longer_word": "Nobody holds this word; written as two words, the text goes to the tenant of the shorter one.",
    "one_edit": "The word is one letter away from another tenant's.",
    "campaign_word": "A campaign word, which the first claimant has on this number; text behind it is hardly ever read.",
    "common_word": "A common word: it matches whole messages, with hardly any text behind it.",
    "answer": "People also send this word as an answer or in passing.",
}
_OF_HOLDERS: Final = frozenset((CollisionCode.TAKEN, CollisionCode.RESTING, CollisionCode.OWN_ALIAS))
_APART_IN_TIME: Final = frozenset((CollisionCode.TAKEN, CollisionCode.COMPOUND, CollisionCode.BEGINS_MANY))
_KINDS: Final = {
    "taken": VerdictKind.REFUSE,
    "resting": VerdictKind.REFUSE,
    "own_alias": VerdictKind.REFUSE,
    "look_alike": VerdictKind.REFUSE,
    "inside_phrase": VerdictKind.REFUSE,
    "compound": VerdictKind.REFUSE,
    "in_their_advert": VerdictKind.REFUSE,
    "begins_many": VerdictKind.OVERRIDE_NEEDED,
    "begins_with_theirs": VerdictKind.OVERRIDE_NEEDED,
    "with_their_sub_keyword": VerdictKind.OVERRIDE_NEEDED,
    "with_their_digits": VerdictKind.OVERRIDE_NEEDED,
    "prefix_of_theirs": VerdictKind.OVERRIDE_NEEDED,
    "other_window": VerdictKind.WARN,
    "derived": VerdictKind.OVERRIDE_NEEDED,
    "own_beside_derived": VerdictKind.WARN,
    "one_edit": VerdictKind.WARN,
    "longer_word": VerdictKind.ACCEPT,
}


def judge_claim(table: RoutingTable, claim: Claim, *, has_catches: bool = True) -> Verdict:
    """The verdict on all spellings of a claim: the gravest of them, with every collision, and what it would catch if asked."""
    entry = table.entry(claim.number_id)
    first = fold(claim.spellings[0]) if claim.spellings else fold("")
    if entry is None:
        return _refusal(VerdictCode.UNKNOWN_NUMBER, "There is no such number.", first.key)
    if not entry.is_shared and claim.tenant_id != entry.rules.owner:
        return _refusal(VerdictCode.NOT_OWNER, "The number belongs to another tenant.", first.key)
    if not claim.spellings:
        return _refusal(VerdictCode.UNREADABLE, "A keyword needs a word.", first.key)
    verdicts = [judge_spelling(table, entry, claim, spelling) for spelling in claim.spellings]
    gravest = max(verdicts, key=lambda verdict: _GRAVITY[verdict.kind])
    return Verdict(
        kind=gravest.kind,
        code=gravest.code,
        detail=gravest.detail,
        key=first.key,
        collisions=tuple(collision for verdict in verdicts for collision in verdict.collisions),
        catches=_catches(entry.rules, claim) if has_catches and gravest.kind is not VerdictKind.REFUSE else (),
        is_whole_message=any(verdict.is_whole_message for verdict in verdicts),
        own_keys=frozenset[str]().union(*(verdict.own_keys for verdict in verdicts)),
    )


def all_moves(collisions: Iterable[Collision]) -> tuple[str, ...]:
    """The texts that move by any of the collisions, each once."""
    return tuple(dict.fromkeys(text for collision in collisions for text in collision.moves))


def _refusal(code: VerdictCode, detail: str, key: str) -> Verdict:
    return Verdict(kind=VerdictKind.REFUSE, code=code, detail=detail, key=key)


def judge_spelling(
    table: RoutingTable, entry: NumberEntry, claim: Claim, spelling: str, *, lists_moves: bool = True
) -> Verdict:
    """What the word is, by itself and beside the keywords of others; of both the graver counts."""
    folded = fold(spelling)
    fault = fault_of(entry, spelling, folded)
    if entry.is_shared and (fault is None or not fault.is_final):
        fault = table.barred_words.fault_of(folded, claim.tenant_id) or fault
    sub_keys = {fold(sub).key for sub in claim.sub_keywords}
    met = [
        each
        for each in collisions_of(table, entry, spelling, folded, sub_keys)
        if table.columns.keyword_id(each.keyword) != claim.keyword_id
    ]
    own_keys = frozenset[str]()
    if any(table.state_of(each.keyword) is ClaimState.RELEASED for each in met) and is_like_own(
        table, entry, claim.tenant_id, spelling, folded.key
    ):
        # Its senders mean the holder of the word; what rests of another tenant is in nobody's way.
        met = [each for each in met if table.state_of(each.keyword) is not ClaimState.RELEASED]
        own_keys = frozenset((folded.key,))
    meetings = [(each.keyword, _collision(table, claim, spelling, each)) for each in met]
    collisions = {
        keyword: collision
        for keyword, collision in meetings
        if collision is not None and not (claim.is_beside_holders and collision.code in _OF_HOLDERS)
    }
    gravest = max(collisions.values(), key=lambda collision: _GRAVITY[collision.kind], default=None)
    kind = VerdictKind.ACCEPT if gravest is None else gravest.kind
    code = VerdictCode.FREE if gravest is None else VerdictCode(gravest.code)
    detail = _DETAILS[code]
    # A word that is taken stays taken, whatever is wrong with it besides.
    if fault is not None and kind is not VerdictKind.REFUSE:
        kind = VerdictKind.REFUSE if fault.is_final else VerdictKind.OVERRIDE_NEEDED
        code, detail = fault.code, fault.detail
    if kind is VerdictKind.OVERRIDE_NEEDED:
        collisions |= _with_moves(table, entry, claim, collisions) if lists_moves else {}
        kind = VerdictKind.WARN if claim.is_override else kind
    if kind is VerdictKind.ACCEPT and entry.words.is_common(folded.key):
        if entry.is_shared and is_free_campaign_word(entry, folded.key):
            code = VerdictCode.CAMPAIGN_WORD
        else:
            kind = VerdictKind.WARN
            code = VerdictCode.COMMON_WORD if entry.is_shared else VerdictCode.ANSWER
        detail = _DETAILS[code]
    elif kind is VerdictKind.ACCEPT and not entry.is_shared and folded.key.isdecimal():
        # The owner of a dedicated number may hold such a word; on a shared number it is a fault.
        kind, code, detail = VerdictKind.WARN, VerdictCode.ANSWER, _DETAILS[VerdictCode.ANSWER]
    return Verdict(
        kind=kind,
        code=code,
        detail=detail,
        key=folded.key,
        collisions=tuple(collisions.values()),
        is_whole_message=entry.is_shared and entry.words.is_common(folded.key),
        own_keys=own_keys,
    )


def _collision(table: RoutingTable, claim: Claim, spelling: str, met: MetKeyword) -> Collision | None:
    """How an existing keyword counts against this claimant; None if it does not."""
    tenant = table.tenants[table.columns.tenant[met.keyword]]
    window = table.windows.get(met.keyword, (None, None))
    code = met.code
    if tenant == claim.tenant_id:
        if code is not CollisionCode.TAKEN:
            return None
        code = CollisionCode.OWN_ALIAS
    elif code in _APART_IN_TIME and are_apart((claim.active_from, claim.active_until), window):
        code = CollisionCode.OTHER_WINDOW
    return Collision(
        tenant_id=tenant,
        keyword_id=KeywordId(table.columns.keyword_id(met.keyword)),
        word=table.columns.display(table.columns.first[met.keyword]),
        spelling=spelling,
        code=code,
        kind=_KINDS[code],
        window=window,
    )


def _with_moves(
    table: RoutingTable, entry: NumberEntry, claim: Claim, collisions: Mapping[int, Collision]
) -> dict[int, Collision]:
    """The collisions that an operator may allow, with the texts that would move by it."""
    allowable = {keyword: each for keyword, each in collisions.items() if each.kind is VerdictKind.OVERRIDE_NEEDED}
    if not allowable:
        return {}
    moves = Moves(table, entry, _claimed(claim), tuple(allowable))
    return {
        keyword: replace(each, moves=moves.of(each.spelling, keyword, each.code)) for keyword, each in allowable.items()
    }


def _claimed(claim: Claim) -> KeywordRules:
    """The keyword that the claim would become."""
    return KeywordRules(
        keyword_id=claim.keyword_id or KeywordId(claim.number_id),
        tenant_id=claim.tenant_id,
        number_id=claim.number_id,
        spellings=claim.spellings,
        sub_keywords=tuple(SubKeyword(name=sub, spellings=(sub,)) for sub in claim.sub_keywords),
        active_from=claim.active_from,
        active_until=claim.active_until,
    )


def are_apart(one: Window, other: Window) -> bool:
    """Whether two activity windows leave a day between them."""
    gaps = ((one[1], other[0]), (other[1], one[0]))
    return any(end is not None and start is not None and start - end >= WINDOW_GUARD for end, start in gaps)


def _catches(number: NumberRules, claim: Claim) -> tuple[str, ...]:
    """Spellings that would reach the keyword if it were the only one: every one is routed, none is guessed."""
    table = RoutingTable.build(
        [number], [replace(_claimed(claim), sub_keywords=(), active_from=None, active_until=None)]
    )
    entry = table.entry(number.number_id)
    assert entry is not None
    word = claim.spellings[0]
    key = fold(word).key
    tried = dict.fromkeys(
        [
            *claim.spellings,
            word.lower(),
            word.upper(),
            f'"{word}"',
            f"{word}!",
            f"#{word}",
            key,
            word.replace(" ", ""),
            " ".join(word) if len(word) <= 8 else word,
            word + word[-1] * 3,
            *sorted(derived_keys(key, word)),
            f"{word} ...",
            f"{word} text",
        ]
    )
    return tuple(text for text in tried if find(entry, table, text, fold(text), ANY_TIME).winner is not None)
