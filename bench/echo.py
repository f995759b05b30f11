"""The ceiling: a bare ASGI application that reads the body and answers 200, on the same server as the ingress."""

import asyncio
import sys

from starlette.types import Receive, Scope, Send

from twoway_router.web.server import HttpServer


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everything."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve on the port given."""
    server = HttpServer(app, host="127.0.0.1", port=int(sys.argv[1]), setting="the port", drain_seconds=1)
    asyncio.run(server.serve())


if __name__ == "__main__":
    main()
