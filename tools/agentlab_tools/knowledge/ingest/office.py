"""What files of Word and PowerPoint share: a title, and text in charts and diagrams."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab_tools.knowledge.ingest.flow import one_line
from agentlab_tools.knowledge.ingest.package import Element, Package, children, local

_DRAWN = frozenset({"chart", "diagramData", "chartEx"})


def title_of(package: Package) -> str:
    """What a document's properties call it; may be empty."""
    for one in package.relations("").values():
        if one.use == "core-properties" and one.target in package:
            return one_line(
                " ".join(t.text or "" for t in children(package.xml(one.target), "title"))
            )
    return ""


def drawn(package: Package, part: str) -> Iterator[str]:
    """The text of each chart and diagram that a part shows."""
    for one in package.relations(part).values():
        if one.use in _DRAWN and one.target in package:
            said = one_line(" \n".join(_labels(package.xml(one.target))))
            if said:
                yield said


def main_part(package: Package, usual: str) -> str:
    """The name of a file's main part."""
    for one in package.relations("").values():
        if one.use == "officeDocument" and one.target in package:
            return one.target
    return usual


def line(element: Element) -> str:
    """The text of a paragraph of a drawing."""
    parts: list[str] = []
    for child in element:
        match local(child):
            case "t":
                parts.append(child.text or "")
            case "br":
                parts.append("\n")
            case "tab":
                parts.append("\t")
            case "Fallback":  # what its neighbour says, for old readers
                pass
            case _:
                parts.append(line(child))
    return "".join(parts)


def _labels(root: Element) -> Iterator[str]:
    """Titles, and the names of series and categories; a chart's numbers tell nothing alone."""
    met: set[str] = set()
    for element in root.iter():
        name = local(element)
        said = ""
        if name == "p":
            said = line(element)
        elif name == "strCache":
            said = ", ".join(v.text or "" for v in element.iter() if local(v) == "v")
        if said.strip() and said not in met:
            met.add(said)
            yield said
