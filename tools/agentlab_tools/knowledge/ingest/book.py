"""E-books (.epub): the chapters in their order, under their headings."""

from __future__ import annotations

import re
from html.entities import html5

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.flow import Flow, one_line
from agentlab_tools.knowledge.ingest.markup import read
from agentlab_tools.knowledge.ingest.package import (
    Element,
    Package,
    attribute,
    children,
    first,
    local,
    resolved,
)

_CONTAINER = "META-INF/container.xml"
_LOCKS = "META-INF/encryption.xml"
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML = frozenset({b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"})


def parse(data: bytes) -> Document:
    """An e-book.

    Raises:
        Unreadable: it is damaged, or locked to a reader's account.
    """
    package = Package(data)
    listing = _listing(package)
    folder = listing.rpartition("/")[0]
    about = package.xml(listing)
    parts = {attribute(item, "id"): item for one in children(about, "manifest") for item in one}
    locked = _locked(package)
    flow = Flow()
    lost: list[str] = []
    for reference in (item for one in children(about, "spine") for item in one):
        item = parts.get(attribute(reference, "idref"))
        name = resolved(folder, attribute(item, "href"))
        if item is None or "nav" in attribute(item, "properties").split():
            continue
        if "html" not in attribute(item, "media-type") and not name.endswith("htm"):
            continue  # a picture
        if name in locked:
            raise Unreadable("locked to a reader's account")
        flow.top()
        try:
            read(flow, _page(package, name))
        except Unreadable:
            if name in package:
                raise
            lost.append(name)
    notes = (f"chapters that are not in it: {', '.join(lost[:5])}",) if lost else ()
    return flow.document("book", _title(about), notes)


def _listing(package: Package) -> str:
    if _CONTAINER in package:
        for one in package.xml(_CONTAINER).iter():
            if local(one) == "rootfile":
                return resolved("", attribute(one, "full-path"))
    raise Unreadable("damaged: no list of its chapters in it")


def _page(package: Package, name: str) -> Element:
    data = package.read(name)
    # names of characters that HTML knows, and XML does not
    return package.parsed(_ENTITY.sub(_character, data), name)


def _character(entity: re.Match[bytes]) -> bytes:
    name = entity[1]
    character = None if name in _XML else html5.get(name.decode())
    # as a number, whatever encoding the page has
    return entity[0] if character is None else "".join(f"&#{ord(c)};" for c in character).encode()


def _locked(package: Package) -> set[str]:
    """The parts that are encrypted; fonts often are, and don't matter."""
    if _LOCKS not in package:
        return set()
    return {
        resolved("", attribute(one, "URI"))
        for one in package.xml(_LOCKS).iter()
        if local(one) == "CipherReference"
    }


def _title(about: Element) -> str:
    meta = first(about, "metadata")
    return (
        "" if meta is None else one_line(next((t.text or "" for t in children(meta, "title")), ""))
    )
