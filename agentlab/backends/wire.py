"""The way to a hosted service and back, the same for every protocol.

A protocol makes the bytes of a request and reads the events of the answer; everything between is
here: the SDK's client (authentication, connections, proxies), the limiter, retries, timeouts, the
reading of the stream, and the closing of the connection, also when the caller is cancelled or stops
reading. What comes out ends in exactly one `Reply`, or raises one of AgentLab's errors.

Promised: a stream that breaks off is never passed off as a short answer; it is tried again while
nothing of it was handed on, and raises StreamBroken after that. Not promised: that a service which
sends a piece of text twice is found out, where its protocol numbers nothing.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Protocol

from pydantic import Field
from pydantic_core import to_json

from agentlab.backend import Delta, Reply
from agentlab.backends.event_data import BOM, DONE, after, begin, values
from agentlab.backends.failures import Service, from_body, translate
from agentlab.backends.limiter import Limiter
from agentlab.backends.retry import RetryPolicy
from agentlab.backends.sse import Frames
from agentlab.errors import AgentLabError, RateLimited, StreamBroken
from agentlab.messages import Value

_PATIENCE = 2.0
"""Seconds to wait, once an answer is whole, for the count of its tokens."""
_LINGER = 0.25
"""Seconds to wait for a stream to end after its answer did, so its connection can be reused."""

_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What reading an event raises that is not shaped as its protocol says."""


class Timeouts(Value):
    """How long to wait for a service, in seconds."""

    connect: float = Field(default=10.0, gt=0)
    read: float = Field(default=300.0, gt=0)
    """For the next piece of an answer. Some models think for minutes before the first."""
    total: float = Field(default=1800.0, gt=0)
    """For a request with all its retries."""


class Client(Protocol):
    """What is used of an SDK's asynchronous client; both SDKs have it."""

    async def post(
        self,
        path: str,
        *,
        cast_to: Any,
        content: bytes,
        options: Any,
        stream: bool,
        stream_cls: Any,
    ) -> Any:
        """Send bytes; with `cast_to` an HTTP response, hand back the response unread."""
        ...

    async def get(self, path: str, *, cast_to: Any) -> Any:
        """Fetch JSON."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Decoder(Protocol):
    """Reads the events of one answer."""

    def feed(self, event: Any) -> Sequence[Delta]:
        """What the event adds. Raises any of the errors of careless indexing on nonsense."""
        ...

    def read(self, body: Any) -> Sequence[Delta]:
        """What an answer that came as one JSON object says; errors as with `feed`."""
        ...

    @property
    def whole(self) -> bool:
        """Whether the answer has come to its end."""
        ...

    def finish(self, marked: bool) -> Sequence[Delta]:
        """What was held back in case more came, of which there is nothing now.

        Args:
            marked: whether the stream said that it has come to its end.

        Raises:
            StreamBroken: it said so, but not why, and it may be cut short.
        """
        ...

    def reply(self) -> Reply:
        """The answer, once it is whole."""
        ...


class Wire:
    """Sends requests to one service.

    Args:
        service: whom to ask.
        make_client: makes the SDK's client; called once for each event loop the wire is used in.
        limiter, retry, timeouts: see there.
    """

    def __init__(
        self,
        service: Service,
        make_client: Callable[[], Client],
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.service = service
        self._make_client = make_client
        self._limiter = limiter or Limiter()
        self._retry = retry or RetryPolicy()
        self._total = (timeouts or Timeouts()).total
        self._clients: dict[asyncio.AbstractEventLoop, Client] = {}
        self._lock = threading.Lock()  # loops run in threads of their own
        self._random = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def client(self) -> Client:
        """The SDK's client for the running event loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                # connections belong to the loop they were opened in, and are gone with it
                for gone in [one for one in self._clients if one.is_closed()]:
                    del self._clients[gone]
                self._clients[loop] = self._make_client()
            return self._clients[loop]

    async def aclose(self) -> None:
        """Close the connections: here, and in every other loop that runs."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for loop, client in clients.items():
            if loop is asyncio.get_running_loop():
                await client.close()
            elif loop.is_running():
                closed = asyncio.run_coroutine_threadsafe(client.close(), loop)
                await asyncio.wrap_future(closed)

    async def ask(
        self, path: str, body: bytes, decoder: Callable[[], Decoder]
    ) -> AsyncGenerator[Delta | Reply]:
        """Send `body`; hand on deltas and then the reply, trying again as the policy says.

        Raises:
            BackendError: what the last attempt ended in.
            ConfigError: the service does not know the model.
        """
        deadline = asyncio.get_running_loop().time() + self._total
        attempt, waited = 1, 0.0
        while True:
            begun = False
            failure: AgentLabError
            try:
                async with asyncio.timeout_at(deadline):
                    await self._limiter.acquire()
                try:
                    async with aclosing(self._once(path, body, decoder(), deadline)) as answer:
                        async for item in answer:
                            begun = True
                            yield item
                finally:
                    self._limiter.release()
                return
            except Exception as error:  # noqa: BLE001 - what it is not is raised as it was
                failure = translate(error, self.service)
            # raised outside of the handler: the SDK's exception holds the request, and so the key
            if begun:
                raise failure
            pause = self._retry.pause(attempt, failure, waited, self._random.random())
            if pause is None or asyncio.get_running_loop().time() + pause > deadline:
                raise failure
            if isinstance(failure, RateLimited):
                self._limiter.hold(pause)
            await asyncio.sleep(pause)
            attempt, waited = attempt + 1, waited + pause

    async def _once(
        self, path: str, body: bytes, decoder: Decoder, deadline: float
    ) -> AsyncGenerator[Delta | Reply]:
        from httpx2 import Response

        async with asyncio.timeout_at(deadline):
            response = await self.client().post(
                path,
                cast_to=Response,
                content=body,
                options={"headers": {"content-type": "application/json"}},
                stream=True,
                stream_cls=object,
            )
        try:
            chunks = response.aiter_bytes().__aiter__()
            content_type = response.headers.get("content-type", "")
            _expect_readable(response, self.service.name)
            async with asyncio.timeout_at(deadline):
                # what the bytes are decides, not what the server calls them
                begun, is_stream = await begin(chunks, content_type)
                if not is_stream:
                    body = b"".join([begun, *[chunk async for chunk in chunks]])
                    for delta in self._read_whole(decoder, content_type, body):
                        yield delta
                    yield self._reply(decoder)
                    return
            frames, chunks = Frames(), after(begun, chunks)
            marked = False
            while not marked:
                try:
                    async with asyncio.timeout_at(self._until(deadline, decoder)):
                        chunk = await anext(chunks, None)
                except Exception:
                    if decoder.whole:
                        break
                    raise
                for data in (frames.rest(),) if chunk is None else frames.feed(chunk):
                    for event in self._events(decoder, data, last=chunk is None):
                        marked = marked or event is DONE
                        for delta in () if marked else self._read(decoder, event):
                            yield delta
                    if marked:
                        break
                if chunk is None:
                    break
            for delta in self._finished(decoder, marked):
                yield delta
            if not decoder.whole:
                raise StreamBroken(f"the answer of {self.service.name} broke off half-way")
            reply = self._reply(decoder)
            await _drain(chunks)
        finally:
            await response.aclose()
        yield reply

    @staticmethod
    def _until(deadline: float, decoder: Decoder) -> float:
        if not decoder.whole:
            return deadline
        return min(deadline, asyncio.get_running_loop().time() + _PATIENCE)

    def _events(self, decoder: Decoder, data: bytes, *, last: bool) -> Sequence[Any]:
        """What an event says; the `last` of a stream counts only where it is whole."""
        with suppress(ValueError):
            return values(data) if data else ()
        if last or decoder.whole:
            return ()
        # raised outside of a handler: what could not be read may hold the key
        raise self._nonsense(data)

    def _read(self, decoder: Decoder, event: Any) -> Sequence[Delta]:
        try:
            failure = from_body(event, self.service)
            if failure is None:
                return decoder.feed(event)
        except _NONSENSE:
            if decoder.whole:
                return ()
            failure = self._nonsense(to_json(event, fallback=str))
        raise failure

    def _nonsense(self, data: bytes) -> StreamBroken:
        excerpt = self.service.clean(data[:100].decode("utf-8", "replace"))
        return StreamBroken(f"{self.service.name} sent what its protocol does not know: {excerpt}")

    def _finished(self, decoder: Decoder, marked: bool) -> Sequence[Delta]:
        try:
            return decoder.finish(marked)
        except _NONSENSE:
            return ()

    def _reply(self, decoder: Decoder) -> Reply:
        try:
            return decoder.reply()
        except _NONSENSE:
            name = self.service.name
            failure = StreamBroken(f"{name} ended its answer in a way its protocol does not know")
        raise failure

    def _read_whole(self, decoder: Decoder, content_type: str, body: bytes) -> Sequence[Delta]:
        """What an answer in one piece says, from a server that passes over `stream`."""
        name = self.service.name
        with suppress(*_NONSENSE):
            deltas: list[Delta] = []
            answers = values(body.removeprefix(BOM))
            for value in answers:
                failure = None if value is DONE else from_body(value, self.service)
                if failure is not None:
                    raise failure
                if value is not DONE:
                    # several values are the events of a stream that has nothing around them
                    deltas += decoder.read(value) if len(answers) == 1 else decoder.feed(value)
            deltas += decoder.finish(marked=True)
            if decoder.whole:
                return deltas
        excerpt = self.service.clean(body[:200].decode("utf-8", "replace"))
        raise StreamBroken(
            f"{name} answered with {content_type or 'no type'}, not a stream: {excerpt}"
        )


def _expect_readable(response: Any, name: str) -> None:
    """Raises StreamBroken where an answer is compressed in a way that was not offered."""
    offered = f"identity, {response.request.headers.get('accept-encoding', '')}"
    coding = response.headers.get("content-encoding", "")
    if any(one.strip().lower() not in offered for one in coding.split(",")):
        raise StreamBroken(
            f"{name} compressed its answer as {coding}, which was not asked for and can't be read"
        )


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read on to the end of a response, so that its connection can serve the next request."""
    with suppress(Exception):
        async with asyncio.timeout(_LINGER):
            async for _ in chunks:
                pass
