"""Around every request: its id, our headers, an answer to errors that no operation expects. Installed by ``management.app``."""

from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twoway_router.domain.errors import RouterError, Unavailable
from twoway_router.domain.ids import new_id
from twoway_router.store.failures import describe, is_transient
from twoway_router.web.problems import problem_response

log = structlog.get_logger()


class RequestGuard:
    """Plain ASGI, outermost: nothing internal ever reaches a caller, and nothing is left unanswered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id()
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = str(request_id)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
                headers.update(state.get("answer_headers", {}))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.info("api.caller_gone", request_id=str(request_id))
        except Exception as error:
            fields = {"request_id": str(request_id), "path": scope["path"], "method": scope["method"]}
            problem: RouterError
            if is_transient(error):
                log.warning("api.unavailable", error=describe(error), **fields)
                problem = Unavailable(headers={"Retry-After": "1"})
            else:
                log.error("api.failed", exc_info=error, **fields)
                problem = RouterError(
                    "Something went wrong on our side. It has been logged under the id in `instance`."
                )
            if has_begun:
                raise
            await problem_response(problem, request_id)(scope, receive, send_with_headers)
