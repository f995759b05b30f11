"""The management API as the command line uses it: one key, lists page by page, problems as sentences."""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self

import httpx
import typer

TIMEOUT_SECONDS: Final = 60.0
LONGEST_WAIT_SECONDS: Final = 60.0
_TRIES: Final = 5

ApiUrl = Annotated[str, typer.Option("--api", envvar="TWOWAY_API_URL", help="The management API, https://….")]
ApiKey = Annotated[
    str, typer.Option("--key", envvar="TWOWAY_API_KEY", help="An API key; better given in the environment.")
]


class ApiProblem(Exception):
    """The API's answer was a problem. ``code`` and ``detail`` are the problem's own, ``problem`` is all of it."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", ""))
        errors = "".join(f" {error.get('pointer')}: {error.get('detail')}" for error in problem.get("errors") or ())
        super().__init__(f"{self.code}: {self.detail}{errors}")


class ApiClient:
    """One key's client, closed at the end of its ``with`` block. Waits when the rate limit is used up."""

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT_SECONDS, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> httpx.Response:
        """One request; raises ``ApiProblem`` for every answer that is not a success."""
        for _ in range(_TRIES):
            answer = self._http.request(
                method,
                path,
                json=body,
                headers=dict(headers or {}),
                params=dict(query or {}),
                timeout=timeout_seconds,
            )
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            wait = answer.headers.get("retry-after", "")  # seconds from the API, but a proxy may write anything
            time.sleep(min(float(wait), LONGEST_WAIT_SECONDS) if wait.isascii() and wait.isdigit() else 1.0)
        if answer.is_success:
            return answer
        is_problem = "json" in answer.headers.get("content-type", "")
        raise ApiProblem(answer.status_code, answer.json() if is_problem else {"detail": answer.reason_phrase})

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.send("GET", path, query={"limit": "100", **query, **cursor}).json()
            yield from page["data"]
            if not page["next"]:
                return
            cursor = {"cursor": page["next"]}
