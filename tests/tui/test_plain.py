"""Labs line by line, without a screen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from tui_world import LABS, adder

from agentlab.places import models as places
from agentlab.trace import runs_in
from agentlab_tui.plain import PlainText
from agentlab_tui.progress import ProgressStore


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "open_backend", adder())


def talk(home: Path, commands: Iterable[str]) -> str:
    """Type commands; what was written."""
    left, lines = iter([*commands, "quit"]), list[str]()
    plain = PlainText(
        home=home,
        runs=home / "runs",
        labs=(LABS,),
        backend=None,
        write=lines.append,
        ask=lambda _: next(left),
    )
    plain.run()
    return "\n".join(lines)


def test_a_lab_is_walked_through_from_reading_to_passing(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    store.save_text("m9/tiny", "adder.toml", 'tools = ["add"]\n')
    said = talk(tmp_path, ["open m9/tiny", "next", "run", "grade", "next", "choose a", "choose b"])
    assert "Step 1 of 3: Why a tool" in said
    assert "It calls add(a=" in said
    assert "Passed: the sums are right." in said
    assert "Practice passed." in said
    assert "You passed this step." in said
    assert "Wrong: The model only asked" in said
    assert "Right: The loop ran the tool" in said
    assert all(store.lab("m9/tiny").mark(s) == "passed" for s in ("why", "adder", "quiz"))
    assert len(list(runs_in(tmp_path / "runs"))) == 5


def test_watching_the_reference_passes_nothing(tmp_path: Path) -> None:
    said = talk(tmp_path, ["open m9/tiny", "next", "solution"])
    assert "Try the step yourself first" in said
    said = talk(tmp_path, ["open m9/tiny", "grade", "solution"])
    assert "This runs the starter, as it is." in said
    assert "not yours" in said
    assert ProgressStore(tmp_path / "progress").lab("m9/tiny").mark("adder") == "seen"


def test_labs_are_listed_with_how_far_one_is(tmp_path: Path) -> None:
    ProgressStore(tmp_path / "progress").set_passed("m9/tiny", "why", 1.0)
    assert "m9/tiny: Sums, by tool, 5 minutes, begun" in talk(tmp_path, [])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("read", "Open a lab first"),
        ("open m9/none", "There is no lab m9/none."),
        ("help", "go to another step"),
    ],
)
def test_what_can_t_be_done_is_said(tmp_path: Path, command: str, says: str) -> None:
    assert says in talk(tmp_path, [command])


def test_hints_come_one_by_one_and_end(tmp_path: Path) -> None:
    said = talk(tmp_path, ["open m9/tiny", "next", *["hint"] * 4])
    assert "Hint 1 of 3:" in said
    assert "Hint 3 of 3:" in said
    assert "There are no more hints." in said


def test_an_answer_that_is_none_is_one_line(tmp_path: Path) -> None:
    ProgressStore(tmp_path / "progress").save_text("m9/tiny", "adder.toml", "tools = [oops")
    assert "Problem: your answer is not valid TOML" in talk(
        tmp_path, ["open m9/tiny", "next", "run"]
    )


def test_nothing_written_moves_or_colours(tmp_path: Path) -> None:
    said = talk(tmp_path, ["open m9/tiny", "next", "run"])
    assert "\x1b" not in said
    assert not set(said) & set("✔✘◐○▸█─│")


def test_the_starter_comes_back_and_so_does_what_one_wrote(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    assert "nothing of yours" in talk(tmp_path, ["open m9/tiny", "next", "reset"])
    store.save_text("m9/tiny", "adder.toml", 'instructions = "Mine."\n')
    said = talk(tmp_path, ["open m9/tiny", "reset"])
    assert "The starter is back." in said
    assert "Mine." not in (store.read_text("m9/tiny", "adder.toml") or "")
    said = talk(tmp_path, ["open m9/tiny", "earlier"])
    assert store.read_text("m9/tiny", "adder.toml") == 'instructions = "Mine."\n'
    assert "nothing else" in talk(tmp_path, ["open m9/tiny", "earlier"])
