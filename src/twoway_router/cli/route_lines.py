"""JSON lines in, JSON lines out: every line has a result, a broken line one that names its fault. Called by ``route``."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer
from pydantic import ValidationError

from twoway_router.rulesets.models import doubts

_BOM: Final = b"\xef\xbb\xbf"
_MOST_PRINTED: Final = 20

Answer = Callable[[object, int], dict[str, object]]
"""The result of a line, from its JSON and its place, counted from 0; raises ``ValidationError``."""


@dataclass(kw_only=True, slots=True)
class Lines:
    """The lines of a file and their results. ``outcome`` names the field that is null in the result of a broken line."""

    path: Path
    answer: Answer
    outcome: str
    broken: int = 0
    _printed_doubts: set[str] = field(default_factory=set)

    def results(self) -> Iterator[dict[str, object]]:
        """One result a line, in order; empty lines have none."""
        place = 0
        with self.path.open("rb") as file:
            for number, written in enumerate(file, 1):
                raw = written.removeprefix(_BOM) if number == 1 else written
                if raw.strip():
                    yield self._result(raw, place, number)
                    place += 1
        if self.broken > _MOST_PRINTED:
            typer.echo(f"{self.path}: {self.broken} lines are broken; the results have them all.", err=True)

    def _result(self, raw: bytes, place: int, number: int) -> dict[str, object]:
        line: object = None
        try:
            line = json.loads(raw.decode("utf-8", "surrogatepass"))
            if not isinstance(line, dict):
                return self._fault(line, place, number, "a line is a JSON object")
            for doubt in doubts(line):
                if doubt not in self._printed_doubts and len(self._printed_doubts) < _MOST_PRINTED:
                    self._printed_doubts.add(doubt)
                    typer.echo(f"{self.path}, line {number}: {doubt}", err=True)
            return self.answer(line, place)
        except ValidationError as error:
            return self._fault(line, place, number, faults_of(error))
        except RecursionError:
            return self._fault(line, place, number, "nested too deep")
        except ValueError as error:
            return self._fault(line, place, number, str(error))

    def _fault(self, line: object, place: int, number: int, fault: str) -> dict[str, object]:
        self.broken += 1
        if self.broken <= _MOST_PRINTED:
            typer.echo(f"{self.path}, line {number}: {fault}", err=True)
        given = line.get("id") if isinstance(line, dict) else None
        name = given if isinstance(given, str | int) and not isinstance(given, bool) else str(place)
        return {"id": name, self.outcome: None, "error": fault}


def faults_of(error: ValidationError) -> str:
    """The faults of a line in one sentence, with their places."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()
    )
