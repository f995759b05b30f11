"""Keyword revisions as plans, kept in memory: a revision never changes, so nothing here is ever stale. Asked by ``load``."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.service import list_revisions
from twoway_router.store import Session

KEPT: Final = 20_000

Revision = tuple[UUID, int]


class RevisionBook:
    """The definitions used last, parsed."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._definitions: OrderedDict[Revision, KeywordDefinition] = OrderedDict()

    async def load(self, session: Session, wanted: Collection[Revision]) -> Mapping[Revision, KeywordDefinition]:
        """The definitions of these revisions; a missing one is a broken promise and raises."""
        missing = [each for each in wanted if each not in self._definitions]
        if missing:
            found = await list_revisions(session, missing)
            for each in missing:
                self._definitions[each] = KeywordDefinition.model_validate(found[each])
        definitions = {each: self._definitions[each] for each in wanted}
        for each in wanted:
            self._definitions.move_to_end(each)
        while len(self._definitions) > self._kept:
            self._definitions.popitem(last=False)
        return definitions
