"""The list of series: none may stand in ``/metrics`` that nothing ever records."""

import re
from pathlib import Path

import pytest

from twoway_router.telemetry import metrics

PACKAGE = Path(metrics.__file__).parents[1]
SERIES = [name for name in vars(metrics) if re.fullmatch(r"[A-Z][A-Z_]*", name)]
CODE = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py") if path != Path(metrics.__file__))


@pytest.mark.parametrize("name", SERIES)
def test_every_series_is_recorded_somewhere(name: str) -> None:
    assert re.search(rf"\b{name}\.(labels|inc|set|observe|time)\(", CODE)
