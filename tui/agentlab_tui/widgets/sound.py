"""Sound that a tool made: its wave, which plays where a player is installed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from agentlab.display import one_line
from agentlab.places.home import environment
from agentlab_tui.recording import Recording, drawn, player

_ROWS = 4
_WIDEST = 96
_TICK_S = 0.1


class Sound(Static, can_focus=True):
    """A wave, as wide as there is room for; what was heard of it stands out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "play", "Play", tooltip="Play this sound, or stop it"),
    ]

    def __init__(self, recording: Recording, name: str) -> None:
        super().__init__()
        self._recording = recording
        self._player = player(environment())
        self._lines: list[str] = []
        self._since: float | None = None
        self._ticks: Timer | None = None
        self._playing: Worker[None] | None = None
        channels = {1: "mono", 2: "stereo"}.get(
            recording.channels, f"{recording.channels} channels"
        )
        about = f"{recording.seconds:.1f} s · {recording.rate:,} Hz · {channels}"
        self.border_title = Content(f" {one_line(name, 40)} ")
        self.border_subtitle = Content(f" {about} ")

    @property
    def plays(self) -> bool:
        """Whether it is being heard."""
        return self._since is not None

    def on_resize(self) -> None:
        """Draw for the width there is."""
        width = min(self.content_size.width, _WIDEST)
        if width > 0 and (not self._lines or width != len(self._lines[0])):
            self._lines = drawn(self._recording, width, _ROWS)
            self._show()

    def on_click(self, event: Click) -> None:
        """Play, by mouse."""
        event.stop()
        self.action_play()

    def on_unmount(self) -> None:
        """What is no longer seen is no longer heard."""
        self._stop()

    def action_play(self) -> None:
        """Play, or stop."""
        if self.plays:
            self._stop()
        elif self._player is None:
            self.notify(
                "There is no player here. On Linux, pw-play, paplay or aplay would be used; over "
                "SSH nobody would hear it. agentlab export RUN --to files writes it out.",
                markup=False,
            )
        else:
            self._playing = self._play(*self._player)

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    @work(exclusive=True)
    async def _play(self, *command: str) -> None:
        process: Process | None = None
        with tempfile.TemporaryDirectory(prefix="agentlab-") as folder:
            file = Path(folder, "sound.wav")
            # Made anew of the samples: a player gets no byte of a stranger's file
            await asyncio.to_thread(file.write_bytes, self._recording.wav())
            try:
                process = await asyncio.create_subprocess_exec(
                    *command, str(file), stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
                )
                self._begin()
                code = await process.wait()
            except OSError as error:
                self._say(f"{command[0]}: {error.strerror or error}")
            else:
                if code:
                    self._say(f"{command[0]} could not play it (exit {code})")
            finally:
                self._end()
                if process is not None and process.returncode is None:
                    process.kill()
                    await process.wait()

    def _say(self, problem: str) -> None:
        self.notify(problem, severity="warning", markup=False)

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._ticks = self.set_interval(_TICK_S, self._show)
        self._show()

    def _end(self) -> None:
        self._since = None
        if self._ticks is not None:
            self._ticks.stop()
            self._ticks = None
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        if not self._lines:
            return
        heard = 0
        if self._since is not None:
            share = (time.monotonic() - self._since) / self._recording.seconds
            heard = round(len(self._lines[0]) * min(1.0, share))
        rest = "$accent" if self._since is None else "$quiet"
        self.update(
            Content("\n").join(
                Content.assemble((line[:heard], "$accent"), (line[heard:], rest))
                for line in self._lines
            )
        )
