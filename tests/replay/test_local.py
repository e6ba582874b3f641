"""The local model: the same tokens again, the first other one, and forks that reuse a past."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conversation import load

from agentlab import Agent, Limits, Settings
from agentlab.backends import connect
from agentlab.messages import Usage
from agentlab.plugins.tools import load_tools
from agentlab.replay import fork, verify
from agentlab.replay.rebuild import reconnect

pytest.importorskip("llama_cpp")
SETTINGS = Settings(temperature=0.8, seed=11, max_tokens=24, tool_choice="required")


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    backend = connect("local:smollm2", threads=1, n_ctx=1024)
    yield backend
    asyncio.run(backend.aclose())


def agent(model: Any, runs: Path | None, **options: Any) -> Agent[Any]:
    options = {"settings": SETTINGS, "instructions": "You are brief.", **options}
    tools = load_tools(["calculator"])
    return Agent(backend=model, tools=tools, limits=Limits(steps=2), runs=runs, **options)


async def logged(model: Any, runs: Path, **options: Any) -> Any:
    model.forget()
    return load((await agent(model, runs, **options).run("What is 3 + 4?")).path)


def usage(trace: Any) -> list[Usage]:
    return [e.reply.usage for e in trace.events if e.kind == "model_replied"]


async def test_a_run_comes_again_token_by_token(model, runs):
    trace = await logged(model, runs)
    assert all(e.reply.token_ids for e in trace.events if e.kind == "model_replied")
    assert trace.header.backend.details["gguf_sha256"]
    found = await verify(trace, agent(model, None))
    assert found.difference is None
    assert found.notes == ()


async def test_another_seed_is_found_at_the_first_token_it_changes(model, runs):
    trace = await logged(model, runs)
    header = trace.header.model_copy(update={"settings": SETTINGS.model_copy(update={"seed": 12})})
    forged = type(trace)(trace.path, header, trace.records)
    found = await verify(forged, agent(model, None, settings=header.settings))
    assert found.difference is not None
    token = found.difference.token
    assert token is not None
    then = trace.events[1].reply.token_ids
    assert found.difference.then[-1].strip() == f"token {token + 1}: {then[token]}"


async def test_the_same_run_from_the_trace_alone(model, runs):
    trace = await logged(model, runs)
    found = await verify(trace)
    assert found.difference is None


async def test_a_fork_in_a_new_process_reads_only_what_is_new(runs, tmp_path):
    states = {"threads": 1, "n_ctx": 1024, "states": tmp_path / "states"}
    first = connect("local:smollm2", **states)
    trace = load((await agent(first, runs).run("What is 3 + 4?")).path)
    await first.aclose()
    at = next(e.seq for e in trace.records if e.event.kind == "tool_finished")
    second = reconnect(trace.header.backend, states=tmp_path / "states", restore=True)
    child = load((await fork(trace, at=at, agent=agent(second, runs), tool_result="8")).path)
    await second.aclose()
    read, again = usage(trace)[1], usage(child)[1]
    assert again.cached_tokens >= read.cached_tokens > 0
    assert again.input_tokens - again.cached_tokens < 20


async def test_a_fork_reads_only_what_is_new(model, runs):
    trace = await logged(model, runs)
    at = next(e.seq for e in trace.records if e.event.kind == "tool_finished")
    run = fork(trace, at=at, agent=agent(model, runs), tool_result="8")
    child = load((await run).path)
    read, again = usage(trace)[1], usage(child)[1]
    assert again.cached_tokens >= read.cached_tokens > 0
    assert again.input_tokens - again.cached_tokens < 20


async def test_a_forked_run_is_verified_from_the_fork_on(model, runs):
    trace = await logged(model, runs)
    at = next(e.seq for e in trace.records if e.event.kind == "tool_finished")
    model.forget()
    child = load((await fork(trace, at=at, agent=agent(model, runs), tool_result="8")).path)
    assert usage(child)[1].cached_tokens == 0
    assert (await verify(child, agent(model, None))).difference is None


async def test_a_run_that_began_warm_is_made_warm_again(model, runs):
    """Without that it would find other tokens: the second conversation shares a long beginning."""
    long = {"instructions": "You are brief. " + "Rivers run to the sea. " * 20}
    await logged(model, runs, **long)
    trace = load((await agent(model, runs, **long).run("Name a river.")).path)
    warm = usage(trace)[0].cached_tokens
    assert warm > 100
    found = await verify(trace, agent(model, None, **long))
    assert found.difference is None
    assert found.notes == ()
