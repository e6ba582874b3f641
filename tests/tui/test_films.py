"""Moving pictures that tools make."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from textual.app import App, ComposeResult

from agentlab.messages import Artifact, Blob
from agentlab_tui.widgets.film import Film
from agentlab_tui.widgets.media import media_widgets

COLOURS = ((200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0))


def gif(duration: int = 60) -> bytes:
    first, *rest = [Image.new("RGB", (16, 16), colour) for colour in COLOURS]
    data = io.BytesIO()
    first.save(data, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)
    return data.getvalue()


def showing(animated: bool = True) -> App[Any]:
    class Shows(App[None]):
        def compose(self) -> ComposeResult:
            artifact = Artifact(name="moves.gif", media_type="image/gif", blob=Blob.of(gif()))
            yield from media_widgets([artifact])

    app: App[Any] = Shows()
    app.animation_level = "full" if animated else "none"
    return app


def colours_of(film: Film) -> list[str]:
    """What its lines are drawn in, each colour once, in order."""
    content: Any = film.render()
    return list(dict.fromkeys(str(span.style).split(" on ")[0] for span in content.spans))


async def test_a_strip_shows_its_frames_side_by_side_and_in_order() -> None:
    app = showing(animated=False)
    async with app.run_test(size=(60, 50)) as pilot:
        await pilot.pause()
        film = app.query_one(Film)
        assert not film.plays
        drawn: Any = film.render()
        *_, last = drawn.split("\n")
        strip = list(dict.fromkeys(str(span.style).split(" on ")[0] for span in last.spans))
        assert strip == [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in COLOURS]
        assert max(len(line) for line in drawn.plain.splitlines()) <= film.content_size.width


async def test_it_plays_until_it_has_been_seen_and_again_when_asked() -> None:
    app = showing()
    async with app.run_test(size=(60, 50)) as pilot:
        film = app.query_one(Film)
        assert film.plays
        seen: set[int] = set()
        while film.plays:
            seen.add(film.at)
            await pilot.pause(0.02)
        assert len(seen) > 1
        assert film.at == 0  # it ends as it began
        film.focus()
        await pilot.press("space")
        assert film.plays
        await pilot.press("enter")
        assert not film.plays


async def test_the_frame_that_plays_is_the_one_that_is_drawn() -> None:
    app = showing()
    async with app.run_test(size=(60, 50)) as pilot:
        film = app.query_one(Film)
        drawn: dict[int, str] = {}
        while film.plays and len(drawn) < 3:
            await pilot.pause(0.01)
            drawn[film.at] = colours_of(film)[0]
        assert len(set(drawn.values())) == len(drawn)
