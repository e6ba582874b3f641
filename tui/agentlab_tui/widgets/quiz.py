"""A question with options, answered by keys or mouse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from agentlab.display import safe
from agentlab.labs.attempt import Verdict
from agentlab.labs.values import QuizStep


class Option(Horizontal):
    """One option, its text in a column of its own. A click chooses it."""

    def __init__(self, letter: str, text: str) -> None:
        self._box = Static(classes="box")
        super().__init__(self._box, Static(Content(safe(text)), classes="says"))
        self.letter = letter

    def draw(self, chosen: bool, marked: bool) -> None:
        """Show whether it is chosen, and whether the cursor is on it."""
        self.set_class(chosen, "-chosen")
        self.set_class(marked, "-marked")
        box = ("◉ ", "bold $accent") if chosen else ("○ ", "$quiet")
        self._box.update(Content.assemble(box, (f"{safe(self.letter)}  ", "bold $primary")))


class Quiz(VerticalScroll, can_focus=True):
    """All options of a question; several may be right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("space", "choose", "Choose", tooltip="Choose the marked option, or take it back"),
        Binding("enter", "check", "Check", tooltip="Check what you have chosen"),
    ]

    class Chosen(Message):
        """The choice has changed."""

        def __init__(self, letters: tuple[str, ...]) -> None:
            self.letters = letters
            super().__init__()

    class Handed(Message):
        """Check this choice."""

        def __init__(self, letters: tuple[str, ...]) -> None:
            self.letters = letters
            super().__init__()

    def __init__(self) -> None:
        super().__init__(id="quiz")
        self._chosen: set[str] = set()
        self._cursor = 0

    async def show(self, step: QuizStep, chosen: Iterable[str]) -> None:
        """Show a question, with what was chosen before."""
        self._chosen, self._cursor = {c for c in chosen if c in step.options}, 0
        await self.remove_children()
        many = "" if len(step.right) == 1 else "  Several may be right."
        await self.mount(
            Static(
                Content.assemble((safe(step.question), "bold"), (many, "$quiet")), id="question"
            ),
            *(Option(letter, text) for letter, text in step.options.items()),
            Static(id="verdict"),
        )
        self._draw()

    def judge(self, verdict: Verdict) -> None:
        """Say whether the choice was right, and why."""
        mark, style = ("✔ ", "$success") if verdict.passed else ("✘ ", "$error")
        line = self.query_one("#verdict", Static)
        line.update(Content.assemble((mark, f"bold {style}"), (safe(verdict.reason), style)))
        line.set_classes("-passed" if verdict.passed else "-failed")
        line.scroll_visible(animate=False)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The letters chosen, in order."""
        return tuple(o.letter for o in self.query(Option) if o.letter in self._chosen)

    def on_key(self, event: events.Key) -> None:
        """An option's letter chooses it."""
        for index, option in enumerate(self.query(Option)):
            if event.character and option.letter.casefold() == event.character.casefold():
                event.stop()
                self._cursor = index
                self.action_choose()

    def on_click(self, event: events.Click) -> None:
        """A click chooses."""
        for index, option in enumerate(self.query(Option)):
            if event.widget and option in event.widget.ancestors_with_self:
                self._cursor = index
                self.action_choose()

    def action_move(self, by: int) -> None:
        """To another option."""
        count = len(self.query(Option))
        self._cursor = (self._cursor + by) % count if count else 0
        self._draw()

    def action_choose(self) -> None:
        """Choose the option under the cursor, or take it back."""
        self._chosen ^= {list(self.query(Option))[self._cursor].letter}
        self.query_one("#verdict", Static).update("")
        self.query_one("#verdict").set_classes("")
        self._draw()
        self.post_message(self.Chosen(self.chosen))

    def action_check(self) -> None:
        """Hand in."""
        self.post_message(self.Handed(self.chosen))

    def _draw(self) -> None:
        for index, option in enumerate(self.query(Option)):
            option.draw(option.letter in self._chosen, index == self._cursor)
