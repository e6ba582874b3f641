"""Real pictures, in terminals that can show them (kitty's protocol, or sixel).

Whether one can must be asked before the app takes the terminal over, and asking costs time, so only
those are asked that are known to have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from textual.widget import Widget

from agentlab.places.home import environment

_HAVE_IT = ("kitty", "ghostty", "wezterm", "foot", "mlterm", "contour", "iterm", "konsole", "xterm")
_make: Callable[[Any], Widget] | None = None


def may_have_pictures(environment: Mapping[str, str]) -> bool:
    """Whether this terminal is one of those worth asking. In tmux and over a browser it is not."""
    if environment.get("TMUX") or environment.get("STY") or environment.get("TEXTUAL_DRIVER"):
        return False
    name = f"{environment.get('TERM', '')} {environment.get('TERM_PROGRAM', '')}".casefold()
    if "KITTY_WINDOW_ID" in environment or "XTERM_VERSION" in environment:
        return True
    return any(terminal in name for terminal in _HAVE_IT if terminal != "xterm")


def ask_terminal() -> None:
    """Find out, once, before the app runs. Without `textual-image` there are half blocks."""
    global _make  # noqa: PLW0603 - a property of the process: it has one terminal
    if not may_have_pictures(environment()):
        return
    try:
        renderable: Any = import_module("textual_image.renderable")
        widget: Any = import_module("textual_image.widget")
    except ImportError:
        return
    if renderable.Image in (renderable.TGPImage, renderable.SixelImage):
        _make = widget.Image


def picture_widget(picture: Any) -> Widget | None:
    """A widget that shows a Pillow picture as it is; None where this terminal can't."""
    if _make is None:
        return None
    widget = _make(picture)
    widget.add_class("picture")
    return widget
