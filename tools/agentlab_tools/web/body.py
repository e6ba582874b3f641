"""The body of an answer: unpacked here, and never more of it than was asked for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import httpx

from agentlab.errors import AgentLabError


class FetchError(AgentLabError):
    """A page can't be had; the text is one line that says why."""


@dataclass(frozen=True)
class Body:
    """What was read of a body.

    Attributes:
        data: its bytes, unpacked.
        whole: whether that is all of it.
    """

    data: bytes
    whole: bool


async def read_body(response: httpx.Response, limit: int) -> Body:
    """At most `limit` bytes of a streamed body, unpacked, for which at most as many were taken.

    Both are counted, since they are not bound to each other: a kilobyte unpacks to a megabyte, and
    empty members of gzip, one after the other, to nothing however long they go on.

    Raises:
        FetchError: it is packed in a way that was not asked for, or damaged.
        httpx.HTTPError: the connection broke.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise FetchError(f"{response.url.host} answers in an encoding it was not asked for")
    unpack = _Unpacked() if "gzip" in encoding else None
    data, sent = bytearray(), 0
    async for chunk in response.aiter_raw(_CHUNK):
        sent += len(chunk)
        try:
            data += chunk if unpack is None else unpack(chunk, limit - len(data) + 1)
        except zlib.error:
            raise FetchError(f"{response.url.host} sent damaged data") from None
        if len(data) > limit or sent > limit:
            return Body(bytes(data[:limit]), whole=False)
    return Body(bytes(data), whole=True)


_CHUNK = 65536


class _Unpacked:
    """Unpacks gzip, one member after the other, and never more than is asked for."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)

    def __call__(self, chunk: bytes, most: int) -> bytes:
        data = bytearray()
        while chunk and len(data) < most:
            if self._stream.eof:
                self._stream = zlib.decompressobj(31)
            data += self._stream.decompress(chunk, most - len(data))
            chunk = self._stream.unused_data or self._stream.unconsumed_tail
        return bytes(data)
