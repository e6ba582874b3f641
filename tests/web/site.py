"""A site on loopback: what each path answers, and what was asked of it."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from agentlab_tools.web import Fetcher, FetchLimits


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    endless: bool = False


@dataclass
class Site:
    port: int
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    asked: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    sent: list[int] = field(default_factory=list[int])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, body: bytes | str, kind: str = "text/html", **headers: str) -> str:
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(data, headers={"content-type": kind, **named})
        return self.url(path)

    def lead(self, path: str, to: str, status: int = 302) -> str:
        self.answers[path] = Answer(status=status, headers={"location": to})
        return self.url(path)

    async def gone(self) -> int:
        """How many bytes of an endless body were sent before the other side hung up."""
        async with asyncio.timeout(10):
            while not self.sent:  # noqa: ASYNC110 - the server is a thread
                await asyncio.sleep(0.01)
        return self.sent[-1]

    def fetcher(self, limits: FetchLimits | None = None, *, robots: bool = True) -> Fetcher:
        return Fetcher(private_hosts=[f"127.0.0.1:{self.port}"], limits=limits, robots=robots)


@contextmanager
def serving() -> Generator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append({name.lower(): value for name, value in self.headers.items()})
            missing = Answer(status=404)
            answer = site.answers.get(self.path, missing)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.endless:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            sent = 0
            try:
                self.wfile.write(answer.body)
                while answer.endless and answer.body and sent < 64 << 20:
                    sent += len(answer.body)
                    self.wfile.write(answer.body)
                if answer.endless:  # silence, until the other side hangs up
                    self.connection.settimeout(30)
                    self.connection.recv(1)
            except OSError:
                pass
            if answer.endless:
                site.sent.append(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        site = Site(server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def bomb(size: int) -> bytes:
    """Gzip of `size` zeros, in a thousandth of that."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    pieces = [packer.compress(block) for _ in range(size >> 20)]
    return b"".join([*pieces, packer.flush()])


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
