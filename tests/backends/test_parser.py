"""The parser: any split of the bytes gives the same reply, and nothing a model writes is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backend import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from agentlab.backends.llamacpp.formats import HERMES, LLAMA3, MISTRAL, Format, detect
from agentlab.backends.llamacpp.parser import Parser
from agentlab.backends.llamacpp.template import Template
from agentlab.messages import Message, Reasoning, Text, ToolCall


def read(
    format: Format | None, data: bytes | str, cuts: list[int] | None = None, **options
) -> tuple[list[Delta], Message]:
    data = data.encode() if isinstance(data, str) else data
    parser = Parser(format, **options)
    deltas: list[Delta] = []
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    start = 0
    for end in ends:
        deltas += parser.feed(data[start:end])
        start = end
    return deltas + parser.finish(), parser.message


def joined(deltas: list[Delta]) -> tuple[str, str, dict[str, tuple[str, str]]]:
    """Text, thoughts, and name and arguments by call id, as the deltas tell them."""
    text = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    thought = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    calls: dict[str, tuple[str, str]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            name, before = calls.get(delta.id, (delta.name, ""))
            assert name == delta.name
            calls[delta.id] = (name, before + delta.arguments)
    return text, thought, calls


def told(message: Message) -> tuple[str, str, dict[str, tuple[str, str]]]:
    thought = "".join(p.text for p in message.parts if isinstance(p, Reasoning))
    return message.text, thought, {c.id: (c.name, c.arguments) for c in message.tool_calls}


formats = st.sampled_from([HERMES, LLAMA3, MISTRAL])
pieces = st.sampled_from(
    [
        *["<tool_call>", "</tool_call>", "<tool_", "[TOOL_CALLS]", "[", "]", "{", "}", ", ", "; "],
        *['{"name": "add", "arguments": {"x": "é}\\"<"}}', '{"name": "add", "parameters": {}}'],
        *['{"arguments": [1], "name": "b"}', '"name": "a", ', '"arguments": ', '"', "\\", ":"],
        *["\n", " ", "text ", "STOP", "ST", "<think>", "</think>", "<|python_tag|>", "日本", "🙂"],
    ]
)
written = st.lists(pieces, max_size=12).map("".join)
cuts = st.lists(st.integers(0, 300), max_size=8)


@given(formats, written, cuts, st.sampled_from([(), ("STOP",), ("\n", "ST")]))
def test_any_split_reads_the_same(format, text, cuts, stop):
    one, message = read(format, text, stop=stop, thinking=False)
    other, again = read(format, text, cuts, stop=stop, thinking=False)
    assert message == again
    assert joined(one) == joined(other)


@given(formats, st.binary(max_size=40), cuts)
def test_any_bytes_read_the_same_however_split(format, data, cuts):
    assert read(format, data)[1] == read(format, data, cuts)[1]


@given(formats, written, cuts, st.sampled_from([None, False, True]))
def test_deltas_tell_the_same_as_the_message(format, text, cuts, thinking):
    deltas, message = read(format, text, cuts, thinking=thinking)
    assert joined(deltas) == told(message)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
arguments = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
).map(lambda value: json.dumps({"value": value}, ensure_ascii=False))


@given(
    formats,
    st.lists(st.tuples(names, arguments), min_size=1, max_size=3),
    cuts,
    st.sampled_from(["", "Let me see.\n\n"]),
)
def test_what_a_format_writes_is_read_back_exactly(format, calls, cuts, before):
    before = "" if format.at_start else before
    sent = [
        ToolCall(id=f"call_{number}", name=name, arguments=text)
        for number, (name, text) in enumerate(calls, 1)
    ]
    _, message = read(format, before + format.write(sent), cuts)
    assert message.tool_calls == tuple(sent)
    assert message.text == before


@given(st.text(max_size=40).filter(lambda t: "<tool_call>" not in t and not t.isspace()), cuts)
def test_plain_text_is_kept_to_the_letter(text, cuts):
    assert (
        read(HERMES, text.encode("utf-8", "replace"), cuts)[1].text
        == text.encode("utf-8", "replace").decode()
    )


def test_arguments_stream_before_the_call_is_complete():
    parser = Parser(HERMES)
    assert parser.feed(b'So: <tool_call>\n{"name": "add", "argum') == [TextDelta(text="So: ")]
    assert parser.in_call
    assert parser.feed(b'ents": {"x": 1') == [
        ToolCallDelta(id="call_1", name="add", arguments='{"x": 1')
    ]
    assert parser.feed(b', "y"') == [ToolCallDelta(id="call_1", name="add", arguments=', "y"')]


ONE, OTHER = (json.dumps({"name": "add", "arguments": {"x": x}}) for x in (1, 12))


@given(cuts)
def test_a_call_made_before_is_left_out_and_so_is_what_follows(cuts):
    reply = "".join(f"<tool_call>{call}</tool_call>" for call in (ONE, OTHER, ONE, OTHER))
    deltas, message = read(HERMES, f"Now. {reply} And more.", cuts, once=True)
    assert [call.arguments for call in message.tool_calls] == ['{"x": 1}', '{"x": 12}']
    assert message.text == "Now. "
    assert joined(deltas) == told(message)
    assert len(read(HERMES, reply, cuts)[1].tool_calls) == 4


def test_what_may_be_the_same_call_again_is_held_back_until_it_differs():
    parser = Parser(HERMES, once=True)
    parser.feed(f"<tool_call>{ONE}</tool_call>".encode())
    assert parser.feed(b'<tool_call>{"name": "add", "arguments": {"x": 1') == []
    assert parser.feed(b"2") == [ToolCallDelta(id="call_2", name="add", arguments='{"x": 12')]
    assert not parser.said_again
    parser.feed(f"}}}}</tool_call><tool_call>{ONE}".encode())
    assert parser.said_again


def test_a_call_that_is_cut_off_is_not_taken_for_the_one_before():
    reply = f'<tool_call>{ONE}</tool_call><tool_call>{{"name": "add", "arguments": {{"x": 1'
    deltas, message = read(HERMES, reply, once=True)
    assert [call.arguments for call in message.tool_calls] == ['{"x": 1}', '{"x": 1']
    assert joined(deltas) == told(message)


@given(formats, st.lists(st.sampled_from([1, 12, 2]), min_size=1, max_size=5), cuts)
def test_no_format_makes_a_call_twice(format, numbers, cuts):
    made = [
        ToolCall(id=f"call_{at}", name="add", arguments=json.dumps({"x": x}))
        for at, x in enumerate(numbers, 1)
    ]
    deltas, message = read(format, format.write(made), cuts, once=True)
    first_again = next((n for n, x in enumerate(numbers) if x in numbers[:n]), len(numbers))
    assert message.tool_calls == tuple(made[:first_again])
    assert joined(deltas) == told(message)


def test_text_before_between_and_after_calls_is_kept_in_order():
    text = 'a <tool_call>{"name": "f", "arguments": {}}</tool_call> b <tool_call>'
    text += '{"name": "g", "arguments": {}}</tool_call> c'
    parts = read(HERMES, text, first_id=4)[1].parts
    assert parts == (
        Text(text="a "),
        ToolCall(id="call_4", name="f", arguments="{}"),
        Text(text=" b "),
        ToolCall(id="call_5", name="g", arguments="{}"),
        Text(text=" c"),
    )


def test_a_closing_mark_inside_an_argument_is_part_of_it():
    arguments = '{"text": "</tool_call> \\" }"}'
    call = ToolCall(id="call_1", name="say", arguments=arguments)
    assert read(HERMES, HERMES.write([call]))[1].tool_calls == (call,)


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("<tool_call>add(1, 2)</tool_call>", "", "add(1, 2)"),
        ("<tool_call>", "", ""),
        ('<tool_call>{"name": "add", "arguments": {"x": 1', "add", '{"x": 1'),
        ('<tool_call>{"name": "add", "arguments": {"x": 1</tool_call>', "add", '{"x": 1'),
        ('<tool_call>{"name": "add", "arguments": {"x": 1}</tool_call>', "add", '{"x": 1}'),
        (
            '<tool_call>{"name": "add", arguments: {}}</tool_call>',
            "add",
            '{"name": "add", arguments: {}}',
        ),
        ("<tool_call>{'name': 'add'}</tool_call>", "", "{'name': 'add'}"),
        ('<tool_call>{"arguments": {"x": 1}, "name": "add"}</tool_call>', "add", '{"x": 1}'),
        ('<tool_call>{"name": "add", "arguments": 3 }</tool_call>', "add", "3"),
        ('<tool_call>{"name": "add"}</tool_call>', "add", '{"name": "add"}'),
    ],
)
def test_a_malformed_call_survives(text, name, arguments):
    (call,) = read(HERMES, text)[1].tool_calls
    assert (call.name, call.arguments) == (name, arguments)


def test_text_after_a_call_that_was_never_closed_is_not_swallowed():
    message = read(HERMES, '<tool_call>{"name": "f", "arguments": {}}\nSo the answer')[1]
    assert message.text == "\nSo the answer"


def test_a_closing_mark_that_is_cut_off_is_no_text():
    call = ToolCall(id="call_1", name="f", arguments="{}")
    assert read(HERMES, HERMES.write([call])[:-6])[1].parts == (call,)


def test_a_stop_text_ends_the_reply_and_is_not_part_of_it():
    parser = Parser(None, stop=("\n\n", "END"))
    assert parser.feed(b"one E") == [TextDelta(text="one ")]
    assert parser.feed(b"N") == []
    assert parser.feed(b"D two") == []
    assert parser.stopped
    assert parser.feed(b"three") == []
    assert parser.finish() == []
    assert parser.message.text == "one "


def test_half_a_stop_text_is_text_after_all():
    deltas, message = read(None, "EN", stop=("END",))
    assert deltas == [TextDelta(text="EN")]
    assert message.text == "EN"


def test_a_stop_text_inside_a_call_does_not_stop():
    call = ToolCall(id="call_1", name="f", arguments='{"x": "END"}')
    assert read(HERMES, HERMES.write([call]), stop=("END", "\n"))[1].tool_calls == (call,)


def test_a_json_answer_is_not_mistaken_for_a_call():
    assert read(LLAMA3, '{"answer": 42}')[1].text == '{"answer": 42}'


def test_thoughts_are_told_apart_from_text():
    deltas, message = read(HERMES, "<think>hm\n</think>Yes.", thinking=False)
    assert message.parts == (Reasoning(text="hm\n"), Text(text="Yes."))
    assert deltas[0] == ReasoningDelta(text="hm\n")
    assert read(HERMES, "hm</think>Yes.", thinking=True)[1].parts[0] == Reasoning(text="hm")


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("template", "opening", "closing"),
    [
        ("{{ '<think>' }}", "<think>", "</think>"),
        ("{% set mark = '<seed:think>' %}", "<seed:think>", "</seed:think>"),
        ("{{ '[THINK]' + m.thinking }}", "[THINK]", "[/THINK]"),
        ("<|START_THINKING|>{{ m.plan }}", "<|START_THINKING|>", "<|END_THINKING|>"),
        (r"{{ '<|channel>thought\n' }}", "<|channel>thought\n", "<channel|>"),
        ("<|inner_prefix|>", "<|inner_prefix|>", "<|inner_suffix|>"),
        ("Write <thinking> first.", "<thinking>", "</thinking>"),
        ("◁think▷", "◁think▷", "◁/think▷"),
    ],
)
def test_each_family_thinks_in_its_own_marks(template, opening, closing, size):
    thoughts = Template(template).thoughts
    assert thoughts == (opening, closing)
    call = ToolCall(id="call_1", name="f", arguments="{}")
    data = f"{opening}hm <tool{closing}Yes.{HERMES.write([call])}".encode()
    cuts = list(range(0, len(data), size))
    parts = (Reasoning(text="hm <tool"), Text(text="Yes."), call)
    assert read(HERMES, data, cuts, thinking=False, thoughts=thoughts)[1].parts == parts
    begun = data.removeprefix(opening.encode())
    assert read(HERMES, begun, thinking=True, thoughts=thoughts)[1].parts == parts


def test_a_template_that_knows_no_thoughts_has_no_marks():
    assert Template("{% for m in messages %}{{ m.content }}{% endfor %}").thoughts is None


@pytest.mark.parametrize(
    ("template", "format"),
    [
        ("{% for tool in tools %} … <tool_call> …", HERMES),
        ("[AVAILABLE_TOOLS] … [TOOL_CALLS] …", MISTRAL),
        ("<|python_tag|> … ", LLAMA3),
        ("<start_of_turn>", None),
    ],
)
def test_the_format_is_told_by_the_template(template, format):
    assert detect(template) == format
