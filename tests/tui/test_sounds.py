"""Sound that tools make: drawn, and played by a program."""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from agentlab.messages import Artifact, Blob
from agentlab_tui.recording import drawn, envelope, player, read_wav
from agentlab_tui.widgets.media import media_widgets
from agentlab_tui.widgets.sound import Sound

RATE = 8000


def wav(samples: list[float], width: int = 2, channels: int = 1) -> bytes:
    """Samples from -1 to 1, as whole numbers of so many bytes."""
    top = 2 ** (8 * width - 1) - 1
    whole = [round(value * top) for value in samples]
    if width == 1:
        frames = bytes(value + 128 for value in whole)
    else:
        frames = b"".join(struct.pack("<i", value)[:width] for value in whole)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(width)
        written.setframerate(RATE)
        written.writeframes(frames)
    return file.getvalue()


def tone(seconds: float = 0.5) -> list[float]:
    """Silence, then a tone."""
    count = round(seconds * RATE)
    return [0.0 if n < count // 2 else 0.8 * math.sin(n / 3) for n in range(count)]


def made(data: bytes) -> list[Artifact]:
    return [Artifact(name="tone.wav", media_type="audio/wav", blob=Blob.of(data))]


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_every_width_are_read_alike(width: int, channels: int):
    recording = read_wav(wav([0.5, -0.5, 0.25, -1.0], width, channels))
    assert recording is not None
    heard = [value / 32768 for value in recording.samples]
    assert heard == pytest.approx([0.5, -0.5, 0.25, -1.0], abs=0.01)
    assert recording.seconds == 4 / channels / RATE
    again = read_wav(recording.wav())
    assert again == recording


@given(st.binary(max_size=200), st.integers(0, 60))
def test_bytes_that_are_no_wav_or_a_broken_one_are_left_out(junk: bytes, cut: int):
    whole = wav(tone(0.01))
    for data in (junk, whole[:cut], whole[:cut] + junk, b"RIFF\0\0\0\0WAVE" + junk):
        recording = read_wav(data)
        assert recording is None or recording.seconds > 0


def test_the_wave_is_drawn_where_it_is_loud():
    recording = read_wav(wav(tone()))
    assert recording is not None
    parts = envelope(recording, 10)
    assert parts[0] == (0, 0)
    assert parts[9] == pytest.approx((-0.8, 0.8), abs=0.02)
    lines = drawn(recording, 20, 4)
    assert [len(line) for line in lines] == [20] * 4
    empty = chr(0x2800)
    assert lines[0][:9] == empty * 9
    assert empty not in lines[0][11:]


def test_a_recording_of_one_sample_is_drawn():
    recording = read_wav(wav([0.5]))
    assert recording is not None
    assert [len(line) for line in drawn(recording, 30, 4)] == [30] * 4


def test_nobody_far_away_is_played_to(tmp_path: Path):
    program = tmp_path / "aplay"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    path = {"PATH": str(tmp_path)}
    assert player(path) == ("aplay", "-q")
    assert player({**path, "SSH_CONNECTION": "1.2.3.4"}) is None
    assert player({**path, "TEXTUAL_DRIVER": "web"}) is None
    assert player({"PATH": str(tmp_path / "none")}) is None


PLAYER = """#!{python}
import pathlib, sys, time
heard = pathlib.Path({folder!r})
(heard / "heard.wav").write_bytes(pathlib.Path(sys.argv[-1]).read_bytes())
(heard / "began").touch()
time.sleep({seconds})
sys.exit({code})
"""


def showing(data: bytes) -> App[Any]:
    class Shows(App[None]):
        def compose(self) -> ComposeResult:
            yield from media_widgets(made(data))

    return Shows()


@pytest.fixture
def plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program in the place of a player, which keeps what it gets."""

    def put(seconds: float, code: int = 0) -> Path:
        for name in ("pw-play", "paplay", "aplay"):
            program = tmp_path / name
            program.write_text(
                PLAYER.format(
                    python=sys.executable, folder=str(tmp_path), seconds=seconds, code=code
                )
            )
            program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("SSH_CONNECTION", raising=False)
        return tmp_path

    return put


async def until(pilot: Any, what: Any) -> None:
    for _ in range(600):
        if what():
            return
        await pilot.pause(0.05)
    raise AssertionError("it never came to that")


async def test_a_sound_is_played_to_its_end(plays: Any):
    folder = plays(0)
    data = wav(tone(), 3)
    app = showing(data)
    async with app.run_test(size=(60, 20)) as pilot:
        sound = app.query_one(Sound)
        sound.focus()
        await pilot.press("space")
        await until(pilot, (folder / "began").exists)
        await until(pilot, lambda: not sound.plays)
    recording = read_wav(data)
    assert recording is not None
    # What the player got was made here, and is not the file of whoever made the trace
    assert (folder / "heard.wav").read_bytes() == recording.wav() != data


async def test_a_sound_stops_when_asked_to_and_when_it_is_seen_no_more(plays: Any):
    folder = plays(600)
    app = showing(wav(tone()))
    async with app.run_test(size=(60, 20)) as pilot:
        sound = app.query_one(Sound)
        sound.focus()
        for leave in (lambda: pilot.press("enter"), sound.remove):
            (folder / "began").unlink(missing_ok=True)
            await pilot.press("space")
            await until(pilot, (folder / "began").exists)
            assert sound.plays
            await leave()
            await until(pilot, lambda: not sound.plays)
    assert programs_of(folder) == []


def programs_of(folder: Path) -> list[str]:
    """What still runs of what lies in a folder."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            found += [process.name] if str(folder).encode() in command else []
    return found


async def test_a_player_that_fails_is_told_of(plays: Any):
    plays(0, code=3)
    app = showing(wav(tone()))
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        app.query_one(Sound).focus()
        await pilot.press("space")
        await until(pilot, lambda: bool(app._notifications))
        (told,) = app._notifications
        assert "exit 3" in told.message
