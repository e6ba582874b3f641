"""One line on a run: what it does now, how far it is, how fast it goes."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

from agentlab.display import counted, one_line

_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS_A_SECOND = 8


class RunStatus(Static):
    """The head of the run pane."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._begun: float | None = None
        self._said = Content("")
        self._place = ""
        self._tokens = 0
        self._pieces = 0

    def idle(self, text: str, style: str = "$quiet") -> None:
        """Nothing is at work; say something else."""
        self._begun = None
        self._said = Content.styled(one_line(text, 500), style)
        self.refresh(layout=True)

    def begin(self, text: str) -> None:
        """Work begins."""
        self._begun = self._clock()
        self._place, self._tokens, self._pieces = one_line(text), 0, 0
        self.refresh(layout=True)

    def at(self, place: str) -> None:
        """Say which part of the work this is."""
        self._place = place
        self.refresh()

    def count(self, pieces: int) -> None:
        """Pieces of text came: about as many tokens, until the exact number is known."""
        self._pieces += pieces

    def count_reply(self, tokens: int) -> None:
        """A reply is whole, with its exact number of tokens; 0 where a backend does not count."""
        self._tokens += tokens or self._pieces
        self._pieces = 0

    @property
    def tokens(self) -> int:
        """Tokens made so far."""
        return self._tokens + self._pieces

    def render(self) -> Content:
        """The line as it is now."""
        if self._begun is None:
            return self._said
        took = max(0.0, self._clock() - self._begun)
        spin = _SPIN[int(took * _TURNS_A_SECOND) % len(_SPIN)]
        speed = f"  ·  {self.tokens / took:.0f} tokens/s" if took >= 1 and self.tokens else ""
        return Content.assemble(
            (f"{spin} ", "bold $primary"),
            (self._place, "bold"),
            (f"  ·  {counted(self.tokens, 'token')}{speed}  ·  {took:.1f} s", "$quiet"),
        )
