"""The tools an agent may have: off, on, or on but asking first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from agentlab.display import one_line

State: TypeAlias = Literal["off", "on", "asks"]
_SIGNS: dict[State, tuple[str, str, str]] = {
    "off": ("☐", "$quiet", ""),
    "on": ("☑", "$success", ""),
    "asks": ("☑", "$warning", "asks first"),
}


class ToolList(Static, can_focus=True):
    """One line a tool; space goes on to its next state.

    Args:
        may_ask: whether there is a state between off and on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding(
            "space,enter",
            "turn",
            "Off, on, asks first",
            show=False,
            tooltip="Give the marked tool, let it ask first, or take it away",
        ),
    ]

    class Changed(Message):
        """A tool has another state."""

    def __init__(self, *, may_ask: bool = True) -> None:
        super().__init__()
        self._states: dict[str, State] = {}
        self._cursor = 0
        self._order: tuple[State, ...] = ("off", "on", "asks") if may_ask else ("off", "on")

    def show(self, names: Sequence[str], on: Sequence[str], asks: Sequence[str] = ()) -> None:
        """List tools, with the states they have."""
        self._states = {n: "asks" if n in asks else "on" if n in on else "off" for n in names}
        self._cursor = min(self._cursor, max(0, len(names) - 1))
        self._draw()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The tools that are on, asking or not."""
        return tuple(name for name, state in self._states.items() if state != "off")

    @property
    def asking(self) -> tuple[str, ...]:
        """The tools that ask first."""
        return tuple(name for name, state in self._states.items() if state == "asks")

    def on_focus(self) -> None:
        """Show the cursor."""
        self._draw()

    def on_blur(self) -> None:
        """Hide it."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """A click turns the tool under it."""
        if 0 <= event.y < len(self._states):
            self._cursor = event.y
            self.action_turn()

    def action_move(self, by: int) -> None:
        """To another tool."""
        if self._states:
            self._cursor = (self._cursor + by) % len(self._states)
            self._draw()

    def action_turn(self) -> None:
        """To the next state."""
        if not self._states:
            return
        name = list(self._states)[self._cursor]
        place = self._order.index(self._states[name]) + 1
        self._states[name] = self._order[place % len(self._order)]
        self._draw()
        self.post_message(self.Changed())

    def _draw(self) -> None:
        if not self._states:
            self.update(Content.styled("no tools here", "$quiet"))
            return
        lines: list[Content] = []
        for place, (name, state) in enumerate(self._states.items()):
            sign, style, note = _SIGNS[state]
            line = Content.assemble(
                (f"{sign} ", f"bold {style}"),
                (one_line(name, 30), "" if state != "off" else "$quiet"),
                (f"  {note}", "$warning"),
            )
            if place == self._cursor and self.has_focus:
                line = line.stylize("on $block-cursor-background")
            lines.append(line)
        self.update(Content("\n").join(lines))
