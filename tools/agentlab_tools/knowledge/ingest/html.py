"""Web pages: the readable text, found by trafilatura, under its headings.

The document's text is Markdown made of the page; its lines are those of that Markdown.
"""

from __future__ import annotations

import re
from typing import Any

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.load import text_of
from agentlab_tools.knowledge.ingest.markdown import blocks_of

_CHARSET = re.compile(
    rb"<(?:meta[^>]{0,200}charset|\?xml[^>]{0,80}encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})</title>", re.IGNORECASE)
_HEAD = 4096


def parse(data: bytes) -> Document:
    """A web page.

    Raises:
        Unreadable: it is not text, or there is nothing to read on it.
    """
    declared = _CHARSET.search(data[:_HEAD])
    page, note = text_of(data, declared[1].decode() if declared else "", longest_line=None)
    text = _readable(page)
    if not text:
        raise Unreadable("a page without readable text")
    blocks, first = blocks_of(text)
    named = _TITLE.search(page[: 4 * _HEAD])
    title = " ".join(named[1].split()) if named else first
    return Document(text, "html", blocks, title, (note,) if note else ())


def _readable(page: str) -> str:
    import trafilatura
    from trafilatura import html2txt

    extract: Any = trafilatura.extract
    text = extract(
        page,
        output_format="markdown",
        include_comments=False,
        include_tables=True,
        include_formatting=True,
        favor_recall=True,
    )
    # what it takes for an article may be too short for it: then all the text there is
    return str(text or html2txt(page) or "").strip()
