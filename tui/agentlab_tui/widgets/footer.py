"""The keys at the bottom of a screen, without keeping what was shown before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyFooter(Footer):
    """Textual's footer. It is made anew whenever other keys work, which is many times a minute.

    So it is also where what Textual keeps of removed widgets is let go of.
    """

    def compose(self) -> ComposeResult:
        """The keys, each with a class after what it does (`-does-reset`), for styles to choose."""
        for widget in super().compose():
            if isinstance(widget, FooterKey):
                widget.add_class(f"-does-{widget.action.partition('(')[0].rpartition('.')[2]}")
            yield widget

    async def recompose(self) -> None:
        """Show the keys that work now, and forget the last ones.

        Each key watches `compact` here, and Textual forgets such a watcher only when the watched
        value changes, which it never does (Textualize/textual issue 6666).
        """
        await super().recompose()
        self.mutate_reactive(Footer.compact)
        _forget_removed()


def _forget_removed() -> None:
    """Textual remembers two colours for each of the last 1,024 widgets that were drawn, and with
    them all that the widget drew."""
    styles: Any = import_module("textual._styles_cache")
    remembered = getattr(styles.StylesCache, "get_inner_outer", None)
    if clear := getattr(remembered, "cache_clear", None):
        clear()
