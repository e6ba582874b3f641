"""What is remembered between two times, and where to go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui_world import LABS, services, to_roadmap, until

from agentlab_tui.app import AgentLabApp
from agentlab_tui.assembly import Assembly, restored
from agentlab_tui.catalog import LabEntry, in_order, labs_in
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.lab_progress import LabProgress
from agentlab_tui.standing import standings


async def test_the_look_is_remembered(tmp_path: Path) -> None:
    held = replace(services(tmp_path), choices=ChoiceStore(tmp_path / "tui.json"))
    app = AgentLabApp(held)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: not app.current_theme.dark)
    again = AgentLabApp(replace(services(tmp_path), choices=held.choices))
    async with again.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        assert not again.current_theme.dark


async def test_a_look_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "tui.json"
    file.write_text('{"theme": "no-such-theme", "playground": 7}')
    app = AgentLabApp(replace(services(tmp_path), choices=ChoiceStore(file)))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        assert app.current_theme.dark


def test_a_damaged_file_remembers_nothing_and_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "tui.json"
    file.write_bytes(b"\xff{")
    store = ChoiceStore(file)
    assert store.get("theme") is None
    assert store.put("theme", "x") == ""
    assert store.get("theme") == "x"


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file is in the way")
    assert "can't be saved" in ChoiceStore(tmp_path / "home" / "tui.json").put("theme", "x")


def test_a_remembered_agent_that_makes_no_sense_is_a_fresh_one() -> None:
    assert restored({"temperature": -3}) == Assembly()
    assert restored("nonsense") == Assembly()
    assert restored({"steps": 3}).steps == 3


def labs(**needs: tuple[str, ...]) -> tuple[LabEntry, ...]:
    """Entries made from the tiny lab, with these prerequisites."""
    (tiny,) = labs_in((LABS,))
    assert tiny.lab
    lab = tiny.lab
    return in_order(
        LabEntry(
            id=f"m9/{name}",
            folder=tiny.folder,
            lab=replace(lab, id=f"m9/{name}", prerequisites=[f"m9/{n}" for n in first]),
        )
        for name, first in needs.items()
    )


def test_next_is_the_first_lab_that_waits_for_nothing() -> None:
    entries = labs(b=("a",), a=(), c=("b",))
    whole = LabProgress(passed={"why": 1.0, "adder": 2.0, "quiz": 3.0})
    found = standings(entries, {"m9/a": whole, "m9/b": LabProgress(), "m9/c": LabProgress()})
    assert [id for id, s in found.items() if s.is_next] == ["m9/b"]
    assert found["m9/a"].mark == "passed"
    assert found["m9/c"].waits_for == ("m9/b",)
    assert found["m9/a"].unlocks == ("m9/b",)


def test_a_lab_that_was_begun_last_comes_before_those_that_are_ready() -> None:
    entries = labs(a=(), b=(), c=())
    progress = {
        "m9/a": LabProgress(seen={"adder": 1.0}),
        "m9/b": LabProgress(seen={"adder": 9.0}),
        "m9/c": LabProgress(),
    }
    found = standings(entries, progress)
    assert [id for id, s in found.items() if s.is_next] == ["m9/b"]
