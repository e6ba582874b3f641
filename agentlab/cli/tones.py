"""The tones of `agentlab.described`, as colours of a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from agentlab.described import Tone

COLOURS: Mapping[Tone, str] = {
    "quiet": "dim",
    "user": "bold",
    "model": "bold",
    "call": "cyan",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "turn": "magenta",
}
