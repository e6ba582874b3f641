"""What is read of documents, against all the text that stands in their XML.

    python benchmarks/documents.py FOLDER

FOLDER holds .docx, .pptx, .xlsx, .odt and .epub files, e.g. the test files of Apache POI
(`test-data/`) or of pandoc (`test/`). For each kind it prints how many words stand in the parts of
the files that a reader sees, and how many of them are in no passage, with the worst files. The
reference is another way through the same XML: every text element, whatever it is in.
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from agentlab_tools.knowledge.ingest import Document, Unreadable
from agentlab_tools.knowledge.ingest.apart import Parser

etree: Any = import_module("lxml.etree")

_WORD = re.compile(r"[^\W\d_]+")
_SHOWN = 8


def main() -> None:
    """Compare, and print a table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("folder", type=Path)
    folder: Path = options.parse_args().folder
    print("| kind | files | refused | words in them | not read |\n| --- | --- | --- | --- | --- |")
    worst: list[tuple[int, str, list[str]]] = []
    with Parser() as parser:
        for suffix, words in _KINDS.items():
            files = sorted(folder.rglob(f"*{suffix}"))
            total = lost = refused = 0
            for file in files:
                data = file.read_bytes()
                try:
                    read = set(_WORD.findall(_text(parser.parse(data, file.name))))
                except Unreadable:
                    refused += 1
                    continue
                try:
                    there = Counter(words(data))
                except (zipfile.BadZipFile, zlib.error):  # damaged, and read all the same
                    continue
                gone = [word for word in there if word not in read]
                total += sum(there.values())
                lost += (count := sum(there[word] for word in gone))
                worst += [(count, file.name, gone[:6])] if gone else []
            print(f"| `{suffix}` | {len(files)} | {refused} | {total:,} | {lost:,} |")
    for count, name, gone in sorted(worst, reverse=True)[:_SHOWN]:
        print(f"{count:6} in {name}: {', '.join(gone)}")


def _text(document: Document) -> str:
    return f"{document.title}\n{document.text}"


def _roots(data: bytes, pattern: str) -> Iterator[Any]:
    # entities are left alone: some of these files are bombs
    parser = etree.XMLParser(recover=True, resolve_entities=False, huge_tree=True)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for name in opened.namelist():
            if re.search(pattern, name):
                root = etree.fromstring(opened.read(name), parser)
                if root is not None:
                    yield root


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _office(pattern: str) -> Callable[[bytes], Iterator[str]]:
    """The words of every paragraph; tabs and breaks part words, what was removed is none."""

    def words(data: bytes) -> Iterator[str]:
        for root in _roots(data, pattern):
            for paragraph in root.iter("{*}p"):
                if any(_name(above) in _REMOVED for above in paragraph.iterancestors()):
                    continue
                said = ""
                for element in paragraph.iter():
                    name = _name(element)
                    if name == "t":
                        said += element.text or ""
                    elif name in ("tab", "br", "cr", "p"):
                        said += "\n"
                yield from _WORD.findall(said)

    return words


def _sheet(data: bytes) -> Iterator[str]:
    shared = [
        "".join(t.text or "" for t in item.iter("{*}t") if _name(t.getparent()) != "rPh")
        for root in _roots(data, r"(?i)sharedstrings\.xml$")
        for item in root.iter("{*}si")
    ]
    for root in _roots(data, r"worksheets/[^/]+\.xml$"):
        for cell in root.iter("{*}c"):
            value = next((one.text for one in cell if _name(one) == "v"), None) or ""
            if cell.get("t") == "s" and value.isdecimal() and int(value) < len(shared):
                yield from _WORD.findall(shared[int(value)])
            elif cell.get("t") == "inlineStr":
                yield from _WORD.findall("".join(t.text or "" for t in cell.iter("{*}t")))
            elif cell.get("t") == "str":
                yield from _WORD.findall(value)


def _flat(pattern: str, left_out: frozenset[str]) -> Callable[[bytes], Iterator[str]]:
    def words(data: bytes) -> Iterator[str]:
        for root in _roots(data, pattern):
            for element in root.iter():
                if not {_name(a) for a in element.iterancestors()} & left_out:
                    name = _name(element)
                    parts = element.text or "" if name and name not in left_out else ""
                    yield from _WORD.findall(parts)
                    yield from _WORD.findall(element.tail or "")

    return words


_REMOVED = frozenset({"del", "moveFrom", "Fallback"})
_KINDS: dict[str, Callable[[bytes], Iterator[str]]] = {
    ".docx": _office(r"word/(document|footnotes|endnotes|comments)\d*\.xml$"),
    ".pptx": _office(r"ppt/(slides/slide|notesSlides/notesSlide)\d+\.xml$"),
    ".xlsx": _sheet,
    ".odt": _flat(r"^content\.xml$", frozenset({"tracked-changes", "creator", "date"})),
    ".epub": _flat(r"(?<!nav)(?<!toc)\.x?html?$", frozenset({"head", "script", "style", "nav"})),
}

if __name__ == "__main__":
    main()
