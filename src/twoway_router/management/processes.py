"""The processes of this installation, for operators. Mounted by ``app`` under ``/v1``."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from twoway_router.store import heartbeats
from twoway_router.store.tables import Heartbeats
from twoway_router.web.auth import OPERATOR
from twoway_router.web.context import DbSession, Now
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Shown

router = api_router("/processes", resource="processes", tag="Processes")


class ProcessOut(Shown):
    """One process. It is on the list while it runs, and for two days when it was lost."""

    id: UUID
    role: str = Field(description="ingress, api, executor or scheduler; `run` is all of them in one.")
    host: str = Field(description="The machine's name; on Kubernetes the pod's.")
    version: str
    code_level: int = Field(description="The schema level that its code was written for.")
    started_at: datetime
    seen_at: datetime = Field(description="When it last said that it lives; it does every ten seconds.")
    is_alive: bool = Field(description="False when it has been silent for 45 seconds: it died, or lost the database.")

    @classmethod
    def read(cls, row: Heartbeats, now: datetime) -> Self:
        """As seen at a moment."""
        return cls(**cls.columns(row), is_alive=now - row.seen_at <= heartbeats.LOST_AFTER)


@router.get("", dependencies=[OPERATOR])
async def list_processes(session: DbSession, pages: Pages, now: Now) -> Page[ProcessOut]:
    """List the processes of this installation: what runs, in which version and since when. A stopped one leaves the list."""
    rows = await heartbeats.list_processes(session, after=pages.after, limit=pages.fetch)
    return pages.page(rows, lambda row: ProcessOut.read(row, now))
