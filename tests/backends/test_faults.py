"""A thousand conversations over a network that does everything networks do.

Each run is made from a seed: a protocol, an answer, and for every request a fault (or none). It
must end in exactly the right answer or in an error of ours, promptly, with nothing left open and
every event that was shown in its trace.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from loopback import Answer, Connection, Loopback, chunked, http_head, sse, status
from recorded import PROTOCOLS

from agentlab.agent import Agent
from agentlab.backend import Backend, Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from agentlab.backends import connect
from agentlab.backends.retry import RetryPolicy
from agentlab.backends.wire import Timeouts
from agentlab.events import Event, ModelReplied, RunFailed
from agentlab.limits import Limits
from agentlab.trace import Trace

RUNS = 1000
AT_ONCE = 50
MODELS = {"chat": "openai:gpt-5", "responses": "openai:gpt-5", "anthropic": "anthropic:claude-x"}
ANSWERS = ("text", "reasoning", "calls", "length")
Rng = random.Random


def split(rng: Rng, data: bytes) -> list[bytes]:
    """Cut anywhere, also inside a character or a line end."""
    places = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 20)))
    edges = [0, *places, len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a != b]


def events_of(data: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in data.split(b"\n\n") if event]


def whole(rng: Rng, data: bytes) -> Answer:
    return sse(*split(rng, data))


def slow(rng: Rng, data: bytes) -> Answer:
    return sse(*split(rng, data), wait=rng.choice((0.001, 0.005)))


def too_slow(rng: Rng, data: bytes) -> Answer:
    begun = data[: rng.randrange(len(data))]

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked") + chunked(begun))
        await connection.reader.read()

    return answer


def cut(rng: Rng, data: bytes) -> Answer:
    begun, how = data[: rng.randrange(len(data))], rng.choice(("close", "reset", "half"))

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked") + chunked(begun))
        if how == "close":
            connection.writer.close()
        elif how == "reset":
            connection.abort()
        else:
            # half-closed: nothing more is written, but the socket stays open for reading
            connection.writer.write_eof()
            await connection.reader.read()

    return answer


def ends_early(rng: Rng, data: bytes) -> Answer:
    return sse(data[: rng.randrange(len(data))])


def silent(rng: Rng, data: bytes) -> Answer:
    async def answer(connection: Connection) -> None:
        connection.abort() if rng.random() < 0.5 else connection.writer.close()

    return answer


def garbage(rng: Rng, data: bytes) -> Answer:
    nonsense = rng.choice(
        (
            b"data: {not json}\n\n",
            b"data: \xff\xfe\n\n",
            b"data: null\n\n",
            b'data: {"choices": [], "usage": "many", "type": "message_delta"}\n\n',
            b"data: 7\n\n",
            b'data: {"choices": "many", "type": {"a": 1}}\n\n',
            b'data: {"choices": [[]], "type": "content_block_delta"}\n\n',
            rng.randbytes(200) + b"\n\n",
        )
    )
    events = events_of(data)
    events.insert(rng.randrange(len(events)), nonsense)
    return sse(*split(rng, b"".join(events)))


def bytes_only(rng: Rng, data: bytes) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.send(rng.randbytes(rng.randrange(1, 500)))
        connection.writer.close()

    return answer


def repeated(rng: Rng, data: bytes) -> Answer:
    """An event that comes twice, where that can be noticed or does no harm."""
    events = events_of(data)
    able = [
        i
        for i, event in enumerate(events)
        if b'"sequence_number"' in event
        or not any(
            sign in event for sign in (b"_delta", b'"content"', b'"arguments"', b"reasoning")
        )
    ]
    place = rng.choice(able)
    events.insert(place, events[place])
    return sse(*split(rng, b"".join(events)))


def missing(rng: Rng, data: bytes) -> Answer:
    """An event that is lost, of those whose protocol lets that be noticed."""
    events = events_of(data)
    able = [i for i, e in enumerate(events) if b'"sequence_number"' in e or b"block_st" in e]
    if able:
        del events[rng.choice(able)]
    return sse(*split(rng, b"".join(events)))


def wrong_type(rng: Rng, data: bytes) -> Answer:
    kind = rng.choice(("text/html", "application/json", "application/octet-stream"))

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(content_type=kind, content_length=len(data)) + data)

    return answer


def storm(rng: Rng, data: bytes) -> Answer:
    code = rng.choice((429, 429, 500, 502, 503, 529))
    waits = {"retry_after_ms": rng.choice((0, 1, 5))} if rng.random() < 0.7 else {}
    return status(code, {"error": {"message": "busy", "type": "overloaded_error"}}, **waits)


def refused(rng: Rng, data: bytes) -> Answer:
    return status(rng.choice((400, 401, 403, 404, 422)), {"error": {"message": "no"}})


def success_with_an_error(rng: Rng, data: bytes) -> Answer:
    return status(200, {"type": "error", "error": {"type": "api_error", "message": "sorry"}})


def huge(rng: Rng, data: bytes) -> Answer:
    padding = b": " + b"x" * rng.randrange(100_000, 1_000_000) + b"\n\n"
    return sse(*split(rng, padding + data + padding))


FAULTS: tuple[Callable[[Rng, bytes], Answer], ...] = (
    whole, slow, too_slow, cut, ends_early, silent, garbage, bytes_only, repeated, missing,
    wrong_type, storm, refused, success_with_an_error, huge,
)  # fmt: skip


def backend_for(protocol: str, server: Loopback) -> Backend:
    url = server.url if protocol == "anthropic" else f"{server.url}/v1"
    return connect(
        MODELS[protocol],
        base_url=url,
        api_key="sk-test",
        protocol=protocol,
        retry=RetryPolicy(attempts=3, first=0.001, longest=0.01),
        timeouts=Timeouts(read=0.3, connect=5, total=20),
    )


async def listen(backend: Backend, runs: Path) -> tuple[list[Delta], Reply | None, str | None]:
    """One agent's turn: the deltas shown, the reply or the error's name. The trace has it all."""
    run = Agent(backend=backend, limits=Limits(steps=1), runs=runs).run("Hi")
    deltas: list[Delta] = []
    stored: list[Event] = []
    async for event in run:
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            deltas.append(event)
        else:
            stored.append(event)
    assert run.path is not None
    trace = Trace.load(run.path)
    assert (list(trace.events), trace.torn) == (stored, 0)
    failed = [event.error for event in stored if isinstance(event, RunFailed)]
    replies = [event.reply for event in stored if isinstance(event, ModelReplied)]
    assert len(failed) + len(replies) == 1
    return deltas, next(iter(replies), None), next(iter(failed), None)


def said(deltas: list[Delta]) -> str:
    """All that was shown, in order."""
    return "".join(
        delta.arguments if isinstance(delta, ToolCallDelta) else delta.text for delta in deltas
    )


async def one_run(seed: int, right: dict[tuple[str, str], Any], runs: Path) -> str:
    rng = Rng(seed)
    protocol, answer = rng.choice(list(PROTOCOLS)), rng.choice(ANSWERS)
    data = PROTOCOLS[protocol][answer]
    faults = rng.choices(FAULTS, k=4)
    async with Loopback(*(fault(rng, data) for fault in faults)) as server:
        backend = backend_for(protocol, server)
        deltas, reply, error = await listen(backend, runs)
        await backend.aclose()
        await server.all_closed()
        assert not server.errors, server.errors
        assert 1 <= len(server.requests) <= 3
    good_deltas, good_reply = right[protocol, answer]
    story = f"seed {seed}: {protocol}, {answer}, {[fault.__name__ for fault in faults]}: {error!r}"
    if error is not None:
        assert said(good_deltas).startswith(said(deltas)), story
        return error
    assert reply is not None
    # a connection lost after the last word costs no more than the count of tokens
    same = reply.model_copy(update={"usage": good_reply.usage})
    assert same == good_reply, story
    assert said(deltas) == said(good_deltas), story
    return "right"


@pytest.mark.slow
async def test_a_thousand_runs_end_right_or_in_an_error_and_their_traces_are_whole(
    runs: Path,
) -> None:
    right: dict[tuple[str, str], Any] = {}
    for protocol, answers in PROTOCOLS.items():
        for answer in ANSWERS:
            async with Loopback(sse(answers[answer])) as server:
                backend = backend_for(protocol, server)
                deltas, reply, _ = await listen(backend, runs)
                right[protocol, answer] = deltas, reply
                await backend.aclose()
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(seed: int) -> str:
        async with gate:
            return await one_run(seed, right, runs)

    outcomes = Counter(await asyncio.gather(*map(run, range(RUNS))))
    assert sum(outcomes.values()) == RUNS
    # the injector must bite, and the retries must help
    assert outcomes["right"] > RUNS // 5
    assert outcomes["StreamBroken"] > RUNS // 20
    assert outcomes["ServiceUnavailable"] > 0
    assert len(outcomes) >= 5
    assert len(asyncio.all_tasks()) == 1
