"""A picture a tool made, drawn with half blocks: every cell shows two pixels.

A terminal that can show real pictures does so where `agentlab_tui.pictures` found that out before
the app began.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from agentlab.display import one_line
from agentlab.errors import TraceError
from agentlab.messages import Artifact, ToolResult
from agentlab_tui.pictures import picture_widget

_MOST_BYTES = 8 << 20
_WIDEST = 96
_MOST_PIXELS = 40_000_000


def figures_of(result: ToolResult) -> Iterator[Widget]:
    """Widgets for the pictures among what a tool made; nothing where Pillow is not installed."""
    for artifact in result.artifacts:
        if not artifact.media_type.startswith("image/") or artifact.blob.size > _MOST_BYTES:
            continue
        try:
            picture = open_picture(artifact)
        except TraceError as error:
            yield Static(Content.styled(one_line(f"✘ {error}", 200), "$error"), classes="note")
            continue
        if picture is not None:
            yield picture_widget(picture) or Figure(picture, artifact.name)


def open_picture(artifact: Artifact) -> Any:
    """The picture, as Pillow has it; None where it is none, or too large to be worth it.

    Raises:
        TraceError: its file is gone.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        return None
    data = artifact.blob.read()
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > _MOST_PIXELS:
            return None
        picture.load()
    except Exception:  # noqa: BLE001 - a tool can name anything a picture
        return None
    background = Image.new("RGB", picture.size, "white")
    whole = picture.convert("RGBA")
    background.paste(whole, mask=whole.getchannel("A"))
    return background


class Figure(Static):
    """A picture in half blocks, as wide as there is room for."""

    def __init__(self, picture: Any, name: str) -> None:
        super().__init__()
        self.border_title = Content(f" {one_line(name, 40)} ")
        self._picture = picture
        self._drawn = 0

    def on_resize(self, event: Resize) -> None:
        """Draw for the width there is."""
        width = min(self.content_size.width, _WIDEST)
        if width > 0 and width != self._drawn:
            self._drawn = width
            self.update(half_blocks(self._picture, width))


def half_blocks(picture: Any, width: int) -> Content:
    """The picture as lines of `▀`, each cell with the colour above and the one below."""
    height = max(2, round(width * picture.height / picture.width))
    height += height % 2
    data: bytes = picture.resize((width, height)).tobytes()
    pixels = [data[place : place + 3].hex() for place in range(0, len(data), 3)]
    lines: list[Content] = []
    for row in range(0, height, 2):
        above, below = (pixels[(row + i) * width : (row + i + 1) * width] for i in (0, 1))
        runs: list[tuple[str, str]] = []
        for top, bottom in zip(above, below, strict=True):
            style = f"#{top} on #{bottom}"
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + "▀", style)
            else:
                runs.append(("▀", style))
        lines.append(Content.assemble(*runs))
    return Content("\n").join(lines)
