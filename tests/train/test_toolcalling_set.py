"""The synthetic tool-calling set: reproducible, valid, and held out where it says so."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from random import Random

import jsonschema
import pytest

from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall
from agentlab_tools.train.recipes.data import chat_of
from agentlab_tools.train.toolcalling.catalog import Family, Parameter, catalogue, offer, words
from agentlab_tools.train.toolcalling.dialogues import Dialogue, as_row
from agentlab_tools.train.toolcalling.dialogues import chat_of as told
from agentlab_tools.train.toolcalling.evaluate import (
    CALLS,
    Score,
    is_right,
    judged_turn,
    measure,
    total,
)
from agentlab_tools.train.toolcalling.generate import MIX, balanced, dialogues
from agentlab_tools.train.toolcalling.plain import plain, talk
from agentlab_tools.train.toolcalling.pools import Split, pools, wording
from agentlab_tools.train.toolcalling.requests import request
from agentlab_tools.train.toolcalling.values import Kind

SPLITS: tuple[Split, ...] = ("train", "heldout")


@pytest.fixture(scope="module")
def drawn() -> list[Dialogue]:
    return list(dialogues("train", 80, seed=3))


def _calls(dialogue: Dialogue) -> list[ToolCall]:
    return [call for message in dialogue.chat.messages for call in message.tool_calls]


def test_a_seed_gives_one_set_and_more_of_it_begins_alike(drawn: list[Dialogue]) -> None:
    again = list(islice(dialogues("train", 200, seed=3), len(drawn)))
    assert [as_row(d.chat) for d in again] == [as_row(d.chat) for d in drawn]
    assert as_row(next(dialogues("train", 1, seed=4)).chat) != as_row(drawn[0].chat)


def test_every_sort_of_conversation_occurs(drawn: list[Dialogue]) -> None:
    count = Counter(d.category for d in drawn)
    assert set(count) == {"one", *MIX}
    assert not any(_calls(d) for d in drawn if d.category in ("missing", "irrelevant", "no_tool"))
    assert all(len(_calls(d)) >= 2 for d in drawn if d.category == "parallel")


@pytest.mark.parametrize("split", SPLITS)
def test_every_call_is_of_a_tool_at_hand_and_fits_its_schema(split: Split) -> None:
    for dialogue in dialogues(split, 60, seed=5):
        schemas = {tool.name: tool.parameters for tool in dialogue.chat.tools}
        assert len(schemas) == len(dialogue.chat.tools)
        assert all(re.fullmatch(r"[\w.]+", name) for name in schemas)
        for call in _calls(dialogue):
            schema = json.dumps(schemas[call.name]).replace('"float"', '"number"')
            jsonschema.validate(json.loads(call.arguments), json.loads(schema))


@pytest.mark.parametrize("split", SPLITS)
def test_what_a_call_holds_was_said(split: Split) -> None:
    rng = Random(1)
    for family in catalogue(split):
        asked = request(offer(family, rng), rng, split)
        for value in asked.arguments.values():
            if isinstance(value, str):
                assert value in asked.text
            if isinstance(value, list):
                assert all(str(item) in asked.text for item in value)


@pytest.mark.parametrize("split", SPLITS)
def test_every_family_of_the_catalogue_can_be_asked_for(split: Split) -> None:
    rng = Random(2)
    for family in catalogue(split):
        drawn = offer(family, rng)
        assert set(drawn.spec.parameters["properties"]) == set(drawn.named)
        assert "{" not in request(drawn, rng, split).text.replace("{}", "")


def test_nothing_held_out_is_trained_on() -> None:
    ours, theirs = catalogue("train"), catalogue("heldout")
    assert {f.domain for f in ours}.isdisjoint(f.domain for f in theirs)
    assert {n for f in ours for n in f.nouns}.isdisjoint(n for f in theirs for n in f.nouns)
    for section in ("ask", "do", "before", "explicit", "also", "first", "system", "plain"):
        assert set(wording("train", section)).isdisjoint(wording("heldout", section)), section
        assert wording("heldout", section)
    for name, values in pools("train").items():
        if len(values) > 7:
            assert set(values).isdisjoint(pools("heldout")[name]), name
    for kept in (plain, talk):
        assert {p.text for p in kept("train")}.isdisjoint(p.text for p in kept("heldout"))


def test_rows_are_what_recipes_read(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        row = json.loads(json.dumps(as_row(dialogue.chat)))
        assert chat_of(row) == dialogue.chat


def test_a_default_may_be_said_or_left_out_and_nothing_else_may_differ() -> None:
    when = Parameter(["when"], Kind("time"), ["at {v}"], "the time", required=True)
    loud = Parameter(["loud"], Kind("bool", "loudly/quietly"), [], "whether loud", required=False)
    ring = Family("bells", False, ["ring"], ["bell"], ["the bell"], [when, loud])
    made = offer(ring, Random(0))
    made.spec.parameters["properties"][list(made.named)[1]]["default"] = False
    first, second = made.named
    wanted = ToolCall(id="1", name=made.spec.name, arguments=json.dumps({first: "7pm"}))
    turns = (Message.user("Ring the bell at 7pm."), Message.assistant(wanted))
    dialogue = Dialogue("one", told(turns, [made.spec]))

    def said(arguments: dict[str, object], *more: ToolCall) -> bool:
        call = wanted.model_copy(update={"arguments": json.dumps(arguments)})
        return is_right(dialogue, 1, Message.assistant(call, *more))

    assert said({first: "7pm"})
    assert said({first: "7pm", second: False})
    assert not said({first: "7pm", second: True})
    assert not said({first: "8pm"})
    assert not said({first: "7pm"}, wanted)
    assert not is_right(dialogue, 1, Message.assistant("Done!"))


async def test_a_model_that_says_what_is_right_gets_every_point_and_a_mute_one_few() -> None:
    cases = balanced("heldout", 3, seed=1)
    right = [d.chat.messages[judged_turn(d)] for ds in cases.values() for d in ds]
    perfect = await measure(Scripted(right), cases)
    assert total(perfect).share == 1.0
    mute = await measure(Scripted([Message.assistant("Hm.")] * len(right)), cases)
    assert total(mute, CALLS).hits == 0
    assert mute["irrelevant"].share == 1.0


def test_a_score_says_how_sure_it_is() -> None:
    low, high = Score(70, 100).interval
    assert 0.60 < low < 0.61
    assert 0.78 < high < 0.79
    assert str(Score(7, 10) + Score(0, 0)).startswith("0.70 [")
    assert str(Score(0, 0)) == "0.00 [0.00, 1.00] (0/0)"


def test_names_are_said_as_words() -> None:
    assert words("numDays") == words("num_days") == "num days"
