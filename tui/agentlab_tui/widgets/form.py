"""A form in the middle of a run: a tool asks the person for something, field by field."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, Select, Static, TextArea

from agentlab.approval import Filled
from agentlab.display import one_line, safe
from agentlab.forms import Field, fields_of
from agentlab_tui.consent import FormAsked
from agentlab_tui.widgets.approval import A_MOMENT_S

_LONGEST = 300


class FormField(Vertical):
    """One thing to fill in: what it is called, where it is typed or chosen, and what was amiss."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        """A line of words, the field, and a line for what does not fit."""
        field = self.field
        always = field.needed or field.has_default or field.kind == "yes or no"
        needed = "" if always else "  may stay empty"
        about = f"  {safe(one_line(field.about, _LONGEST))}" if field.about else ""
        yield Static(
            Content.assemble(
                (one_line(field.name, 60), "bold"), (about, "$quiet"), (needed, "$quiet italic")
            )
        )
        if field.kind == "yes or no":
            yield Checkbox("yes", value=field.default is True, compact=True)
        elif field.kind == "choice":
            yield self._select(field)
        else:
            yield self._input(field)
        yield Static(classes="amiss")

    def _select(self, field: Field) -> Select[int]:
        """Chosen by number: a value of a stranger's schema may be anything."""
        options = [
            (Content(one_line(choice.title or str(choice.value), 60)), n)
            for n, choice in enumerate(field.choices)
        ]
        chosen = [n for n, choice in enumerate(field.choices) if choice.value == field.default]
        first = chosen[0] if field.has_default and chosen else Select.NULL
        return Select(options, value=first, prompt="choose", compact=True)  # pyright: ignore[reportArgumentType]

    def _input(self, field: Field) -> Input:
        hint = ", ".join(one_line(str(choice.value), 30) for choice in field.choices)
        default = field.default
        if isinstance(default, list):
            default = ", ".join(map(str, default))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        text = one_line(str(default), _LONGEST) if field.has_default and default is not None else ""
        return Input(text, placeholder=hint or field.kind, compact=True)

    def read(self) -> tuple[bool, Any]:
        """Whether something was filled in, and its value.

        Raises:
            ValueError: it does not fit, or is missing.
        """
        for widget in self.children:
            if isinstance(widget, Checkbox):
                return True, widget.value
            if isinstance(widget, Select):
                number = cast("object", widget.value)  # pyright: ignore[reportUnknownMemberType]
                if isinstance(number, int):
                    return True, self.field.choices[number].value
            if isinstance(widget, Input) and widget.value.strip():
                return True, self.field.value(widget.value.strip())
        if self.field.has_default:
            return True, self.field.default
        if self.field.needed:
            raise ValueError("this is needed")
        return False, None

    def complain(self, problem: str) -> None:
        """Say what does not fit; nothing takes it back."""
        line = self.query_one(".amiss", Static)
        line.update(Content.styled(problem, "$error"))
        line.set_class(bool(problem), "-told")


class FormView(Vertical):
    """Waits until it is sent or declined."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", tooltip="Send what you filled in"),
        Binding("ctrl+n", "decline", "Decline", tooltip="Tell the tool that you would not"),
    ]

    class Answered(Message):
        """The person has answered, or would not."""

    def __init__(self, asked: FormAsked) -> None:
        super().__init__()
        self._asked = asked
        self._open = True

    def compose(self) -> ComposeResult:
        """The question, its fields, and the two answers there are."""
        form = self._asked.form
        asker = f"{one_line(form.asker, 40)} asks" if form.asker else "A tool asks"
        yield Static(Content.styled(asker, "bold $warning"), id="asker")
        with Vertical(id="fields"):
            yield Static(Content(safe(form.message)[:2000]), id="message")
            for field in fields_of(form):
                yield FormField(field)
            with Horizontal():
                yield Button("Send", id="send", variant="success", compact=True)
                yield Button("Decline", id="decline", compact=True)

    def on_mount(self) -> None:
        """Wait a moment: a key on its way to somewhere else is no answer."""
        self.set_timer(A_MOMENT_S, self._take_keys)

    def _take_keys(self) -> None:
        typing = self.screen.focused
        if self._open and not (isinstance(typing, TextArea) and typing.text):
            fields = self.query("Input, Select, Checkbox, Button")
            fields.first().focus(scroll_visible=True)

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next(
            "FormView Input, FormView Select, FormView Checkbox, FormView Button"
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "send":
            self.action_send()
        else:
            self.action_decline()

    def action_send(self) -> None:
        """Send what was filled in, if all of it fits; else show the first that does not."""
        filled: dict[str, Any] = {}
        amiss: FormField | None = None
        for field in self.query(FormField):
            field.complain("")
            try:
                there, value = field.read()
            except ValueError as error:
                field.complain(str(error))
                amiss = amiss or field
                continue
            if there:
                filled[field.field.name] = value
        if amiss is not None:
            amiss.query("Input, Select").first().focus()
        else:
            self._answer(filled, "sent")

    def action_decline(self) -> None:
        """The person would not."""
        self._answer(None, "declined")

    def close(self) -> None:
        """The run has ended: nobody asks any more."""
        if self._open:
            self._close("no longer asked")

    def _answer(self, filled: Filled, word: str) -> None:
        if self._open:
            self._asked.answer(filled)
            self._close(word)
            self.post_message(self.Answered())

    def _close(self, word: str) -> None:
        self._open = False
        self.add_class("-answered")
        self.query("#fields").remove()
        asker = one_line(self._asked.form.asker or "a form", 40)
        self.query_one("#asker", Static).update(Content.styled(f"{asker}: {word}", "$quiet"))
