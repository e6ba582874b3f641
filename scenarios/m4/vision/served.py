"""The four protocols on this machine: a server that says what came in, as a model with eyes would.

It keeps nothing and runs no model. It is there for as long as it is used.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

from .wire import NAMES, PATHS, Arrived, Name, Refused, answer, received

LARGEST = 8_000_000
"""Bytes of a request."""
_PATIENCE = 30.0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Read a request, and tell what is in it."""
        name: Name | None = next((one for one in NAMES if PATHS[one] == self.path), None)
        length = int(self.headers.get("content-length") or 0)
        if name is None or not 0 < length <= LARGEST:
            status, said = (404, "no such path") if name is None else (413, "request too large")
            return self._say(status, {"error": {"message": said}})
        try:
            came = received(name, json.loads(self.rfile.read(length)))
        except (Refused, ValueError, RecursionError) as error:
            return self._say(400, {"error": {"message": str(error)}})
        return self._say(200, answer(name, told(came)))

    def _say(self, status: int, what: object) -> None:
        data = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the screen."""


def told(came: list[Arrived]) -> str:
    """What came in, in words."""
    return ", ".join(
        f"text ({len(one)} letters)"
        if isinstance(one, str)
        else f"picture ({one.points.shape[1]} × {one.points.shape[0]}, {one.media_type})"
        for one in came
    )


@contextmanager
def serving() -> Generator[str]:
    """The address of the server, while it is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(url: str, name: Name, request: Any) -> tuple[int, str]:
    """Post a request; the status, and what was answered or why it was refused."""
    data = json.dumps(request).encode()
    asked = urllib.request.Request(  # noqa: S310 - the address is ours
        url + PATHS[name], data, {"content-type": "application/json"}, method="POST"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=_PATIENCE) as given:
            said = json.loads(given.read())
            status = given.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(json.loads(error.read())["error"]["message"])
    return status, _words(name, said)


def _words(name: Name, said: Any) -> str:
    match name:
        case "chat":
            text = said["choices"][0]["message"]["content"]
        case "responses":
            text = said["output"][0]["content"][0]["text"]
        case "messages":
            text = said["content"][0]["text"]
        case "gemini":
            text = said["candidates"][0]["content"]["parts"][0]["text"]
    return cast(str, text)
