"""Widgets for pictures, clips and sound: what tools made, and what was said in them.

A terminal that can show real pictures does so where `agentlab_tui.pictures` found that out before
the app began.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from agentlab.display import one_line
from agentlab.errors import TraceError
from agentlab.messages import Artifact
from agentlab_tui.pictures import picture_widget
from agentlab_tui.recording import read_wav
from agentlab_tui.widgets.figure import Figure
from agentlab_tui.widgets.film import Film
from agentlab_tui.widgets.sound import Sound

_MOST_BYTES = {"image": 8 << 20, "audio": 64 << 20}
_MOST_PIXELS = 40_000_000
_MOST_FRAMES = 240


def media_widgets(artifacts: Iterable[Artifact]) -> Iterator[Widget]:
    """What can be seen or heard of these; pictures only where Pillow is installed."""
    for artifact in artifacts:
        kind = artifact.media_type.partition("/")[0]
        if artifact.blob.size > _MOST_BYTES.get(kind, -1):
            continue
        try:
            data = artifact.blob.read()
        except TraceError as error:
            yield Static(Content.styled(one_line(f"✘ {error}", 200), "$error"), classes="note")
            continue
        widget = _sound(data, artifact.name) if kind == "audio" else _picture(data, artifact.name)
        if widget is not None:
            yield widget


def _sound(data: bytes, name: str) -> Widget | None:
    recording = read_wav(data)
    return Sound(recording, name) if recording is not None else None


def _picture(data: bytes, name: str) -> Widget | None:
    """None where it is no picture, or too large to be worth it."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        return None
    try:
        picture = Image.open(io.BytesIO(data))
        count = min(getattr(picture, "n_frames", 1), _MOST_FRAMES)
        if picture.width * picture.height * count > _MOST_PIXELS:
            return None
        frames: list[Any] = []
        seconds: list[float] = []
        for number in range(count):
            picture.seek(number)
            frames.append(_on_white(picture))
            seconds.append(float(picture.info.get("duration") or 100) / 1000)
    except Exception:  # noqa: BLE001 - a tool can name anything a picture
        return None
    if count > 1:
        return Film(frames, seconds, name)
    return picture_widget(frames[0]) or Figure(frames[0], name)


def _on_white(picture: Any) -> Any:
    from PIL import Image

    background = Image.new("RGB", picture.size, "white")
    whole = picture.convert("RGBA")
    background.paste(whole, mask=whole.getchannel("A"))
    return background
