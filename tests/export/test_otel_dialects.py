"""Runs out of spans that other frameworks' instrumentations wrote, recorded from one small agent.

Each file under `recorded_spans.json` is what one instrumentation really wrote of the same run (a
question, two calls at once, an answer), against a server on loopback; attributes that tell of the
machine or repeat what others hold are left out.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent.transcript import Transcript
from agentlab.events import ModelReplied, RunFinished, RunStarted, ToolFinished, ToolStarted
from agentlab.export.otel_import import Imported, runs_of
from agentlab.export.otlp_json import read_spans

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("recorded_spans.json").read_text(encoding="utf-8")
)


def imported(folder: Path, request: Any) -> list[Imported]:
    file = folder / "spans.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    return list(runs_of(read_spans(file)))


@pytest.mark.parametrize("name", RECORDED)
def test_one_run_is_one_run_with_each_call_once(tmp_path: Path, name: str) -> None:
    (run,) = imported(tmp_path, RECORDED[name])
    events = [event for _, event in run.events]
    started = [e for e in events if isinstance(e, RunStarted)]
    assert started[0].messages[-1].text == "1+2?"
    calls = [e.call for e in events if isinstance(e, ToolStarted)]
    assert sorted((c.id, c.name, *json.loads(c.arguments).values()) for c in calls) == [
        ("call_a1", "add", 1, 2),
        ("call_a2", "add", 5, 2),
    ]
    results = [e.result for e in events if isinstance(e, ToolFinished)]
    assert sorted((r.call_id, r.content) for r in results) == [("call_a1", "3"), ("call_a2", "7")]
    replies = [e.reply for e in events if isinstance(e, ModelReplied)]
    assert [reply.stop for reply in replies] == ["tool_calls", "end"]
    assert [reply.message.text for reply in replies] == ["", "It is 3."]
    assert [(r.usage.input_tokens, r.usage.output_tokens) for r in replies] == [(9, 4), (9, 4)]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].output == "It is 3."
    assert run.header.backend.model == "gpt-x"
    said = Transcript.of(events).messages
    assert [m.role for m in said][-4:] == ["user", "assistant", "tool", "assistant"]
    assert Transcript.of(events).waiting == []


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("OpenInference of openai-agents (Responses)", "Adder"),
        ("OpenInference of LangGraph", "LangGraph"),
        ("OpenLLMetry of LangGraph", "LangGraph"),
        ("Pydantic AI, format 2", "adder"),
    ],
)
def test_the_agent_is_known_by_its_name(tmp_path: Path, name: str, agent: str) -> None:
    (run,) = imported(tmp_path, RECORDED[name])
    assert run.header.agent == agent


def test_tools_and_settings_come_along(tmp_path: Path) -> None:
    (run,) = imported(tmp_path, RECORDED["OpenInference of openai"])
    assert [tool.name for tool in run.header.tools] == ["add"]
    assert set(run.header.tools[0].parameters["properties"]) == {"a", "b"}
    assert run.header.settings.temperature == 0.5


def spans(*described: tuple[str, str, dict[str, Any]]) -> Any:
    """A request with spans given as (id, parent, attributes), a second after each other."""
    return {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "1" * 32,
                                "spanId": id,
                                "parentSpanId": parent,
                                "name": id,
                                "startTimeUnixNano": str((10 + place) * 10**9),
                                "endTimeUnixNano": str((10 + place) * 10**9 + 1),
                                "attributes": [
                                    {"key": key, "value": {"stringValue": value}}
                                    for key, value in attributes.items()
                                ],
                            }
                            for place, (id, parent, attributes) in enumerate(described)
                        ]
                    }
                ]
            }
        ]
    }


def reply(text: str) -> dict[str, Any]:
    return {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": text,
    }


def test_a_client_that_tells_again_of_its_frameworks_reply_adds_none(tmp_path: Path) -> None:
    twice = spans(
        ("a", "", {"openinference.span.kind": "AGENT"}),
        ("b", "a", reply("Hello.")),
        ("c", "b", reply("Hello.")),
    )
    (run,) = imported(tmp_path, twice)
    assert sum(isinstance(event, ModelReplied) for _, event in run.events) == 1


def test_an_agent_that_a_tool_asks_is_a_run_of_its_own(tmp_path: Path) -> None:
    asked = spans(
        ("a", "", {"openinference.span.kind": "AGENT", "agent.name": "outer"}),
        ("b", "a", reply("I ask.")),
        ("c", "a", {"openinference.span.kind": "TOOL", "tool.name": "ask"}),
        ("d", "c", {"openinference.span.kind": "AGENT", "agent.name": "inner"}),
        ("e", "d", reply("Here.")),
    )
    assert [run.header.agent for run in imported(tmp_path, asked)] == ["outer", "inner"]


def test_flattened_messages_of_an_older_instrumentation_are_read(tmp_path: Path) -> None:
    """The convention before the present one: `gen_ai.prompt.0.content` and its siblings."""
    old = spans(
        (
            "a",
            "",
            {
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "1+2?",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "tool_calls",
                "gen_ai.completion.0.tool_calls.0.id": "call_1",
                "gen_ai.completion.0.tool_calls.0.name": "add",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"a": 1}',
            },
        ),
        (
            "b",
            "",
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "add",
                "traceloop.entity.input": '{"inputs": {"a": 1}, "tags": []}',
                "traceloop.entity.output": '{"output": "3"}',
            },
        ),
    )
    (run,) = imported(tmp_path, old)
    events = [event for _, event in run.events]
    assert [e.call.id for e in events if isinstance(e, ToolStarted)] == ["call_1"]
    assert [e.result.content for e in events if isinstance(e, ToolFinished)] == ["3"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "LLM", "llm.input_messages.x.message": "?"},
        {"openinference.span.kind": "LLM", "llm.output_messages.0.message": "text"},
        {"openinference.span.kind": "LLM", "llm.tools.0.tool.json_schema": "{"},
        {"openinference.span.kind": "TOOL", "output.value": '{"output": 3}'},
        {"openinference.span.kind": "?", "input.value": "[]"},
        {"traceloop.span.kind": "tool", "traceloop.entity.output": "[1"},
        {"gen_ai.prompt.0": "x", "gen_ai.completion.0.tool_calls.0": "y"},
    ],
)
def test_spans_of_any_shape_are_taken(tmp_path: Path, attributes: dict[str, Any]) -> None:
    assert len(imported(tmp_path, spans(("a", "", attributes)))) <= 1


# A longer evening of the same frameworks: the same call twice at once and one that fails, a second
# question, an agent as a tool, and one that hands over. `recorded_agents.json` names the packages
# that wrote it; attributes that repeat what others hold are left out.

EVENING: dict[str, Any] = json.loads(
    Path(__file__).with_name("recorded_agents.json").read_text(encoding="utf-8")
)["spans"]
FIRST = [
    "asked: Weather in Rome twice and in Oslo?",
    "said: [c1 weather {'city': 'Rome'}] [c2 weather {'city': 'Rome'}] [c3 broken {'x': 1}]",
    "c1: Rome: sunny",
    "c2: Rome: sunny",
    "c3: out of order",
    "said: One more. [c4 weather {'city': 'Oslo'}]",
    "c4: Oslo: sunny",
    "said: Rome and Oslo are sunny.",
]
AGAIN = ["said: Again: sunny."]
ASKED = [
    "asked: Ask the helper.",
    "said: [d1 helper {'input': 'Sub question'}]",
    "d1: 42",
    "said: The helper says 42.",
]
HELPED = ["asked: Sub question", "said: 42"]
HANDED = [
    "asked: Hand me over.",
    "said: [h1 transfer_to_spanish {}]",
    'h1: {"assistant":"Spanish"}',
    "said: Hola.",
]


def told(run: Imported) -> list[str]:
    """A run in a few words, its results in the order of their calls."""
    lines: list[str] = []
    results: list[str] = []
    for _, event in run.events:
        if isinstance(event, RunStarted):
            last = event.messages[-1]
            lines.append(f"asked: {last.text}")
        elif isinstance(event, ModelReplied):
            lines += sorted(results)
            results = []
            message = event.reply.message
            calls = [f"[{c.id} {c.name} {json.loads(c.arguments)}]" for c in message.tool_calls]
            lines.append("said: " + " ".join([message.text, *calls]).strip())
        elif isinstance(event, ToolFinished):
            content = re.sub(r"(sunny) \d+|^(?:Error|An error).*", r"\1", event.result.content)
            results.append(f"{event.result.call_id}: {content or 'out of order'}")
    return lines + sorted(results)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "OpenInference of openai-agents (Responses)",
            [FIRST, AGAIN, ASKED, HELPED, HANDED],
        ),
        (
            "OpenInference of openai-agents (Chat Completions), with its client",
            [FIRST, AGAIN, ASKED, HELPED, HANDED],
        ),
        (
            "OpenInference of LangGraph, with its client",
            [FIRST, AGAIN, ASKED, HELPED, ["asked: Hello?", *AGAIN]],
        ),
        ("OpenLLMetry of LangGraph", [FIRST, AGAIN, ASKED, HELPED, ["asked: Hello?", *AGAIN]]),
        ("Pydantic AI, format 2", [FIRST, AGAIN, ASKED, HELPED]),
        ("OpenInference of openai", [FIRST + AGAIN, FIRST + AGAIN, FIRST]),
    ],
)
def test_nothing_is_doubled_and_nothing_lost(
    tmp_path: Path, name: str, expected: list[list[str]]
) -> None:
    runs = imported(tmp_path, EVENING[name])
    expected = [["asked: And again?", *lines] if lines == AGAIN else lines for lines in expected]
    assert [told(run) for run in runs] == expected
    replies = [e.reply for run in runs for _, e in run.events if isinstance(e, ModelReplied)]
    # the server counted its answers: each once, in the tokens it said they took
    served = sorted(reply.usage.output_tokens for reply in replies)
    assert served == list(range(1, len(replies) + 1))
    for run in runs:
        first = run.events[0][1]
        assert isinstance(first, RunStarted)
        roles = [message.role for message in first.messages]
        # each turn of the model is one message, and what its tools answered another
        assert all(one != other or one == "user" for one, other in pairwise(roles))
        kinds = {(m.role, p.kind) for m in first.messages for p in m.parts}
        assert ("user", "tool_result") not in kinds


@pytest.mark.parametrize("name", [name for name in EVENING if "Lang" in name or "agents" in name])
def test_the_tools_and_the_instructions_come_from_whoever_tells_them(
    tmp_path: Path, name: str
) -> None:
    run = imported(tmp_path, EVENING[name])[0]
    assert {"weather", "broken", "helper"} <= {tool.name for tool in run.header.tools}
    first = run.events[0][1]
    assert isinstance(first, RunStarted)
    assert first.messages[0].text == "Be brief."
    assert run.header.agent == "Guide"


def test_the_same_question_asked_many_times_at_once_is_asked_as_often(tmp_path: Path) -> None:
    said = '[{"role":"assistant","parts":[{"type":"text","content":"42"}]}]'
    told = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": said}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]
    spans = [
        {
            "traceId": f"{number:032x}",
            "spanId": f"{number:016x}",
            "name": "ChatCompletion",
            "startTimeUnixNano": str(number * 10**9),
            "endTimeUnixNano": str((100 - number) * 10**9),
            "attributes": attributes,
        }
        for number in range(1, 6)
    ]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    assert len(imported(tmp_path, request)) == 5
