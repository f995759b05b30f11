"""The management API as a customer of it calls it. Used by the demo, the crash tests and the benches to set things up."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

_WAITS = 60


class ApiRefusal(Exception):
    """The API answered with a problem. Its text is the problem's own."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class ManagementApi:
    """One caller: a base URL and an API key."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """One resource or page."""
        return await self._call("GET", path, parameters=parameters)

    async def post(self, path: str, body: Mapping[str, Any], *, once: str | None = None) -> dict[str, Any]:
        """Create; ``once`` is the Idempotency-Key."""
        return await self._call("POST", path, body=body, headers={} if once is None else {"Idempotency-Key": once})

    async def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is given, on whatever revision is there now."""
        return await self._call("PATCH", path, body=body, headers={"If-Match": "*"})

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str | int] | None = None,
    ) -> dict[str, Any]:
        for _ in range(_WAITS):
            answer = await self._client.request(method, path, json=body, headers=headers, params=parameters)
            if answer.status_code != 429:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.is_success:
            content: dict[str, Any] = answer.json() if answer.content else {}
            return content
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        status, code = answer.status_code, str(problem.get("code", "no_problem_document"))
        detail = problem.get("errors") or problem.get("detail") or answer.text[:200]
        raise ApiRefusal(status, code, f"{method} {path} was answered {status} {code}: {detail}")
