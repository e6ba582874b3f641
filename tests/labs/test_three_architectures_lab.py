"""m2/three-architectures: the judge's nets see what they should, its grammar holds, cheats fail."""

from __future__ import annotations

import importlib
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import Lab

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m2/three-architectures", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return importlib.import_module(lab.equip.__module__.removesuffix("tools") + name)


def net(lab: Lab, kind: str) -> Any:
    forward = part(lab, "forward")
    torch.manual_seed(0)
    return part(lab, "nets").Net(40, *forward.BLOCKS[kind], forward.INNER[kind])


def test_the_three_are_equally_large_and_would_not_be_with_the_same_blocks(lab: Lab):
    wiring, judging = part(lab, "wiring"), part(lab, "judging")
    even = wiring.sizes(part(lab, "forward").INNER)
    assert judging.uneven({"sizes": even}, None) is None
    same = wiring.sizes({"gpt": 128, "bert": 128, "t5": 128})
    assert "t5 has" in judging.uneven({"sizes": same}, None)


def test_a_decoder_scores_a_word_as_if_nothing_came_after_it(lab: Lab):
    gpt, one = part(lab, "forward").gpt, net(lab, "gpt")
    ids = torch.randint(1, 40, (2, 7))
    whole = one_pass(gpt, one, ids)
    for n in range(1, 7):
        np.testing.assert_allclose(whole[:, :n], one_pass(gpt, one, ids[:, :n]), atol=1e-5)


def test_padding_changes_nothing_for_who_reads_and_the_right_side_does(lab: Lab):
    forward = part(lab, "forward")
    ids = torch.tensor([[5, 6, 7, 0, 0]])
    reader, both = net(lab, "bert"), net(lab, "t5")
    padded = one_pass(forward.bert, reader, ids)[:, :3]
    np.testing.assert_allclose(padded, one_pass(forward.bert, reader, ids[:, :3]), atol=1e-5)
    other = one_pass(forward.bert, reader, torch.tensor([[5, 6, 8]]))
    assert np.abs(padded[:, 0] - other[:, 0]).max() > 1e-3
    start = torch.tensor([[3, 9]])
    beside = one_pass(forward.t5, both, ids, start)
    np.testing.assert_allclose(beside, one_pass(forward.t5, both, ids[:, :3], start), atol=1e-5)


def one_pass(function: Any, *given: Any) -> Any:
    with torch.no_grad():
        return function(*given).numpy()


@pytest.mark.parametrize("seed", range(3))
def test_only_the_right_wiring_has_nothing_wrong_with_it(lab: Lab, seed: int):
    wiring = part(lab, "wiring")
    inner = {"gpt": 128, "bert": 128, "t5": 96}
    right, ids = wiring.wanted(seed, inner), wiring.given(seed)["ids"]
    for kind in wiring.KINDS:
        assert wiring.complaint(kind, right, right, ids) is None
        off = {name: array + 0.1 * (np.arange(40) == 3) for name, array in right.items()}
        assert "off by" in wiring.complaint(kind, off, right, ids)
        none = {name: np.full_like(array, np.nan) for name, array in right.items()}
        assert "no numbers" in wiring.complaint(kind, none, right, ids)
    swapped = {**right, "gpt": right["bert"], "bert": right["gpt"]}
    assert "sees those after" in wiring.complaint("gpt", swapped, right, ids)
    assert "does not see" in wiring.complaint("bert", swapped, right, ids)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_drawn_is_a_sentence_and_a_gap_is_never_all_of_it(lab: Lab, seed: int):
    sentences, rng = part(lab, "sentences"), Random(seed)
    for _ in range(300):
        before, gap, after = sentences.gapped(rng)
        assert sentences.fault([*before, *gap, *after]) is None
        assert 1 <= len(gap) <= 3
        assert before or after


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("these tall men waited here", None),
        ("no child sings", None),
        ("these dog slept", "these … dog"),
        ("this men slept", "this … men"),
        ("a dog run", "dog … run"),
        ("two dogs runs", "dogs … runs"),
        ("two dogs", "is no sentence"),
        ("two tall", "is no sentence"),
        ("two tall happy dogs ran", "is no sentence"),
        ("dogs ran here", "is no sentence"),
        ("two dogs here ran", "is no sentence"),
        ("", "is no sentence"),
    ],
)
def test_what_does_not_agree_is_seen(lab: Lab, text: str, why: str | None):
    assert part(lab, "sentences").fault(text.split()) == why


def test_a_lesson_asks_for_what_is_missing_and_for_nothing_else(lab: Lab):
    training, sentences = part(lab, "training"), part(lab, "sentences")
    gap = (["two"], ["dogs"], ["ran"])
    parts, asked = training.hidden(gap, [True, False, True])
    shown = [sentences.WORDS[n] for n in parts[0]]
    assert shown == ["two", "_", ".", "_", "ran"]
    assert [sentences.WORDS[n] if n >= 0 else None for n in asked] == [
        *(None, "dogs", None, ".", None),
    ]
    parts, asked = training.written(["ran", "|", "two", "_"], gap[1])
    assert len(parts[0]) == len(asked) == 5
    assert asked[:3] == [-1] * 3
    assert [sentences.WORDS[n] for n in asked[3:]] == ["dogs", "."]


@pytest.mark.parametrize("value", [None, [], [["a"]], [["a"], []], [["a"], [1]], [["a"], "b"]])
def test_a_prompt_that_is_none_is_refused(lab: Lab, value: Any):
    with pytest.raises(ToolError, match="must return a list of words"):
        part(lab, "tools")._texts("gpt", value, 2)


@pytest.mark.parametrize("value", [None, [0], [0, "1"], [0, True], [0, 1, 2]])
def test_routes_that_are_none_are_refused(lab: Lab, value: Any):
    with pytest.raises(ToolError, match="a number of a tool"):
        part(lab, "tools")._numbers(value, 2)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "3 parts"),
        ([["two"], []], "3 parts"),
        ([["two"], [], ["the"]], "words that the nets know"),
        ([["_"], [], []], "words that the nets know"),
        ([["two"] * 6, [], []], "at most five"),
    ],
)
def test_a_probe_that_is_none_is_refused(lab: Lab, value: Any, says: str):
    with pytest.raises(ToolError, match=says):
        part(lab, "probes")._parts(value, 3)


@pytest.mark.parametrize("seed", [0, 7, 99])
def test_no_request_is_known_and_fresh_and_tools_have_names_of_their_own(lab: Lab, seed: int):
    routing = part(lab, "routing")
    drawn = routing.drawn(seed)
    assert len(set(drawn.names)) == routing.TOOLS
    known, fresh = ({text for text, _ in side} for side in (drawn.known, drawn.fresh))
    assert len(fresh) == routing.TOOLS * routing.FRESH
    assert len(known & fresh) <= 2, "two tools may be asked for in the same words"
    counts = {sum(tool == n for _, tool in drawn.known) for n in range(routing.TOOLS)}
    assert counts == set(routing.KNOWN)
