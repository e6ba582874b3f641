"""What is written is heard at its pitch and time, never clipped, and drawn."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
import pytest

from agentlab_tools.chorales.roll import roll
from agentlab_tools.chorales.sound import LONGEST, RATE, heard, wav

CHORD: Any = [[(72, 8)], [(67, 8)], [(64, 8)], [(48, 8)]]


def loudest(samples: Any) -> float:
    """The frequency that is strongest."""
    strengths = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(strengths.argmax() * RATE / len(samples))


@pytest.mark.parametrize("pitch", [45, 57, 69, 81])
def test_a_note_sounds_at_its_frequency(pitch: int):
    made = heard([[(pitch, 8)], [], [], []])
    assert abs(loudest(made[:20_000]) / (440 * 2 ** ((pitch - 69) / 12)) - 1) < 0.01


def test_a_rest_is_silent_and_the_note_after_it_comes_in_time():
    made = heard([[(None, 8), (69, 8)], [], [], []], sixteenth=0.1)
    begin = round(0.8 * RATE)
    assert not made[:begin].any()
    assert np.abs(made[begin : begin + 2000]).max() > 0.5


def test_a_note_struck_again_is_heard_twice():
    once, twice = heard([[(69, 16)], [], [], []]), heard([[(69, 8), (69, 8)], [], [], []])
    half = round(8 * 0.15 * RATE)
    part = slice(half, half + 3000)
    assert np.abs(twice[part]).max() > 1.3 * np.abs(once[part]).max()


def test_four_voices_are_a_wav_file_that_is_not_clipped_and_not_too_long():
    for voices in (CHORD, [[(72, 16)] * 40] * 4, [[], [], [], []]):
        with wave.open(io.BytesIO(wav(voices))) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
            assert file.getnframes() <= LONGEST * RATE + 1
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert np.abs(samples).max(initial=0) < 30_000


def test_what_is_cut_off_fades_and_what_ends_is_silent_at_its_end():
    assert abs(heard([[(72, 16)] * 40, [], [], []])[-1]) < 0.01
    assert abs(heard(CHORD)[-1]) < 0.01


def test_a_roll_is_a_picture_of_any_voices():
    for voices in (CHORD, [[(None, 8)]] * 4, [[(60, 4), (None, 4)]] * 4):
        assert roll(voices, "a title", marks=[(0, 0, 3), (99, 1, 2)]).startswith(b"\x89PNG")
