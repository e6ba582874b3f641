"""All text of a page of HTML under its headings: for books and mails, where all of it counts.

Web pages have menus and advertisements, so there the readable part is looked for instead (`html`).
"""

from __future__ import annotations

from agentlab_tools.knowledge.ingest.flow import Flow
from agentlab_tools.knowledge.ingest.package import Element, local

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_GONE = frozenset({"script", "style", "head", "template", "noscript", "svg", "object"})
_BREAK = "\v"
"""A line break that is meant; one in the source is a blank. It counts as a blank itself."""
_INLINE = frozenset(
    (
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q rb "
        "rp rt ruby s samp small span strike strong sub sup time tt u var wbr"
    ).split()
)


def read(flow: Flow, root: Element) -> None:
    """Add a page's text to a flow."""
    _Page(flow).inside(root)


class _Page:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._words: list[str] = []
        self._depth = -1

    def inside(self, element: Element) -> None:
        """Read what stands in an element; words between its parts are paragraphs, too."""
        self._words.append(element.text or "")
        for child in element:
            name = local(child).lower()
            if name in _INLINE and not _has_parts(child):
                self._words.append(_said(child))
            elif name == "br":
                self._words.append(_BREAK)
            elif name and name not in _GONE:
                self._end()
                self._part(child, name)
            self._words.append(child.tail or "")
        self._end()

    def _part(self, element: Element, name: str) -> None:
        if name in _HEADINGS:
            self._flow.heading(_HEADINGS[name], _said(element))
        elif name == "pre":
            self._flow.paragraph("".join(element.itertext()), "code")
        elif name == "table" and not _has_parts(element, {"table", *_HEADINGS}):
            caption = [_said(one) for one in element if local(one) == "caption"]
            for said in caption:
                self._flow.paragraph(" ".join(said.split()))
            self._flow.rows(
                [_said(cell) for cell in row if local(cell).lower() in ("td", "th")]
                for row in element.iter()
                if local(row).lower() == "tr"
            )
        elif name in ("ul", "ol"):
            self._depth += 1
            self.inside(element)
            self._depth -= 1
        elif name == "hr":
            pass
        else:
            self.inside(element)

    def _end(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._words).split(_BREAK))
        said = "\n".join(line for line in lines if line)
        self._words = []
        if not said:
            return
        if self._depth >= 0:
            self._flow.item(said, self._depth)
        else:
            self._flow.paragraph(said)


def _said(element: Element) -> str:
    """The words of an element, with a blank where a part of it ends."""
    parts = [element.text or ""]
    for child in element:
        name = local(child).lower()
        if name == "br":
            parts.append(_BREAK)
        elif name == "img":
            parts.append(str(child.get("alt") or ""))
        elif name and name not in _GONE:
            parts.append(_said(child) if name in _INLINE else f" {_said(child)} ")
        parts.append(child.tail or "")
    return "".join(parts)


def _has_parts(element: Element, names: set[str] | None = None) -> bool:
    """Whether something that is no run of words stands in an element."""
    return any(
        (local(one).lower() in names) if names else local(one).lower() not in {*_INLINE, "br", ""}
        for one in element.iter()
        if one is not element
    )
