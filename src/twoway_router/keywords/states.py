"""The states of a keyword and what may follow what. Pure; asked by ``service`` and ``administration``.

requested → approved → active ⇄ suspended        every state → released
(a number that needs no approval makes a claim active at once)
"""

from typing import Final

from twoway_router.domain.errors import Conflict
from twoway_router.keywords.rules import KeywordReleased
from twoway_router.routing.types import ClaimState

REQUESTED: Final = ClaimState.REQUESTED.value
APPROVED: Final = ClaimState.APPROVED.value
ACTIVE: Final = ClaimState.ACTIVE.value
SUSPENDED: Final = ClaimState.SUSPENDED.value
RELEASED: Final = ClaimState.RELEASED.value

_NEXT: Final = {
    REQUESTED: frozenset({APPROVED, RELEASED}),
    APPROVED: frozenset({ACTIVE, RELEASED}),
    ACTIVE: frozenset({SUSPENDED, RELEASED}),
    SUSPENDED: frozenset({ACTIVE, RELEASED}),
    RELEASED: frozenset[str](),
}
_ACTIONS: Final = {
    APPROVED: "keyword.approved",
    ACTIVE: "keyword.activated",
    SUSPENDED: "keyword.suspended",
    RELEASED: "keyword.released",
}


class KeywordWaits(Conflict):
    """This keyword waits for the operator's approval."""

    code = "keyword_waits_for_approval"
    title = "Approval needed"


class StateNotAllowed(Conflict):
    """The keyword's state does not allow this."""

    code = "keyword_state_not_allowed"
    title = "State not allowed"


class KeywordHeld(Conflict):
    """An operator holds this keyword back. Until that ends only an operator may change, resume or release it."""

    code = "keyword_held"
    title = "Keyword held"


class ApprovalNeeded(Conflict):
    """On this number an operator approves words. Claim the new word, or ask the operator to change the keyword."""

    code = "keyword_word_needs_approval"
    title = "Approval needed"


def check_step(state: str, wanted: str) -> None:
    """Raises when the step is not allowed."""
    if state == RELEASED:
        raise KeywordReleased
    if wanted not in _NEXT[state]:
        if state == REQUESTED:
            raise KeywordWaits
        raise StateNotAllowed(f"A keyword that is {state} cannot become {wanted}.")


def action_of(state: str, wanted: str) -> str:
    """What the audit log calls the step."""
    return "keyword.resumed" if (state, wanted) == (SUSPENDED, ACTIVE) else _ACTIONS[wanted]


def first_state(*, needs_approval: bool, is_operators: bool) -> str:
    """The state of a new claim: where approval is needed, an operator's own claim is approved by that."""
    return REQUESTED if needs_approval and not is_operators else ACTIVE
