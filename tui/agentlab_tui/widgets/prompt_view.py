"""The conversation as the model reads it: template, control tokens and all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from agentlab.backends.llamacpp.seen import PromptToken
from agentlab.display import counted, safe

_MOST = 4_000
"""Tokens that are drawn: the last ones, which the answer follows."""


class PromptView(Vertical):
    """A count, and the text."""

    def compose(self) -> ComposeResult:
        """Both."""
        yield Static(id="prompt-sum", markup=False)
        with VerticalScroll(id="prompt-box"):
            yield Static(id="prompt-text", markup=False)

    def say(self, text: str, style: str = "$quiet") -> None:
        """Show a line in place of a prompt."""
        self.query_one("#prompt-sum", Static).update(Content.styled(safe(text), style))
        self.query_one("#prompt-text", Static).update("")

    def show(self, tokens: Sequence[PromptToken]) -> None:
        """Show a prompt."""
        read = sum(token.read for token in tokens)
        counts = Content.assemble(
            (counted(len(tokens), "token"), "bold"),
            (f"   {read:,} of them read already, {len(tokens) - read:,} new", "$quiet"),
        )
        self.query_one("#prompt-sum", Static).update(counts)
        latest = tokens[-_MOST:]
        cut = [("… earlier tokens are left out\n", "$quiet")] if len(latest) < len(tokens) else []
        runs = (
            ("".join(token.text for token in group), _style(control=control, read=was_read))
            for (control, was_read), group in groupby(latest, key=lambda t: (t.control, t.read))
        )
        words = [(safe(text), style) for text, style in runs]
        self.query_one("#prompt-text", Static).update(Content.assemble(*cut, *words))
        self.query_one("#prompt-box").scroll_end(animate=False)


def _style(*, control: bool, read: bool) -> str:
    if control:
        return "bold $secondary"
    return "$quiet" if read else ""
