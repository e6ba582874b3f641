"""The playground opens with the talk that was left there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_playground import calculates, say, to_playground
from textual.widgets import Static
from tui_world import services, text_of, until

from agentlab.backend import Reply, TokenInfo
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, Usage
from agentlab.trace import runs_in
from agentlab_tui.app import AgentLabApp
from agentlab_tui.assembly import Assembly
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.kept_talk import past_talk
from agentlab_tui.widgets.composer import Composer
from agentlab_tui.widgets.conversation import Conversation
from agentlab_tui.widgets.meters import Meters
from agentlab_tui.widgets.token_view import TokenView
from agentlab_tui.widgets.turn import TurnView


def app_over(home: Path, script: object = calculates, *, pace: float = 0.0) -> AgentLabApp:
    """The app over a home folder that it remembers things in."""
    made = services(home, lambda name: Scripted(script, name=name, pace=pace))  # pyright: ignore
    return AgentLabApp(replace(made, choices=ChoiceStore(home / "tui.json")))


def words(screen: Any) -> list[str]:
    return [turn.text for turn in screen.query(TurnView)]


async def test_a_talk_is_there_the_next_time_and_goes_on(tmp_path: Path) -> None:
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        await to_playground(pilot)
        await say(pilot, "hello")
        await say(pilot, "again")
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: words(screen) == ["hello", "again"])
        assert "You said 'again', after 3 messages." in text_of(screen, "Said")
        assert "your last talk" in text_of(screen, "RunStatus")
        assert not screen.query("#welcome")
        await say(pilot, "and again")
        assert "You said 'and again', after 5 messages." in text_of(screen, "Said")
        assert len(list(runs_in(tmp_path / "runs"))) == 3
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: words(screen) == ["hello", "again", "and again"])


async def test_calls_tokens_and_what_it_cost_come_back_with_it(tmp_path: Path) -> None:
    token = TokenInfo(id=7, text="42", logprob=-0.1, top=(("42", -0.1),))
    usage = Usage(input_tokens=100, output_tokens=20)
    script = [
        calculates([Message.user("x")], [None], None),  # type: ignore[list-item,arg-type]
        Reply(message=Message.assistant("It is 42."), tokens=(token,), usage=usage),
    ]
    ChoiceStore(tmp_path / "tui.json").put(
        "playground", Assembly(tools=("calculator",)).model_dump(mode="json")
    )
    async with app_over(tmp_path, script).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "6 * 7?")
        line = str(screen.query_one(Meters).render())
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: "It is 42." in text_of(screen, "Said"))
        assert "6 * 7" in text_of(screen, "Call")
        assert "← 42" in text_of(screen, "Call")
        assert screen.query_one(Meters).usage.input_tokens >= 100
        assert str(screen.query_one(Meters).render()) == line
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(pilot.app.focused, TokenView))
        assert "token 1 of 1" in text_of(screen, "#token-detail")


async def test_what_was_taken_back_stays_so_and_a_turn_can_be_edited_later(tmp_path: Path) -> None:
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        for text in ("one", "two", "three"):
            await say(pilot, text)
        screen.query(TurnView).last().query_one("TurnHead").focus()
        await pilot.press("e")
        await until(pilot, lambda: words(screen) == ["one", "two"])
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: words(screen) == ["one", "two"])
        composer = screen.query_one(Composer)
        assert composer.text == "three"
        composer.load_text("")
        screen.query(TurnView).last().query_one("TurnHead").focus()
        await pilot.press("e")
        await until(pilot, lambda: words(screen) == ["one"])
        await pilot.press("!", "enter")
        await until(pilot, lambda: "You said 'two!', after 3 messages." in text_of(screen, "Said"))


async def test_a_turn_that_was_stopped_is_no_part_of_it(tmp_path: Path) -> None:
    app = app_over(tmp_path, ["hi.", "word " * 300], pace=0.2)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "hello")
        screen.query_one(Composer).load_text("and now?")
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.query("Said")) == 2)
        await pilot.press("escape", "s")
        await until(pilot, lambda: not screen.query_one(Conversation).is_running)
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: words(screen) == ["hello"])
        await say(pilot, "again")
        assert "You said 'again', after 3 messages." in text_of(screen, "Said")


async def test_a_new_talk_forgets_the_last_one(tmp_path: Path) -> None:
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "hello")
        await pilot.press("escape", "n")
        await until(pilot, lambda: not screen.query(TurnView))
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: screen.query("#welcome"))
        await say(pilot, "hello")
        assert "You said 'hello', after 1 messages." in text_of(screen, "Said")


async def test_a_talk_whose_trace_is_gone_is_said_to_be(tmp_path: Path) -> None:
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        await to_playground(pilot)
        await say(pilot, "hello")
    for run in list(runs_in(tmp_path / "runs")):
        run.unlink()
    async with app_over(tmp_path).run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await until(pilot, lambda: "the last talk can't be opened" in text_of(screen, "RunStatus"))
        assert screen.query_one("#welcome", Static).display
        await say(pilot, "hello")
        assert "You said 'hello', after 1 messages." in text_of(screen, "Said")


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        {"run": "../../etc/passwd", "turns": [0], "until": 2},
        {"run": "x", "turns": [-1], "until": 2},
    ],
)
def test_what_makes_no_sense_is_no_talk(data: Any, tmp_path: Path) -> None:
    assert past_talk(json.loads(json.dumps(data)), tmp_path) is None
