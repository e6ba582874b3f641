"""Retries, timeouts, cancellation and connections: what holds between a backend and the network."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from loopback import Loopback, chunked, cut, hang, http_head, sse, status
from recorded import CHAT, PROTOCOLS, chunk, events

from agentlab.backend import Backend, Delta, Reply, TextDelta
from agentlab.backends import connect
from agentlab.backends.limiter import Limiter
from agentlab.backends.retry import RetryPolicy
from agentlab.backends.wire import Timeouts
from agentlab.errors import (
    AuthError,
    BackendError,
    BadRequest,
    ContextOverflow,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
    StreamBroken,
)
from agentlab.messages import Message

QUICK = RetryPolicy(attempts=3, first=0.001, longest=0.01)
MODELS = {"chat": "openai:gpt-5", "responses": "openai:gpt-5", "anthropic": "anthropic:claude-x"}
HI = [Message.user("Hi")]
protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def backend_for(server: Loopback, protocol: str = "chat", **options: Any) -> Backend:
    url = server.url if protocol == "anthropic" else f"{server.url}/v1"
    options = {"retry": QUICK, **options}
    return connect(MODELS[protocol], base_url=url, api_key="sk-test", protocol=protocol, **options)


async def ask(backend: Backend) -> list[Delta | Reply]:
    return [item async for item in backend.stream(HI)]


async def answer_of(*answers: Any, protocol: str = "chat", **options: Any) -> tuple[Reply, int]:
    """The reply, and how many requests it took."""
    async with Loopback(*answers) as server:
        backend = backend_for(server, protocol, **options)
        try:
            reply = (await ask(backend))[-1]
        finally:
            await backend.aclose()
        await server.all_closed()
    assert isinstance(reply, Reply)
    assert not server.errors
    return reply, len(server.requests)


# Trying again


@protocols
@pytest.mark.parametrize("code", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_may_pass_is_tried_again(protocol: str, code: int) -> None:
    busy = status(code, {"error": {"message": "busy"}})
    reply, asked = await answer_of(busy, busy, sse(PROTOCOLS[protocol]["text"]), protocol=protocol)
    assert reply.message.text == "Grüße from 東京 🗼."
    assert asked == 3


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        (400, {"message": "no"}, BadRequest),
        (401, {"message": "no"}, AuthError),
        (402, {"message": "no"}, QuotaExhausted),
        (403, {"message": "no"}, AuthError),
        (404, {"message": "no"}, ModelNotFound),
        (413, {"message": "no"}, BadRequest),
        (422, {"message": "no"}, BadRequest),
        (429, {"message": "no", "code": "insufficient_quota"}, QuotaExhausted),
        (400, {"message": "no", "code": "context_length_exceeded"}, ContextOverflow),
        (
            400,
            {"message": "prompt is too long: 9 > 8", "type": "invalid_request_error"},
            ContextOverflow,
        ),
        (400, {"message": "no", "type": "exceed_context_size_error"}, ContextOverflow),
    ],
)
@protocols
async def test_what_will_not_pass_is_not_tried_again(
    protocol: str, code: int, error: Any, kind: type[Exception]
) -> None:
    refused = status(code, {"type": "error", "error": error})
    async with Loopback(refused) as server:
        backend = backend_for(server, protocol)
        with pytest.raises(kind):
            await ask(backend)
        await backend.aclose()
    assert len(server.requests) == 1


async def test_attempts_end() -> None:
    async with Loopback(status(503)) as server:
        backend = backend_for(server)
        with pytest.raises(ServiceUnavailable):
            await ask(backend)
        await backend.aclose()
    assert len(server.requests) == 3


async def test_a_wait_that_is_asked_for_is_kept() -> None:
    slow_down = status(429, {"error": {"message": "slow down"}}, retry_after_ms=80)
    begun = asyncio.get_running_loop().time()
    _, asked = await answer_of(slow_down, sse(CHAT["text"]))
    assert asked == 2
    assert asyncio.get_running_loop().time() - begun >= 0.08


async def test_a_wait_longer_than_the_budget_is_not_begun() -> None:
    async with Loopback(
        status(429, {"error": {"message": "tomorrow"}}, retry_after=3600)
    ) as server:
        backend = backend_for(server)
        with pytest.raises(RateLimited, match="tomorrow") as caught:
            await ask(backend)
        await backend.aclose()
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


async def test_nobody_there_is_an_error_that_says_where() -> None:
    async with Loopback(sse()) as server:
        pass
    backend = backend_for(server)
    with pytest.raises(ServiceUnavailable, match=r"can't be reached at http://127\.0\.0\.1"):
        await ask(backend)
    await backend.aclose()


# Answers that break off


@protocols
async def test_a_stream_cut_before_its_first_word_is_tried_again(protocol: str) -> None:
    whole = PROTOCOLS[protocol]["text"]
    reply, asked = await answer_of(cut(), cut(whole[:9]), sse(whole), protocol=protocol)
    assert reply.message.text == "Grüße from 東京 🗼."
    assert asked == 3


@protocols
async def test_a_stream_cut_after_its_first_word_is_an_error_and_not_a_short_answer(
    protocol: str,
) -> None:
    whole = PROTOCOLS[protocol]["text"]
    begun = whole[: whole.index("東京".encode())]
    async with Loopback(cut(begun), sse(whole)) as server:
        backend = backend_for(server, protocol)
        said: list[Delta | Reply] = []

        async def listen() -> None:
            async for item in backend.stream(HI):
                said.append(item)

        with pytest.raises(StreamBroken):
            await listen()
        assert said == [TextDelta(text="Grüße")]
        assert len(server.requests) == 1
        await backend.aclose()


@protocols
async def test_a_stream_that_ends_early_but_in_good_order_is_an_error_too(protocol: str) -> None:
    whole = PROTOCOLS[protocol]["text"]
    begun = whole[: whole.index("東京".encode())]
    async with Loopback(sse(begun)) as server:
        backend = backend_for(server, protocol)
        with pytest.raises(StreamBroken, match="half-way"):
            await ask(backend)
        await backend.aclose()


@protocols
async def test_every_cut_ends_in_the_whole_answer_or_an_error(protocol: str) -> None:
    whole = PROTOCOLS[protocol]["calls"]
    once = RetryPolicy(attempts=1)
    right = (await answer_of(sse(whole), protocol=protocol))[0]
    outcomes: list[str] = []
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        try:
            reply, _ = await answer_of(sse(whole[:length]), protocol=protocol, retry=once)
        except StreamBroken:
            outcomes.append("broken")
        else:
            assert reply.message == right.message
            assert reply.stop == right.stop
            outcomes.append("whole")
    assert outcomes[0] == "broken"
    assert outcomes.count("whole") < 12


async def test_an_error_inside_a_stream_is_that_error() -> None:
    said = events(chunk({"content": "I"}), {"error": {"type": "overloaded_error", "message": "x"}})
    async with Loopback(sse(said)) as server:
        backend = backend_for(server)
        with pytest.raises(ServiceUnavailable):
            await ask(backend)
        await backend.aclose()
    assert len(server.requests) == 1


def failing(kind: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": "x"}}


FAILED = {"type": "response.failed", "response": {"error": {"code": "server_error"}}}
TOO_LONG = {"error": {"code": 400, "type": "exceed_context_size_error", "message": "x"}}


@pytest.mark.parametrize(
    ("protocol", "event", "kind"),
    [
        ("anthropic", failing("overloaded_error"), ServiceUnavailable),
        ("anthropic", failing("rate_limit_error"), RateLimited),
        ("responses", {"type": "error", "code": "rate_limit_exceeded"}, RateLimited),
        ("responses", FAILED, ServiceUnavailable),
        ("chat", {"error": {"code": 429, "message": "x"}}, RateLimited),
        ("chat", TOO_LONG, ContextOverflow),
        ("chat", {"error": "out of memory"}, ServiceUnavailable),
    ],
)
async def test_each_protocols_way_to_fail_in_a_stream(
    protocol: str, event: Any, kind: type[Exception]
) -> None:
    async with Loopback(sse(events(event, named="type" in event))) as server:
        backend = backend_for(server, protocol, retry=RetryPolicy(attempts=1))
        with pytest.raises(kind):
            await ask(backend)
        await backend.aclose()


async def test_success_with_an_error_inside_is_an_error() -> None:
    refused = status(200, {"error": {"message": "no such thing", "code": 404}})
    async with Loopback(refused) as server:
        backend = backend_for(server)
        with pytest.raises(ModelNotFound, match="no such thing"):
            await ask(backend)
        await backend.aclose()


async def test_a_page_instead_of_a_stream_is_an_error() -> None:
    async with Loopback(status(200, b"<html>Log in to the hotel's network</html>")) as server:
        backend = backend_for(server)
        with pytest.raises(StreamBroken, match="not a stream: <html>Log in"):
            await ask(backend)
        await backend.aclose()


# What was finished counts as finished


async def test_a_whole_answer_counts_even_if_the_connection_breaks_after_it() -> None:
    whole = events(chunk({"content": "42"}), chunk({}, "stop"))
    reply, asked = await answer_of(cut(whole))
    assert (reply.message.text, reply.stop, asked) == ("42", "end", 1)


async def test_nothing_after_the_end_is_listened_to() -> None:
    whole = CHAT["text"] + events(chunk({"content": "!!"})) + CHAT["text"]
    reply, _ = await answer_of(sse(whole))
    assert reply.message.text == "Grüße from 東京 🗼."


async def test_a_server_that_never_closes_its_stream_holds_nobody_up() -> None:
    reply, _ = await answer_of(hang(CHAT["text"]), timeouts=Timeouts(read=60))
    assert reply.message.text == "Grüße from 東京 🗼."


async def test_a_server_that_forgets_to_end_its_stream_is_not_waited_for_long() -> None:
    said = events(chunk({"content": "42"}), chunk({}, "stop"))
    reply, _ = await answer_of(hang(said), timeouts=Timeouts(read=60))
    assert (reply.message.text, reply.stop) == ("42", "end")


@protocols
@pytest.mark.parametrize("usage", [7, "many", [1], {"prompt_tokens": "x", "input_tokens": [2]}])
async def test_a_count_of_tokens_that_makes_no_sense_is_no_bug_of_ours(
    protocol: str, usage: Any
) -> None:
    bodies = {
        "chat": [chunk({"content": "42"}, "stop"), {"choices": [], "usage": usage}],
        "responses": [{"type": "response.completed", "response": {"usage": usage}}],
        "anthropic": [{"type": "message_start", "message": {"usage": usage}}],
    }
    async with Loopback(sse(events(*bodies[protocol], named=protocol != "chat"))) as server:
        backend = backend_for(server, protocol, retry=RetryPolicy(attempts=1))
        with pytest.raises(StreamBroken):
            await ask(backend)
        await backend.aclose()


# Time


async def test_silence_ends_in_an_error() -> None:
    async with Loopback(hang()) as server:
        backend = backend_for(server, timeouts=Timeouts(read=0.05), retry=RetryPolicy(attempts=1))
        with pytest.raises(ServiceUnavailable, match="in time"):
            await ask(backend)
        await backend.aclose()
        await server.all_closed()


async def test_an_answer_that_never_ends_is_bounded() -> None:
    async def drip(connection: Any) -> None:
        await connection.send(http_head(transfer_encoding="chunked"))
        while True:
            await connection.send(chunked(events(chunk({"content": "more "}))))
            await asyncio.sleep(0.01)

    async with Loopback(drip) as server:
        backend = backend_for(server, timeouts=Timeouts(total=0.2))
        with pytest.raises(ServiceUnavailable, match="in time"):
            await ask(backend)
        await backend.aclose()
        await server.all_closed()


# Connections


async def test_requests_in_a_row_use_one_connection() -> None:
    async with Loopback(sse(CHAT["text"])) as server:
        backend = backend_for(server)
        for _ in range(5):
            await ask(backend)
        assert server.connections == 1
        await backend.aclose()
        await server.all_closed()


@protocols
async def test_cancelling_closes_the_connection(protocol: str) -> None:
    whole = PROTOCOLS[protocol]["text"]
    begun = whole[: whole.index("東京".encode())]
    async with Loopback(hang(begun)) as server:
        backend = backend_for(server, protocol)
        got = asyncio.Event()

        async def listen() -> None:
            async for _ in backend.stream(HI):
                got.set()

        task = asyncio.create_task(listen())
        await got.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.all_closed()  # before the backend itself is closed
        await backend.aclose()


async def test_a_caller_who_stops_reading_closes_the_connection() -> None:
    begun = events(chunk({"content": "a"}), chunk({"content": "b"}))
    async with Loopback(hang(begun)) as server:
        backend = backend_for(server)
        stream = backend.stream(HI)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        await server.all_closed()
        await backend.aclose()


async def test_a_backend_can_be_closed_twice_and_before_use() -> None:
    async with Loopback(sse(CHAT["text"])) as server:
        backend = backend_for(server)
        await backend.aclose()
        await ask(backend)
        await backend.aclose()
        await backend.aclose()


# connections that a loop left open when it was closed are closed by the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_backend_serves_one_event_loop_after_another() -> None:
    server = Loopback(sse(CHAT["text"]))
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        started.wait()
        backend = backend_for(server)
        for _ in range(2):
            assert isinstance(asyncio.run(ask(backend))[-1], Reply)
        del backend
        gc.collect()
    finally:
        stop.set()
        thread.join()
    assert server.connections == 2


# Sharing


async def test_a_limiter_bounds_what_many_agents_have_under_way() -> None:
    most = now = 0

    async def slow(connection: Any) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        await sse(CHAT["text"])(connection)

    async with Loopback(slow) as server:
        limiter = Limiter(concurrent=3)
        backends = [backend_for(server, limiter=limiter) for _ in range(4)]
        replies = await asyncio.gather(*(ask(b) for b in backends for _ in range(5)))
        for backend in backends:
            await backend.aclose()
    assert len(replies) == 20
    assert most <= 3


async def test_when_one_is_told_to_slow_down_everybody_waits() -> None:
    times: list[float] = []
    clock = asyncio.get_running_loop().time

    async def note(connection: Any) -> None:
        times.append(clock())
        if len(times) == 1:
            await status(429, {"error": {"message": "x"}}, retry_after_ms=150)(connection)
        else:
            await sse(CHAT["text"])(connection)

    async with Loopback(note) as server:
        limiter = Limiter(concurrent=1)
        one, other = (backend_for(server, limiter=limiter) for _ in range(2))
        await asyncio.gather(ask(one), ask(other))
        await one.aclose()
        await other.aclose()
    assert len(times) == 3
    assert times[1] - times[0] >= 0.15


async def test_a_failed_request_gives_its_turn_back() -> None:
    async with Loopback(status(400), cut(), sse(CHAT["text"])) as server:
        backend = backend_for(server, limiter=Limiter(concurrent=1), retry=RetryPolicy(attempts=1))
        for _ in range(2):
            with pytest.raises(BackendError):
                await ask(backend)
        assert isinstance((await ask(backend))[-1], Reply)
        await backend.aclose()
