"""A reply from inside: how sure the model was of each token, and what else it might have said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from agentlab.backend import TokenInfo
from agentlab.display import safe

_BAR = 16
_MOST = 1_500
"""Tokens that are drawn."""


class TokenView(Vertical, can_focus=True):
    """Arrows walk from token to token."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Token before", show=False, tooltip="To the token before"),
        Binding("right,l", "move(1)", "Next token", show=False, tooltip="To the next token"),
        Binding(
            "up",
            "unsure(-1)",
            "Unsure before",
            show=False,
            tooltip="To the last token that the model was unsure of",
        ),
        Binding(
            "down",
            "unsure(1)",
            "Next unsure",
            show=False,
            tooltip="To the next token that the model was unsure of",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tokens: Sequence[TokenInfo] = ()
        self._cursor = 0

    def compose(self) -> ComposeResult:
        """The reply, and what stood to choose at one place."""
        with VerticalScroll(id="tokens", can_focus=False):
            yield Static(id="token-text", markup=False)
        yield Static(id="token-detail", markup=False)

    def show(self, tokens: Sequence[TokenInfo], *, why_none: str) -> None:
        """Show a reply's tokens, or say why there are none."""
        self._tokens, self._cursor = tokens[:_MOST], 0
        if not tokens:
            self.query_one("#token-text", Static).update(Content.styled(why_none, "$quiet"))
            self.query_one("#token-detail", Static).update("")
            return
        self._draw()

    def action_move(self, by: int) -> None:
        """To another token."""
        if self._tokens:
            self._cursor = max(0, min(len(self._tokens) - 1, self._cursor + by))
            self._draw()

    def action_unsure(self, by: int) -> None:
        """To another token that might well have been a different one."""
        place = self._cursor + by
        while 0 <= place < len(self._tokens):
            if math.exp(self._tokens[place].logprob) < 0.5:
                self._cursor = place
                self._draw()
                return
            place += by

    def _draw(self) -> None:
        words = [
            (_shown(token), _style(token, here=place == self._cursor))
            for place, token in enumerate(self._tokens)
        ]
        self.query_one("#token-text", Static).update(Content.assemble(*words))
        self.query_one("#token-detail", Static).update(
            _detail(self._tokens[self._cursor], self._cursor, len(self._tokens))
        )


def _shown(token: TokenInfo) -> str:
    text = safe(token.text).replace("\n", "⏎\n")
    return text or "·"


def _style(token: TokenInfo, *, here: bool) -> str:
    chance = math.exp(token.logprob)
    style = "" if chance >= 0.8 else "$accent" if chance >= 0.5 else "underline $error"
    return f"reverse {style}" if here else style


def _detail(token: TokenInfo, place: int, of: int) -> Content:
    lines = [
        Content.assemble((f"token {place + 1} of {of}", "bold"), (f"   id {token.id}", "$quiet"))
    ]
    others = list(token.top)
    if token.text not in (text for text, _ in others):
        others.append((token.text, token.logprob))
    for text, logprob in others:
        chance = math.exp(logprob)
        full = round(chance * _BAR)
        chosen = text == token.text
        lines.append(
            Content.assemble(
                ("▸ " if chosen else "  ", "bold $success"),
                ("━" * full, "$success" if chosen else "$primary"),
                ("─" * (_BAR - full), "$line"),
                (f" {chance:6.1%}  ", "$quiet"),
                (repr(safe(text))[1:-1][:24], "bold" if chosen else ""),
            )
        )
    if token.masked is not None:
        says = f"the grammar ruled out {token.masked:.1%} of what it might have said"
        lines.append(Content.styled(says, "$secondary"))
    return Content("\n").join(lines)
