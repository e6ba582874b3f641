"""Chat-format JSONL: a run as an example to train on, without what went wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exported import MENDED, call, ran, said, shown
from pydantic import BaseModel

from agentlab import Agent, Limits
from agentlab.backends.scripted import Scripted
from agentlab.export.chat import NotAnExample, lines
from agentlab.messages import Message, ToolCall
from agentlab.trace import Trace


def only(trace: Trace, **options: Any) -> dict[str, Any]:
    (line,) = lines(trace, **options)
    return json.loads(line)


def roles(line: dict[str, Any]) -> list[str]:
    return [message["role"] for message in line["messages"]]


def test_a_run_is_one_line_with_its_messages_and_its_tools(runs: Path):
    line = only(ran(runs, said(call(a=6, b=2)), said("It is 3.")))
    system, user, asks, result, answer = line["messages"]
    assert system == {"role": "system", "content": "Divide."}
    assert user == {"role": "user", "content": "What is 6 / 2?"}
    assert asks["content"] is None
    (made,) = asks["tool_calls"]
    assert made["type"] == "function"
    assert made["function"]["name"] == "divide"
    assert json.loads(made["function"]["arguments"]) == {"a": 6, "b": 2}
    assert result == {"role": "tool", "tool_call_id": made["id"], "content": "3.0"}
    assert answer == {"role": "assistant", "content": "It is 3."}
    (spec,) = line["tools"]
    assert spec["function"]["name"] == "divide"
    assert set(spec["function"]["parameters"]["properties"]) == {"a", "b"}


def test_a_failed_call_that_was_mended_is_left_out_with_its_reply(runs: Path):
    line = only(ran(runs, *MENDED))
    assert roles(line) == ["system", "user", "assistant", "tool", "assistant"]
    assert "zero" not in json.dumps(line)
    assert "First try" not in json.dumps(line)


def test_a_failed_call_that_nobody_mended_stays(runs: Path):
    line = only(ran(runs, said(call(a=6, b=0)), said("That can't be done.")))
    assert "cannot divide by zero" in line["messages"][3]["content"]


def test_of_parallel_calls_only_the_failed_one_goes(runs: Path):
    both = said(call("one", a=8, b=2), call("two", a=1, b=0))
    line = only(ran(runs, both, said(call("three", a=1, b=1)), said("4 and 1")))
    ids = [made["id"] for message in line["messages"] for made in message.get("tool_calls", ())]
    assert ids == ["one", "three"]
    results = [m["tool_call_id"] for m in line["messages"] if m["role"] == "tool"]
    assert results == ids


def test_a_call_of_an_unknown_tool_is_mended_by_any_that_works(runs: Path):
    line = only(ran(runs, said(call(name="div", a=1)), said(call(a=4, b=2)), said("2")))
    assert '"div"' not in json.dumps(line)


def test_an_answer_that_did_not_fit_its_type_is_left_out(runs: Path):
    class Number(BaseModel):
        value: int

    line = only(ran(runs, "three", '{"value": 3}', output_type=Number))
    assert [m["content"] for m in line["messages"][2:]] == ['{"value": 3}']


def test_turns_the_model_was_shown_weigh_nothing(runs: Path):
    examples = (Message.user("4 / 2?"), Message.assistant("2"))
    trace = ran(runs, "3", examples=examples)
    weights = [m.get("weight") for m in only(trace)["messages"] if m["role"] == "assistant"]
    assert weights == [0, None]


def test_one_line_a_reply_ends_with_that_reply(runs: Path):
    trace = ran(runs, said(call(a=6, b=2)), said("It is 3."))
    each = [json.loads(line) for line in lines(trace, per="reply")]
    assert [roles(line) for line in each] == [
        ["system", "user", "assistant"],
        ["system", "user", "assistant", "tool", "assistant"],
    ]


def test_pictures_are_in_the_line(runs: Path):
    line = only(ran(runs, "A dot.", input=shown("What is this?")))
    text, image = line["messages"][1]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_runs_that_are_no_example_say_why(runs: Path):
    with pytest.raises(NotAnExample, match="did not complete"):
        only(ran(runs, said(call(a=6, b=2)), said("no"), limits=Limits(steps=1)))
    other = Agent(name="other", backend=Scripted(["hello"]), runs=runs)
    first = Agent(
        backend=Scripted([Message.assistant(call(name="transfer_to_other"))]),
        handoffs=[other],
        runs=runs,
    )
    path = first.run_sync("hi").path
    assert path is not None
    with pytest.raises(NotAnExample, match="handed to another"):
        only(Trace.load(path))
    broken = ToolCall(id="1", name="divide", arguments="{nonsense")
    with pytest.raises(NotAnExample, match="not JSON"):
        only(ran(runs, said(broken), said("no idea")), style="hf")


HERMES = """\
{%- if tools %}<|im_start|>system
{{ messages[0].content }}
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages %}{% if message.role == 'tool' %}<|im_start|>user
<tool_response>{{ message.content }}</tool_response><|im_end|>
{% elif message.role != 'system' %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>
{{ {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}"""


def test_a_chat_template_reads_the_hf_style(runs: Path):
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    line = only(ran(runs, *MENDED), style="hf")
    rendered = ImmutableSandboxedEnvironment().from_string(HERMES).render(**line)
    calls = [part.partition("</tool_call>")[0] for part in rendered.split("<tool_call>\n")[1:]]
    assert [json.loads(made) for made in calls] == [
        {"name": "divide", "arguments": {"a": 6, "b": 2}}
    ]
    assert "<tool_response>3.0</tool_response>" in rendered
    assert rendered.rstrip().endswith("6 / 2 = 3<|im_end|>")
    assert "None" not in rendered


def test_the_template_of_the_bundled_model_reads_it(runs: Path):
    from llama_cpp import Llama

    from agentlab.backends.llamacpp.registry import locate

    model = Llama(str(locate("smollm2")), vocab_only=True, verbose=False)
    template = model.metadata["tokenizer.chat_template"]
    model.close()
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    line = only(ran(runs, "It is 3."), style="hf")
    rendered = ImmutableSandboxedEnvironment().from_string(template).render(**line)
    assert rendered == (
        "<|im_start|>system\nDivide.<|im_end|>\n<|im_start|>user\nWhat is 6 / 2?<|im_end|>\n"
        "<|im_start|>assistant\nIt is 3.<|im_end|>\n"
    )


def test_reasoning_is_kept_where_templates_can_read_it(runs: Path):
    trace = ran(runs, said(MENDED[0].message.parts[0], "It is 3."))
    assert only(trace, style="hf")["messages"][-1]["reasoning_content"] == "Let me see."
    assert "Let me see" not in json.dumps(only(trace))


def test_the_same_runs_make_the_same_lines(runs: Path):
    trace = ran(runs, *MENDED)
    assert list(lines(trace)) == list(lines(Trace.load(trace.path)))
