"""A tiny HTTP server on loopback that answers with the very bytes it is told to.

async with Loopback(sse(CHUNKS), status(429), sse(CHUNKS)) as server:
    ...                       # the answers in order; the last one again and again
    server.requests[0].body   # what was asked
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

Send = Callable[[bytes], Awaitable[None]]
Answer = Callable[["Connection"], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Connection:
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    server: Loopback

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def abort(self) -> None:
        self.writer.transport.abort()


class Loopback:
    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.connections = 0
        self.open = 0
        self.errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 26)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def all_closed(self) -> None:
        """Wait until the other side has closed every connection."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                method, path, _ = first.split(" ")
                pairs = (line.split(": ", 1) for line in lines if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Request(method, path, headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(Connection(writer, reader, self))
                if writer.transport.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:
            self.errors.append(error)
        finally:
            self.open -= 1
            writer.close()


def http_head(
    code: int = 200, content_type: str = "text/event-stream", **headers: str | int
) -> bytes:
    lines = [f"HTTP/1.1 {code} X", f"content-type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""


def sse(*pieces: bytes, wait: float = 0.0) -> Answer:
    """A stream, whole, sent piece by piece."""

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked"))
        for piece in pieces:
            await connection.send(chunked(piece))
            await asyncio.sleep(wait)
        await connection.send(b"0\r\n\r\n")

    return answer


def cut(*pieces: bytes) -> Answer:
    """A stream whose connection is closed before its end."""

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked"))
        for piece in pieces:
            await connection.send(chunked(piece))
        await asyncio.sleep(0.01)
        connection.writer.close()

    return answer


def hang(*pieces: bytes) -> Answer:
    """A stream that stops and stays open."""

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked"))
        for piece in pieces:
            await connection.send(chunked(piece))
        await connection.reader.read()
        connection.writer.close()

    return answer


def status(code: int, body: Any = None, **headers: str | int) -> Answer:
    """An answer that is no stream."""
    data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()

    async def answer(connection: Connection) -> None:
        head = http_head(code, "application/json", content_length=len(data), **headers)
        await connection.send(head + data)

    return answer


def events(*bodies: Mapping[str, Any], named: bool = False) -> bytes:
    """Events on the wire; `named` repeats the type in an `event:` line, as some protocols do."""
    return b"".join(
        (f"event: {body['type']}\n".encode() if named else b"")
        + b"data: "
        + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        + b"\n\n"
        for body in bodies
    )


def pieces_of(data: bytes, size: int) -> Iterable[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))
