"""How the bytes of a stream come, how it fails in the middle, and what a service passes over."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from loopback import Answer, Connection, Loopback, chunked, events, http_head, pieces_of, sse
from recorded import CHAT, DONE, PROTOCOLS, chunk, text_block
from wire import ADD1, GREETING, HI, X1, adds_up, ask, call, closed, said_by_claude, tool

from agentlab.backend import Reply, Settings, ToolCallDelta
from agentlab.backends import connect
from agentlab.errors import AgentLabError, BadRequest, RateLimited, ServiceUnavailable, StreamBroken
from agentlab.messages import Text

# How the bytes of a stream come


def with_trailers(data: bytes) -> Answer:
    async def answer(connection: Connection) -> None:
        head = http_head(transfer_encoding="chunked", trailer="x-checksum, x-cost")
        extended = f"{len(data):X};name=value\r\n".encode() + data + b"\r\n"
        await connection.send(head + extended + b"0\r\nx-checksum: 1\r\nx-cost: 2\r\n\r\n")

    return answer


def compressed(data: bytes, encoding: str) -> Answer:
    """A stream compressed as a whole, handed out event by event."""
    window = {"gzip": 31, "deflate": 15}[encoding]
    packer = zlib.compressobj(wbits=window)

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked", content_encoding=encoding))
        for event in data.split(b"\n\n"):
            packed = packer.compress(event + b"\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
            await connection.send(chunked(packed))
        await connection.send(chunked(packer.flush()) + b"0\r\n\r\n")

    return answer


WAYS: Mapping[str, Callable[[bytes], Answer]] = {
    "every byte alone": lambda data: sse(*pieces_of(data, 1)),
    "CRLF, every byte alone": lambda data: sse(*pieces_of(data.replace(b"\n", b"\r\n"), 1)),
    "CR": lambda data: sse(data.replace(b"\n", b"\r")),
    "CRLF and LF mixed": lambda data: sse(data.replace(b"\n", b"\r\n", 3)),
    "a comment before every line": lambda data: sse(b": hi\n" + data.replace(b"\n", b"\n: hi\n")),
    "comments for seconds before it": lambda data: sse(b": PROCESSING\n\n" * 50 + data),
    "a mark of byte order": lambda data: sse(b"\xef\xbb\xbf" + data),
    "a mark of byte order, byte by byte": lambda data: sse(*pieces_of(b"\xef\xbb\xbf" + data, 1)),
    "blank lines before it": lambda data: sse(b"\r\n\r\n\n" + data),
    "an id and a time to wait for": lambda data: sse(b"id: 7\nretry: 500\n" + data),
    "a field of its own first": lambda data: sse(b"version: 2\n" + data),
    "no space after the colon": lambda data: sse(data.replace(b"data: ", b"data:")),
    "no [DONE]": lambda data: sse(data.removesuffix(DONE)),
    "no blank line at the end": lambda data: sse(data.removesuffix(DONE).rstrip(b"\n")),
    "one line end at the end": lambda data: sse(data.removesuffix(DONE).rstrip(b"\n") + b"\n"),
    "no blank line between events": lambda data: sse(data.replace(b"\n\n", b"\n")),
    "[DONE] twice": lambda data: sse(data + DONE + DONE),
    "[DONE] with spaces": lambda data: sse(data.removesuffix(DONE) + b"data:  [DONE] \n\n"),
    "a stream in a stream": lambda data: sse(data.replace(b"data: ", b"data: data: ")),
    "empty events between": lambda data: sse(data.replace(b"\n\n", b"\n\ndata:\n\n")),
    "null between": lambda data: sse(data.replace(b"\n\n", b"\n\ndata: null\n\n")),
    "empty objects between": lambda data: sse(b"data: {}\n\n" + data),
    "pings between": lambda data: sse(
        data.replace(b"\n\n", b'\n\nevent: ping\ndata: {"type": "ping"}\n\n')
    ),
    "HTTP/1.0": closed,
    "closed without a length": lambda data: closed(data, "1.1"),
    "trailers": with_trailers,
    "gzip": lambda data: compressed(data, "gzip"),
    "deflate": lambda data: compressed(data, "deflate"),
    "gzip, closed without a length": lambda data: closed(
        gzip.compress(data), "1.1", content_encoding="gzip"
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_stream_is_read_however_its_bytes_come(protocol: str, way: str) -> None:
    plain = PROTOCOLS[protocol]["text"]
    async with Loopback(WAYS[way](plain)) as server:
        deltas, reply = await ask(server, protocol)
    adds_up(deltas, reply)
    assert reply.message.parts == (Text(text=GREETING),)
    assert (reply.stop, reply.usage.input_tokens) == ("end", 100)
    async with Loopback(WAYS[way](PROTOCOLS[protocol]["calls"])) as server:
        deltas, reply = await ask(server, protocol)
    adds_up(deltas, reply)
    assert [(c.id, c.name) for c in reply.message.tool_calls] == [
        ("call_a", "add"),
        ("call_b", "weather"),
    ]
    assert reply.message.text == "First this. Then that."


async def test_lines_of_json_without_a_stream_around_them_are_read() -> None:
    lines = CHAT["text"].removesuffix(DONE).replace(b"data: ", b"").replace(b"\n\n", b"\n")
    async with Loopback(closed(lines)) as server:
        deltas, reply = await ask(server)
    adds_up(deltas, reply)
    assert (reply.message.text, reply.usage.input_tokens) == (GREETING, 100)


# What fails in the middle of a stream is told as what it is

SORRY = "The engine ran out of steam."
FAILURES: Mapping[str, tuple[Any, type[AgentLabError]]] = {
    "an error": ({"error": {"message": SORRY, "type": "server_error"}}, ServiceUnavailable),
    "an error in a list": ([{"error": {"message": SORRY, "code": 503}}], ServiceUnavailable),
    "a text": ({"error": SORRY}, ServiceUnavailable),
    "a text and a code": ({"error": SORRY, "code": 429}, RateLimited),
    "an object called error": ({"object": "error", "message": SORRY, "code": 400}, BadRequest),
    "a message alone": ({"message": SORRY, "code": "429"}, RateLimited),
    "a detail": ({"detail": SORRY}, ServiceUnavailable),
    "a status and a message": ({"statusCode": 429, "message": SORRY}, RateLimited),
    "a choice that failed": (
        {"choices": [{"error": {"code": 429, "message": SORRY}, "finish_reason": "error"}]},
        RateLimited,
    ),
    "a choice that failed, and says so above": (
        {"error": {"code": 502, "message": SORRY}, "choices": [{"finish_reason": "error"}]},
        ServiceUnavailable,
    ),
}


@pytest.mark.parametrize("before", [[], [chunk({"content": "So"})]], ids=["first", "later"])
@pytest.mark.parametrize("form", FAILURES)
async def test_a_failure_in_a_stream_says_what_the_service_says(form: str, before: Any) -> None:
    body, kind = FAILURES[form]
    async with Loopback(sse(events(*before, body) + DONE)) as server:
        with pytest.raises(kind, match=SORRY):
            await ask(server)


@pytest.mark.parametrize("form", FAILURES)
async def test_a_failure_in_one_piece_says_what_the_service_says(form: str) -> None:
    body, kind = FAILURES[form]
    async with Loopback(closed(json.dumps(body).encode())) as server:
        with pytest.raises(kind, match=SORRY):
            await ask(server)


@pytest.mark.parametrize("content_type", ["text/plain", "text/event-stream"])
async def test_a_failure_without_json_says_what_the_service_says(content_type: str) -> None:
    body = events(chunk({"content": "So"})) + b"event: error\ndata: " + SORRY.encode() + b"\n\n"
    async with Loopback(sse(body)) as server:
        with pytest.raises(StreamBroken, match=SORRY):
            await ask(server)


@pytest.mark.parametrize(
    ("protocol", "bodies"),
    [
        ("chat", [chunk({"content": "So"})]),
        ("anthropic", said_by_claude(text_block("So"), stop=None)),
    ],
)
async def test_an_end_without_a_reason_counts_where_the_services_file_says_so(
    protocol: str, bodies: Any, tmp_path: Any
) -> None:
    async with Loopback(sse(events(*bodies) + DONE)) as server:
        with pytest.raises(StreamBroken, match=re.escape('stops = { "" = "end" }')):
            await ask(server, protocol)
        path = "" if protocol == "anthropic" else "/v1"
        file = tmp_path / "services.toml"
        file.write_text(
            f'[services.mine]\nprotocol = "{protocol}"\nbase_url = "{server.url}{path}"\n'
            'stops = { "" = "end" }'
        )
        backend = connect("mine:m", services=file)
        *_, reply = [item async for item in backend.stream(HI)]
        await backend.aclose()
    assert isinstance(reply, Reply)
    assert (reply.message.text, reply.stop) == ("So", "end")


@pytest.mark.parametrize("cut", [1, 9, 30])
async def test_a_stream_without_its_end_mark_is_still_a_stream_that_broke(cut: int) -> None:
    async with Loopback(sse(events(chunk({"content": "So"}), chunk({}, "stop"))[:-cut])) as server:
        if cut == 1:  # only a line end is gone
            assert (await ask(server))[1].message.text == "So"
        else:
            with pytest.raises(StreamBroken, match="broke off"):
                await ask(server)


@pytest.mark.parametrize("lost", [1, 9, 40])
async def test_a_compressed_stream_that_is_cut_is_no_answer(lost: int) -> None:
    body = gzip.compress(events(chunk({"content": "So"}), chunk({"content": "!" * 99}, "stop")))
    async with Loopback(closed(body[:-lost], "1.1", content_encoding="gzip")) as server:
        try:
            _, reply = await ask(server)
        except StreamBroken:
            return
        assert reply.message.text == "So" + "!" * 99  # only the check sum was cut


async def test_a_compression_nobody_asked_for_is_named() -> None:
    async with Loopback(closed(b"\x8b\x02\x80data", "1.1", content_encoding="x-snappy")) as server:
        with pytest.raises(StreamBroken, match="x-snappy"):
            await ask(server)


# Settings that are passed over


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("said", "kept", "stop"),
    [
        ("One two END three", "One two ", "stop_sequence"),
        ("One two\n\nEN", "One two\n\nEN", "end"),
        ("One two STOP", "One two ", "stop_sequence"),
        ("ENDless", "", "stop_sequence"),
        ("EEND", "E", "stop_sequence"),
        ("One two", "One two", "end"),
    ],
)
@pytest.mark.parametrize("protocol", ["chat", "anthropic"])
async def test_a_stop_sequence_holds_where_a_service_passes_over_it(
    protocol: str, said: str, kept: str, stop: str, size: int
) -> None:
    pieces = [said[i : i + size] for i in range(0, len(said), size)]
    spoken = {
        "chat": events(*(chunk({"content": p}) for p in pieces), chunk({}, "stop")) + DONE,
        "anthropic": events(*said_by_claude(text_block(*pieces))),
    }
    async with Loopback(sse(spoken[protocol])) as server:
        deltas, reply = await ask(server, protocol, Settings(stop=("END", "STOP")))
        body = server.requests[0].json
    assert body.get("stop", body.get("stop_sequences")) == ["END", "STOP"]
    adds_up(deltas, reply)
    assert (reply.message.text, reply.stop) == (kept, stop)


async def test_what_comes_after_a_stop_sequence_is_left_out_whole() -> None:
    more = [chunk({"reasoning": "hm"}), *tool([call("add", X1, index=0, id="c1")])]
    async with Loopback(sse(events(chunk({"content": "a END b"}), *more) + DONE)) as server:
        deltas, reply = await ask(server, settings=Settings(stop=("END",)))
    adds_up(deltas, reply)
    assert not [d for d in deltas if isinstance(d, ToolCallDelta)]
    assert (reply.message.parts, reply.stop) == ((Text(text="a "),), "stop_sequence")


async def test_text_that_may_be_a_stop_is_kept_in_its_place_before_a_call() -> None:
    more = tool([call("add", X1, index=0, id="c1")])
    async with Loopback(sse(events(chunk({"content": "a EN"}), *more) + DONE)) as server:
        deltas, reply = await ask(server, settings=Settings(stop=("END",)))
    adds_up(deltas, reply)
    assert reply.message.parts == (Text(text="a EN"), ADD1)


@pytest.mark.parametrize(
    "told",
    [
        {"content": [{"token": "So", "logprob": -0.5, "top_logprobs": []}]},
        {"tokens": ["So"], "token_logprobs": [-0.5], "top_logprobs": [{"So": -0.5}]},
        {"tokens": ["So"], "token_logprobs": [-0.5]},
    ],
)
async def test_log_probabilities_are_read_in_both_shapes(told: Any) -> None:
    choice = {"index": 0, "delta": {"content": "So"}, "logprobs": told, "finish_reason": "stop"}
    async with Loopback(sse(events({"choices": [choice]}) + DONE)) as server:
        _, reply = await ask(server, settings=Settings(logprobs=1))
    assert [(t.text, t.logprob) for t in reply.tokens] == [("So", -0.5)]
