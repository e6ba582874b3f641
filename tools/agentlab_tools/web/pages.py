"""From what a server sent to what a model can read: a title, text, and links."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal, TypeAlias
from urllib.parse import urldefrag, urljoin

Kind: TypeAlias = Literal["html", "pdf", "text"]

MAX_LINKS = 40
MAX_PDF_PAGES = 200
_LABEL = 80
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


def read_page(kind: Kind, declared: str, data: bytes, url: str, whole: bool) -> Page:
    """The page in a body. Blocks; call it from a thread.

    Raises:
        Unreadable: it is damaged, or holds no text.
    """
    if kind == "pdf":
        return _pdf(data, url)
    text = decoded(data, declared)
    if kind == "text":
        return Page(url=url, title="", text=text, whole=whole)
    return _html(text, url, whole)


def decoded(data: bytes, declared: str) -> str:
    """A body as text, by its mark, its declared charset, its own `<meta>`, or as UTF-8."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    told = re.search(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", declared, re.IGNORECASE)
    inside = _META.search(data[:2048])
    for label in (told and told[1], inside and inside[1].decode("ascii")):
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


def _html(text: str, url: str, whole: bool) -> Page:
    import trafilatura  # noqa: PLC0415 - heavy
    from lxml import etree  # noqa: PLC0415

    # an XML declaration with an encoding is an error in text that is decoded already
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        tree: Any = trafilatura.load_html(text)
        if tree is None:
            raise Unreadable("it holds no HTML")
        title = " ".join(str(tree.findtext(".//title") or tree.findtext(".//h1") or "").split())
        links = tuple(_links(tree, url))
        found = trafilatura.extract(
            text, url=url, output_format="markdown", include_comments=False, include_tables=True
        )
        body = found or trafilatura.html2txt(text)
    except (etree.LxmlError, ValueError, RecursionError) as error:
        raise Unreadable(f"its HTML is damaged: {error}") from error
    return Page(url=url, title=title[:300], text=body.strip(), links=links, whole=whole)


def _links(tree: Any, url: str) -> Iterator[Link]:
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
            yield Link(label, target[:500])


def _pdf(data: bytes, url: str) -> Page:
    import pypdf  # noqa: PLC0415 - heavy
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = pypdf.PdfReader(BytesIO(data))
        pages = [page.extract_text() for page in reader.pages[:MAX_PDF_PAGES]]
        title = str((reader.metadata and reader.metadata.title) or "")
        whole = len(reader.pages) <= MAX_PDF_PAGES
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"the PDF is damaged: {error}") from error
    text = "\n\n".join(
        f"[page {number}]\n{said.strip()}" for number, said in enumerate(pages, 1) if said.strip()
    )
    if not text:
        raise Unreadable("the PDF holds pictures of text, and no text")
    return Page(url=url, title=" ".join(title.split())[:300], text=text, whole=whole)
