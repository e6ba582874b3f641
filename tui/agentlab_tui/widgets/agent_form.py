"""Putting an agent together: instructions, tools, and how it is sampled and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from agentlab_tui.assembly import FormValues
from agentlab_tui.widgets.tool_list import ToolList


class AgentForm(VerticalScroll, can_focus=False):
    """The form. Every change is told, so that it is saved at once.

    Args:
        may_ask: whether tools can be told to ask first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave form", tooltip="Out of the form, to the other keys"),
    ]

    class Left(Message):
        """Out of the form."""

    class Changed(Message):
        """Something was typed or chosen."""

        def __init__(self, values: FormValues) -> None:
            self.values = values
            super().__init__()

    def __init__(self, *, may_ask: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._may_ask = may_ask
        self._shown: FormValues | None = None

    def compose(self) -> ComposeResult:
        """Instructions, tools, numbers."""
        yield Static(Content.styled("Instructions", "bold"))
        yield TextArea(soft_wrap=True, id="instructions", tab_behavior="focus")
        how = "space: off, on, asks first" if self._may_ask else "space: off, on"
        yield Static(Content.assemble(("Tools", "bold"), (f"   {how}", "$quiet")))
        yield ToolList(may_ask=self._may_ask)
        with Horizontal(id="numbers"):
            with Vertical():
                yield Static(Content.styled("Temperature", "bold"))
                yield Input(placeholder="the model's own", id="temperature", restrict=r"[0-9.]*")
            with Vertical():
                yield Static(Content.styled("Replies at most", "bold"))
                yield Input(placeholder="50", id="steps", restrict=r"[0-9]*")

    def action_leave(self) -> None:
        """By key."""
        self.post_message(self.Left())

    def show(self, values: FormValues, tools: Sequence[str]) -> None:
        """Fill the form."""
        self._shown = values
        self.query_one("#instructions", TextArea).load_text(values.instructions)
        self.query_one(ToolList).show(tools, values.tools, values.asks)
        temperature = "" if values.temperature is None else f"{values.temperature:g}"
        self.query_one("#temperature", Input).value = temperature
        self.query_one("#steps", Input).value = "" if values.steps is None else str(values.steps)

    @property
    def values(self) -> FormValues:
        """What stands in the form."""
        tools = self.query_one(ToolList)
        return FormValues(
            instructions=self.query_one("#instructions", TextArea).text,
            tools=tools.chosen,
            asks=tools.asking,
            temperature=_number(self.query_one("#temperature", Input).value),
            steps=int(_number(self.query_one("#steps", Input).value) or 0) or None,
        )

    @on(TextArea.Changed)
    @on(ToolList.Changed)
    @on(Input.Changed)
    def _tell(self, event: Message) -> None:
        event.stop()
        values = self.values
        if self._shown is not None and values != self._shown:
            self._shown = values
            self.post_message(self.Changed(values))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
