"""Which parser reads which file, and how much of one is read at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePath

from agentlab.errors import MissingExtra
from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.load import read_bytes

_HERE = "agentlab_tools.knowledge.ingest"
_PARSERS: dict[str, tuple[str, ...]] = {
    "markdown:parse": (".md", ".markdown", ".mdown"),
    "plain:parse": (".txt", ".text", ".rst", ".org", ".adoc", ".tex"),
    "html:parse": (".html", ".htm", ".xhtml"),
    "pdf:parse": (".pdf",),
    "notebook:parse": (".ipynb",),
    "table:parse": (".csv", ".tsv"),
    "sheet:parse": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "word:parse": (".docx", ".docm"),
    "slides:parse": (".pptx", ".pptm", ".ppsx"),
    "opendocument:parse": (".odt", ".odp"),
    "book:parse": (".epub",),
    "mail:parse": (".eml",),
    "code:parse_python": (".py", ".pyi"),
    "code:parse": tuple(
        f".{end}"
        for end in (
            "c cc cpp cs css cxx go h hpp java jl js jsx kt lua m php pl proto ps1 r rb rs scala "
            "sh sql swift toml ts tsx vue yaml yml zig"
        ).split()
    ),
}
SUFFIXES = {suffix: target for target, suffixes in _PARSERS.items() for suffix in suffixes}
"""File endings to parsers; files with others are passed over."""

MAX_BYTES = 20_000_000
"""What is read of a file; larger ones are reported."""
MAX_BYTES_WITH_PICTURES = 200_000_000
"""Files that carry pictures may be larger."""
_WITH_PICTURES = frozenset(
    (".pdf", ".docx", ".docm", ".pptx", ".pptm", ".ppsx", ".odt", ".odp", ".epub", ".eml")
)


def is_readable(name: str) -> bool:
    """Whether there is a parser for files that end like this one."""
    return PurePath(name).suffix.lower() in SUFFIXES


def load(path: Path, max_bytes: int | None = None) -> bytes:
    """A file's bytes, if it is not too large to be parsed.

    Raises:
        Unreadable: it is too large, or no plain file.
        OSError: the system does not let it be read.
    """
    usual = MAX_BYTES_WITH_PICTURES if path.suffix.lower() in _WITH_PICTURES else MAX_BYTES
    return read_bytes(path, usual if max_bytes is None else max_bytes)


def parse(data: bytes, name: str) -> Document:
    """The document in a file's bytes, by the ending of its name.

    Raises:
        Unreadable: it can't be parsed.
        MissingExtra: its parser is not installed.
    """
    target = SUFFIXES.get(PurePath(name).suffix.lower())
    if target is None:
        raise Unreadable("not a kind of file that can be read")
    if not data:
        raise Unreadable("empty")
    module, _, function = target.partition(":")
    try:
        parser: Callable[[bytes], Document] = getattr(import_module(f"{_HERE}.{module}"), function)
        document = parser(data)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name}, which reads {name},", "knowledge") from error
    except (Unreadable, MemoryError):
        raise
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Exception as error:  # what a stranger's file makes of a parser is not our bug to show
        raise Unreadable(f"its parser fails ({type(error).__name__})") from error
    if not document.blocks:
        raise Unreadable("nothing to index in it")
    # escapes in JSON can write halves of characters, which can't be stored; each becomes one mark
    text = document.text.encode("utf-8", "replace").decode()
    return document if text == document.text else replace(document, text=text)


def read_document(path: Path) -> Document:
    """A file's document: its text, whose lines a `Source` counts, and its parts.

    Raises:
        Unreadable: it can't be read as a document.
        OSError: the system does not let it be read.
        MissingExtra: its parser is not installed.
    """
    return parse(load(path), path.name)
