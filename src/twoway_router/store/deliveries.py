"""The sweeps of a table of deliveries: claims that lapsed, and work whose job is lost. Made by ``webhooks`` and ``emails``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import TextClause, text

from twoway_router.store import outbox
from twoway_router.store.transaction import Session

AT_ONCE: Final = 500


class DeliverySweeps:
    """A sweep gives rows their jobs, skips what another scheduler has locked, and returns how many rows there were."""

    def __init__(self, table: str, job: str) -> None:
        self._job = job
        self.lapsed: Final = text(
            f"""
            UPDATE {table} AS d
            SET state = 'pending', reason = 'lease_expired', due_at = :now, lease_until = NULL, requeued_at = :now
            FROM (SELECT id FROM {table} WHERE state = 'claimed' AND lease_until < :now
                  ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED) AS lapsed
            WHERE d.id = lapsed.id RETURNING d.id
            """
        )
        self.forgotten: Final = text(
            f"""
            UPDATE {table} AS d SET requeued_at = :now
            FROM (SELECT id FROM {table}
                  WHERE state = 'pending' AND due_at < :before AND (requeued_at IS NULL OR requeued_at < :before)
                  ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS forgotten
            WHERE d.id = forgotten.id RETURNING d.id
            """
        )
        self._give_up: Final = text(
            f"UPDATE {table} SET lease_until = :before"
            " WHERE state = 'claimed' AND lease_until >= :before AND claimed_by = ANY(CAST(:dead AS integer[]))"
        )
        self.held: Final = f"SELECT claimed_by FROM {table} WHERE state = 'claimed'"
        """Whose claims are open: a part of the scheduler's statement."""

        self.due: Final = f"count(*), min(due_at) FROM {table} WHERE state = 'pending' AND due_at <= :now"
        """How much is due: a part of the scheduler's statement."""

    async def sweep_lapsed(self, session: Session, now: datetime, _: timedelta) -> int:
        """Claims whose lease ended without a result may be tried again."""
        return await self._requeue(session, self.lapsed, now=now)

    async def end_leases(self, session: Session, dead: Sequence[int], before: datetime) -> None:
        """Let the leases of processes that died be over."""
        await session.execute(self._give_up, {"dead": list(dead), "before": before})

    async def sweep_forgotten(self, session: Session, now: datetime, forgotten_after: timedelta) -> int:
        """What has been due for so long that its job must be lost, and got none from a sweep since then."""
        return await self._requeue(session, self.forgotten, now=now, before=now - forgotten_after)

    async def _requeue(self, session: Session, statement: TextClause, **times: datetime) -> int:
        ids = list(await session.scalars(statement, {**times, "limit": AT_ONCE}))
        await outbox.add(session, self._job, ids)
        return len(ids)
