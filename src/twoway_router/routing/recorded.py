"""What is kept of a decision beside its columns, to explain the message's route later. Pure."""

from typing import Any

from twoway_router.routing.types import Decision, WindowState

_KEPT = ("word", "match_class", "span", "key", "reason", "language")


def details_of(decision: Decision) -> dict[str, Any]:
    """As ``inbound_messages.route_details`` holds it."""
    found: dict[str, Any] = {name: value for name in _KEPT if (value := getattr(decision, name))}
    if decision.window is not WindowState.OPEN:
        found["window"] = decision.window.value
    if decision.suggestion:
        found["suggestion"] = str(decision.suggestion)
    return found
