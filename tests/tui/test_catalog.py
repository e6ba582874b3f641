"""The catalog of labs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui_world import LABS

from agentlab_tui.catalog import labs_in


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(", "SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("x = 1", "does not define `scenario"),
        ("import sys; sys.exit(3)", "it exits"),
    ],
)
def test_a_bad_lab_is_listed_with_its_reason_and_spoils_no_other(
    tmp_path: Path, source: str, says: str
) -> None:
    bad = tmp_path / "m5" / "bad"
    bad.mkdir(parents=True)
    (bad / "scenario.py").write_text(source)
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
