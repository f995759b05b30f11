"""Notes on which day keywords got their last message. Part of ``runs``; read by the scheduler's release of idle keywords.

A keyword is written once a day and process, however many messages it gets: what is written is remembered here.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from twoway_router.inbound.service import WaitingMessage
from twoway_router.keywords.service import note_uses
from twoway_router.routing.types import RouteOutcome
from twoway_router.store import Session

KEPT: Final = 100_000


class UseBook:
    """The days that are known to be written."""

    def __init__(self) -> None:
        self._written: set[tuple[UUID, date]] = set()

    async def note(self, session: Session, waiting: Sequence[WaitingMessage]) -> None:
        """Write the days of these messages that are not written yet."""
        if fresh := _uses(waiting) - self._written:
            await note_uses(session, fresh)

    def remember(self, waiting: Sequence[WaitingMessage]) -> None:
        """Called after the commit: what was rolled back is written again."""
        if len(self._written) > KEPT:
            self._written.clear()
        self._written |= _uses(waiting)


def _uses(waiting: Sequence[WaitingMessage]) -> set[tuple[UUID, date]]:
    return {
        (each.keyword_id, each.received_at.date())
        for each in waiting
        if each.keyword_id is not None and each.route == RouteOutcome.KEYWORD
    }
