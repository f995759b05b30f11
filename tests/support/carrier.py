"""A simulated carrier as a process of its own that is never killed. Started by `System`."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """Where it listens, and its journal of what it has taken."""

    url: str
    journal: Path

    def stats(self) -> dict[str, int] | None:
        """Its counts; None when it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/control/stats", timeout=10) as answer:
                counts: dict[str, int] = json.load(answer)
                return counts
        except OSError:
            return None

    def tell(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Change its behaviour, or let it emit MOs."""
        request = urllib.request.Request(f"{self.url}{path}", data=json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status < 300
