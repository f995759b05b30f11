"""What is refused about a set of changes, and what a version is about. Pure; used by ``service`` and ``api``."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from twoway_router.domain.errors import Conflict, NotFound, RouterError

MOST_STEPS: Final = 10_000
"""In one set of changes: all of them are judged and written in one transaction."""


class RulesRefused(Conflict):
    """Some changes are refused, so none was made. `refusals` lists them all."""

    code = "rules_refused"
    title = "Rules refused"


class VersionNotFound(NotFound):
    """There is no such version of the rules, or it is not yours."""

    code = "rule_version_not_found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """Whose keywords on which numbers a version is about. Both sorted."""

    number_ids: tuple[UUID, ...]
    tenant_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a set of changes comes from: a file, by its digest, or an earlier version, by its number."""

    source_digest: str | None = None
    restores: int | None = None


def as_refusal(place: int, word: str | None, problem: RouterError) -> dict[str, Any]:
    """A step's refusal as the API shows it: the problem that the change by itself would be answered with."""
    return {
        **problem.extra,
        "step": place,
        "word": word,
        "code": problem.code,
        "detail": " ".join(problem.detail.split()),
        "errors": [{"pointer": each.pointer, "detail": each.detail} for each in problem.errors],
    }
