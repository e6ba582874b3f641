"""The tones of `agentlab.described`, as colours of the theme."""

from __future__ import annotations

from collections.abc import Mapping

from agentlab.described import Tone

COLOURS: Mapping[Tone, str] = {
    "quiet": "$quiet",
    "user": "$foreground",
    "model": "$primary",
    "call": "$accent",
    "good": "$success",
    "warn": "$warning",
    "bad": "$error",
    "turn": "$secondary",
}
