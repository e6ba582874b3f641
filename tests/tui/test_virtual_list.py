"""The list that draws only what one can see."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content

from agentlab_tui.widgets.virtual_list import VirtualList


class Lists(App[None]):
    """One list of numbers."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.drawn: set[int] = set()
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield VirtualList[int](self._draw)

    def on_mount(self) -> None:
        numbers = self.query_one(VirtualList[int])
        numbers.set_items(range(self.count))
        numbers.focus()

    def on_virtual_list_chosen(self, event: VirtualList.Chosen) -> None:
        self.chosen.append(event.index)

    def _draw(self, number: int, width: int) -> Content:
        self.drawn.add(number)
        return Content(f"row {number} [bold]not markup[/]")


async def test_of_100_000_rows_only_those_in_sight_are_drawn() -> None:
    app = Lists(100_000)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("end", "pageup", "home", "pagedown", "down")
        await pilot.pause()
        assert app.query_one(VirtualList[int]).cursor == 20
        assert 99_999 in app.drawn
        assert len(app.drawn) < 150


async def test_keys_and_mouse_mark_and_open() -> None:
    app = Lists(50)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("down", "down", "enter")
        assert app.chosen == [2]
        await pilot.click(VirtualList, offset=(5, 7))
        assert app.query_one(VirtualList[int]).cursor == 7
        await pilot.click(VirtualList, offset=(5, 9), times=2)
        assert app.chosen == [2, 9]
        await pilot.press("up", "up", "up", "up", "up", "up", "up", "up", "up", "up", "up")
        assert app.query_one(VirtualList[int]).cursor == 0


async def test_an_empty_list_takes_every_key() -> None:
    app = Lists(0)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("down", "end", "pageup", "enter")
        assert app.chosen == []
        assert app.query_one(VirtualList[int]).current is None
