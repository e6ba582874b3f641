"""A list of any length that draws only the rows one can see: as smooth with 100,000 as with ten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

T = TypeVar("T")


class VirtualList(ScrollView, Generic[T], can_focus=True):
    """Rows of one line each.

    Args:
        draw: an item as one line of text; it is cut at the list's width.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"virtual-list--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", tooltip="Open what is marked"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, init=False)

    @dataclass
    class Marked(Message):
        """The cursor is on another row."""

        list: VirtualList[Any]
        index: int

        @property
        def control(self) -> VirtualList[Any]:
            """The list, so that handlers can choose by it."""
            return self.list

    @dataclass
    class Chosen(Message):
        """A row was opened, by key or mouse."""

        list: VirtualList[Any]
        index: int

        @property
        def control(self) -> VirtualList[Any]:
            """The list, so that handlers can choose by it."""
            return self.list

    def __init__(self, draw: Callable[[T, int], Content], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._items: Sequence[T] = ()

    @property
    def items(self) -> Sequence[T]:
        """What is listed."""
        return self._items

    @property
    def current(self) -> T | None:
        """The item under the cursor."""
        return self._items[self.cursor] if 0 <= self.cursor < len(self._items) else None

    def set_items(self, items: Sequence[T], *, keep_cursor: bool = False) -> None:
        """List other items."""
        self._items = items
        self.virtual_size = Size(0, len(items))
        if not keep_cursor:
            self.scroll_to(0, 0, animate=False)
        place = min(self.cursor, max(0, len(items) - 1)) if keep_cursor else 0
        if place == self.cursor:
            self.refresh()
            self.post_message(self.Marked(self, place))
        else:
            self.cursor = place

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        index, width = self.scroll_offset.y + y, self.size.width
        if not 0 <= index < len(self._items):
            return Strip.blank(width, self.rich_style)
        here = index == self.cursor
        style = self.visual_style
        if here:
            style = self.get_visual_style("virtual-list--cursor")
        mark = ("▌", "$primary") if here and self.has_focus else " "
        content = Content.assemble(mark, self._draw(self._items[index], max(1, width - 2)))
        content = content.truncate(width, ellipsis=True, pad=True)
        strips = Visual.to_strips(self, content, width, 1, style, pad=True, apply_selection=False)
        return strips[0] if strips else Strip.blank(width, self.rich_style)

    def watch_cursor(self) -> None:
        """Keep the cursor in sight and tell about it."""
        self.scroll_to_region(
            Region(0, self.cursor, 1, 1), animate=False, force=True, immediate=True
        )
        self.refresh()
        self.post_message(self.Marked(self, self.cursor))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor inside the list."""
        return max(0, min(cursor, len(self._items) - 1))

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor looks different in a list that has the focus."""
        super().watch_has_focus(has_focus)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """The mouse marks a row; a second click on it opens it."""
        index = self.scroll_offset.y + event.y
        if not 0 <= index < len(self._items):
            return
        if index == self.cursor and event.chain > 1:
            self.action_select()
        self.cursor = index

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Chosen(self, self.cursor))

    def action_move(self, by: int) -> None:
        """Up or down by some rows."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Up or down by some screens."""
        self.cursor += by * max(1, self.size.height - 1)

    def action_edge(self, which: int) -> None:
        """To the first or the last row."""
        self.cursor = 0 if which < 0 else len(self._items) - 1
