"""A moving picture that a tool made: the clip as it plays, and below it a strip of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar, cast

from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.timer import Timer
from textual.widgets import Static

from agentlab.display import one_line
from agentlab_tui.widgets.blocks import blocks_of, fitting

_WIDEST = 96
_PLAYED = 32
"""Columns of the clip as it plays."""
_STILLS = 8
_NARROWEST = 8
"""Columns of a frame in the strip."""
_ROUNDS = 3
"""How often it plays by itself."""
_FASTEST_S = 0.04


class Film(Static, can_focus=True):
    """Frames, which play a few times when they appear, and again when asked to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "play", "Play", tooltip="Play this clip, or stop it"),
    ]

    def __init__(self, frames: Sequence[Any], seconds: Sequence[float], name: str) -> None:
        """Of two or more Pillow pictures of one size, and how long each is shown."""
        super().__init__()
        self._frames = frames
        self._seconds = [max(_FASTEST_S, each) for each in seconds]
        self._drawn: list[Content] = []
        self._strip = Content("")
        self._width = 0
        self._at = 0
        self._left = 0
        self._timer: Timer | None = None
        *_, length = accumulate(self._seconds)
        self.border_title = Content(f" {one_line(name, 40)} ")
        self.border_subtitle = Content(f" {len(frames)} frames · {length:.1f} s ")

    @property
    def plays(self) -> bool:
        """Whether it moves."""
        return self._timer is not None

    @property
    def at(self) -> int:
        """The number of the frame that is shown, from 0."""
        return self._at

    def on_mount(self) -> None:
        """Move at once, where things may move by themselves."""
        app = cast("App[Any]", self.app)  # pyright: ignore[reportUnknownMemberType]
        if app.animation_level != "none":
            self._begin(_ROUNDS)

    def on_resize(self) -> None:
        """Draw for the width there is."""
        width = min(self.content_size.width, _WIDEST)
        if width <= 0 or width == self._width:
            return
        self._width = width
        played = fitting(self._frames[0], min(width, _PLAYED))
        self._drawn = [blocks_of(frame, played) for frame in self._frames]
        self._strip = _strip(self._frames, width)
        self._show()

    def on_click(self, event: Click) -> None:
        """Play, by mouse."""
        event.stop()
        self.action_play()

    def action_play(self) -> None:
        """Play once, or stop."""
        if self.plays:
            self._stop()
        else:
            self._begin(1)

    def _begin(self, rounds: int) -> None:
        self._left, self._at = rounds, 0
        self._wait()
        self._show()

    def _wait(self) -> None:
        self._timer = self.set_timer(self._seconds[self._at], self._go_on)

    def _go_on(self) -> None:
        self._at = (self._at + 1) % len(self._frames)
        if self._at == 0:
            self._left -= 1
        if self._left > 0:
            self._wait()
        else:
            self._stop()
        self._show()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _show(self) -> None:
        if self._drawn:
            self.update(Content("\n").join([self._drawn[self._at], Content(""), self._strip]))


def _strip(frames: Sequence[Any], width: int) -> Content:
    """Frames side by side, from the first to the last, evenly."""
    many = max(2, min(_STILLS, len(frames), (width + 1) // (_NARROWEST + 1)))
    each = fitting(frames[0], (width - many + 1) // many)
    stills = [
        blocks_of(frames[n * (len(frames) - 1) // (many - 1)], each).split("\n")
        for n in range(many)
    ]
    rows = zip(*stills, strict=True)
    return Content("\n").join(Content(" ").join(row) for row in rows)
