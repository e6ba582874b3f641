"""PDF files: the text of each page. Scanned pages have none."""

from __future__ import annotations

import io
import logging
from typing import Any

from agentlab_tools.knowledge.ingest.document import Builder, Document, Unreadable
from agentlab_tools.knowledge.ingest.plain import paragraphs

_MOST_CHARS = 20_000_000


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
    for number, page in enumerate(reader.pages, 1):
        try:
            text = _clean(page.extract_text())
        except Exception:  # noqa: BLE001 - one broken page does not cost the others
            lost.append(number)
            continue
        builder.blocks_of(text, tuple(paragraphs(text)), number)
        if builder.size > _MOST_CHARS:
            raise Unreadable(f"more than {_MOST_CHARS:,} characters of text")
    if not builder.blocks:
        raise Unreadable("no text in it: pages that were scanned have to be recognised first")
    notes = (f"page {', '.join(map(str, lost[:10]))} can't be read",) if lost else ()
    return Document(builder.text(), "pdf", tuple(builder.blocks), _title(reader), notes)


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode()


def _title(reader: Any) -> str:
    try:
        return " ".join(str(reader.metadata.title or "").split())
    except Exception:  # noqa: BLE001 - a broken title is no title
        return ""
