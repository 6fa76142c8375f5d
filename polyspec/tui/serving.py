"""The interface in a browser of the same machine, through textual-serve.

Only this machine can reach it, and only who knows the key that is in the address:
other users of the machine could connect as well, and so could any page that is open in
the browser. The page loads nothing from elsewhere.
"""

import hmac
import re
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from polyspec.errors import UsageError

HOST = "127.0.0.1"
_COOKIE = "polyspec-key"
_FOREIGN_FONT = re.compile(r"<link[^>]*https://fonts\.googleapis[^>]*>")
"""The page of textual-serve asks for a font from the network; this machine has some."""


def serve_interface(command: Sequence[str], port: int) -> None:
    """Serve a command that opens the interface until the user stops it.

    Args:
        command: Run once for each page that is opened.
        port: Of the loopback address.

    Raises:
        UsageError: textual-serve is not installed, or the port is taken.
    """
    server = make_server(command, port)
    try:
        server.serve()
    except OSError as error:
        raise UsageError(
            f"the interface cannot be served on port {port}",
            cause=(error.strerror or str(error)).lower(),
            remedy=f"choose another port, for example --port {port + 1}",
        ) from error


def make_server(command: Sequence[str], port: int) -> Any:
    """A server with a key of its own; `address` says where it can be opened.

    Raises:
        UsageError: textual-serve is not installed.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError as error:
        raise UsageError(
            "the interface cannot be served",
            cause="textual-serve is not installed",
            remedy='pip install "polyspec[serve]"',
        ) from error

    def _as_middleware(guard: Any) -> Any:
        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            response: web.StreamResponse = await guard(request, handler)
            return response

        return middleware

    class LoopbackServer(Server):
        """Serves this machine and nobody else."""

        def __init__(self) -> None:
            super().__init__(shlex.join(command), HOST, port, title="PolySpec")
            self.key = secrets.token_urlsafe(16)
            self.address = f"{self.public_url}/?key={self.key}"

        def initialize_logging(self) -> None:
            """Leave the terminal alone."""

        async def on_startup(self, app: web.Application) -> None:
            sys.stderr.write(f"polyspec: open {self.address}\n")
            sys.stderr.write("polyspec: ctrl+c stops\n")
            sys.stderr.flush()

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(_as_middleware(self._guard))
            app.on_response_prepare.append(self._harden)
            return app

        async def _guard(
            self,
            request: web.Request,
            handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        ) -> web.StreamResponse:
            own = f"{HOST}:{self.port}"
            is_ours = request.host == own and request.headers.get(
                "Origin", f"http://{own}"
            ) == (f"http://{own}")
            given = request.query.get("key") or request.cookies.get(_COOKIE, "")
            if not is_ours or not hmac.compare_digest(given, self.key):
                raise web.HTTPForbidden(
                    text="Open the address that polyspec printed in its terminal."
                )
            response = await handler(request)
            if request.path == "/" and isinstance(response, web.Response):
                response.text = _FOREIGN_FONT.sub("", response.text or "")
            if not response.prepared:
                response.set_cookie(
                    _COOKIE, self.key, httponly=True, samesite="Strict", path="/"
                )
            return response

        async def _harden(
            self, _request: web.Request, response: web.StreamResponse
        ) -> None:
            response.headers["Content-Security-Policy"] = (
                "default-src 'none'; script-src 'self' 'unsafe-inline'; "
                "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                f"font-src 'self' data:; connect-src 'self' ws://{HOST}:{self.port}; "
                "frame-ancestors 'none'"
            )
            response.headers["Referrer-Policy"] = "no-referrer"

    return LoopbackServer()
