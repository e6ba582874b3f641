"""A page's title, text and links out of HTML or a PDF; run as a program by `pages`.

The job is a line of JSON (`kind`, `url`, `memory` in bytes) and then the page; the answer is JSON.
It imports nothing of ours, so that it starts quickly.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast
from urllib.parse import urldefrag, urljoin

MAX_LINKS = 40
MAX_PDF_PAGES = 200
MAX_ELEMENTS = 20_000
"""Beyond this the extractor takes minutes, and all text is taken as it stands."""

_LABEL, _TITLE, _ADDRESS = 80, 300, 500
_SILENT = frozenset({"script", "style", "noscript", "template", "head", "svg"})
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table td th tr ul".split()
)


def read_html(text: str, url: str) -> dict[str, Any]:
    """Title, text as Markdown, and links."""
    import trafilatura
    from lxml import html

    # an XML declaration with an encoding is an error in text that is decoded already
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    if not text.strip():
        return {"error": "it is empty"}
    tree = cast(Any, html).document_fromstring(text)
    title = " ".join(str(tree.findtext(".//title") or tree.findtext(".//h1") or "").split())
    links = list(_links(tree, url))
    size = sum(1 for _ in tree.iter())
    body = None
    if size <= MAX_ELEMENTS:
        body = trafilatura.extract(
            text, url=url, output_format="markdown", include_comments=False, include_tables=True
        )
    body = body or _all_text(tree)
    return {"title": title[:_TITLE], "text": body.strip(), "links": links, "whole": True}


def _all_text(tree: Any) -> str:
    """All text but that of scripts and the like, a line for each block."""
    pieces: list[str] = []
    silent = 0
    for event, element in _walk(tree):
        if event in ("comment", "pi"):
            pieces.append(element.tail or "" if not silent else "")
            continue
        name = element.tag
        if name in _SILENT:
            silent += 1 if event == "start" else -1
        if name in _BLOCKS:
            pieces.append("\n")
        text = element.text if event == "start" else element.tail
        if text and not silent:
            pieces.append(text)
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _walk(tree: Any) -> Iterator[tuple[str, Any]]:
    from lxml.etree import iterwalk  # pyright: ignore

    yield from iterwalk(tree, events=("start", "end", "comment", "pi"))


def _links(tree: Any, url: str) -> Iterator[tuple[str, str]]:
    seen = {urldefrag(url).url}
    base = next((str(found) for found in tree.xpath("//base/@href")), "")
    for anchor in tree.iterfind(".//a[@href]"):
        if len(seen) > MAX_LINKS:
            return
        try:
            target = urldefrag(urljoin(urljoin(url, base), str(anchor.get("href")).strip())).url
        except ValueError:
            continue
        label = " ".join("".join(anchor.itertext()).split())[:_LABEL]
        if label and target not in seen and target.startswith(("http://", "https://")):
            seen.add(target)
            yield label, target[:_ADDRESS]


def read_pdf(data: bytes) -> dict[str, Any]:
    """Title and text, with the pages' numbers."""
    import pypdf

    reader = pypdf.PdfReader(BytesIO(data))
    pages = [page.extract_text() for page in reader.pages[:MAX_PDF_PAGES]]
    text = "\n\n".join(
        f"[page {number}]\n{said.strip()}" for number, said in enumerate(pages, 1) if said.strip()
    )
    if not text:
        return {"error": "the PDF holds pictures of text, and no text"}
    title = " ".join(str((reader.metadata and reader.metadata.title) or "").split())[:_TITLE]
    return {
        "title": title,
        "text": text,
        "links": [],
        "whole": len(reader.pages) <= MAX_PDF_PAGES,
    }


def main() -> None:
    """Do the job on stdin."""
    head, _, body = sys.stdin.buffer.read().partition(b"\n")
    job = json.loads(head)
    resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = read_pdf(body) if job["kind"] == "pdf" else read_html(body.decode(), job["url"])
    except MemoryError:
        found = {"error": "it takes too much memory to read"}
    except Exception as error:  # noqa: BLE001 - a parser meets anything on the web
        found = {"error": f"it is damaged: {error}"}
    sys.stdout.buffer.write(json.dumps(found).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
