"""JSON lines in, JSON lines out: every line gets a result, a broken one a result that says why. Called by ``route``."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer
from pydantic import ValidationError

from twoway_router.rulesets.models import doubts

_BOM: Final = b"\xef\xbb\xbf"
_MOST_TOLD: Final = 20

Answer = Callable[[object, int], dict[str, object]]
"""The result of one line, given with its place from 0; raises ``ValidationError``."""


@dataclass(kw_only=True, slots=True)
class Lines:
    """The lines of a file and what ``answer`` says of each. ``outcome`` names the field that a broken line leaves null."""

    path: Path
    answer: Answer
    outcome: str
    broken: int = 0
    _told: set[str] = field(default_factory=set)

    def results(self) -> Iterator[dict[str, object]]:
        """One result a line, in order; empty lines are passed over."""
        place = 0
        with self.path.open("rb") as file:
            for number, written in enumerate(file, 1):
                raw = written.removeprefix(_BOM) if number == 1 else written
                if raw.strip():
                    yield self._result(raw, place, number)
                    place += 1
        if self.broken > _MOST_TOLD:
            typer.echo(f"{self.path}: {self.broken} lines are broken; the results have them all.", err=True)

    def _result(self, raw: bytes, place: int, number: int) -> dict[str, object]:
        line: object = None
        try:
            line = json.loads(raw.decode("utf-8", "surrogatepass"))
            if not isinstance(line, dict):
                return self._fault(line, place, number, "a line is a JSON object")
            self._tell_doubts(line, number)
            return self.answer(line, place)
        except ValidationError as error:
            return self._fault(line, place, number, faults_of(error))
        except RecursionError:
            return self._fault(line, place, number, "nested too deep")
        except ValueError as error:
            return self._fault(line, place, number, str(error))

    def _tell_doubts(self, line: dict[str, object], number: int) -> None:
        for doubt in doubts(line):
            if doubt not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(doubt)
                typer.echo(f"{self.path}, line {number}: {doubt}", err=True)

    def _fault(self, line: object, place: int, number: int, fault: str) -> dict[str, object]:
        self.broken += 1
        if self.broken <= _MOST_TOLD:
            typer.echo(f"{self.path}, line {number}: {fault}", err=True)
        given = line.get("id") if isinstance(line, dict) else None
        name = given if isinstance(given, str | int) and not isinstance(given, bool) else str(place)
        return {"id": name, self.outcome: None, "error": fault}


def faults_of(error: ValidationError) -> str:
    """What is wrong with a line, each fault with its place."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()
    )
