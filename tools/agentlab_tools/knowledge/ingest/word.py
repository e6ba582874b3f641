"""Word documents (.docx): paragraphs, lists and tables under their headings, notes, comments.

All text of the document's own parts is kept: of text boxes, footnotes, comments, diagrams, headers
and footers, too. What was struck out in tracked changes is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.flow import Flow, one_line
from agentlab_tools.knowledge.ingest.office import drawn, main_part, title_of
from agentlab_tools.knowledge.ingest.package import (
    Element,
    Package,
    attribute,
    children,
    first,
    local,
)

_GONE = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "rPr", "pPr"})
"""What holds no text that is shown, or text that its neighbour holds as well."""
_INLINE = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_INSIDE = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"})
_BESIDE = ("footnotes", "endnotes", "comments")


@dataclass(frozen=True)
class _Style:
    level: int | None
    """Of a heading, from 1; None for other styles."""
    listed: bool


@dataclass
class _Reader:
    """Reads the paragraphs of a package's parts into a flow."""

    flow: Flow
    styles: dict[str, _Style]
    boxes: list[Element] = field(default_factory=list[Element])
    """Text boxes met in a paragraph, which come after it."""

    def blocks(self, element: Element) -> None:
        for child in element:
            match local(child):
                case "p":
                    self._paragraph(child)
                case "tbl":
                    self._table(child)
                case name if name in _INSIDE:
                    self.blocks(child)
                case _:
                    pass

    def _paragraph(self, element: Element) -> None:
        said = self.text(element)
        level, depth = self._kind(element)
        if level is not None:
            self.flow.heading(level, said)
        elif depth is not None:
            self.flow.item(said, depth)
        else:
            self.flow.paragraph(said)
        self._boxed()

    def _boxed(self) -> None:
        boxes, self.boxes = self.boxes, []
        for box in boxes:
            self.blocks(box)

    def _table(self, element: Element) -> None:
        rows = [[self._cell(cell) for cell in _cells(row)] for row in _rows(element)]
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame around text
            for cell in _cells(next(iter(_rows(element)))):
                self.boxes = []
                self.blocks(cell)
            return
        self.flow.rows(rows)
        self._boxed()

    def _cell(self, element: Element) -> str:
        """A cell's text; that of a table in it as well."""
        parts = [self.text(paragraph) for paragraph in _paragraphs(element)]
        return one_line(" ".join(part for part in parts if part))

    def text(self, element: Element) -> str:
        """The text of a paragraph; text boxes in it are kept for later."""
        parts: list[str] = []
        for child in element:
            name = local(child)
            if name == "t":
                parts.append(child.text or "")
            elif name in _INLINE:
                parts.append(_INLINE[name])
            elif name == "txbxContent":
                self.boxes.append(child)
            elif name == "sym":
                parts.append(_symbol(child))
            elif name == "AlternateContent":
                # the same for new readers and for old ones
                parts += [self.text(choice) for choice in list(children(child, "Choice"))[:1]]
            elif name not in _GONE:
                parts.append(self.text(child))
        return "".join(parts)

    def _kind(self, paragraph: Element) -> tuple[int | None, int | None]:
        """Its level as a heading, or its depth as an item of a list."""
        about = first(paragraph, "pPr")
        if about is None:
            return None, None
        style = self.styles.get(attribute(first(about, "pStyle"), "val"), _Style(None, False))
        own = _level(first(about, "outlineLvl"))
        level = own if own is not None else style.level
        if level is not None:
            return level, None
        numbering = first(about, "numPr")
        if numbering is None and not style.listed:
            return None, None
        if numbering is not None and attribute(first(numbering, "numId"), "val") == "0":
            return None, None  # taken out of its list
        depth = attribute(first(numbering, "ilvl"), "val") if numbering is not None else "0"
        return None, int(depth) if depth.isdecimal() else 0


def parse(data: bytes) -> Document:
    """A Word document.

    Raises:
        Unreadable: it is damaged or locked.
    """
    package = Package(data)
    main = main_part(package, "word/document.xml")
    body = first(package.xml(main), "body")
    if body is None:
        raise Unreadable("damaged: a document without a body")
    related = package.relations(main)
    by_use: dict[str, list[str]] = {}
    for one in related.values():
        if one.target in package and one.target not in by_use.get(one.use, []):
            by_use.setdefault(one.use, []).append(one.target)
    reader = _Reader(Flow(), _styles(package, by_use.get("styles", [])))
    flow = reader.flow
    reader.blocks(body)
    for use in _BESIDE:
        for part in by_use.get(use, []):
            for note in package.xml(part):
                if attribute(note, "type") not in ("separator", "continuationSeparator"):
                    flow.top()
                    by = attribute(note, "author")
                    if use == "comments" and by:
                        flow.heading(1, f"Comment by {by}")
                    reader.blocks(note)
    flow.top()
    for part in sorted(by_use.get("header", [])) + sorted(by_use.get("footer", [])):
        for paragraph in _paragraphs(package.xml(part)):
            flow.once(reader.text(paragraph))
    for said in drawn(package, main):
        flow.paragraph(said)
    return flow.document("word", title_of(package))


def _styles(package: Package, parts: list[str]) -> dict[str, _Style]:
    """Of each paragraph style, what it makes of a paragraph, by its own words or its parent's."""
    styles: dict[str, tuple[str, int | None, bool]] = {}
    for part in parts:
        for style in children(package.xml(part), "style"):
            about = first(style, "pPr")
            level = None if about is None else _level(first(about, "outlineLvl"))
            name = attribute(first(style, "name"), "val").lower()
            if level is None and name == "title":
                level = 1
            elif level is None and name.startswith("heading ") and name[8:].isdecimal():
                level = int(name[8:])
            listed = about is not None and first(about, "numPr") is not None
            parent = attribute(first(style, "basedOn"), "val")
            styles[attribute(style, "styleId")] = (parent, level, listed)
    return {id: _resolved(id, styles) for id in styles}


def _resolved(id: str, styles: dict[str, tuple[str, int | None, bool]]) -> _Style:
    listed, met = False, set[str]()
    while id in styles and id not in met:
        met.add(id)
        parent, level, own = styles[id]
        listed = listed or own
        if level is not None:
            return _Style(level, listed)
        id = parent
    return _Style(None, listed)


def _level(outline: Element | None) -> int | None:
    said = attribute(outline, "val")
    return int(said) + 1 if said.isdecimal() and int(said) < 9 else None


def _rows(element: Element) -> Iterator[Element]:
    for child in element:
        if local(child) == "tr":
            yield child
        elif local(child) in _INSIDE:
            yield from _rows(child)


def _cells(element: Element) -> Iterator[Element]:
    for child in element:
        if local(child) == "tc":
            yield child
        elif local(child) in _INSIDE:
            yield from _cells(child)


def _paragraphs(element: Element) -> Iterator[Element]:
    """The paragraphs of a part, those of its tables too; not those inside of a paragraph."""
    for child in element:
        if local(child) == "p":
            yield child
        elif local(child) not in _GONE:
            yield from _paragraphs(child)


def _symbol(element: Element) -> str:
    """A character that is named by its number; those of symbol fonts have no other."""
    try:
        code = int(attribute(element, "char"), 16)
    except ValueError:
        return ""
    return (
        "" if 0xE000 <= code <= 0xF8FF or code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
    )
