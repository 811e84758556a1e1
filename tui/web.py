"""The app in a browser: served on loopback to whoever has the link, which works once.

textual-serve runs one app for each tab. What it leaves open is shut here: other users of the machine can reach
loopback, and so can every page that a browser shows. So the first visit trades a token for a cookie, which every
further request must have; requests for another host (DNS rebinding) or from another page are refused; and a page may
load nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from aiohttp import web
from textual_serve.server import Server

from engine.errors import InvalidRequest, Unsupported

HOST = "127.0.0.1"
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
_HEADERS = {
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # which would tell the token
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_FOCUS = """<script>
  const looking = setInterval(() => {
    const keys = document.querySelector("#terminal textarea");
    if (keys) { clearInterval(looking); keys.focus(); }
  }, 50);
</script>
</body>"""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebDeck(Server):
    """Serves the app on a port of loopback.

    Args:
        arguments: of ``boxdeck``, for the apps that are served.
        port: 0 takes one that is free.

    Raises:
        InvalidRequest: the port is taken.
    """

    def __init__(self, arguments: Sequence[str], port: int) -> None:
        try:
            self._listening = socket.create_server((HOST, port))
        except OSError as error:
            raise InvalidRequest(
                f"port {port} of {HOST} can't be served on ({error.strerror})", "take another with --web=PORT"
            ) from error
        port = self._listening.getsockname()[1]
        command = shlex.join([sys.executable, "-m", "tui.entry", *arguments])
        super().__init__(command, HOST, port, title="boxdeck", public_url=f"http://{HOST}:{port}")
        self._token: str | None = secrets.token_urlsafe(32)
        self._pass = secrets.token_urlsafe(32)
        self._cookie = f"boxdeck-{port}"  # browsers keep one jar for all ports of a host

    @property
    def link(self) -> str:
        """Where the app is, for one visit."""
        return f"{self.public_url}/?token={self._token}"

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        runner = web.AppRunner(await self._make_app(), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.SockSite(runner, self._listening, shutdown_timeout=1).start()
            await ended.wait()
        finally:
            await runner.cleanup()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_add_headers)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: whoever runs us has the link to say."""

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, which takes keys without a click first."""
        page = cast("web.Response", await super().handle_index(request))
        page.text = (page.text or "").replace("</body>", _FOCUS)
        return page

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.host != f"{HOST}:{self.port}":
            raise web.HTTPForbidden(text=f"This is {self.public_url} and nothing else.")
        if request.headers.get("Origin", self.public_url) != self.public_url:
            raise web.HTTPForbidden(text="Another page asked for this.")
        if token := request.query.get("token"):
            return self._admit(token)
        if not secrets.compare_digest(request.cookies.get(self._cookie, "").encode(), self._pass.encode()):
            raise web.HTTPForbidden(text="Boxdeck is behind the link that `boxdeck --web` printed, in one browser.")
        return await handler(request)

    def _admit(self, token: str) -> web.StreamResponse:
        """Trade the token for the cookie, once."""
        if self._token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPForbidden(text="This link has been used, or is another's: start `boxdeck --web` again.")
        self._token = None
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self._pass, httponly=True, samesite="Strict", path="/")
        return response


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def parse_port(text: str) -> int:
    """A port from the command line.

    Raises:
        InvalidRequest: it isn't one.
    """
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise InvalidRequest(f"--web={text} isn't a port", "take one between 1 and 65535, or none for any")
    return int(text)


def serve(arguments: Sequence[str], port: int) -> None:
    """Serve the app and print its link; returns after SIGINT or SIGTERM.

    Raises:
        BoxdeckError: why that can't be.
    """
    if os.geteuid() != 0:
        raise Unsupported("Boxdeck needs root to make namespaces, cgroups and mounts", "run it with sudo")
    deck = WebDeck(arguments, port)
    sys.stdout.write(f"{deck.link}\n")
    sys.stdout.write("This link works once, on this machine. Ctrl-C ends it; containers keep running.\n")
    sys.stdout.flush()
    asyncio.run(deck.run())
