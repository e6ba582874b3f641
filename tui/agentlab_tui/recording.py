"""Sound as a WAV file holds it: read, drawn in one line of text, and played by a program."""

from __future__ import annotations

import io
import shutil
import sys
import wave
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("play", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a character's dots, from above, in its left and its right column."""
_LOOKED_AT = 400
"""Samples of a dot's column that are looked at: more would not be seen."""
_QUIET = 0.02
"""Of full scale. What is quieter than this is drawn as it is, and not enlarged to noise."""
_UNSIGNED = bytes(value ^ 0x80 for value in range(256))


@dataclass(frozen=True)
class Recording:
    """Sound as numbers.

    Attributes:
        samples: 16 bits each, those of the channels in turn.
        rate: samples a second of one channel.
    """

    samples: array[int]
    channels: int
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.channels / self.rate

    def wav(self) -> bytes:
        """It as a WAV file of 16 bits, with nothing in it but sound."""
        samples = array("h", self.samples)
        if sys.byteorder == "big":
            samples.byteswap()
        file = io.BytesIO()
        with wave.open(file, "wb") as written:
            written.setnchannels(self.channels)
            written.setsampwidth(2)
            written.setframerate(self.rate)
            written.writeframes(samples.tobytes())
        return file.getvalue()


def read_wav(data: bytes) -> Recording | None:
    """The recording in a WAV file of whole numbers; None where it is something else, or empty."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except Exception:  # noqa: BLE001 - `wave` says in many ways that a file is broken
        return None
    whole = len(frames) - len(frames) % (width * channels)
    if not whole or rate <= 0:
        return None
    samples = array("h", _sixteen_bits(frames[:whole], width))
    if sys.byteorder == "big":
        samples.byteswap()
    return Recording(samples, channels, rate)


def _sixteen_bits(frames: bytes, width: int) -> bytes:
    """The two upper bytes of each sample, the lower first; one of 8 bits has no sign in a WAV."""
    if width == 2:
        return frames
    upper = bytearray(2 * (len(frames) // width))
    if width == 1:
        upper[1::2] = frames.translate(_UNSIGNED)
    else:
        upper[0::2], upper[1::2] = frames[width - 2 :: width], frames[width - 1 :: width]
    return bytes(upper)


def envelope(recording: Recording, columns: int) -> list[tuple[float, float]]:
    """The lowest and the highest value of the first channel in each of so many parts, -1 to 1."""
    ends = [len(recording.samples) // recording.channels * n // columns for n in range(columns + 1)]
    return [_extent(recording, at, ends[n + 1]) for n, at in enumerate(ends[:-1])]


def _extent(recording: Recording, start: int, end: int) -> tuple[float, float]:
    channels = recording.channels
    step = channels * max(1, (end - start) // _LOOKED_AT)
    part = recording.samples[start * channels : max(end, start + 1) * channels : step]
    return (min(part) / 32768, max(part) / 32768) if part else (0.0, 0.0)


def drawn(recording: Recording, columns: int, rows: int) -> list[str]:
    """The wave in lines of Braille, its loudest place as high as they are."""
    parts = envelope(recording, 2 * columns)
    loudest = max(_QUIET, *(max(-low, high) for low, high in parts))
    dots = 4 * rows
    cells = [[0] * columns for _ in range(rows)]
    for column, (low, high) in enumerate(parts):
        above, below = (_row(value / loudest, dots) for value in (high, low))
        for row in range(above, below + 1):
            cells[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
    return ["".join(chr(_BRAILLE + cell) for cell in line) for line in cells]


def _row(value: float, dots: int) -> int:
    return min(dots - 1, max(0, round((1 - value) / 2 * (dots - 1))))


def player(environment: Mapping[str, str]) -> Sequence[str] | None:
    """The command that plays a WAV file where the person sits; None where there is none.

    Over SSH or in a browser it would be heard at the machine, by nobody or by somebody else.
    """
    if environment.get("SSH_CONNECTION") or environment.get("TEXTUAL_DRIVER"):
        return None
    path = environment.get("PATH")
    return next((found for found in _PLAYERS if shutil.which(found[0], path=path)), None)
