"""Pictures that tools make."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageColor
from textual.app import App, ComposeResult

from agentlab.messages import Artifact, Blob
from agentlab_tui.pictures import may_have_pictures
from agentlab_tui.widgets.blocks import blocks_of, fitting
from agentlab_tui.widgets.figure import Figure
from agentlab_tui.widgets.media import media_widgets


def png(size: tuple[int, int] = (400, 200), colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def made(data: bytes, media_type: str = "image/png") -> list[Artifact]:
    return [Artifact(name="plot.png", media_type=media_type, blob=Blob.of(data))]


def test_every_cell_shows_two_pixels() -> None:
    picture = Image.new("RGB", (2, 2))
    places = {(0, 0): "red", (1, 0): "lime", (0, 1): "blue", (1, 1): "white"}
    for place, colour in places.items():
        picture.putpixel(place, ImageColor.getrgb(colour))
    drawn = blocks_of(picture, (2, 2))
    assert drawn.plain == "▀▀"
    assert [str(span.style) for span in drawn.spans] == [
        "#ff0000 on #0000ff",
        "#00ff00 on #ffffff",
    ]


@pytest.mark.parametrize(
    ("size", "room", "drawn"),
    [
        ((640, 480), 80, (80, 60)),
        ((16, 16), 80, (48, 48)),
        ((16, 16), 40, (32, 32)),
        ((60, 20), 80, (60, 20)),
        ((14, 7), 14, (14, 8)),
        ((500, 2), 80, (80, 2)),
    ],
)
def test_a_small_picture_is_enlarged_by_whole_numbers_and_a_large_one_made_smaller(
    size: tuple[int, int], room: int, drawn: tuple[int, int]
) -> None:
    assert fitting(Image.new("RGB", size), room) == drawn


def test_an_enlarged_picture_keeps_its_pixels_sharp() -> None:
    picture = Image.new("RGB", (2, 2), "white")
    picture.putpixel((0, 0), (0, 0, 0))
    colours = {str(span.style) for span in blocks_of(picture, (8, 8)).spans}
    assert colours == {"#000000 on #000000", "#ffffff on #ffffff"}


@pytest.mark.parametrize("data", [b"no picture", png()[:60], b""], ids=["text", "torn", "empty"])
def test_what_is_no_picture_is_left_out(data: bytes) -> None:
    assert list(media_widgets(made(data))) == []


def test_other_files_are_no_figures() -> None:
    assert list(media_widgets(made(png(), "text/plain"))) == []


async def test_a_figure_keeps_its_shape_at_any_width() -> None:
    class Shows(App[None]):
        def compose(self) -> ComposeResult:
            yield from media_widgets(made(png()))

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
