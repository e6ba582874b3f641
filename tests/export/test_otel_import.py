"""Spans become runs: ours come back as they were, others' as far as they tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from exported import MENDED, call, ran, said
from hypothesis import given
from hypothesis import strategies as st

from agentlab import Agent
from agentlab.agent.transcript import Transcript
from agentlab.backends.scripted import Scripted
from agentlab.cli.export import import_runs
from agentlab.errors import BackendError, TraceError
from agentlab.events import ModelReplied, RunFailed, RunFinished, ToolFinished
from agentlab.export.otel import spans_of
from agentlab.export.otel_import import runs_of
from agentlab.export.otel_sdk import otlp_json
from agentlab.export.otlp_json import read_spans
from agentlab.limits import Limits
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.replay import diff
from agentlab.trace import Trace


def there_and_back(trace: Trace, folder: Path, *, content: bool = True) -> Trace:
    """A run, exported to a file and imported from it."""
    file = folder / "spans.json"
    file.write_text(otlp_json(spans_of(trace, content=content)), encoding="utf-8")
    (imported,) = runs_of(read_spans(file))
    path = imported.write(folder / "imported")
    assert path is not None
    return Trace.load(path)


def conversation(trace: Trace) -> list[Any]:
    """Roles and parts, calls by what they ask for, results without their files."""
    state = Transcript.of(e for e in trace.events if e.kind != "unknown")
    return [(message.role, *map(plain, message.parts)) for message in state.messages]


def plain(part: Any) -> Any:
    match part:
        case ToolCall():
            return part.id, part.name, json.loads(part.arguments)
        case ToolResult():
            return part.call_id, part.content, part.error
        case _:
            return part.kind, part.text


RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "mended": (MENDED, {}),
    "two at once": ((said(call("a", a=6, b=2), call("b", a=9, b=3)), said("3 and 3")), {}),
    "not asked": ((said("Hello."),), {}),
    "at its limit": (
        (said(call(a=6, b=2)), said(call("c2", a=6, b=2))),
        {"limits": Limits(steps=1)},
    ),
    "an unknown tool": ((said(call(name="nothing")), said("There is none.")), {}),
}


@pytest.mark.parametrize("name", RUNS)
def test_our_own_run_comes_back(tmp_path: Path, name: str):
    replies, options = RUNS[name]
    trace = ran(tmp_path, *replies, **options)
    back = there_and_back(trace, tmp_path)
    assert conversation(back) == conversation(trace)
    assert [e.kind for e in back.events if e.kind != "limit_reached"] == [
        e.kind for e in trace.events if e.kind != "limit_reached"
    ]
    usages = [
        [
            e.reply.usage.model_copy(update={"cost": None})
            for e in t.events
            if e.kind == "model_replied"
        ]
        for t in (trace, back)
    ]
    assert usages[0] == usages[1]
    assert back.events[-1] == trace.events[-1] or name == "at its limit"
    assert [spec.name for spec in back.header.tools] == ["divide"]
    assert back.header.labels["lab"] == "m9/dividing"
    for end in (0, -1):
        # a span begins with the trace's header, the first record a moment later
        assert abs(trace.records[end].at - back.records[end].at) < 0.5


def test_a_run_of_several_turns_keeps_its_history(tmp_path: Path):
    trace = ran(tmp_path, said("Four."), input="2 + 2?")
    back = there_and_back(trace, tmp_path)
    assert conversation(back) == conversation(trace)
    assert diff(trace, back).same or [m[0] for m in conversation(back)] == [
        "system",
        "user",
        "assistant",
    ]


def test_without_content_the_outline_is_left(tmp_path: Path):
    trace = ran(tmp_path)
    back = there_and_back(trace, tmp_path, content=False)
    assert [e.kind for e in back.events] == [e.kind for e in trace.events]
    replies = [e.reply for e in back.events if isinstance(e, ModelReplied)]
    assert [[c.name for c in r.message.tool_calls] for r in replies] == [["divide"], ["divide"], []]
    assert sum(r.usage.input_tokens for r in replies) == 300
    assert not any("6 / 2" in json.dumps(e.model_dump(mode="json")) for e in back.events)


def test_a_run_that_failed_is_one_that_failed(tmp_path: Path):
    trace = ran_badly(tmp_path)
    end = there_and_back(trace, tmp_path).events[-1]
    assert isinstance(end, RunFailed)
    assert (end.error, end.message) == ("BackendError", "the model is gone")


def ran_badly(runs: Path) -> Trace:
    def gone(*_: Any) -> Any:
        raise BackendError("the model is gone")

    agent: Agent[Any] = Agent(backend=Scripted(gone), runs=runs)
    with pytest.raises(BackendError):
        agent.run_sync("Go.")
    return Trace.load(next(runs.glob("*.jsonl")))


def value(raw: Any) -> dict[str, Any]:
    """An attribute's value as OTLP/JSON has it."""
    match raw:
        case str():
            return {"stringValue": raw}
        case int():
            return {"intValue": str(raw)}
        case float():
            return {"doubleValue": raw}
        case list():
            return {"arrayValue": {"values": [value(item) for item in raw]}}
        case _:
            return {"kvlistValue": {"values": attributes(raw)}}


def attributes(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(item)} for key, item in raw.items()]


ASKED = {"role": "user", "parts": [{"type": "text", "content": "Sky?"}]}
CALLED = {
    "role": "assistant",
    "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {"where": "up"}}],
}
TOLD = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "blue"}]}
PRESSED = {"role": "user", "parts": [{"type": "text", "content": "Well?"}]}
SAID = {"role": "assistant", "parts": [{"type": "text", "content": "Blue."}]}


def chat(number: int, **told: Any) -> dict[str, Any]:
    """A span as other frameworks write them: of no agent, and none for the call."""
    named = {f"gen_ai.{key.replace('__', '.')}": item for key, item in told.items()}
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"eee19b7ec3c1b17{number}",
        "startTimeUnixNano": f"176400000{2 * number}000000000",
        "endTimeUnixNano": f"176400000{2 * number + 1}500000000",
        "attributes": attributes({"gen_ai.operation.name": "chat", **named}),
    }


# messages as JSON in a string, as most SDKs write them, and as a structure
OTHERS = [
    chat(
        0,
        provider__name="openai",
        request__model="gpt-5",
        request__temperature=0.5,
        usage__input_tokens=12,
        response__finish_reasons=["tool_calls"],
        input__messages=json.dumps([ASKED]),
        output__messages=json.dumps([CALLED]),
    ),
    chat(
        1,
        input__messages=json.dumps([ASKED, CALLED, TOLD, PRESSED]),
        output__messages=[SAID],
    ),
]


def file_of(folder: Path, *spans: Any, name: str = "spans.json") -> Path:
    file = folder / name
    request = {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}
    file.write_text(json.dumps(request), encoding="utf-8")
    return file


def test_spans_of_another_framework_make_a_run(tmp_path: Path):
    (run,) = runs_of(read_spans(file_of(tmp_path, *reversed(OTHERS))))
    path = run.write(tmp_path / "runs")
    assert path is not None
    trace = Trace.load(path)
    assert conversation(trace) == [
        ("user", ("text", "Sky?")),
        ("assistant", ("c1", "look", {"where": "up"})),
        ("tool", ("c1", "blue", None)),
        ("user", ("text", "Well?")),
        ("assistant", ("text", "Blue.")),
    ]
    assert trace.events[-1] == RunFinished(outcome="completed", output="Blue.")
    assert trace.header.backend.model == "gpt-5"
    assert trace.header.settings.temperature == 0.5
    assert [r.at for r in trace.records][:2] == [1764000000.0, 1764000001.5]
    (result,) = [e.result for e in trace.events if isinstance(e, ToolFinished)]
    assert result.content == "blue"


def test_strangers_spans_choose_no_server_and_no_file(tmp_path: Path):
    evil = chat(0, provider__name="http://127.0.0.1:1/v1#x")
    evil["traceId"] = evil["spanId"] = "../../up"
    (run,) = runs_of(read_spans(file_of(tmp_path, evil)))
    path = run.write(tmp_path / "runs")
    assert path is not None
    assert path.parent == tmp_path / "runs"
    assert run.header.backend.name.startswith("imported:")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "role",
                    "parts",
                    "content",
                    "id",
                    "name",
                    "arguments",
                    "result",
                    "modality",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = (
    "input.messages",
    "output.messages",
    "system_instructions",
    "tool.definitions",
    "response.finish_reasons",
    "tool.call.id",
)


@given(st.lists(json_like, min_size=6, max_size=6), st.sampled_from(["chat", "execute_tool"]))
def test_whatever_spans_hold_makes_a_run_that_loads(tmp_path_factory: Any, values: Any, kind: str):
    folder = tmp_path_factory.mktemp("any")
    held = {f"gen_ai.{k}": json.dumps(v) for k, v in zip(KEYS, values, strict=True)}
    span = {**OTHERS[0], "attributes": attributes({**held, "gen_ai.operation.name": kind})}
    (run,) = runs_of(read_spans(file_of(folder, span)))
    path = run.write(folder / "runs")
    assert path is not None
    assert len(Trace.load(path).events) == len(run.events)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "has no spans"), ("{}", "has no spans"), ('{"a": 1}\nx', "line 2, is not JSON")],
)
def test_what_is_no_otlp_is_said_in_one_line(tmp_path: Path, text: str, says: str):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(TraceError, match=says):
        read_spans(file)


def test_the_command_names_the_runs_and_adds_none_twice(tmp_path: Path):
    file = file_of(tmp_path, *OTHERS)
    told = [
        CliRunner().invoke(import_runs, [str(file), "--runs", str(tmp_path / "runs")]).output
        for _ in range(2)
    ]
    assert told[0].startswith("otel-5b8efff79803")
    assert "already there" in told[1]
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1


def test_the_first_message_of_a_run_without_one_is_its_prompt(tmp_path: Path):
    trace = ran(tmp_path, said("Hi."), input=Message.user("Hello?"))
    assert conversation(there_and_back(trace, tmp_path))[1] == ("user", ("text", "Hello?"))
