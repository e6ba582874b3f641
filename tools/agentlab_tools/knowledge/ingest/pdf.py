"""PDF files: the text of each page, what is filled into its forms, and what is noted on it.

Scanned pages have no text of their own; where the program `tesseract` is installed, it reads them.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from agentlab_tools.knowledge.ingest.document import Builder, Document, Unreadable
from agentlab_tools.knowledge.ingest.plain import paragraphs
from agentlab_tools.knowledge.ingest.scanned import recognised, recogniser

_MOST_CHARS = 20_000_000
_DEEPEST = 20
_DIVIDED = re.compile(r"([^\W\d_]{2,})(?:-|\u00ad|\u2010)\n([a-zß-öø-ÿ]+[^\s]*)[ \t]?")
"""A word that is divided at the end of a line, and goes on in small letters."""


def parse(data: bytes) -> Document:
    """A PDF file.

    Raises:
        Unreadable: it is broken, locked, or holds no text.
    """
    import pypdf

    log = logging.getLogger("pypdf")
    before = log.level
    log.setLevel(logging.CRITICAL)  # it logs what it mends; what can't be mended is reported here
    try:
        return _parse(pypdf, data)
    except Unreadable:
        raise
    except Exception as error:  # a broken file makes the library fail in any way
        raise Unreadable(f"not a PDF that can be read ({type(error).__name__})") from error
    finally:
        log.setLevel(before)


def _parse(pypdf: Any, data: bytes) -> Document:
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("locked with a password")
    builder = Builder()
    lost: list[int] = []
    scanned: list[int] = []
    for number, page in enumerate(reader.pages, 1):
        try:
            text = _joined(_clean(page.extract_text()))
        except Exception:  # noqa: BLE001 - one broken page does not cost the others
            lost.append(number)
            text = ""
        if not text.strip() and (text := recognised(page)):
            scanned.append(number)
        builder.blocks_of(text, tuple(paragraphs(text)), number)
        said = _clean("\n".join(_beside(page)))
        if said:
            builder.block(said, "table", "", number)
        if builder.size > _MOST_CHARS:
            raise Unreadable(f"more than {_MOST_CHARS:,} characters of text")
    if not builder.blocks:
        how = (
            ""
            if recogniser()
            else ": pages that were scanned are read where tesseract is installed"
        )
        raise Unreadable(f"no text in it{how}")
    notes = [f"page {_some(lost)} can't be read"] if lost else []
    notes += (
        [f"page {_some(scanned)} was scanned: read by tesseract, with its errors"]
        if scanned
        else []
    )
    return Document(builder.text(), "pdf", tuple(builder.blocks), _title(reader), tuple(notes))


def _some(pages: list[int]) -> str:
    return ", ".join(map(str, pages[:10])) + (f" and {len(pages) - 10} more" if pages[10:] else "")


def _joined(text: str) -> str:
    """The text with words whole that were divided at the end of a line."""
    return _DIVIDED.sub(r"\1\2\n", text)


def _beside(page: Any) -> Iterator[str]:
    """What stands on a page and is not in its text: values of its form, and notes."""
    met: set[str] = set()
    for annotation in page.get("/Annots") or ():
        said = ""
        with suppress(Exception):  # one broken note does not cost the others
            said = _noted(annotation.get_object())
        if said and said not in met:
            met.add(said)
            yield said


def _noted(annotation: Any) -> str:
    kind = annotation.get("/Subtype")
    if kind == "/Widget":
        return _field(annotation)
    said = " ".join(str(annotation.get("/Contents") or "").split())
    return said if kind not in ("/Link", "/Popup", "/FileAttachment") else ""


def _field(widget: Any) -> str:
    """A form's field and its value: `Name: Ada`; a box only where it is ticked."""
    name, value, kind = _inherited(widget, "/T", "/V", "/FT")
    name = " ".join(str(_inherited(widget, "/TU")[0] or name or "").split())
    if kind == "/Sig" and hasattr(value, "get"):
        told = [str(value.get(key)) for key in ("/Name", "/Reason", "/Location") if value.get(key)]
        said = f"signed{' by ' if told else ''}{', '.join(told)}"
    elif kind == "/Btn":
        if value is None or str(value) in ("/Off", ""):
            return ""
        said = str(value).lstrip("/")
    elif isinstance(value, list):
        said = ", ".join(map(str, cast(list[object], value)))
    else:
        said = "" if value is None else str(value)
    said = " ".join(said.split())
    return f"{name}: {said}" if name and said else said


def _inherited(field: Any, *keys: str) -> list[Any]:
    """Attributes of a field, which it may have of those above it."""
    return [_attribute(field, key) for key in keys]


def _attribute(field: Any, key: str, depth: int = 0) -> Any:
    value: Any = field.get(key)
    above: Any = field.get("/Parent")
    if value is None and above is not None and depth < _DEEPEST:
        return _attribute(above.get_object(), key, depth + 1)
    return value if value is None else value.get_object()


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode()


def _title(reader: Any) -> str:
    try:
        return " ".join(str(reader.metadata.title or "").split())
    except Exception:  # noqa: BLE001 - a broken title is no title
        return ""
