"""Runs ASGI applications on uvicorn inside our own event loop; signals and shutdown belong to ``processes``."""

import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from twoway_router.web.wire import BoundedProtocol


class PortTaken(OSError):
    """The address is already in use."""


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals alone: one process has several servers and one way to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class HttpServer:
    """One listening address. The socket is bound when it is made, so that a taken port stops the start with its name."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        setting: str,
        drain_seconds: float,
        protocol: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
            ws="none",
            proxy_headers=False,
        )
        self._server = _Server(config)
        try:
            self._socket = socket.create_server((host, port), reuse_port=False, backlog=2048)
        except OSError as error:
            reason = str(error.strerror).partition(" (while")[0]
            raise PortTaken(
                f"{setting}: cannot listen on {host}:{port} ({reason}). Set it to a free port, or 0."
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def port(self) -> int:
        """The port it listens on, also when it was asked for any."""
        return int(self._socket.getsockname()[1])

    async def serve(self) -> None:
        """Serve until ``shut_down``; then finish requests under way."""
        await self._server.serve(sockets=[self._socket])

    def shut_down(self) -> None:
        """Stop accepting; ``serve`` returns when the open requests are answered or the drain time is over."""
        self._server.should_exit = True
