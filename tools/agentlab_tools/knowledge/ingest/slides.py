"""Slides of PowerPoint (.pptx): the text of each in its order, with tables, notes and comments."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab_tools.knowledge.ingest.document import Document
from agentlab_tools.knowledge.ingest.flow import Flow, one_line
from agentlab_tools.knowledge.ingest.office import drawn, line, main_part, title_of
from agentlab_tools.knowledge.ingest.package import (
    Element,
    Package,
    attribute,
    children,
    first,
    local,
)

_TITLES = frozenset({"title", "ctrTitle"})
_NUMBERS = frozenset({"sldNum", "dt", "hdr", "ftr"})
"""Fields that every slide repeats: of these, the text is kept once."""


def parse(data: bytes) -> Document:
    """A file of slides; its pages are the slides.

    Raises:
        Unreadable: it is damaged or locked.
    """
    package = Package(data)
    main = main_part(package, "ppt/presentation.xml")
    related = package.relations(main)
    flow = Flow()
    for number, id in enumerate(_order(package.xml(main)), 1):
        slide = related.get(id)
        if slide is not None and slide.target in package:
            flow.top()
            flow.page = number
            _slide(flow, package, slide.target)
    return flow.document("slides", title_of(package))


def _slide(flow: Flow, package: Package, part: str) -> None:
    shapes = list(_shapes(package.xml(part)))
    titles = [shape for shape in shapes if _role(shape) in _TITLES]
    for shape in titles[:1]:
        flow.heading(1, " ".join(_lines(shape)))
    for shape in shapes:
        if shape not in titles[:1]:
            _show(flow, shape)
    for said in drawn(package, part):
        flow.paragraph(said)
    for one in package.relations(part).values():
        if one.target not in package:
            continue
        if one.use == "notesSlide":
            for shape in _shapes(package.xml(one.target)):
                _show(flow, shape)
        elif one.use == "comments":
            for comment in package.xml(one.target):
                flow.paragraph("\n".join(_comment(comment)))


def _show(flow: Flow, shape: Element) -> None:
    if local(shape) == "tbl":
        flow.rows(
            [" ".join(_lines(cell)) for cell in children(row, "tc")]
            for row in children(shape, "tr")
        )
    elif _role(shape) in _NUMBERS:
        for said in _lines(shape):
            if not one_line(said).isdecimal():
                flow.once(said)
    else:
        flow.paragraph("\n".join(_lines(shape)))


def _shapes(element: Element) -> Iterator[Element]:
    """The shapes and tables of a slide, those of groups too."""
    for child in element:
        match local(child):
            case "sp" | "cxnSp" | "tbl":
                yield child
            case "AlternateContent":
                for choice in list(children(child, "Choice"))[:1]:
                    yield from _shapes(choice)
            case _:
                yield from _shapes(child)


def _lines(element: Element) -> list[str]:
    """The paragraphs of a shape or cell that say something."""
    return [said for p in element.iter() if local(p) == "p" and (said := line(p)).strip()]


def _comment(element: Element) -> Iterator[str]:
    for child in element.iter():
        if local(child) in ("text", "t") and (child.text or "").strip():
            yield child.text


def _role(shape: Element) -> str:
    about = first(shape, "nvSpPr", "nvPr", "ph")
    return attribute(about, "type", "body" if about is not None else "")


def _order(presentation: Element) -> Iterator[str]:
    """The ids of the slides, as they are shown."""
    for listing in children(presentation, "sldIdLst"):
        for one in children(listing, "sldId"):
            # it has an id of its own besides the one of the relation
            yield next((v for k, v in one.attrib.items() if k.endswith("}id")), "")
