"""The app in a browser on this machine: `agentlab tui --web`.

Whoever can open the page can run code as you, in the sandbox and with your keys. So it listens on
the loopback only, the address carries a secret, and a page of another site that tries to reach in
is turned away, whether by its own address (`Origin`) or under a name that it made point here
(`Host`).
"""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from agentlab.errors import ConfigError, MissingExtra

HOST = "127.0.0.1"
_COOKIE = "agentlab"
_PAGES = Path(__file__).parent / "pages"
"""Our own page: the server's has no title, no keys until one clicks, and asks Google for a font."""


def command_line(*, runs: Path, labs: tuple[Path, ...], backend: str | None) -> str:
    """What the server runs for each page that is opened."""
    words = [sys.executable, "-m", "agentlab", "tui", "--runs", str(runs.resolve())]
    for lab in labs:
        words += ["--labs", str(lab.resolve())]
    if backend:
        words += ["--backend", backend]
    return shlex.join(words)


def serve(*, runs: Path, labs: tuple[Path, ...], backend: str | None, port: int) -> None:
    """Serve until Ctrl-C.

    Raises:
        MissingExtra: textual-serve is not installed.
        ConfigError: the port is taken.
    """
    command = command_line(runs=runs, labs=labs, backend=backend)
    server, secret = make_server(command, port)
    click.echo(f"Open http://{HOST}:{port}/?key={secret}")
    click.echo("Only this machine can. Ctrl-C ends it.")
    try:
        server.serve()
    except OSError as error:
        raise ConfigError(
            f"port {port} can't be listened on: {error.strerror or error}; choose another: --port"
        ) from error


def make_server(command: str, port: int) -> tuple[Any, str]:
    """A server, and the secret that its address must carry.

    Raises:
        MissingExtra: textual-serve is not installed.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ModuleNotFoundError as error:
        raise MissingExtra("textual-serve, which shows the app in a browser,", "browser") from error
    secret = secrets.token_urlsafe(24)
    guard = _guard(web, secret, port)

    class Guarded(Server):
        """Asks for the secret, and for the right host and origin, before anything else."""

        def initialize_logging(self) -> None:
            """Quiet: a log line for every byte helps nobody."""

        async def on_startup(self, app: Any) -> None:
            """No banner: the address was told."""

        async def _make_app(self) -> Any:
            app: Any = await super()._make_app()
            app.middlewares.append(guard)
            return app

    return Guarded(
        command, host=HOST, port=port, title="AgentLab", templates_path=str(_PAGES)
    ), secret


def _guard(web: Any, secret: str, port: int) -> Any:
    here = {f"{HOST}:{port}", f"localhost:{port}"}
    origins = {f"http://{name}" for name in here}
    own = " ".join((*sorted(origins), *(f"ws://{name}" for name in sorted(here))))
    # nothing is loaded from, or sent to, another host, whatever a page of the server's may name
    policy = f"default-src {own} data: blob: 'unsafe-inline' 'unsafe-eval'"

    @web.middleware
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        origin = request.headers.get("Origin")
        if request.host not in here or (origin is not None and origin not in origins):
            raise web.HTTPForbidden(text="this is not a page of AgentLab")
        key = request.query.get("key", "") or request.cookies.get(_COOKIE, "")
        if not secrets.compare_digest(key.encode(), secret.encode()):
            raise web.HTTPForbidden(text="open the whole address that agentlab tui --web printed")
        response = await handler(request)
        if not response.prepared:  # the headers of a stream have gone out already
            response.headers["Content-Security-Policy"] = policy
        if "key" in request.query:
            response.set_cookie(_COOKIE, secret, httponly=True, samesite="Strict")
        return response

    return guard
