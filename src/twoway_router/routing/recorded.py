"""What is kept of a decision beside its columns, to explain the message's route later. Pure."""

from typing import Any, Final

from twoway_router.routing.types import Decision, WindowState

OPT_OUT_INTENT: Final = "opt_out_intent"
"""In a decision's details: the opt-out word that a longer text holds, for somebody to read."""

_KEPT = ("word", "match_class", "span", "key", "reason", "language")


def details_of(decision: Decision) -> dict[str, Any]:
    """As ``inbound_messages.route_details`` holds it."""
    found: dict[str, Any] = {name: value for name in _KEPT if (value := getattr(decision, name))}
    if decision.window is not WindowState.OPEN:
        found["window"] = decision.window.value
    if decision.suggestion:
        found["suggestion"] = str(decision.suggestion)
    if intent := decision.details.get(OPT_OUT_INTENT):
        found[OPT_OUT_INTENT] = intent
    return found | _conversation(decision)


def _conversation(decision: Decision) -> dict[str, Any]:
    """What the executor needs to go on with the conversation."""
    if not (decision.context_id or decision.asks):
        return {}
    details: dict[str, Any] = {"context_id": decision.context_id} if decision.context_id else {}
    if answer := decision.details.get("answer"):
        details["answer"] = answer
    if decision.asks:
        details["asks"] = [{"context_id": each.context_id, "tenant_id": str(each.tenant_id)} for each in decision.asks]
    return details
