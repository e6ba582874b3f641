"""From what a server sent to what a model can read: a title, text, and links."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agentlab.display import one_line
from agentlab_tools.killable import output_of

Kind: TypeAlias = Literal["html", "pdf", "text"]

MEMORY = 2 << 30
"""Bytes of address space that reading one page may have."""

_READER = Path(__file__).with_name("reader.py")
_META = re.compile(
    rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What browsers take the older names for (WHATWG Encoding Standard)
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_TEXT = re.compile(r"utf|cp\d|iso8859|koi8|mac|gb|big5|euc|shift_jis|johab|tis")


class Unreadable(Exception):
    """What was sent can't be read; the text says why."""


@dataclass(frozen=True)
class Link:
    """Where a page points, and what it says there."""

    text: str
    url: str


@dataclass(frozen=True)
class Page:
    """A page that was read.

    Attributes:
        url: where it was found, after redirects.
        whole: whether all of it is here; what is too long is cut off.
    """

    url: str
    title: str
    text: str
    links: tuple[Link, ...] = ()
    whole: bool = True


def kind_of(declared: str, data: bytes) -> Kind:
    """What a body is, by its declared type, and by its first bytes where that says nothing.

    Raises:
        Unreadable: it is nothing that has text.
    """
    kind = declared.partition(";")[0].strip().lower()
    if kind == "application/pdf" or data.startswith(b"%PDF-"):
        return "pdf"
    if kind in ("text/html", "application/xhtml+xml"):
        return "html"
    subtype = kind.partition("/")[2]
    texts = ("json", "xml", "javascript", "yaml", "toml", "rtf", "x-ndjson")
    if kind.startswith("text/") or subtype.rpartition("+")[2] in texts:
        return "text"
    if kind in ("", "application/octet-stream") and b"\0" not in data[:4096]:
        head = data[:512].lstrip().lower()
        return "html" if head.startswith((b"<!doctype html", b"<html")) else "text"
    raise Unreadable(f"it is {kind or 'binary data'}, which has no text")


async def read_page(
    kind: Kind, declared: str, data: bytes, url: str, *, whole: bool, seconds: float
) -> Page:
    """The page in a body; what takes parsing is parsed in a process of its own.

    Raises:
        Unreadable: it is damaged, holds no text, or takes too much time or memory.
    """
    if kind == "text":
        return Page(url=url, title="", text=decoded(data, declared), whole=whole)
    body = data if kind == "pdf" else decoded(data, declared).encode("utf-8", "replace")
    job = json.dumps({"kind": kind, "url": url, "memory": MEMORY}).encode() + b"\n" + body
    try:
        output = await output_of(_READER, job, seconds=seconds)
        read: dict[str, Any] = json.loads(output)
    except TimeoutError:
        raise Unreadable(f"it takes more than {seconds:g} seconds to read") from None
    except ValueError:
        raise Unreadable("it takes too much memory to read") from None
    if "error" in read:
        raise Unreadable(one_line(read["error"], 200))
    links = tuple(Link(text, target) for text, target in read["links"])
    return Page(url, read["title"], read["text"], links, whole and read["whole"])


def decoded(data: bytes, declared: str) -> str:
    """A body as text, by its mark, its declared charset, its own `<meta>`, or as UTF-8."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    charset = re.search(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", declared, re.IGNORECASE)
    inside = _META.search(data[:2048])
    for label in (charset and charset[1], inside and inside[1].decode("ascii")):
        if label and (name := _codec(label)):
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character cut in two at the end is no sign of another encoding
        near_end = error.start >= len(data) - 4
        return data.decode("utf-8" if near_end else "cp1252", "replace")


def _codec(label: str) -> str | None:
    """The codec of a charset's label; none for Python's codecs that no page is written in."""
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    name = _MEANT.get(name, name)
    return name if _TEXT.match(name) and name not in ("utf-7", "utf-8-sig") else None
