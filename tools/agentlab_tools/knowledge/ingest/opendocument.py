"""LibreOffice's documents and slides (.odt, .odp): all text under its headings, slides as pages.

What tracked changes removed is left out. Tables of LibreOffice (.ods) are read as other tables are.
"""

from __future__ import annotations

from collections.abc import Iterable

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.flow import Flow
from agentlab_tools.knowledge.ingest.package import (
    Element,
    Package,
    attribute,
    children,
    first,
    local,
)

_GONE = frozenset({"tracked-changes", "forms", "sequence-decls", "variable-decls", "creator"})
_BESIDE = frozenset({"text-box", "annotation", "notes", "table", "custom-shape", "list"})
"""What may stand inside of a paragraph and is none of its words."""
_MOST_BLANKS = 1000


class _Reader:
    def __init__(self) -> None:
        self.flow = Flow()
        self._later: list[Element] = []

    def blocks(self, elements: Iterable[Element], depth: int = -1) -> None:
        """Read what stands in an element; `depth` is of the list it is in."""
        for child in elements:
            match local(child):
                case "h":
                    level = attribute(child, "outline-level", "1")
                    self.flow.heading(int(level) if level.isdecimal() else 1, self.text(child))
                case "p" if depth >= 0:
                    self.flow.item(self.text(child), depth)
                case "p":
                    self.flow.paragraph(self.text(child))
                case "list":
                    self.blocks(child, depth + 1)
                case "table":
                    self._table(child)
                case "page":
                    self.flow.top()
                    self.flow.page = (self.flow.page or 0) + 1
                    self.blocks(child)
                case name if name in _GONE:
                    pass
                case _:
                    self.blocks(child, depth)
            self._beside()

    def _beside(self) -> None:
        later, self._later = self._later, []
        for element in later:
            self.blocks((element,))

    def _table(self, element: Element) -> None:
        rows = [row for row in element.iter() if local(row) == "table-row"]
        cells = [[cell for cell in row if local(cell) == "table-cell"] for row in rows]
        if len(rows) == 1 and len(cells[0]) == 1:  # a frame around text
            self.blocks(cells[0][0])
        elif any(local(one) == "table" for one in element.iter() if one is not element):
            self.flow.paragraph("\n".join(self._paragraphs(element)))  # tables in tables
        else:
            self.flow.rows([[" ".join(self._paragraphs(cell)) for cell in row] for row in cells])

    def _paragraphs(self, element: Element) -> list[str]:
        return [self.text(one) for one in element.iter() if local(one) in ("p", "h")]

    def text(self, element: Element) -> str:
        """The words of a paragraph; what stands beside them is kept for later."""
        parts = [element.text or ""]
        for child in element:
            match local(child):
                case "s":
                    count = attribute(child, "c", "1")
                    parts.append(" " * min(int(count) if count.isdecimal() else 1, _MOST_BLANKS))
                case "tab":
                    parts.append("\t")
                case "line-break":
                    parts.append("\n")
                case "title" | "desc":  # of a picture
                    parts.append(f" {self.text(child)} ")
                case "note":
                    self._later.append(child)
                case name if name in _BESIDE:
                    self._later.append(child)
                case name if name in _GONE or not name:
                    pass
                case _:
                    parts.append(self.text(child))
            parts.append(child.tail or "")
        return "".join(parts)


def parse(data: bytes) -> Document:
    """A document, or slides.

    Raises:
        Unreadable: it is damaged or locked.
    """
    package = Package(data)
    if _locked(package):
        raise Unreadable("locked with a password")
    body = first(package.xml("content.xml"), "body")
    content = None if body is None else next(iter(body), None)
    if content is None:
        raise Unreadable("damaged: a document without a body")
    reader = _Reader()
    reader.blocks(content)
    slides = local(content) == "presentation"
    if not slides and "styles.xml" in package:
        reader.flow.top()
        for element in package.xml("styles.xml").iter():
            if local(element) in ("header", "footer"):
                for paragraph in element.iter():
                    if local(paragraph) in ("p", "h"):
                        reader.flow.once(reader.text(paragraph))
    return reader.flow.document("slides" if slides else "word", _title(package))


def _locked(package: Package) -> bool:
    manifest = "META-INF/manifest.xml"
    return manifest in package and any(
        local(one) == "encryption-data" for one in package.xml(manifest).iter()
    )


def _title(package: Package) -> str:
    if "meta.xml" not in package:
        return ""
    meta = first(package.xml("meta.xml"), "meta")
    return "" if meta is None else " ".join(t.text or "" for t in children(meta, "title"))
