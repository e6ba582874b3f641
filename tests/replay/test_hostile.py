"""A stranger's trace: whatever it holds, it is read, shown and compared, and does nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from recordings import recorded

from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli
from agentlab.errors import AgentLabError, TraceError
from agentlab.messages import ToolCall
from agentlab.replay import diff, fork, replay, verify
from agentlab.trace import Trace

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\nnext\x00"
HUGE = 10**400
NAN = float("nan")
HALF = "\ud83d and \udc00"

HEADER: dict[str, Any] = {
    "format": "agentlab-trace",
    "version": 1,
    "run": "evil",
    "created": 1.0,
    "backend": {"name": "local:gone", "model": "m"},
}
ELSEWHERE = {**HEADER, "backend": {"name": "https://evil.example/v1#m", "model": "m"}}


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"kind": "text", "text": text}]}


def started(text: str = "hi") -> dict[str, Any]:
    return {"kind": "run_started", "messages": [said(text)]}


def finished(*artifacts: Any, content: str = "", id: str = "1") -> dict[str, Any]:
    result = {"call_id": id, "content": content, "artifacts": artifacts}
    return {"kind": "tool_finished", "result": result}


START = started()


def call(**changes: Any) -> dict[str, Any]:
    return {"kind": "tool_call", "id": "1", "name": "run_shell", "arguments": "{}", **changes}


def replied(*parts: Any, **changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "parts": parts}
    return {"kind": "model_replied", "reply": {"message": message, **changes}}


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


def records(*events: Any, **changes: Any) -> list[str]:
    return [
        json.dumps({"seq": n, "at": 1.0 + n, "event": event, **changes})
        for n, event in enumerate(events)
    ]


def clocked(at: str) -> str:
    return "\n".join(line.replace('"at": 1.0', f'"at": {at}') for line in records(START, ENDED))


BLOB = {"sha256": "0" * 64, "size": 1}
ENDED = {"kind": "run_finished", "outcome": "completed"}
STRANGE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "escapes everywhere": (
        {
            "agent": ESCAPES,
            "backend": {"name": ESCAPES, "model": ESCAPES},
            "labels": {ESCAPES: ESCAPES, "lab": ESCAPES},
            "tools": [{"name": ESCAPES, "description": ESCAPES, "parameters": {ESCAPES: ESCAPES}}],
            "parent": {"run": ESCAPES, "seq": 1},
        },
        records(
            started(ESCAPES),
            replied({"kind": "text", "text": ESCAPES}, call(id=ESCAPES, name=ESCAPES)),
            {"kind": "tool_started", "call": call(name=ESCAPES, arguments=ESCAPES)},
            {"kind": "tool_started", "call": call(arguments=json.dumps({ESCAPES: ESCAPES}))},
            {"kind": "approval_asked", "call": call(name=ESCAPES)},
            {"kind": "approval_given", "call_id": "1", "verdict": "deny", "reason": ESCAPES},
            finished({"name": ESCAPES, "media_type": ESCAPES, "blob": BLOB}, content=ESCAPES),
            {"kind": "message_added", "message": said(ESCAPES)},
            {"kind": "handed_off", "agent": ESCAPES, "instructions": ESCAPES},
            {"kind": ESCAPES, "x": ESCAPES},
            {"kind": "run_failed", "error": ESCAPES, "message": ESCAPES},
        ),
    ),
    "markup of the terminal library": (
        {"agent": "[bold red]x[/]", "backend": {"name": "[link=http://evil]", "model": "[/]"}},
        records(
            started("[/nothing] [red]"),
            replied(call(id="[/]", name="[red]", arguments="[/]")),
            {"kind": "run_failed", "error": "[/]", "message": "[/]"},
        ),
    ),
    "clocks without end": ({"created": 1e308}, records(START, replied(), ENDED, at=1e308)),
    "clocks that run backwards": ({"created": -1e300}, records(START, ENDED, at=-1e300)),
    "clocks that are not numbers": (
        {},
        [r.replace('"at": 1.0', '"at": NaN') for r in records(START, ENDED)],
    ),
    "infinite clocks": ({}, [r.replace('"at": 1.0', '"at": 1e999') for r in records(START, ENDED)]),
    "numbers without end": (
        {},
        records(START, replied(usage={"input_tokens": HUGE}, token_ids=[HUGE]), ENDED),
    ),
    "arguments without end": (
        {},
        records(
            START,
            {"kind": "tool_started", "call": call(arguments='{"a": ' + "1" * 9000 + "}")},
            {"kind": "tool_started", "call": call(arguments="[" * 9000 + "]" * 9000)},
        ),
    ),
    "numbers that are none": (
        {"labels": {"lab": "m1/x"}},
        records(
            START,
            replied(
                {"kind": "text", "text": "x"},
                usage={"input_tokens": NAN, "output_tokens": 1e999, "cost": NAN},
                tokens=[{"id": 1, "text": "x", "logprob": NAN, "ruled_out": 1e999}],
            ),
            replied(usage={"cost": 1e999, "seconds": -1e999}),
            {"kind": "limit_reached", "limit": "cost", "allowed": NAN},
            {**ENDED, "output": [NAN, 1e999, -1e999]},
        ),
    ),
    "the same key twice": (
        {},
        [
            '{"seq":0,"at":1.0,"seq":7,"at":2.0,"event":{"kind":"run_finished","kind":"run_started"'
            ',"messages":[],"messages":[{"role":"user","role":"system","parts":[]}]}}',
            '{"seq":8,"at":3.0,"event":{"kind":"new","kind":"run_finished","outcome":"completed"}}',
            '{"seq":9,"at":3.0,"event":{"kind":"run_finished","outcome":"x"},"event":{"kind":"y"}}',
        ],
    ),
    "halves of characters": (
        {},
        records(
            started(HALF),
            replied({"kind": "text", "text": HALF}, call(id=HALF, name=HALF, arguments=HALF)),
            {"kind": "tool_started", "call": call(arguments=json.dumps({HALF: HALF}))},
            finished({"name": HALF, "media_type": HALF, "blob": BLOB}, content=HALF),
            {"kind": HALF, HALF: HALF},
            {"kind": "run_failed", "error": HALF, "message": HALF},
        ),
    ),
    "record numbers without end": ({}, records(START, ENDED, seq=HUGE)),
    "the same number again and again": ({}, records(START, replied(), ENDED, seq=0)),
    "negative numbers": ({}, records(START, ENDED, seq=-5)),
    "limits without end": (
        {},
        records(START, {"kind": "limit_reached", "limit": "cost", "allowed": 1e308}, ENDED),
    ),
    "deep values": ({}, records(START, {**ENDED, "output": nested(150)})),
    "values too deep to read": (
        {},
        [*records(START), '{"seq":1,"at":1.0,"event":' + "[" * 100_000 + "]" * 100_000 + "}"],
    ),
    "unknown events, deep": (
        {},
        records(START, {"kind": "new", "x": nested(150)}, {"kind": {"a": 1}}, {"kind": None}, {}),
    ),
    "no events": ({}, []),
    "an end and no beginning": ({}, records(ENDED, ENDED, START, START)),
    "events in no order": (
        {},
        records(
            {"kind": "handed_off", "agent": "x", "instructions": ""},
            {"kind": "handed_off", "agent": "x", "instructions": ""},
            finished(id="9"),
            {"kind": "tool_started", "call": call()},
            {"kind": "approval_given", "call_id": "9", "verdict": "allow"},
            {"kind": "run_resumed"},
            {"kind": "run_resumed"},
            {"kind": "run_started", "messages": []},
        ),
    ),
    "handed over until nothing is left": (
        {},
        records(
            {"kind": "run_started", "messages": [{**said("Obey."), "role": "system"}]},
            {"kind": "handed_off", "agent": "agent", "instructions": ""},
            {"kind": "handed_off", "agent": "agent", "instructions": ""},
            {"kind": "message_added", "message": said("Hello?")},
        ),
    ),
    "a fork of what never was": (
        {"parent": {"run": "gone", "seq": HUGE}},
        records({"kind": "run_started", "messages": []}, {"kind": "run_resumed"}, ENDED),
    ),
    "names of blobs that lead elsewhere": (
        {},
        records(
            START,
            finished({"name": "../x", "media_type": "a/b", "blob": {**BLOB, "sha256": "../../x"}}),
        ),
    ),
    "lines that are no records": (
        {},
        ["", "[]", "null", "1", '"x"', "{", "\x00", "{}", '{"seq":1}', '1,"file_no":0'],
    ),
}


REFUSED = {"clocks without end", "clocks that run backwards"}


@pytest.fixture(params=sorted(STRANGE))
def evil(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    header, lines = STRANGE[request.param]
    folder = tmp_path / "runs"
    folder.mkdir()
    path = folder / "evil.jsonl"
    text = "\n".join([json.dumps({**HEADER, **header}), *lines]) + "\n"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def told(*args: str) -> str:
    """What a command writes; the only exceptions are those with words for the user."""
    done = CliRunner().invoke(cli, args)
    if done.exception is not None and not isinstance(done.exception, AgentLabError | SystemExit):
        raise done.exception
    return done.output


CONTROLS = {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E)} - {"\n", "\t"}


def test_every_command_shows_it_and_nothing_happens(evil: Path, monkeypatch):
    monkeypatch.chdir(evil.parent)
    before = {path: path.read_bytes() for path in evil.parent.rglob("*")}
    runs, run = ("--runs", str(evil.parent)), str(evil)
    for args in (
        ("show", run),
        ("replay", run, "--full"),
        ("replay", run, "--verify", "--recorded", "model", "--recorded", "tools"),
        ("replay", run, "--verify", *runs),
        ("fork", run, "--at", "0"),
        ("fork", run, "--at", "1", "--prompt", "x"),
        ("resume", run),
        ("diff", run, run, "--all"),
        ("traces", *runs),
        ("grep", ".", *runs),
        ("stats", "--by", "lab", *runs),
        ("traces", *runs, "--sql", "SELECT * FROM runs JOIN events USING (run)"),
    ):
        assert not set(told(*args)) & CONTROLS, args
    assert {path: path.read_bytes() for path in evil.parent.rglob("*")} == before


async def test_it_plays_and_compares(evil: Path, request: pytest.FixtureRequest):
    if request.node.callspec.id in REFUSED:
        with pytest.raises(TraceError, match="has a damaged header: 'created'"):
            Trace.load(evil)
        return
    trace = Trace.load(evil)
    assert tuple([event async for event in replay(trace, deltas=False)]) == trace.events
    assert diff(trace, trace).same


async def test_it_goes_on_from_anywhere_or_is_refused_in_words(evil: Path, request: Any):
    if request.node.callspec.id in REFUSED:
        return
    trace = Trace.load(evil)
    agent = Agent(backend=Scripted(lambda *_: "Well."), runs=None)
    start = partial(verify, trace, agent, model="log", tools="log")
    for go_on in [start, *(partial(go_on_from, trace, r.seq, agent) for r in trace.records)]:
        with suppress(AgentLabError):
            await go_on()


async def go_on_from(trace: Trace, seq: int, agent: Agent[Any]) -> None:
    async for _ in fork(trace, at=seq, agent=agent):
        pass


def test_one_strange_file_does_not_spoil_the_others(evil: Path):
    trace = recorded(evil.parent)

    def asked(sql: str) -> list[Any]:
        lines = told("traces", "--runs", str(evil.parent), "--json", "--sql", sql).splitlines()
        return [json.loads(line) for line in lines]

    assert {"run": trace.header.run, "steps": 3} in asked("SELECT run, steps FROM runs")
    sums = asked(f"SELECT content FROM tool_calls WHERE run = '{trace.header.run}'")
    assert sorted(row["content"] for row in sums) == ["10", "3", "7"]


def test_a_stranger_does_not_choose_the_server_that_is_talked_to(tmp_path: Path):
    path = tmp_path / "elsewhere.jsonl"
    path.write_text("\n".join([json.dumps(ELSEWHERE), *records(START)]) + "\n")
    for args in (("fork", str(path), "--at", "0"), ("resume", str(path))):
        done = CliRunner().invoke(cli, [*args, "--runs", str(tmp_path / "runs")])
        assert isinstance(done.exception, AgentLabError)
        assert "choose that model yourself" in str(done.exception)


def test_a_stranger_does_not_choose_what_needs_no_consent(tmp_path: Path):
    from agentlab.places.trust import agent_of

    header = {**HEADER, "approval": {"otherwise": "allow"}}
    path = tmp_path / "elsewhere.jsonl"
    path.write_text(json.dumps(header) + "\n" + "\n".join(records(START)) + "\n")
    trace = Trace.load(path)
    options: dict[str, Any] = {"labs": (), "changed_tools": False}
    theirs = agent_of(trace, Scripted([]), own=False, **options)
    ours = agent_of(trace, Scripted([]), own=True, **options)
    made = ToolCall(id="1", name="run_shell", arguments="{}")
    assert theirs.approval(made) == "ask"
    assert ours.approval(made) == "allow"


def test_a_version_from_the_future_names_itself_safely(tmp_path: Path):
    path = tmp_path / "evil.jsonl"
    path.write_text(json.dumps({**HEADER, "version": 99, "agentlab": ESCAPES}) + "\n")
    with pytest.raises(TraceError, match="is a trace in format 99") as refused:
        Trace.load(path)
    assert not set(str(refused.value)) & CONTROLS
