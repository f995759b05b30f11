"""What ``inbound_messages.route_details`` holds of a route beside its columns: written by ``ingress``, read by ``executor``.

Pure. The one place that knows the names and the form of the stored fields.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from uuid import UUID

from twoway_router.routing.types import Decision, Reason, WindowState


class AskedTenant(NamedTuple):
    """One of the tenants between which the sender is asked to choose: its context with the sender, or its keyword.

    Of a keyword it also says which sub-keyword and which rest the message would have.
    """

    tenant_id: UUID
    context_id: UUID | None = None
    keyword_id: UUID | None = None
    word: str | None = None
    sub_keyword: str | None = None
    rest: str = ""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """From an element of the column's JSON."""
        return cls(
            tenant_id=UUID(stored["tenant_id"]),
            context_id=_uuid(stored.get("context_id")),
            keyword_id=_uuid(stored.get("keyword_id")),
            word=stored.get("word"),
            sub_keyword=stored.get("sub_keyword"),
            rest=stored.get("rest", ""),
        )

    def write(self) -> dict[str, str]:
        """An element of the column's JSON: only what is known."""
        return {name: str(value) for name, value in zip(self._fields, self, strict=True) if value}


class RouteDetails(NamedTuple):
    """Why a message went where it went, and what its run needs to go on. A named tuple because each message makes one.

    ``word`` is the keyword's or the reserved word; ``opt_out_intent`` an opt-out word inside a longer text, for somebody
    to read; ``context_id`` the context that the message belongs to and ``answer`` what it answers there; ``suggestion``
    the keyword that a courtesy reply may ask about; ``asks`` the tenants to choose from; ``answered_by`` the later message
    by which the sender said whose this one is.
    """

    word: str | None = None
    match_class: str | None = None
    span: tuple[int, int] | None = None
    key: str | None = None
    reason: Reason | None = None
    language: str | None = None
    window: WindowState = WindowState.OPEN
    suggestion: UUID | None = None
    opt_out_intent: str | None = None
    context_id: UUID | None = None
    answer: str | None = None
    asks: tuple[AskedTenant, ...] = ()
    answered_by: UUID | None = None

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """What is kept of a decision."""
        return cls(
            word=decision.word,
            match_class=decision.match_class,
            span=decision.span,
            key=decision.key,
            reason=decision.reason,
            language=decision.language or None,
            window=decision.window,
            suggestion=decision.suggestion,
            opt_out_intent=decision.details.get("opt_out_intent"),
            context_id=UUID(decision.context_id) if decision.context_id else None,
            answer=decision.details.get("answer"),
            asks=tuple(
                AskedTenant(
                    tenant_id=each.tenant_id,
                    context_id=_uuid(each.context_id),
                    keyword_id=each.keyword_id,
                    word=each.word,
                    sub_keyword=each.sub_keyword,
                    rest=each.rest,
                )
                for each in decision.asks
            ),
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """From the column's JSON; a field of another name is left out."""
        span = stored.get("span")
        return cls(
            word=stored.get("word"),
            match_class=stored.get("match_class"),
            span=(span[0], span[1]) if span else None,
            key=stored.get("key"),
            reason=Reason(stored["reason"]) if "reason" in stored else None,
            language=stored.get("language"),
            window=WindowState(stored.get("window", WindowState.OPEN)),
            suggestion=_uuid(stored.get("suggestion")),
            opt_out_intent=stored.get("opt_out_intent"),
            context_id=_uuid(stored.get("context_id")),
            answer=stored.get("answer"),
            asks=tuple(map(AskedTenant.read, stored.get("asks", ()))),
            answered_by=_uuid(stored.get("answered_by")),
        )

    def write(self) -> dict[str, Any]:
        """The column's JSON: only what is known, and the window only where it was not open."""
        stored: dict[str, Any] = {name: value for name, value in zip(self._fields, self, strict=True) if value}
        # Every message writes one, so the fields that few messages have cost no work of their own here.
        if self.window is WindowState.OPEN:
            del stored["window"]
        if self.suggestion:
            stored["suggestion"] = str(self.suggestion)
        if self.context_id:
            stored["context_id"] = str(self.context_id)
        if self.answered_by:
            stored["answered_by"] = str(self.answered_by)
        if self.asks:
            stored["asks"] = [each.write() for each in self.asks]
        return stored

    def for_tenant(self) -> Self:
        """Without what belongs to other tenants: the suggested keyword may be anybody's."""
        return self._replace(suggestion=None)


def _uuid(stored: str | None) -> UUID | None:
    return UUID(stored) if stored else None
