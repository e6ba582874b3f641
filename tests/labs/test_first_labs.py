"""What the labs of module 0 stand on: traces that hold traps, and dice that mean one token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from sys import modules
from types import ModuleType
from typing import Any

import pytest

from agentlab import ToolCall
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load

SEEDS = range(6)


def parts_of(lab: str) -> dict[str, ModuleType]:
    """The files of a lab, as its `lab.py` imported them."""
    folder: Path = find_folder(lab, lab_roots())
    load(folder)
    found: Iterator[tuple[str, ModuleType]] = (
        (name.rpartition(".")[2], module)
        for name, module in modules.items()
        if str(getattr(module, "__file__", "")).startswith(str(folder.resolve()))
    )
    return dict(found)


@pytest.fixture(scope="module")
def traces() -> Any:
    return parts_of("m0/python-core")["traces"]


def test_every_draw_of_traces_has_each_of_the_traps(traces: Any):
    """Else a wrong answer would pass on some seed."""
    for seed in SEEDS:
        rng = Random(seed)
        whole = [traces.run(rng, "whole") for _ in range(3)]
        assert any("\u2028" in text for text in whole)
        assert any('"unknown_tool"' in text for text in whole)
        assert any(_out_of_order(text) for text in whole)


def _out_of_order(text: str) -> bool:
    lines = text.split("\n")
    begun, ended = (
        [
            line.partition(mark)[2].partition('"')[0]
            for line in lines
            if mark in line and kind in line
        ]
        for kind, mark in (("tool_started", '"id":"'), ("tool_finished", '"call_id":"'))
    )
    return begun != [id for id in ended if id in begun]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_broken_off_trace_has_a_call_that_never_ended(traces: Any, seed: int):
    torn = traces.run(Random(seed), "torn")
    assert not torn.endswith("\n")
    killed = traces.run(Random(seed), "killed")
    assert killed.endswith("\n")
    for text in (torn, killed):
        assert "unfinished" in {call["error"] for call in traces.calls(text)}
    assert traces.calls(torn) == traces.calls(killed)


def test_an_item_named_with_digits_is_not_taken_for_how_many():
    """As a model once called `put(item="60", count=1)`, and the store rightly said "1 60"."""
    split = parts_of("m0/python-core")["tools"]._split
    typed = [{"name": "put", "takes": [["item", "str", True, None], ["count", "int", True, None]]}]
    untyped = [{"name": "put", "takes": [["item", "", True, None], ["count", "", True, None]]}]
    call = ToolCall(id="1", name="put", arguments='{"item": "60", "count": 1}')
    assert split([call], typed) == ([1], ["60"])
    call = ToolCall(id="1", name="put", arguments='{"item": "books", "count": "60"}')
    assert split([call], untyped) == split([call], typed) == ([60], ["books"])
    assert split([ToolCall(id="1", name="put", arguments='{"item": "bo')], typed) == ([], [])


def test_a_die_means_the_token_on_whose_share_it_falls():
    np = pytest.importorskip("numpy")
    meant = parts_of("m0/numpy")["tools"].meant
    scores = np.log(np.array([0.1, 0.5, 0.3, 0.1], dtype=np.float32))
    assert [meant(scores, 4, 1.0, die)[0] for die in (0.0, 0.49, 0.51, 0.79, 0.95)] == [
        1,
        1,
        2,
        2,
        3,
    ]
    assert meant(scores, 2, 1.0, 0.62)[0] == 1  # of the two best, 0.5 : 0.3
    assert meant(scores, 2, 1.0, 0.63)[0] == 2
    assert meant(scores, 2, 0.5, 0.7)[0] == 1  # colder: 0.25 : 0.09
    assert meant(scores, 1, 1.0, 0.999)[0] == 1
    assert set(meant(scores, 4, 1.0, 0.5)) == {1, 2}  # on the border either is right
