"""Server-sent events come out whole, wherever the network cuts; the SDK's own reader agrees."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from agentlab.backends.sse import Frames
from agentlab.errors import StreamBroken

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
FIELDS = st.sampled_from(["data:", "data: ", "data", ": ", "event: ", "id:", "retry: ", "", "x"])
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.tuples(FIELDS, VALUES, LINE_ENDS), max_size=12))
    return "".join(field + value + end for field, value, end in lines).encode() + b"\n\n"


def read(chunks: list[bytes]) -> list[bytes]:
    frames = Frames()
    return [data for chunk in chunks for data in frames.feed(chunk)]


def oracle(stream: bytes) -> list[bytes]:
    """What the SDK makes of it: of its events, those that carry data."""
    return [sse.data.encode() for sse in SSEDecoder().iter_bytes(iter([stream])) if sse.data]


@given(streams())
def test_the_sdk_reads_the_same(stream: bytes) -> None:
    assert read([stream]) == oracle(stream)


@given(streams(), st.lists(st.integers(0, 80), max_size=8))
def test_it_does_not_matter_where_a_stream_is_cut(stream: bytes, places: list[int]) -> None:
    edges = [0, *sorted(min(p, len(stream)) for p in places), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert read(chunks) == read([stream])


def test_a_carriage_return_at_the_end_of_a_chunk_may_be_half_a_line_end() -> None:
    assert read([b"data: a\r", b"\ndata: b\r", b"\n\r\n"]) == [b"a\nb"]


def test_an_event_the_stream_ends_in_is_not_handed_out() -> None:
    assert read([b"data: a\n\ndata: b\n"]) == [b"a"]


def test_a_mark_of_byte_order_is_passed_over() -> None:
    assert read([b"\xef\xbb\xbfdata: a\n\n"]) == [b"a"]


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: " + b"x" * 93 + b"\n"])
def test_an_event_has_a_greatest_length(piece: bytes) -> None:
    frames = Frames(max_event=1000)
    for _ in range(9):
        assert list(frames.feed(piece)) == []
    with pytest.raises(StreamBroken, match="longer than"):
        list(frames.feed(2 * piece))


def test_many_small_events_are_no_long_event() -> None:
    frames = Frames(max_event=1000)
    assert sum(len(list(frames.feed(b"data: 0123456789\n\n"))) for _ in range(500)) == 500
