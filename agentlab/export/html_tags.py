"""HTML from values: everything that is not a tag made here is text, and is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from agentlab.display import safe
from agentlab.errors import TraceError
from agentlab.media import PICTURES, SOUNDS, data_address
from agentlab.messages import Blob


@dataclass(frozen=True)
class Html:
    """A piece of the page, which is already HTML."""

    html: str


Content = Html | str | Iterable["Html | str"] | None


def text(plain: str) -> Html:
    """Words of a model, a tool or a person. Control characters show as their pictures."""
    return Html(escape(safe(plain), quote=True))


def joined(content: Content) -> Html:
    """Pieces in a row."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return text(content)
    return Html("".join(joined(piece).html for piece in content))


def tag(name: str, content: Content = None, /, **attributes: str | bool | None) -> Html:
    """An element. `class_` is written `class`, and `_` in a name `-`; None leaves one out."""
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in ("img", "meta", "rect"):
        return Html(f"<{name}{given}>" if name != "rect" else f"<{name}{given}/>")
    return Html(f"<{name}{given}>{joined(content).html}</{name}>")


def _attribute(key: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(value).html}"'


def media(name: str, media_type: str, blob: Blob) -> Html:
    """A picture or a sound inside the page, or a line that says why it is not."""
    size = f"{blob.size:,} bytes"
    if media_type not in (*PICTURES, *SOUNDS):
        return tag("p", f"{name}  ({media_type}, {size})", class_="foot")
    try:
        source = data_address(media_type, blob.read())
    except TraceError as error:
        return tag("p", f"{name}: {error}", class_="foot warn")
    if media_type in SOUNDS:
        shown = tag("audio", src=source, controls=True, preload="metadata")
    else:
        shown = tag("img", src=source, alt=name, loading="lazy")
    return tag("figure", [shown, tag("figcaption", f"{name}, {size}")])
