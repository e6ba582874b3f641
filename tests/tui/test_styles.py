"""The style of one screen does not reach another: Textual puts the sheets of all into one."""

from __future__ import annotations

import re
from pathlib import Path

from test_playground import to_playground
from tui_world import open_app, to_lab, until

import agentlab_tui
from agentlab_tui.screens.playground import PlaygroundScreen
from agentlab_tui.widgets.pane_tabs import PaneTabs

HERE = Path(agentlab_tui.__file__).parent
SHARED = {"app", "flow", "form", "dialog", "help"}  # sheets that are meant for several screens
OTHERS = {name: (HERE / "screens" / f"{name}.py").read_text() for name in (
    "diff", "doctor", "export", "fork", "forked", "help", "jobs", "lab", "model", "playground",
    "roadmap", "runs", "timeline", "welcome",
)}  # fmt: skip


def test_what_a_sheet_styles_by_its_bare_name_is_on_no_other_screen():
    bare: list[tuple[str, str]] = []
    for sheet in sorted((HERE / "styles").glob("*.tcss")):
        if sheet.stem not in SHARED:
            found = re.findall(r"^([#A-Z][\w-]*)", sheet.read_text(), re.MULTILINE)
            bare += [(sheet.stem, name) for name in found if not name.endswith("Screen")]
    assert len(bare) > 20
    for sheet, name in bare:
        made = rf'id="{name[1:]}"' if name.startswith("#") else rf"\b{name}\("
        there = [other for other, source in OTHERS.items() if re.search(made, source)]
        assert {*there} <= {sheet}, f"{sheet}.tcss styles {name}, which {there} show as well"


def test_every_screen_is_looked_at():
    assert {*OTHERS} == {path.stem for path in (HERE / "screens").glob("[a-z]*.py")}


async def test_the_playground_keeps_its_tabs_after_a_lab(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot)
        assert not lab.query_one(PaneTabs).display
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not lab)
        screen = await to_playground(pilot)
        assert isinstance(screen, PlaygroundScreen)
        assert screen.query_one(PaneTabs).display
