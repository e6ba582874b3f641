"""Sampling: where a call opens the grammar begins, circles are noticed, threads are counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backend import Settings, ToolSpec
from agentlab.backends.llamacpp.constraint import constrain
from agentlab.backends.llamacpp.formats import HERMES, LLAMA3, MISTRAL, Format
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.parser import Parser
from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.repetition import LEAST, Repetition
from agentlab.backends.llamacpp.sampling import Sampler
from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.messages import Message

PICK = ToolSpec(
    name="pick",
    description="",
    parameters={"properties": {"n": {"enum": [1, 2]}}, "required": ["n"]},
)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    pytest.importorskip("llama_cpp")
    model = Model(locate("smollm2"))
    yield model
    model.close()


def piece(model: Model, data: bytes) -> int:
    """The token of exactly these bytes."""
    return next(token for token in range(model.size) if model.piece(token) == data)


def wishing(
    model: Model,
    format: Format,
    wish: str | list[int],
    settings: Settings,
    most: int = 60,
    tool: ToolSpec = PICK,
) -> Message:
    """What is written by a model that always wants to write `wish`, then to end."""
    constraint = constrain(format, [tool], settings, None)
    sampler = Sampler(model, Settings(temperature=0), constraint)
    parser = Parser(format)
    wanted = [*(model.tokens(wish) if isinstance(wish, str) else wish), model.eos]
    at = 0
    try:
        for _ in range(most):
            logits = np.linspace(0, -1, model.size, dtype=np.float32)
            logits[model.eos] = 2
            logits[wanted[min(at, len(wanted) - 1)]] = 9
            token = sampler.choose(logits)
            if token in model.ends:
                break
            at += token == wanted[min(at, len(wanted) - 1)]
            parser.feed(model.piece(token))
    finally:
        sampler.close()
    parser.finish()
    return parser.message


@pytest.mark.parametrize(
    ("format", "wish"),
    [
        (HERMES, 'I will. <tool_call>\n{"name": "pick", "arguments": {"n": 2}}\n</tool_call>'),
        (MISTRAL, 'I will. [TOOL_CALLS][{"name": "pick", "arguments": {"n": 2}}]'),
        (LLAMA3, '{"name": "pick", "parameters": {"n": 2}}'),
    ],
)
def test_text_is_free_until_a_call_opens_and_a_good_call_is_let_through(model, format, wish):
    message = wishing(model, format, wish, Settings())
    assert [(c.name, c.arguments) for c in message.tool_calls] == [("pick", '{"n": 2}')]
    assert message.text == ("" if format is LLAMA3 else "I will. ")


@pytest.mark.parametrize(
    "wish",
    [
        "<tool_call>pick(2)</tool_call>",
        '<tool_call>{"name": "drop", "arguments": {"n": 7}}',
        'Hm<tool_call>\n{"name": "pick", "arguments": {"n": 3}}',
    ],
)
def test_once_a_call_is_open_it_can_only_be_a_good_one(model, wish):
    (call,) = wishing(model, HERMES, wish, Settings()).tool_calls
    assert call.name == "pick"
    assert call.arguments in ('{"n": 1}', '{"n": 2}')


@pytest.mark.parametrize("overflow", [b"></", b">>"])
def test_a_token_that_opens_a_call_and_breaks_it_at_once_is_not_taken(model, overflow):
    wish = [*model.tokens("<tool_call"), piece(model, overflow), *model.tokens("more")]
    message = wishing(model, HERMES, wish, Settings(tool_choice="auto"), most=80)
    assert overflow.decode() not in message.text
    for call in message.tool_calls:
        assert call.name == "pick"


def test_bytes_that_are_no_utf8_are_not_taken_under_a_grammar(model):
    say = ToolSpec(
        name="say",
        description="",
        parameters={"properties": {"x": {"type": "string", "maxLength": 3}}, "required": ["x"]},
    )
    start = model.tokens('<tool_call>\n{"name": "say", "arguments": {"x": "')
    # U+07FF in three bytes instead of two, which llama.cpp's grammar takes for one character
    overlong = [piece(model, b"\xe0"), piece(model, b"\x9f"), piece(model, b"\xbf")]
    settings = Settings(tool_choice="required", parallel_tool_calls=False)
    (call,) = wishing(model, HERMES, start + overlong, settings, tool=say).tool_calls
    assert "\ufffd" not in call.arguments
    assert len(json.loads(call.arguments)["x"]) <= 3


def test_several_calls_are_admitted_and_only_one_where_one_is_asked_for(model):
    call = '<tool_call>\n{"name": "pick", "arguments": {"n": 2}}\n</tool_call>'
    assert len(wishing(model, HERMES, f"{call}\n{call}", Settings()).tool_calls) == 2
    one = Settings(parallel_tool_calls=False)
    assert len(wishing(model, HERMES, f"{call}\n{call}", one).tool_calls) == 1


def test_after_a_call_there_is_no_more_text(model):
    call = '<tool_call>\n{"name": "pick", "arguments": {"n": 2}}\n</tool_call>'
    message = wishing(model, HERMES, call + "The answer is 4.", Settings())
    assert len(message.parts) == 1


def test_with_tool_choice_none_the_opening_mark_cannot_be_completed(model):
    message = wishing(model, HERMES, "So <tool_call> it is", Settings(tool_choice="none"))
    assert message.tool_calls == ()
    assert message.text.startswith("So <tool_call")


def answered(model: Model, output: dict[str, Any], wishes: Sequence[str]) -> str:
    """What a model writes that is held to a type and wants to write these, one after the other.

    Of all else it finds likeliest what a careless grammar would take: more digits, a list that
    is begun or empty.
    """
    sampler = Sampler(model, Settings(temperature=0), constrain(HERMES, [], Settings(), output))
    written, at = b"", 0
    wanted = [piece(model, wish.encode()) for wish in wishes]
    try:
        for _ in range(20):
            logits = np.linspace(0, -1, model.size, dtype=np.float32)
            for likely in (b"0", b'["', b"]"):
                logits[piece(model, likely)] = 3
            logits[wanted[min(at, len(wanted) - 1)]] = 9
            token = sampler.choose(logits)
            if token in model.ends:
                break
            at += token == wanted[min(at, len(wanted) - 1)]
            written += model.piece(token)
    finally:
        sampler.close()
    return written.decode()


@pytest.mark.parametrize(
    ("schema", "wishes", "written"),
    [
        ({"type": "integer"}, ["2", "7", " chairs"], "27"),
        ({"type": "number"}, ["3", ".", "5", " metres"], "3.5"),
        ({"type": "array", "items": {"type": "string"}}, ["G", "il", '"', " is"], '["Gil"]'),
        ({"type": "array", "items": {"type": "string"}}, ["]"], "[]"),
        ({"enum": ["yes", "no"]}, ["no", '"', " way"], '"no"'),
        (
            {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
            ['{"', "a", '":', "G", "il", '"', "}", " is"],
            '{"a": "Gil"}',
        ),
    ],
)
def test_a_model_held_to_a_type_still_writes_what_it_means(model, schema, wishes, written):
    assert answered(model, schema, wishes) == written


def test_what_is_refused_where_calls_are_demanded_says_nothing_of_an_answer(model):
    call = '<tool_call>\n{"name": "pick", "arguments": {"n": 2}}\n</tool_call>'
    message = wishing(model, HERMES, call + "27", Settings(tool_choice="required"))
    assert [made.name for made in message.tool_calls] == ["pick"]


@pytest.mark.parametrize("format", [HERMES, LLAMA3, MISTRAL])
def test_a_required_call_comes_in_every_format(model, format):
    message = wishing(model, format, "No, never.", Settings(tool_choice="required"), most=90)
    assert message.text == ""
    assert {call.name for call in message.tool_calls} == {"pick"}


def test_drawing_under_a_grammar_keeps_the_models_proportions(model):
    """Without top-k, top-p and min-p: as if the grammar had come first."""
    constraint = constrain(HERMES, [], Settings(), {"enum": [1, 2, 3]})
    digits = [model.tokens(digit)[0] for digit in "123"]
    logits = np.full(model.size, -2.0, dtype=np.float32)
    logits[digits] = np.log([4, 2, 1])
    counts = dict.fromkeys(digits, 0)
    draws = 250
    for seed in range(draws):
        settings = Settings(temperature=1.0, seed=seed)
        sampler = Sampler(model, settings, constraint)
        counts[sampler.choose(logits)] += 1
        sampler.close()
    shares = [counts[digit] / draws for digit in digits]
    assert shares == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=0.08)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=20), st.integers(0, 30))
def test_a_block_over_and_over_is_noticed(block, before):
    watch = Repetition()
    for token in range(before):
        assert not watch.add(1000 + token)
    assert any(watch.add(token) for _ in range(LEAST) for token in block)


@given(st.lists(st.integers(0, 50_000), max_size=300, unique=True))
def test_text_without_repeats_is_left_alone(tokens):
    watch = Repetition()
    assert not any(watch.add(token) for token in tokens)


def test_a_rule_of_dashes_or_a_table_is_not_a_circle():
    watch = Repetition()
    assert not any(watch.add(token) for token in [*[7] * 60, *[1, 2, 3] * 20, *[9, *range(20)] * 3])


def test_threads_are_physical_cores_within_the_quota(tmp_path):
    cpus, cgroup = tmp_path / "cpu", tmp_path / "cgroup"
    cgroup.mkdir()
    alone = physical_cores(cpus, cgroup)
    for cpu in range(64):
        topology = cpus / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text("0-63\n")
    assert physical_cores(cpus, cgroup) == 1
    (cgroup / "cpu.max").write_text("100000 100000\n")
    assert physical_cores(tmp_path / "none", cgroup) == 1
    (cgroup / "cpu.max").write_text("max 100000\n")
    assert physical_cores(tmp_path / "none", cgroup) == alone
