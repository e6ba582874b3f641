"""Chat templates: how each family writes a call is read off it, and its replies are read so.

The templates here are short ones in each family's style; the replies are what its models write, in
the documented formats.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from guided_text import sample
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backend import Settings, ToolSpec
from agentlab.backends.llamacpp.channels import parser_for
from agentlab.backends.llamacpp.constraint import constrain
from agentlab.backends.llamacpp.formats import QUOTE, Format
from agentlab.backends.llamacpp.template import Template
from agentlab.messages import Message, Reasoning, Text, ToolCall, ToolResult

FIND = ToolSpec(
    name="find_flights",
    description="Find flights.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where to."},
            "days": {"type": "integer", "description": "How long."},
            "direct": {"type": "boolean", "description": "No change."},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "Words."},
        },
        "required": ["city", "days"],
    },
)
NOW = ToolSpec(name="now", description="The time.", parameters={"type": "object", "properties": {}})
TOOLS = [FIND, NOW]


def loop(
    call: str, *, tools: str = "{{ tools | tojson }}", start: str = "", finish: str = ""
) -> str:
    """A template whose turns are ChatML and whose calls are written by `call`."""
    return (
        "{% if tools %}<|im_start|>system\n" + tools + "<|im_end|>\n{% endif %}"
        "{% for m in messages %}{% if m.role == 'tool' %}<|im_start|>user\n<result>{{ m.content }}"
        "</result><|im_end|>\n{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "{% if m.tool_calls %}" + start + "{% for c in m.tool_calls %}"
        "{% set f = c.function %}" + call + "{% endfor %}" + finish + "{% endif %}"
        "<|im_end|>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


VALUE = "{{ v if v is string else v | tojson }}"
COMMA = "{% if not loop.first %}, {% endif %}"
OBJECT = '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}'
PAIRS = "{% for k, v in f.arguments | items %}"
FAMILIES: dict[str, tuple[str, str, str]] = {
    "hermes": (
        loop("\n<tool_call>\n" + OBJECT + "\n</tool_call>"),
        "hermes",
        '<tool_call>\n{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}\n'
        '</tool_call>\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>',
    ),
    "qwen3-coder": (
        loop(
            "\n<tool_call>\n<function={{ f.name }}>\n"
            + PAIRS
            + "<parameter={{ k }}>\n"
            + VALUE
            + "\n</parameter>\n{% endfor %}</function>\n</tool_call>"
        ),
        "qwen3-coder",
        "<tool_call>\n<function=find_flights>\n<parameter=city>\nRome\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>\n"
        "<tool_call>\n<function=now>\n</function>\n</tool_call>",
    ),
    "glm": (
        loop(
            "\n<tool_call>{{ f.name }}\n"
            + PAIRS
            + "<arg_key>{{ k }}</arg_key>\n<arg_value>"
            + VALUE
            + "</arg_value>\n{% endfor %}</tool_call>"
        ),
        "glm",
        "\n<tool_call>find_flights\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n<tool_call>now\n"
        "</tool_call>",
    ),
    "mistral": (
        loop(
            COMMA + '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}, '
            '"id": "{{ c.id }}"}',
            start="[TOOL_CALLS][",
            finish="]",
        ),
        "mistral",
        '[TOOL_CALLS][{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}, '
        '{"name": "now", "arguments": {}}]',
    ),
    "mistral with arguments apart": (
        loop("[TOOL_CALLS]{{ f.name }}[ARGS]{{ f.arguments | tojson }}"),
        "mistral-args",
        '[TOOL_CALLS]find_flights[ARGS]{"city": "Rome", "days": 3}[TOOL_CALLS]now[ARGS]{}',
    ),
    "mistral with ids apart": (
        loop("[TOOL_CALLS]{{ f.name }}[CALL_ID]{{ c.id }}[ARGS]{{ f.arguments | tojson }}"),
        "mistral-args",
        '[TOOL_CALLS]find_flights[CALL_ID]a1B2c3D4e[ARGS]{"city": "Rome", "days": 3}'
        "[TOOL_CALLS]now[CALL_ID]000000001[ARGS]{}",
    ),
    "functionary 3.1": (
        loop("<function={{ f.name }}>{{ f.arguments | tojson }}</function>"),
        "functionary",
        '<function=find_flights>{"city": "Rome", "days": 3}</function><function=now>{}</function>',
    ),
    "command-r": (
        loop(
            COMMA.replace(", ", ",") + '\n    {"tool_call_id": "{{ loop.index0 }}", "tool_name": '
            '"{{ f.name }}", "parameters": {{ f.arguments | tojson }}}',
            start="<|START_ACTION|>[",
            finish="\n]<|END_ACTION|>",
        ),
        "command-r",
        '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "find_flights", "parameters": '
        '{"city": "Rome", "days": 3}},\n    {"tool_call_id": "1", "tool_name": "now", '
        '"parameters": {}}\n]<|END_ACTION|>',
    ),
    "deepseek v3.1": (
        loop(
            "<｜tool▁call▁begin｜>{{ f.name }}<｜tool▁sep｜>{{ f.arguments | tojson }}"
            "<｜tool▁call▁end｜>",
            start="<｜tool▁calls▁begin｜>",
            finish="<｜tool▁calls▁end｜>",
        ),
        "deepseek",
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>find_flights<｜tool▁sep｜>{"city": "Rome", '
        '"days": 3}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>'
        "<｜tool▁calls▁end｜>",
    ),
    "deepseek r1": (
        loop(
            "{% if not loop.first %}\n{% endif %}<｜tool▁call▁begin｜>function<｜tool▁sep｜>"
            "{{ f.name }}\n```json\n{{ f.arguments | tojson }}\n```<｜tool▁call▁end｜>",
            start="<｜tool▁calls▁begin｜>",
            finish="<｜tool▁calls▁end｜>",
        ),
        "deepseek",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>find_flights\n```json\n"
        '{"city": "Rome", "days": 3}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function'
        "<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    "deepseek with marked kinds": (
        loop(
            '<｜DSML｜invoke name="{{ f.name }}">\n' + PAIRS + '<｜DSML｜parameter name="{{ k }}" '
            "string=\"{{ 'true' if v is string else 'false' }}\">"
            + VALUE
            + "</｜DSML｜parameter>\n{% endfor %}</｜DSML｜invoke>\n",
            start="\n<｜DSML｜function_calls>\n",
            finish="</｜DSML｜function_calls>",
        ),
        "deepseek-dsml",
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="find_flights">\n<｜DSML｜parameter '
        'name="city" string="true">Rome</｜DSML｜parameter>\n<｜DSML｜parameter name="days" '
        'string="false">3</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="now">\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    ),
    "minimax m2": (
        loop(
            '<invoke name="{{ f.name }}">\n'
            + PAIRS
            + '<parameter name="{{ k }}">'
            + VALUE
            + "</parameter>\n{% endfor %}</invoke>\n",
            start="\n<minimax:tool_call>\n",
            finish="</minimax:tool_call>",
        ),
        "minimax",
        '<minimax:tool_call>\n<invoke name="find_flights">\n<parameter name="city">Rome'
        '</parameter>\n<parameter name="days">3</parameter>\n</invoke>\n<invoke name="now">\n'
        "</invoke>\n</minimax:tool_call>",
    ),
    "minimax m1": (
        loop("\n" + OBJECT, start="\n<tool_calls>", finish="\n</tool_calls>"),
        "object <tool_calls>",
        '<tool_calls>\n{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}\n'
        '{"name": "now", "arguments": {}}\n</tool_calls>',
    ),
    "kimi": (
        loop(
            "<|tool_call_begin|>functions.{{ f.name }}:{{ loop.index0 }}"
            "<|tool_call_argument_begin|>{{ f.arguments | tojson }}<|tool_call_end|>",
            start="<|tool_calls_section_begin|>",
            finish="<|tool_calls_section_end|>",
        ),
        "kimi",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.find_flights:0"
        '<|tool_call_argument_begin|>{"city": "Rome", "days": 3}<|tool_call_end|>'
        "<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
        "<|tool_calls_section_end|>",
    ),
    "nemotron": (
        loop(COMMA + OBJECT, start="<TOOLCALL>[", finish="]</TOOLCALL>"),
        "nemotron",
        '<TOOLCALL>[{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}, '
        '{"name": "now", "arguments": {}}]</TOOLCALL>',
    ),
    "phi-4-mini": (
        loop(COMMA + OBJECT, start="<|tool_call|>[", finish="]<|/tool_call|>"),
        "object <|tool_call|>",
        '<|tool_call|>[{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}, '
        '{"name": "now", "arguments": {}}]<|/tool_call|>',
    ),
    "apertus": (
        loop(
            COMMA + '{"{{ f.name }}": {{ f.arguments | tojson }}}',
            start="<|tools_prefix|>[",
            finish="]<|tools_suffix|>",
        ),
        "object <|tools_prefix|>",
        '<|tools_prefix|>[{"find_flights": {"city": "Rome", "days": 3}}, {"now": {}}]'
        "<|tools_suffix|>",
    ),
    "lfm2": (
        loop("", tools="List of tools: <|tool_list_start|>{{ tools | tojson }}<|tool_list_end|>"),
        "lfm2",
        '<|tool_call_start|>[find_flights(city="Rome", days=3), now()]<|tool_call_end|>',
    ),
    "granite": (
        loop("", tools="Answer with <|tool_call|> and a JSON list. {{ tools | tojson }}"),
        "granite",
        '<|tool_call|>[{"name": "find_flights", "arguments": {"city": "Rome", "days": 3}}, '
        '{"name": "now", "arguments": {}}]',
    ),
    "gemma 4": (
        loop(
            "<|tool_call>call:{{ f.name }}{{ '{' }}" + PAIRS + "{% if not loop.first %},{% endif %}"
            '{{ k }}:{% if v is string %}<|"|>{{ v }}<|"|>{% else %}{{ v | tojson }}{% endif %}'
            "{% endfor %}}<tool_call|>"
        ),
        "gemma",
        '<|tool_call>call:find_flights{city:<|"|>Rome<|"|>,days:3}<tool_call|>'
        "<|tool_call>call:now{}<tool_call|>",
    ),
}
EXPECTED = [("find_flights", {"city": "Rome", "days": 3}), ("now", {})]
families = pytest.mark.parametrize("family", FAMILIES)


def read(format: Format, text: str, size: int = 0) -> Message:
    parser = parser_for(format, calls=True, tools=TOOLS)
    data = text.encode()
    size = size or len(data) or 1
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    parser.finish()
    return parser.message


def calls_of(message: Message) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in message.tool_calls]


@families
def test_a_familys_replies_are_read_as_it_writes_them(family: str) -> None:
    source, name, reply = FAMILIES[family]
    template = Template(source)
    assert (template.format.name, template.told_by) == (name, "the template")
    for size in (0, 1, 3):
        message = read(template.format, "Let me see.\n" + reply, size)
        assert calls_of(message) == EXPECTED
        assert message.text.strip() == "Let me see."


@families
def test_the_grammar_forces_what_the_template_writes(family: str) -> None:
    template = Template(FAMILIES[family][0])
    call, other = (
        ToolCall(id=f"call0000{n}", name=name, arguments=json.dumps(arguments))
        for n, (name, arguments) in enumerate(EXPECTED, 1)
    )
    written = template.format.write([call, other])
    assert calls_of(read(template.format, written)) == EXPECTED
    if template.writes_calls:
        history = [Message.user("Hi"), Message.assistant(call, other)]
        told = template.render([*history, results(call, other)], TOOLS, str)
        # mistral's templates write ids that its models leave out
        told = re.sub(r', "id": "\w+"', "", told)
        assert "".join(written.split()) in "".join(told.split())
    constraint = constrain(template.format, TOOLS, Settings(tool_choice="required"), None)
    assert constraint is not None
    assert constraint.grammar is not None
    random = Random(7)
    pair = template.format.pair
    format = template.format
    whole = format.tail + format.close
    marks = [format.close, format.tail, whole, format.finish, pair.end.strip() if pair else QUOTE]
    texts = [sample(constraint.grammar, random, marks=marks) for _ in range(20)]
    ended = [text for text in texts if text is not None]
    assert len(ended) >= 12
    assert {call.name for text in ended for call in read(format, text).tool_calls} == {
        "find_flights",
        "now",
    }
    for text in ended:
        message = read(template.format, text)
        assert message.tool_calls, text
        assert not message.text.strip(), text
        for made in message.tool_calls:
            given = json.loads(made.arguments)
            assert made.name in ("find_flights", "now"), text
            if made.name == "find_flights":
                assert isinstance(given["days"], int), text
                assert isinstance(given["city"], str), text


@families
def test_nothing_that_was_said_is_lost_from_a_history(family: str) -> None:
    template = Template(FAMILIES[family][0])
    calls = [
        ToolCall(id="call_1", name="find_flights", arguments='{"city": "Oslo", "days": 3}'),
        ToolCall(id="call_2", name="find_flights", arguments='{"city": "Ro'),  # cut off
    ]
    told = template.render(
        [
            Message.system("Be kind."),
            Message.user("Where to?"),
            Message.assistant("Let me see.", *calls),
            results(*calls),
            Message.system("Be quick."),
            Message.user("And?"),
        ],
        TOOLS,
        str,
    )
    words = [
        "Be kind.",
        "Where to?",
        "Let me see.",
        "Oslo",
        "result of call_1",
        "Be quick.",
        "And?",
    ]
    places = [told.index(word) for word in words]
    assert places[1:] == sorted(places[1:])


def results(*calls: ToolCall) -> Message:
    return Message.results(
        [ToolResult(call_id=call.id, content=f"result of {call.id}") for call in calls]
    )


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
values = st.fixed_dictionaries(
    {"city": texts, "days": st.integers(-99, 99)},
    optional={"direct": st.booleans(), "tags": st.lists(texts, max_size=3)},
)


@families
@given(st.lists(values, min_size=1, max_size=3), st.integers(1, 9))
def test_whatever_is_written_is_read_back(family: str, given_: list[Any], size: int) -> None:
    format = formats()[family]
    calls = [
        ToolCall(id=f"call_{n}", name="find_flights", arguments=json.dumps(v, ensure_ascii=False))
        for n, v in enumerate(given_, 1)
    ]
    if any(mark in json.dumps(given_, ensure_ascii=False) for mark in ("<", ">", "]", "{", "}")):
        return  # what looks like a mark is the next test's
    message = read(format, format.write(calls), size)
    assert [arguments for _, arguments in calls_of(message)] == given_


@families
def test_marks_inside_a_value_end_nothing(family: str) -> None:
    format = formats()[family]
    for text in ('</tool_call> "x" } ] ) [1]', "a <b> c\nd", "{'a': 1}", "42", "true", "null", ""):
        arguments = json.dumps({"city": text, "days": 1})
        call = ToolCall(id="call_1", name="find_flights", arguments=arguments)
        assert calls_of(read(format, format.write([call]))) == [
            ("find_flights", {"city": text, "days": 1})
        ]


def formats(known: dict[str, Format] = {}) -> dict[str, Format]:  # noqa: B006 - made once
    if not known:
        known |= {name: Template(source).format for name, (source, _, _) in FAMILIES.items()}
    return known


@families
@given(cut=st.integers(0, 200), size=st.integers(1, 7))
def test_a_reply_cut_off_anywhere_reads_the_same_however_split(
    family: str, cut: int, size: int
) -> None:
    format, reply = formats()[family], FAMILIES[family][2][:cut]
    assert read(format, reply) == read(format, reply, size)


# Templates with ways of their own

LLAMA = (
    "{% if tools %}{{ tools | tojson }} <|python_tag|>{% endif %}{% for m in messages %}"
    "{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('one call') }}"
    "{% endif %}<|h|>assistant<|/h|>\n\n"
    '{"name": "{{ m.tool_calls[0].function.name }}", "parameters": '
    "{{ m.tool_calls[0].function.arguments | tojson }}}<|eot_id|>"
    "{% else %}<|h|>{{ m.role }}<|/h|>\n\n{{ m.content }}<|eot_id|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|h|>assistant<|/h|>\n\n{% endif %}"
)


def test_one_call_a_turn_is_one_call_with_its_result_a_turn() -> None:
    template = Template(LLAMA)
    assert template.format.name == "llama3"
    calls = [ToolCall(id=f"c{n}", name="now", arguments=f'{{"n": {n}}}') for n in (1, 2)]
    history = [Message.user("Hi"), Message.assistant("Both.", *calls), results(*calls)]
    told = template.render(history, TOOLS, str)
    order = ["Both.", '{"n": 1}', "result of c1", '{"n": 2}', "result of c2"]
    assert [told.index(word) for word in order] == sorted(map(told.index, order))
    constraint = constrain(template.format, TOOLS, Settings(tool_choice="required"), None)
    assert constraint is not None
    assert constraint.grammar is not None
    assert '"; "' not in json.loads(constraint.grammar)["grammars"][0]["lark_grammar"]


HARMONY = (
    "{% if tools %}<|start|>developer<|message|>{{ tools | tojson }}<|end|>{% endif %}"
    "{% for m in messages %}{% if m.role == 'tool' %}<|start|>functions.x to=assistant"
    "<|channel|>commentary<|message|>{{ m.content }}<|end|>{% elif m.tool_calls %}"
    "{% if m.thinking %}<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>"
    "{% endif %}<|start|>assistant to=functions.{{ m.tool_calls[0].function.name }}"
    "<|channel|>commentary json<|message|>{{ m.tool_calls[0].function.arguments | tojson }}"
    "<|call|>{% elif m.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>"
    "{{ m.content }}<|end|>{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
ROME = '{"city": "Rome", "days": 3}'


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        (
            "<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant<|channel|>"
            f"commentary to=functions.find_flights <|constrain|>json<|message|>{ROME}",
            (
                Reasoning(text="Let me see."),
                ToolCall(id="call_1", name="find_flights", arguments=ROME),
            ),
        ),
        (
            f" to=functions.find_flights<|channel|>commentary json<|message|>{ROME}",
            (ToolCall(id="call_1", name="find_flights", arguments=ROME),),
        ),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final"
            "<|message|>It is 42.",
            (Reasoning(text="Hm."), Text(text="It is 42.")),
        ),
        (
            "<|channel|>commentary<|message|>I look it up.<|end|><|start|>assistant"
            "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}",
            (Text(text="I look it up."), ToolCall(id="call_1", name="now", arguments="{}")),
        ),
        ("<|channel|>final<|mess", ()),
        ("No address.", (Text(text="No address."),)),
    ],
)
def test_harmony_tells_thoughts_text_and_calls_apart(size: int, reply: str, parts: Any) -> None:
    template = Template(HARMONY)
    assert template.format.name == "harmony"
    assert read(template.format, reply, size).parts == parts


def test_harmonys_grammar_admits_its_calls_and_nothing_else() -> None:
    format = Template(HARMONY).format
    constraint = constrain(format, TOOLS, Settings(tool_choice="required"), None)
    assert constraint is not None
    assert constraint.grammar is not None
    for seed in range(30):
        text = sample(constraint.grammar, Random(seed), 600)
        assert text is not None
        assert len(read(format, text).tool_calls) == 1, text


FUNCTIONARY = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}"
    "{% if m.role == 'assistant' %}{% if m.content %}>>>all\n{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}>>>{{ c.function.name + '\n' + c.function.arguments }}"
    "{% endfor %}<|eot_id|>{% else %}<|h|>{{ m.role }}<|/h|>{{ m.content }}<|eot_id|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}>>>{% endif %}"
)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_functionary_says_first_whom_a_message_is_for(size: int) -> None:
    template = Template(FUNCTIONARY)
    assert (template.format.name, template.told_by) == ("functionary-v3.2", "the template")
    reply = f"find_flights\n{ROME}"
    assert calls_of(read(template.format, reply, size)) == EXPECTED[:1]
    assert read(template.format, "all\nIt is 42.", size).parts == (Text(text="It is 42."),)
    both = read(template.format, f"all\nWait.>>>find_flights\n{ROME}", size)
    assert (both.text, calls_of(both)) == ("Wait.", EXPECTED[:1])


PARTS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for p in m.content %}"
    "{% if p.type == 'text' %}{{ p.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
)
STRICT = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('system first') }}{% endif %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
)
DROPS = (
    "{% for m in messages %}{% if m.role != 'system' or loop.first %}[{{ m.role }}] "
    "{{ m.content }}\n{% endif %}{% endfor %}"
)
NINE = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}[{{ m.role }}]"
    "{{ m.content }}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}"
    "{{ raise_exception('nine') }}{% endif %}[TOOL_CALLS]{{ c.function.name }}[ARGS]"
    "{{ c.function.arguments | tojson }}{% endfor %}"
    "{% if m.role == 'tool' %}({{ m.tool_call_id }}){% endif %}\n{% endfor %}"
)


@pytest.mark.parametrize("source", [PARTS, STRICT, DROPS])
def test_a_history_is_rewritten_where_that_loses_nothing(source: str) -> None:
    history = [
        Message.system("Be kind."),
        Message.user("One?"),
        Message.assistant("Two."),
        Message.system("Be quick."),
        Message.user("Three?"),
    ]
    told = Template(source).render(history, [], str)
    words = ["Be kind.", "One?", "Two.", "Be quick.", "Three?"]
    assert [told.index(word) for word in words] == sorted(map(told.index, words))


TOOLED = "{% if tools %}{{ tools | tojson }}{% endif %}"
TURN = (
    "[{{ m.role }}] {{ m.content }}{% for c in m.tool_calls or [] %}[TOOL_CALLS]"
    "{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}\n"
)
# the last instructions take the place of all others
REPLACES = (
    "{% set s = namespace(v='') %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set s.v = m.content %}{% endif %}{% endfor %}{{ s.v }}\n"
    + TOOLED
    + "{% for m in messages %}"
    "{% if m.role != 'system' %}" + TURN + "{% endif %}{% endfor %}"
)
# instructions stand before the last question, if that is the last turn
BEFORE_LAST = (
    TOOLED
    + "{% for m in messages %}{% if m.role != 'system' %}{% if loop.last and m.role == 'user' "
    "and messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}"
    + TURN
    + "{% endif %}"
    "{% endfor %}"
)
# speakers take turns, calls and results left aside; no answer is empty; somebody asks
ALTERNATES = (
    TOOLED + "{% set n = namespace(i=0, text=true) %}{% for m in messages %}"
    "{% if m.role == 'user' or (m.role == 'assistant' and not m.tool_calls) %}"
    "{% if (m.role == 'user') != (n.i % 2 == 0) %}{{ raise_exception('take turns') }}{% endif %}"
    "{% set n.i = n.i + 1 %}{% endif %}{% if m.role == 'assistant' and not m.content and not "
    "m.tool_calls %}{{ raise_exception('say something') }}{% endif %}"
    "{% if m.tool_calls %}{% set m = {'role': m.role, 'tool_calls': m.tool_calls} %}" + TURN
    + "{% else %}" + TURN + "{% endif %}{% endfor %}"
    "{% if n.i == 0 %}{{ raise_exception('nobody asks') }}{% endif %}"
)  # fmt: skip
# each parameter must have a description, which is put behind a word
DESCRIBES = (
    "{% for t in tools %}{{ t.function.name }}{% for k, v in "
    "t.function.parameters.properties.items() %} {{ k + ': ' + v.description }}{% endfor %}\n"
    "{% endfor %}{% for m in messages %}" + TURN + "{% endfor %}"
)


@pytest.mark.parametrize("source", [REPLACES, BEFORE_LAST, ALTERNATES, DESCRIBES])
def test_no_history_of_a_run_is_refused_or_loses_words(source: str) -> None:
    template = Template(source)
    call = ToolCall(id="call_1", name="find_flights", arguments='{"city": "Roma"}')
    asked, done = Message.user("Where?"), results(call)
    rules, late = Message.system("Be kind."), Message.system("Be quick.")
    says = Message.assistant(Text(text="I look."), call)
    bare = ToolSpec(
        name="find_flights",
        description="Find.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    for history, words in (
        (
            [rules, asked, Message.assistant(call), done],
            ["Be kind.", "Where?", "Roma", "result of call_1"],
        ),
        ([rules, asked, Message.assistant("Here."), late, asked], ["Be kind.", "Be quick."]),
        ([rules, asked, says, done, Message.assistant("There.")], ["I look.", "Roma", "There."]),
        ([asked, says, done, late], ["I look.", "Roma", "result of call_1", "Be quick."]),
        ([asked, Message.assistant(""), Message.user("Well?")], ["Where?", "Well?"]),
        ([rules], ["Be kind."]),
    ):
        for tools in ([], [bare]):
            told = template.render(history, tools, str)
            assert all(word in told for word in words), (tools, history, told)
            assert not tools or "city" in told


def test_instructions_stay_where_the_template_puts_them_when_somebody_asks() -> None:
    history = [Message.system("Be kind."), Message.user("One?"), Message.assistant("Two.")]
    told = Template(BEFORE_LAST).render([*history, Message.user("Three?")], [], str)
    assert told == "[user] One?[assistant] Two.Be kind.\n[user] Three?"


def test_ids_have_nine_letters_where_a_template_wants_them_and_results_keep_theirs() -> None:
    calls = [ToolCall(id=f"call_{n}", name="now", arguments="{}") for n in (1, 2)]
    told = Template(NINE).render(
        [Message.user("Hi"), Message.assistant(*calls), results(*calls)], TOOLS, str
    )
    ids = [piece.split(")")[0] for piece in told.split("(")[1:]]
    assert len(set(ids)) == 2
    assert all(len(id) == 9 and id.isalnum() for id in ids)


def test_marks_for_training_change_nothing() -> None:
    source = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    assert Template(source).render([Message.user("Hi")], [], str) == "Hi"


def test_lists_of_its_own_a_template_may_fill_and_those_it_is_given_not() -> None:
    own = "{% set l = [] %}{% for m in messages %}{% set _ = l.append(m.content) %}{% endfor %}"
    own += "{{ l }}"
    assert Template(own).render([Message.user("Hi")], [], str) == "['Hi']"
    given_ = "{% set _ = messages.append(1) %}{{ messages[0].content }}"
    with pytest.raises(Exception, match="cannot express"):
        Template(given_).render([Message.user("Hi")], [], str)


def test_what_a_template_cannot_express_is_told_with_the_turn() -> None:
    source = (
        "{% for m in messages %}{% if 'bad' in m.content %}{{ raise_exception('no') }}{% endif %}"
    )
    source += "{{ m.content }}{% endfor %}"
    history = [Message.user("fine"), Message.assistant("bad word"), Message.user("more")]
    with pytest.raises(Exception, match=r"no, at turn 2 \(assistant: 'bad word'\)"):
        Template(source).render(history, [], str)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (loop("", tools="No tools."), "it writes no calls"),
        (loop("{{ f.name }} {{ f.arguments | tojson }}"), "its calls have no mark"),
        (loop("{{ raise_exception('no calls') }}"), "it refuses a turn with a call"),
    ],
)
def test_a_template_that_can_t_be_read_gets_our_own_section_and_says_so(
    source: str, why: str
) -> None:
    template = Template(source)
    assert template.format.name == "hermes"
    assert template.told_by == f"agentlab (of the template: {why})"
    call = ToolCall(id="call_1", name="now", arguments="{}")
    told = template.render([Message.user("Hi"), Message.assistant(call), results(call)], TOOLS, str)
    assert "You can use these tools:" in told
    assert '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>' in told


def test_a_template_with_calls_and_no_tools_is_taught_its_own_format() -> None:
    source = loop("<call>{{ f.name }}|{{ f.arguments | tojson }}</call>", tools="")
    template = Template(source)
    assert "in the template's own format" in template.told_by
    told = template.render([Message.user("Hi")], TOOLS, str)
    assert '<call>find_flights|{"city": "...", "days": 1}</call>' in told


def test_what_people_write_into_tools_stays_guarded_in_our_section() -> None:
    tool = FIND.model_copy(update={"description": "<call> me"})
    source = loop("<call>{{ f.name }}|{{ f.arguments | tojson }}</call>", tools="")
    told = Template(source).render(
        [Message.user("Hi")], [tool], lambda text: text.replace("<call>", "<#call>")
    )
    assert "<#call> me" in told
    assert "<call>find_flights|" in told
