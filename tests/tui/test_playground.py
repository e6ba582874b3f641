"""An agent put together and talked to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea
from tui_world import add_by_tool, open_app, recording, services, text_of, to_roadmap, until

from agentlab.backend import Backend, Reply, Settings, TokenInfo, ToolSpec
from agentlab.backends.llamacpp.seen import PromptToken
from agentlab.backends.scripted import Said, Scripted
from agentlab.errors import MissingKey
from agentlab.events import RunFinished
from agentlab.messages import Message, ToolCall, Usage
from agentlab.trace import Trace, runs_in
from agentlab_tools.train.jobs import Jobs
from agentlab_tui.app import AgentLabApp
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.screens.model import ModelScreen
from agentlab_tui.screens.playground import PlaygroundScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.widgets.approval import A_MOMENT_S
from agentlab_tui.widgets.composer import MOST, Composer
from agentlab_tui.widgets.conversation import Conversation
from agentlab_tui.widgets.meters import Meters
from agentlab_tui.widgets.prompt_view import PromptView
from agentlab_tui.widgets.token_view import TokenView
from agentlab_tui.widgets.tool_list import ToolList
from agentlab_tui.widgets.turn import TurnView


def calculates(messages: Sequence[Message], tools: Sequence[ToolSpec], _: Settings) -> Said:
    """Calls the calculator where it has it and nothing came of it yet; else says what came."""
    last = messages[-1]
    if last.role == "tool":
        (result,) = (part for part in last.parts if part.kind == "tool_result")
        return f"I was told: {result.content}"
    if not tools:
        return f"You said {last.text!r}, after {len(messages) - 1} messages."
    call = ToolCall(id="call_1", name="calculator", arguments='{"expression": "6 * 7"}')
    return Message.assistant(call)


class Local(Scripted):
    """A model that shows its tokens and its prompt, as those of this process do."""

    async def prompt(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec] = ()
    ) -> tuple[PromptToken, ...]:
        """The texts, with a control token before each."""
        found: list[PromptToken] = []
        for place, message in enumerate(messages):
            known = place < len(messages) - 1
            found.append(PromptToken(id=1, text="<|start|>", control=True, read=known))
            found.append(PromptToken(id=2, text=message.text, control=False, read=known))
        return tuple(found)


async def to_playground(pilot: Pilot[None]) -> PlaygroundScreen:
    await to_roadmap(pilot)
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlaygroundScreen))
    screen = pilot.app.screen
    assert isinstance(screen, PlaygroundScreen)
    await until(pilot, lambda: isinstance(pilot.app.focused, Composer))
    return screen


async def say(pilot: Pilot[None], text: str) -> None:
    """Say something, and wait for the answer."""
    conversation = pilot.app.screen.query_one(Conversation)
    before = len(conversation.query(TurnView))
    pilot.app.screen.query_one(Composer).load_text(text)
    await pilot.press("enter")
    await until(pilot, lambda: len(conversation.query(TurnView)) == before + 1)
    await until(pilot, lambda: not conversation.is_running)
    await pilot.pause()


def playground(home: Path, script: object = calculates, **kind: type[Scripted]) -> AgentLabApp:
    make = kind.get("kind", Scripted)
    return open_app(home, lambda name: make(script, name=name))  # pyright: ignore


async def test_a_talk_goes_on_from_turn_to_turn_and_leaves_traces(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "hello")
        assert "You said 'hello', after 1 messages." in text_of(screen, "Said")
        await say(pilot, "again")
        assert "You said 'again', after 3 messages." in text_of(screen, "Said")
        assert len(list(runs_in(tmp_path / "runs"))) == 2
        await pilot.press("escape", "t")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))


async def test_words_are_edited_and_said_again_from_where_they_were(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "one")
        await say(pilot, "two")
        screen.query(TurnView).last().query_one("TurnHead").focus()
        await pilot.press("e")
        await until(pilot, lambda: screen.query_one(Composer).text == "two")
        assert len(screen.query(TurnView)) == 1
        await pilot.press("!", "enter")
        await until(pilot, lambda: "You said 'two!', after 3 messages." in text_of(screen, "Said"))
        screen.query(TurnView).first().query_one("TurnHead").focus()
        await pilot.press("e")
        await until(pilot, lambda: screen.query_one(Composer).text == "one")
        assert not screen.query(TurnView)


async def test_up_brings_back_what_was_said_and_deletes_nothing(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "one")
        await say(pilot, "two")
        composer = screen.query_one(Composer)
        composer.focus()
        for expected in ("two", "one", "one"):
            await pilot.press("up")
            await until(pilot, lambda expected=expected: composer.text == expected)
        assert len(screen.query(TurnView)) == 2
        await pilot.press("!", "enter")
        await until(pilot, lambda: "You said 'one!', after 5 messages." in text_of(screen, "Said"))


async def test_a_tool_that_asks_first_waits_for_a_word_on_the_screen(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        tools = screen.query_one(ToolList)
        tools.focus()
        await pilot.press("space", "space")
        assert tools.asking == ("calculator",)
        screen.query_one(Composer).focus()
        screen.query_one(Composer).load_text("6 * 7?")
        await pilot.press("enter")
        await until(pilot, lambda: screen.query("Approval:focus"))
        assert "May it call calculator?" in text_of(screen, "#question")
        await pilot.press("d")
        await until(pilot, lambda: not screen.query_one(Conversation).is_running)
        assert "the user said no" in text_of(screen, "Said")
        screen.query_one(Composer).load_text("6 * 7?")
        screen.query_one(Composer).focus()
        await pilot.press("enter")
        await until(pilot, lambda: screen.query("Approval:focus"))
        await pilot.press("a")
        await until(pilot, lambda: "I was told: 42" in text_of(screen, "Said"))
        events = [e.kind for path in runs_in(tmp_path / "runs") for e in Trace.load(path).events]
        assert events.count("approval_given") == 2


async def test_a_question_never_takes_the_keys_from_somebody_who_types(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        screen.query_one(ToolList).focus()
        await pilot.press("space", "space")
        composer = screen.query_one(Composer)
        composer.focus()
        composer.load_text("6 * 7?")
        await pilot.press("enter", *"yes")
        await until(pilot, lambda: screen.query("Approval"))
        await pilot.pause(2 * A_MOMENT_S)
        assert app.focused is composer
        assert composer.text == "yes"
        assert screen.query_one(Conversation).is_running


async def test_a_stopped_answer_leaves_a_whole_trace(tmp_path: Path) -> None:
    app = open_app(tmp_path, lambda name: Scripted(["a b c d e f g h"], name=name, pace=0.2))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        screen.query_one(Composer).load_text("hello")
        await pilot.press("enter")
        await until(pilot, lambda: screen.query("Said"))
        await pilot.press("escape", "s")
        await until(pilot, lambda: not screen.query_one(Conversation).is_running)
        (path,) = runs_in(tmp_path / "runs")
        assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")


async def test_tokens_show_what_else_stood_to_choose(tmp_path: Path) -> None:
    tokens = (
        TokenInfo(id=7, text="Yes", logprob=-0.1, top=(("Yes", -0.1), ("No", -2.4))),
        TokenInfo(id=8, text=".", logprob=-1.2, top=(("!", -0.4), (".", -1.2)), masked=0.25),
    )
    reply = Reply(message=Message.assistant("Yes."), tokens=tokens, usage=Usage(output_tokens=2))
    app = playground(tmp_path, [reply])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "well?")
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.focused, TokenView))
        assert "token 1 of 2" in text_of(screen, "#token-detail")
        assert "90.5%  Yes" in text_of(screen, "#token-detail")
        await pilot.press("down")
        detail = text_of(screen, "#token-detail")
        assert "67.0%  !" in detail
        assert "the grammar ruled out 25.0%" in detail


async def test_the_prompt_is_shown_with_the_words_about_to_be_said(tmp_path: Path) -> None:
    app = playground(tmp_path, kind=Local)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "hello")
        screen.query_one(Composer).load_text("and [bold]now[/]?")
        await pilot.press("f5")
        await until(pilot, lambda: "8 tokens" in text_of(screen, "#prompt-sum"))
        shown = text_of(screen, "#prompt-text")
        assert shown.startswith("<|start|>You are a helpful assistant.")
        assert shown.endswith("<|start|>and [bold]now[/]?")
        assert "6 of them read already, 2 new" in text_of(screen, "#prompt-sum")


async def test_a_model_that_does_not_show_its_prompt_says_so(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: "does not show" in text_of(screen, "#prompt-sum"))
        assert screen.query_one(PromptView).display


async def test_meters_add_up(tmp_path: Path) -> None:
    usage = Usage(input_tokens=100, cached_tokens=60, output_tokens=20, cost=0.01)
    reply = Reply(message=Message.assistant("x"), usage=usage)
    app = playground(tmp_path, [reply, reply])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "a")
        await say(pilot, "b")
        line = str(screen.query_one(Meters).render())
        assert "200 in (120 cached)" in line
        assert "40 out" in line
        assert "$0.0200" in line
        await pilot.press("escape", "n")
        await until(pilot, lambda: not screen.query(TurnView))
        assert screen.query_one(Meters).usage == Usage()


async def test_what_was_put_together_and_typed_is_there_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "tui.json"

    def app_over_file() -> AgentLabApp:
        from dataclasses import replace

        return AgentLabApp(replace(services(tmp_path), choices=ChoiceStore(file)))

    app = app_over_file()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        screen.query_one("#instructions", TextArea).load_text("Be terse.")
        screen.query_one("#temperature", Input).value = "0.5"
        screen.query_one(ToolList).focus()
        await pilot.press("space")
        screen.query_one(Composer).load_text("half a sen")
        await until(pilot, lambda: "half a sen" in file.read_text())
    kept = json.loads(file.read_text())["playground"]
    assert (kept["instructions"], kept["temperature"]) == ("Be terse.", 0.5)
    app = app_over_file()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        assert screen.query_one(Composer).text == "half a sen"
        assert screen.query_one("#instructions", TextArea).text == "Be terse."
        assert screen.query_one(ToolList).chosen == ("calculator",)


async def test_another_model_is_chosen_by_name(tmp_path: Path) -> None:
    opened, connect = recording("hi")

    app = open_app(tmp_path, connect)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen))
        app.screen.query_one(Input).value = "mine:model"
        app.screen.query_one(Input).focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        screen.query_one(Composer).focus()
        await say(pilot, "hello")
        assert opened == ["mine:model"]


MAKES = """
from agentlab_tools.train.recipe import Recipe, RecipeSettings
class Settings(RecipeSettings):
    name: str
def run(settings, work):
    work.artifact(settings.name, lambda path: path.write_bytes(b"GGUF"))
recipe = Recipe("makes", "", Settings, run, needs=())
"""


async def test_what_was_trained_here_is_among_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    jobs = Jobs(tmp_path / "home" / "jobs")
    (tmp_path / "makes.py").write_text(MAKES)
    for name in ("table.txt", "model.gguf"):
        job = jobs.submit(str(tmp_path / "makes.py"), {"name": name})
        *_, job = jobs.watch(job.id, seconds=60)
        assert job.state == "completed"
    opened, connect = recording("hi")

    app = open_app(tmp_path, connect)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen))
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count)
        names = [str(options.get_option_at_index(n).id) for n in range(options.option_count)]
        assert [name for name in names if name.startswith("job:")] == [f"job:{job.short}"]
        options.highlighted = names.index(f"job:{job.short}")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        screen.query_one(Composer).focus()
        await say(pilot, "hello")
        assert opened == [f"job:{job.short}"]


async def test_a_missing_key_is_said_and_the_app_lives_on(tmp_path: Path) -> None:
    def connect(name: str) -> Backend:
        raise MissingKey("no API key for openai: set OPENAI_API_KEY")

    app = open_app(tmp_path, connect)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await say(pilot, "hello")
        assert "set OPENAI_API_KEY" in text_of(screen, "RunStatus")
        await pilot.press("escape", "escape")
        await to_roadmap(pilot)


async def test_a_megabyte_pasted_is_refused_in_words(tmp_path: Path) -> None:
    from textual import events

    app = playground(tmp_path)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await to_playground(pilot)
        composer = screen.query_one(Composer)
        composer.post_message(events.Paste("x" * 1_000_000))
        await until(pilot, lambda: screen.query("Toast"))
        assert composer.text == ""
        composer.post_message(events.Paste("y" * (MOST - 10)))
        await until(pilot, lambda: len(composer.text) == MOST - 10)


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1)])
async def test_a_small_terminal_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    app = playground(tmp_path, add_by_tool)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_playground(pilot)
        await pilot.resize_terminal(*size)
        for key in ("f3", "f4", "f5", "f2"):
            await pilot.press(key)
            await pilot.pause()
        await say(pilot, "3 and 4")
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "about 120" in text_of(screen, "Said"))
