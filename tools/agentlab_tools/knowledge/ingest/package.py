"""Files that are a zip of XML: documents of Word, PowerPoint and LibreOffice, and e-books.

Nothing is unpacked to disk, no entity or link of a part is followed, and no more is read of a file
than a bound, whatever its directory says.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias
from urllib.parse import unquote

from agentlab_tools.knowledge.ingest.document import Unreadable

Element: TypeAlias = Any
"""An element of lxml, which has no types of its own."""

MOST_BYTES = 300_000_000
"""What the parts that are read may unpack to, together; pictures and films are not read."""

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what old Office files, and locked new ones, are
_LOCKED = 0x1


@dataclass(frozen=True)
class Relation:
    """A part that another one refers to: what for (the last word of its type), and its name."""

    use: str
    target: str


class Package:
    """A file that is a zip of XML.

    Raises:
        Unreadable: it is none, is locked, or is damaged.
    """

    def __init__(self, data: bytes) -> None:
        if data.startswith(_COMPOUND):
            raise Unreadable("locked with a password, or in a format of before 2007: save it anew")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise Unreadable("damaged, or not what its ending says") from error
        # some writers put other separators or another case between folders and names
        self._names = {_plain(name): name for name in self._zip.namelist()}
        self._room = MOST_BYTES

    def __contains__(self, part: str) -> bool:
        return _plain(part) in self._names

    def names(self) -> list[str]:
        """The names of all parts, as the file has them."""
        return list(self._names.values())

    def read(self, part: str) -> bytes:
        """The bytes of a part.

        Raises:
            Unreadable: it is missing, damaged, locked, or larger than what may still be read.
        """
        name = self._names.get(_plain(part))
        if name is None:
            raise Unreadable(f"damaged: there is no {part} in it")
        if self._zip.getinfo(name).flag_bits & _LOCKED:
            raise Unreadable("locked with a password")
        try:
            with self._zip.open(name) as opened:
                data = opened.read(self._room + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise Unreadable(f"damaged: {part} can't be unpacked") from error
        self._room -= len(data)
        if self._room < 0:
            raise Unreadable(f"unpacks to more than {MOST_BYTES / 1e6:,.0f} MB of text")
        return data

    def xml(self, part: str) -> Element:
        """The root element of a part.

        Raises:
            Unreadable: as `read`, or it is no XML.
        """
        return self.parsed(self.read(part), part)

    def parsed(self, data: bytes, part: str) -> Element:
        """The root element of the bytes of a part.

        Raises:
            Unreadable: they are no XML.
        """
        etree: Any = import_module("lxml.etree")
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, huge_tree=True, recover=True, collect_ids=False
        )
        root: Element = etree.fromstring(data, parser)
        if root is None:
            raise Unreadable(f"damaged: {part} can't be read")
        return root

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part refers to inside the file, by id (the form of Office's packages)."""
        folder, _, name = part.rpartition("/")
        listing = f"{folder}/_rels/{name}.rels".lstrip("/")
        if listing not in self:
            return {}
        found: dict[str, Relation] = {}
        for one in children(self.xml(listing), "Relationship"):
            if str(one.get("TargetMode", "")).lower() != "external":
                target = resolved(folder, str(one.get("Target", "")))
                use = str(one.get("Type", "")).rpartition("/")[2]
                found[str(one.get("Id", ""))] = Relation(use, target)
        return found


def resolved(folder: str, target: str) -> str:
    """The name of a part that is named from a folder."""
    target = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def local(element: Element) -> str:
    """An element's name without its namespace; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names, whatever their namespace."""
    return (child for child in element if local(child) in names)


def first(element: Element, *path: str) -> Element | None:
    """The first element down a path of names, or None."""
    for name in path:
        child = next(children(element, name), None)
        if child is None:
            return None
        element = child
    return element


def attribute(element: Element | None, name: str, default: str = "") -> str:
    """An attribute's value, whatever its namespace."""
    if element is None:
        return default
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return default


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
