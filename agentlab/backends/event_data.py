"""What the bytes of an answer are: a stream of events or one JSON value, and what an event says.

Services call their answers what they like, so it is the bytes that are looked at. What means well
is read, though it is not quite as the protocol has it: an event wrapped in another, events without
a blank line between them, lines of JSON without a stream around them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from pydantic_core import from_json

DONE = object()
"""The mark at the end of a stream."""

BOM = b"\xef\xbb\xbf"
"""The mark of byte order, which some servers begin with."""
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""What the lines of a stream of events begin with."""
_LONGEST_FIELD = max(map(len, _FIELDS))


def values(data: bytes) -> Sequence[Any]:
    """The JSON values in the data of one event; `DONE` for the mark of the end. Most often one.

    Raises:
        ValueError: the data is not JSON.
    """
    if data == b"[DONE]":
        return (DONE,)
    try:
        decoded = _json(data)
    except ValueError:
        lines = list(_lines(data))
        if lines == [data]:
            raise
        return [value for line in lines for value in values(line)]
    # what says nothing only keeps the connection alive
    return () if decoded is None or decoded == {} else (decoded,)


def _lines(data: bytes) -> Iterator[bytes]:
    for line in data.split(b"\n"):
        bare = line.strip().removeprefix(b"data:").strip()
        if bare:
            yield bare


def _json(data: bytes) -> Any:
    """JSON, also with half a surrogate pair in a string: the other half comes with the next."""
    try:
        return from_json(data)
    except ValueError:
        if b"\\ud" not in data and b"\\uD" not in data:
            raise
        return json.loads(data)


async def begin(chunks: AsyncIterator[bytes], content_type: str) -> tuple[bytes, bool]:
    """The first bytes of an answer, and whether they begin a stream of events.

    An answer without a byte is a stream that broke off. What is called a stream is one, unless it
    begins as JSON or a page does.
    """
    begun = b""
    async for chunk in chunks:
        begun += chunk
        start = _bare(begun)
        if len(start) >= _LONGEST_FIELD or b"\n" in start:
            break
        if start and not any(field.startswith(start) for field in _FIELDS):
            break
    start = _bare(begun)
    called_one = content_type.startswith("text/event-stream")
    return begun, (
        not start
        or start.startswith(_FIELDS)
        or (called_one and not start.startswith((b"{", b"[", b"<")))
    )


def _bare(begun: bytes) -> bytes:
    """The beginning of an answer without what may stand before it: nothing where that is cut."""
    return b"" if BOM.startswith(begun) else begun.removeprefix(BOM).lstrip()


async def after(begun: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks with those in front that were taken to see how the answer begins."""
    yield begun
    async for chunk in chunks:
        yield chunk
