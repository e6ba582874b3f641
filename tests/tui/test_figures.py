"""Pictures that tools make."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageColor
from textual.app import App, ComposeResult

from agentlab.messages import Artifact, Blob, ToolResult
from agentlab_tui.pictures import may_have_pictures
from agentlab_tui.widgets.figure import Figure, figures_of, half_blocks


def png(size: tuple[int, int] = (40, 20), colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def result(data: bytes, media_type: str = "image/png") -> ToolResult:
    artifact = Artifact(name="plot.png", media_type=media_type, blob=Blob.of(data))
    return ToolResult(call_id="1", content="made", artifacts=(artifact,))


def test_every_cell_shows_two_pixels() -> None:
    picture = Image.new("RGB", (2, 2))
    places = {(0, 0): "red", (1, 0): "lime", (0, 1): "blue", (1, 1): "white"}
    for place, colour in places.items():
        picture.putpixel(place, ImageColor.getrgb(colour))
    drawn = half_blocks(picture, 2)
    assert drawn.plain == "▀▀"
    assert [str(span.style) for span in drawn.spans] == [
        "#ff0000 on #0000ff",
        "#00ff00 on #ffffff",
    ]


@pytest.mark.parametrize("data", [b"no picture", png()[:60], b""], ids=["text", "torn", "empty"])
def test_what_is_no_picture_is_left_out(data: bytes) -> None:
    assert list(figures_of(result(data))) == []


def test_other_files_are_no_figures() -> None:
    assert list(figures_of(result(png(), "text/plain"))) == []


async def test_a_figure_keeps_its_shape_at_any_width() -> None:
    class Shows(App[None]):
        def compose(self) -> ComposeResult:
            yield from figures_of(result(png()))

    app: App[Any] = Shows()
    async with app.run_test(size=(42, 40)) as pilot:
        await pilot.pause()
        figure = app.query_one(Figure)
        lines = str(figure.render()).splitlines()
        assert len(lines) == pytest.approx(len(lines[0]) / 4, abs=1)
        await pilot.resize_terminal(22, 40)
        await pilot.pause()
        assert len(str(figure.render()).splitlines()[0]) < len(lines[0])


@pytest.mark.parametrize(
    ("environment", "worth_asking"),
    [
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, True),
        ({"TERM": "foot"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, False),
        ({}, False),
    ],
)
def test_only_terminals_known_for_pictures_are_asked(
    environment: dict[str, str], worth_asking: bool
) -> None:
    assert may_have_pictures(environment) is worth_asking
