"""Secrets do not reach a trace: not in arguments, results, files, headers, errors or children."""

from __future__ import annotations

import json
import time

import pytest
import strategies
from conversation import call, calls, whole
from hypothesis import assume, given
from hypothesis import strategies as st

from agentlab import Agent, ToolContext, tool
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, ConfigError
from agentlab.messages import Blob, Message, ToolCall
from agentlab.trace.redaction import Redactor

CANARY = 'sk-cana"ry/\\é-1234567'


@tool
def look(context: ToolContext, key: str) -> str:
    """Look something up."""
    context.attach("log.txt", f"used {CANARY}".encode(), "text/plain")
    return f"with {key} and {CANARY}"


def everything_under(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def holds(data: bytes, secret: str) -> bool:
    """Whether a secret can be found, looking through two layers of JSON escapes."""
    text = data.decode()
    for _ in range(3):
        if secret in text:
            return True
        text = text.replace("\\/", "/").replace('\\"', '"').replace("\\\\", "\\")
        text = text.replace("\\u00e9", "é")
    return False


async def test_a_secret_in_arguments_results_files_and_headers_is_blanked_out(runs, monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", CANARY)
    replies = [
        calls(call("look", key=CANARY)),
        calls(
            ToolCall(id="1", name="look", arguments=json.dumps({"key": CANARY}, ensure_ascii=True))
        ),
        calls(ToolCall(id="1", name=CANARY, arguments=CANARY)),
        Message.assistant(f"The key is {CANARY}"),
    ]
    agent = Agent(
        backend=Scripted(replies, name=f"scripted:{CANARY}"), tools=[look], runs=runs,
        instructions=f"Use {CANARY}", secrets=(CANARY,), name="agent",
    )  # fmt: skip
    result = await agent.run(f"Take {CANARY}", labels={"key": CANARY})
    assert CANARY in result.output  # the run itself works with the real value
    assert CANARY in result.messages[0].text
    assert CANARY not in repr(agent)
    data = everything_under(runs)
    assert not holds(data, CANARY)
    assert not holds(data, "sk-cana")
    assert data.count(b"[secret]") >= 8
    whole(result.path)


async def test_a_secret_in_an_error_is_blanked_out(runs):
    run = Agent(backend=Scripted([BackendError(f"401 for {CANARY}")]), runs=runs, secrets=(CANARY,))
    with pytest.raises(BackendError):
        await run.run("?")
    assert not holds(everything_under(runs), CANARY)


async def test_secrets_of_an_agent_hold_in_the_traces_of_those_it_calls_and_hands_over_to(runs):
    child = Agent(
        backend=Scripted([calls(call("look", key=CANARY)), CANARY]), tools=[look], runs=runs,
        name="child",
    )  # fmt: skip
    replies = [calls(call("ask_child", request=f"Take {CANARY}")), "ok"]
    parent = Agent(backend=Scripted(replies), tools=[child.as_tool()], runs=runs, secrets=(CANARY,))
    await parent.run("?")
    assert len(list(runs.glob("*.jsonl"))) == 2
    assert not holds(everything_under(runs), CANARY)


async def test_secrets_of_a_successor_hold_before_it_takes_over(runs):
    keeper = Agent(
        backend=Scripted([calls(call("look", id="2", key="x")), "ok"]), tools=[look], runs=runs,
        name="keeper", secrets=(CANARY,),
    )  # fmt: skip
    desk = Agent(
        backend=Scripted([calls(call("transfer_to_keeper"))]), handoffs=[keeper], runs=runs
    )
    await desk.run(f"Take {CANARY}")
    assert not holds(everything_under(runs), CANARY)


async def test_a_secret_that_looks_like_part_of_a_record_damages_none(runs):
    file = Blob.of(f"used {CANARY}".encode())
    like = (file.sha256[:8], "tool_started", "run_finished", str(int(time.time()))[:6], "000997")
    agent = Agent(
        backend=Scripted([calls(call("look", key="pin 000997!")), "ok"]), tools=[look], runs=runs,
        secrets=like,
    )  # fmt: skip
    trace = whole((await agent.run("?")).path)
    assert "pin [secret]!" in trace.events[1].reply.message.tool_calls[0].arguments
    (artifact,) = (a for e in trace.events if e.kind == "tool_finished" for a in e.result.artifacts)
    assert artifact.blob.read() == f"used {CANARY}".encode()


@given(st.text(min_size=6, max_size=12), strategies.words, st.integers(0, 2))
def test_no_spelling_of_a_secret_survives(secret, around, layers):
    text = f"{around}{secret}{around}"
    assume(secret not in "[secret]")
    for _ in range(layers):
        text = json.dumps({"a": text}, ensure_ascii=False)
    line = Redactor([secret]).line(json.dumps({"event": text}, ensure_ascii=False).encode())
    out = json.loads(line)["event"]
    assume(secret not in f"{around}[secret]{around}")
    for _ in range(layers):
        out = json.loads(out)["a"]
    assert secret not in out
    assert "[secret]" in out


@given(strategies.json_data)
def test_a_line_without_the_secret_is_left_as_it_is(data):
    line = json.dumps(data).encode()
    assert Redactor(["sk-canary", ""]).line(line) is line


@pytest.mark.parametrize("secrets", [("",), ()])
def test_a_key_that_is_not_set_is_no_secret(secrets):
    assert Redactor(secrets).data(b"abc") == b"abc"
    Agent(backend=Scripted([]), secrets=secrets)


def test_secrets_that_could_not_be_blanked_out_are_refused():
    with pytest.raises(ConfigError, match="fewer than 6 characters"):
        Agent(backend=Scripted([]), secrets=("1234",))
    with pytest.raises(ConfigError, match="put it in a tuple"):
        Agent(backend=Scripted([]), secrets="sk-canary")  # pyright: ignore[reportArgumentType]
