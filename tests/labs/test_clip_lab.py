"""m4/clip: the judge's loss, its boxes and its requests are what they are said to be."""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import sys
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from draws import holds_on_any_draw

from agentlab.backends.scripted import Scripted
from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.emoji.finding import found
from agentlab_tools.emoji.sheet import Row, sheet

MODEL = Scripted(["never asked"])
COLOURS = ("red", "blue", "green")


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/clip", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    drawn = next(step.cases.__module__ for step in steps if step.id == "contrast")
    return importlib.import_module(drawn.replace("cases", name))


def test_loading_the_lab_imports_no_numpy_for_its_towers(lab: Lab):
    name = part(lab, "cases").__name__.replace("cases", "towers")
    sys.modules.pop(name, None)
    load(find_folder("m4/clip", lab_roots()))
    assert name not in sys.modules


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_the_slopes_of_the_loss_are_those_of_differences(lab: Lab, temperature: float):
    contrast = part(lab, "towers").contrast
    rows = list(np.random.default_rng(0).normal(size=(2, 5, 3)))
    _, *slopes = contrast(*rows, temperature)
    for side in (0, 1):
        for at in np.ndindex(5, 3):
            ends: list[float] = []
            for by in (1e-6, -1e-6):
                moved = [one.copy() for one in rows]
                moved[side][at] += by
                ends.append(contrast(*moved, temperature)[0])
            assert abs(slopes[side][at] - (ends[0] - ends[1]) / 2e-6) < 1e-6


def test_the_loss_of_a_batch_by_hand(lab: Lab):
    """Two pairs, at right angles, at temperature 1: each choice is e to 1."""
    contrast = part(lab, "towers").contrast
    loss, *_ = contrast(np.diag([2.0, 5.0]), np.diag([1.0, 3.0]), 1)
    assert loss == pytest.approx(np.log(1 + np.exp(-1)))
    loss, *_ = contrast(np.eye(4), np.eye(4)[::-1], 0.001)
    assert loss == pytest.approx(1000)


def test_what_is_found_counts_ties_against_it():
    eye = np.eye(10)
    assert found(eye, eye, 1) == 1
    assert found(np.ones((10, 3)), np.ones((10, 3)), 5) == 0
    assert found(eye, np.roll(eye, 1, axis=0), 1) == 0
    with np.errstate(invalid="ignore"):
        assert found(0 * eye, eye, 5) == 0
    two = np.repeat(np.eye(5), 2, axis=0)  # each thing has a double
    assert found(two, two, 1) == 0
    assert found(two, two, 2) == 1


def test_nothing_that_is_held_back_is_learnt_from(lab: Lab):
    space = part(lab, "space")
    drawn = space.pairs(3)
    new = space.emoji().features[:, drawn.new].reshape(-1, drawn.x.shape[1])
    assert len(drawn.new) == 300
    assert len(drawn.x) == len(drawn.y) == 4 * 917
    assert not {row.tobytes() for row in new} & {row.tobytes() for row in drawn.x}


def test_the_sandbox_sees_and_reads_as_the_space_does(lab: Lab):
    space = part(lab, "space")
    made, arrays = space.learnt(1)[0], space.learnt(1)[0].arrays()
    x, y = space.emoji().features[0, :4], space.emoji().of_names[:4]
    np.testing.assert_allclose((x - arrays["p0"]) @ arrays["p"], made.see(x), atol=1e-4)
    np.testing.assert_allclose((y - arrays["q0"]) @ arrays["q"], made.read(y), atol=1e-4)


def test_facts_are_read_said_and_drawn(lab: Lab):
    scenes = part(lab, "scenes")

    def fact(*parts: str) -> Any:
        return scenes.fact_of(list(parts), scenes.NAMES, COLOURS)

    for parts, words in (
        (["dog"], "a dog"),
        (["red owl", "blue dog"], "a red owl to the left of a blue dog"),
        (["3 cat"], "three cats"),
        (["no owl", "dog"], "no owl and a dog"),
    ):
        assert scenes.sentence(fact(*parts)) == words
    white = (scenes.picture(fact("dog", "no cat")) == 255).all(axis=2)
    assert white[:, :32].all()
    assert not white[:, 32:64].all()
    assert white[:, 64:].all()
    three = scenes.picture(fact("3 dog"))
    np.testing.assert_array_equal(three[:, :32], three[:, 64:])
    red = scenes.picture(fact("red dog"))[:, 32:64].reshape(-1, 3).astype(int)
    inked = red[(red < 200).any(axis=1)]
    assert (inked[:, 0] > inked[:, 2]).mean() > 0.9


@pytest.mark.parametrize(
    "said", [7, [], ["dog"] * 4, ["wolf"], ["3 dog", "cat"], ["pink dog"], ["no dog"], [["dog"]]]
)
def test_what_is_no_fact_is_refused_in_a_line(lab: Lab, said: object):
    scenes = part(lab, "scenes")
    with pytest.raises(ToolError) as raised:
        scenes.fact_of(said, scenes.NAMES, COLOURS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("seed", range(3))
def test_fair_pairs_tell_what_a_box_sees_and_each_has_something_it_does_not(lab: Lab, seed: int):
    boxes, scenes, probes = (part(lab, name) for name in ("boxes", "scenes", "probes"))
    space: dict[str, Any] = {}
    exec(probes.PROBE.solution.code, space)
    rng, names = Random(seed), list(scenes.NAMES)
    for _, box in boxes.boxes(seed):
        if box is boxes.learnt():
            continue
        for kind in boxes.KINDS:
            pairs = [space["pair"](kind, names, list(COLOURS), rng) for _ in range(300)]
            facts = [tuple(scenes.fact_of(f, names, COLOURS) for f in pair) for pair in pairs]
            s = box.scores(facts, COLOURS)
            share = (s[:, 0, 0] + s[:, 1, 1] > s[:, 0, 1] + s[:, 1, 0]).mean()
            assert share > 0.95 if kind in box.sees else 0.4 < share < 0.6, (box, kind)


def test_what_the_learnt_space_sees_is_as_the_judge_says(lab: Lab):
    boxes, scenes, probes = (part(lab, name) for name in ("boxes", "scenes", "probes"))
    space: dict[str, Any] = {}
    exec(probes.PROBE.solution.code, space)
    rng, names, colours = Random(0), list(scenes.NAMES), list(scenes.SHADES)
    for kind in boxes.KINDS:
        pairs = [space["pair"](kind, names, colours, rng) for _ in range(60)]
        facts = [tuple(scenes.fact_of(f, names, colours) for f in pair) for pair in pairs]
        s = boxes.learnt().scores(facts, colours)
        share = (s[:, 0, 0] + s[:, 1, 1] > s[:, 0, 1] + s[:, 1, 0]).mean()
        assert share > 0.95 if kind in boxes.SEEN else share < 0.7, kind


def test_every_request_has_enough_that_fits_and_some_that_must_not_be_there(lab: Lab):
    kinds, space = part(lab, "kinds"), part(lab, "space")
    for request in kinds.REQUESTS:
        shares = [request.fits(space.pairs(seed).new) for seed in range(10)]
        assert min(int(good.sum()) for good, _ in shares) >= 6  # things, each with two pictures
        assert all(not (good & bad).any() for good, bad in shares)
        assert np.mean([bad.sum() for _, bad in shares]) > 1 or not request.unwanted


def test_words_for_kinds_stand_for_kinds_there_are(lab: Lab):
    kinds, space = part(lab, "kinds"), part(lab, "space")
    there = set(space.emoji().kinds.tolist())
    assert all(set(group) <= there for group in kinds.KINDS.values())
    assert len(set(kinds.kind_of(np.arange(len(space.emoji().names))).tolist())) == 16


async def test_an_agent_that_asks_for_something_else_or_tells_less_is_not_right(lab: Lab):
    misled = part(lab, "judging").misled
    one = {"asked": "Find pictures of faces, but no cats.", "wanted": ["faces", "cats"]}
    names = ["sad face", "nose", "robot", "ghost"]
    good = {**one, "called": [["faces", "cats"]], "found": names, "said": ", ".join(names[:3])}
    assert misled({"draws": [{"agent": [good]}, {"agent": []}]}, None) is None
    for other, why in (
        ({"called": [["faces", ""]]}, "searched for"),
        ({"said": "sad face and nose"}, "names 2"),
    ):
        assert why in misled({"draws": [{"agent": [{**good, **other}]}]}, None)
    assert "not asked" in misled({"draws": [{"agent": []}]}, None)


def test_averages_judge_all_cases_and_say_what_failed(lab: Lab):
    judging = part(lab, "judging")
    assert judging.searched([{"recall": 0.3, "new": 300, "flat": False}] * 2)[0]
    passed, why = judging.searched([{"recall": 0.01, "new": 300, "flat": True}])
    assert not passed
    assert "one point" in why
    assert judging.honest([{"sure": 0.5, "right": 0.6}, {"sure": 0.7, "right": 0.6}])[0]
    assert not judging.honest([{"sure": 0.1, "right": 0.6}])[0]


def test_a_sheet_has_a_row_for_each_and_long_words_are_cut(lab: Lab):
    from PIL import Image

    tile = part(lab, "scenes")._tile("dog")
    rows = [Row("a dog", [tile] * 3, (1,), "below"), Row("word " * 40, [])]
    picture = Image.open(io.BytesIO(sheet(rows)))
    assert picture.format == "PNG"
    assert picture.size == (250 + 3 * 74 + 10, 2 * 74 + 10)
    assert (0, 140, 60) in {color for _, color in picture.convert("RGB").getcolors(100_000) or ()}


def test_numbers_of_another_shape_or_none_are_refused_in_a_line(lab: Lab):
    numbers = part(lab, "looking").numbers
    assert numbers(np.ones((2, 3)), (2, None), "why").shape == (2, 3)
    for said in (None, np.ones(3), np.array([["a"]]), np.full((2, 3), np.nan)):
        with pytest.raises(ToolError, match="why") as raised:
            numbers(said, (2, None), "why")
        assert "\n" not in str(raised.value)


def test_own_words_are_a_few_short_texts_or_nothing(lab: Lab):
    words = part(lab, "looking")._words_of

    def left(said: object) -> Any:
        return {"words": np.frombuffer(json.dumps(said).encode(), "uint8")}

    assert words(left(["a pet", "x" * 99])) == ["a pet", "x" * 60]
    assert len(words(left(list(range(9))))) == 4
    assert words(left({"a": 1})) == words({}) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_what_is_searched_holds_on_any_draw(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """The model is not asked: it calls as it should, and repeats what was found."""
    searcher = part(lab, "searcher")

    async def repeated(_: object, request: Any, found: Any) -> Any:
        called = [[request.wanted, request.unwanted]]
        return called, f"I found {', '.join(found[request][: searcher.TOLD])}."

    monkeypatch.setattr(searcher, "connect", lambda *_, **__: MODEL)
    monkeypatch.setattr(searcher, "_answer", repeated)
    monkeypatch.setattr(searcher, "_answered", {})
    await holds_on_any_draw(lab, "search")


async def test_without_what_reads_words_one_line_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    part(lab, "looking").embed.cache_clear()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "minilm" in name else find(name)
    )
    with pytest.raises(MissingExtra, match=r"is not installed: .*knowledge\S*$"):
        async with lab.equip():
            pass
