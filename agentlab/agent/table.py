"""Lines of a run as a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from agentlab.described import Line, Tone
from agentlab.errors import TraceError
from agentlab.media import PICTURES, SOUNDS, data_address
from agentlab.messages import Artifact

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


def html(rows: Iterable[Line | Artifact], saying: str = "") -> str:
    """Lines of a run, pictures and sounds as a table, and what the model is saying under them."""
    all_rows = [*rows, *([Line("»", "model", saying)] if saying else [])]
    body = "".join(_line(row) if isinstance(row, Line) else _file(row) for row in all_rows)
    return f'<table style="border:0;margin:0"><tbody>{body}</tbody></table>'


def _line(line: Line) -> str:
    return _row(_COLOURS[line.tone], line.mark, escape(line.text))


def _file(file: Artifact) -> str:
    """A picture, or a sound to play; of other files a run's line has the name."""
    if file.media_type not in (*PICTURES, *SOUNDS):
        return ""
    name = escape(file.name, quote=True)
    try:
        source = data_address(file.media_type, file.blob.read())
    except TraceError as error:
        return _row(_COLOURS["warn"], "✘", escape(str(error)))
    if file.media_type in SOUNDS:
        return _row("inherit", "", f'<audio controls title="{name}" src="{source}"></audio>')
    return _row("inherit", "", f'<img alt="{name}" src="{source}" style="max-width:100%">')


def _row(colour: str, mark: str, content: str) -> str:
    return (
        f'<tr style="background:none;color:{colour}">'
        '<td style="padding:0 .6em 0 0;text-align:left;vertical-align:top">'
        f"{escape(mark)}</td>"
        f'<td style="padding:0;text-align:left;white-space:pre-wrap">{content}</td></tr>'
    )
