"""The catalog of labs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui_world import LABS, open_app, text_of, to_roadmap, until

from agentlab.labs.make import make_lab
from agentlab_tui.catalog import labs_in
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.widgets.answer_editor import AnswerEditor


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(", "SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("x = 1", "does not define `lab"),
        ("import sys; sys.exit(3)", "it exits"),
    ],
)
def test_a_bad_lab_is_listed_with_its_reason_and_spoils_no_other(
    tmp_path: Path, source: str, says: str
) -> None:
    bad = tmp_path / "m5" / "bad"
    bad.mkdir(parents=True)
    (bad / "lab.py").write_text(source)
    entries = {entry.id: entry for entry in labs_in((tmp_path, LABS))}
    assert list(entries) == ["m5/bad", "m9/tiny"]
    assert entries["m5/bad"].lab is None
    assert says in entries["m5/bad"].problem
    assert entries["m9/tiny"].title == "Sums, by tool"


def test_a_search_finds_words_of_title_id_and_what_is_taught() -> None:
    (tiny,) = labs_in((LABS,))
    assert tiny.matches("")
    assert tiny.matches("TINY sums")
    assert tiny.matches("really called")
    assert not tiny.matches("sums diffusion")


def test_of_two_labs_with_one_id_the_first_root_counts() -> None:
    (only,) = labs_in((LABS, LABS))
    assert only.id == "m9/tiny"
    assert only.module.title == "Your own labs"


async def test_a_lab_of_ones_own_opens_beside_a_broken_one_and_all_its_steps_show(
    tmp_path: Path,
) -> None:
    roots = (tmp_path / "labs", LABS)
    make_lab("m3/letters", roots[0])
    broken = make_lab("m3/unfinished", roots[0])[0].parent
    (broken / "lab.py").write_text("lab = Lab(", encoding="utf-8")
    app = open_app(tmp_path, roots=roots)
    async with app.run_test(size=(80, 24)) as pilot:
        roadmap = await to_roadmap(pilot)
        assert [entry.id for entry in roadmap.entries] == ["m3/letters", "m3/unfinished", "m9/tiny"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        lab = app.screen
        assert isinstance(lab, LabScreen)
        await until(pilot, lambda: lab.query("Markdown MarkdownBlock"))
        assert [step.id for step in lab._steps] == ["what-it-reads", "count", "why"]
        await pilot.press("n")
        await until(pilot, lambda: lab.step.id == "count")
        assert "Use count_letter" in lab.query_one(AnswerEditor).text
        await pilot.press("n")
        await until(pilot, lambda: "miscount its r's" in text_of(lab, "#question"))
