"""Brings stored keys in step with how this release folds words. Called by ``migrate keys`` after an upgrade.

Keys follow from the text and the Unicode tables of the running Python; routing always folds anew, only the keys that
decide between claims are stored. What would meet another keyword's key stays as it is and is listed, never dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from twoway_router.keywords import queries
from twoway_router.keywords.rules import Spelling, spellings_of
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Refolded:
    """A spelling whose stored key is another than that of today. ``is_moved``: it has its new key now."""

    number_id: UUID
    keyword_id: UUID
    old_key: str
    spelling: Spelling
    is_moved: bool


async def refold(session: Session) -> Sequence[Refolded]:
    """Give every spelling its key of today where nobody else has it; again and again, for one may make room for another."""
    stale = await _list_stale(session)
    moved: list[Refolded] = []
    while True:
        left: list[Refolded] = []
        for each in stale:
            if await queries.move_key(session, each.keyword_id, each.old_key, each.spelling):
                moved.append(replace(each, is_moved=True))
            else:
                left.append(each)
        if len(left) == len(stale):
            return [*moved, *left]
        stale = left


async def _list_stale(session: Session) -> list[Refolded]:
    found = []
    after: tuple[UUID, str] | None = None
    while page := await queries.list_spellings(session, after):
        for row in page:
            (spelling,) = spellings_of(row.text, ())
            if spelling.key != row.key:
                found.append(
                    Refolded(
                        number_id=row.number_id,
                        keyword_id=row.keyword_id,
                        old_key=row.key,
                        spelling=spelling,
                        is_moved=False,
                    )
                )
        after = page[-1].keyword_id, page[-1].key
    return found
