"""Lines of a run as a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from agentlab.described import Line, Tone

_COLOURS: Final[dict[Tone, str]] = {  # legible on a light page and on a dark one
    "quiet": "#808080",
    "user": "#2f7fd0",
    "model": "inherit",
    "call": "#a06cd5",
    "good": "#2e9e5b",
    "warn": "#c07f1a",
    "bad": "#d9483b",
    "turn": "#808080",
}


def html(lines: Iterable[Line], saying: str = "") -> str:
    """Lines of a run as a table, and what the model is saying under them."""
    all_lines = [*lines, *([Line("»", "model", saying)] if saying else [])]
    rows = "".join(
        f'<tr style="background:none;color:{_COLOURS[line.tone]}">'
        '<td style="padding:0 .6em 0 0;text-align:left;vertical-align:top">'
        f"{escape(line.mark)}</td>"
        f'<td style="padding:0;text-align:left;white-space:pre-wrap">{escape(line.text)}</td></tr>'
        for line in all_lines
    )
    return f'<table style="border:0;margin:0"><tbody>{rows}</tbody></table>'
