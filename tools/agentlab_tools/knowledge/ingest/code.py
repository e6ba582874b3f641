"""Program text: functions and classes of Python by its own parser; of others, by their layout."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from agentlab_tools.knowledge.ingest.document import SEPARATOR, Block, Document
from agentlab_tools.knowledge.ingest.load import text_of


def parse_python(data: bytes) -> Document:
    """A Python file: one part for each function and method, one for what stands between them.

    Raises:
        Unreadable: it is not text.
    """
    text, note = text_of(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's code, which is not run here
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parse(data)
    lines = text.split("\n")
    marks = {1: ""}
    _mark(tree.body, "", marks)
    blocks = tuple(_cut(text, lines, sorted(marks.items())))
    return Document(text, "code", blocks, notes=(note,) if note else ())


def parse(data: bytes) -> Document:
    """A file of program text: a part begins where an unindented line follows an empty one.

    Raises:
        Unreadable: it is not text.
    """
    text, note = text_of(data)
    lines = text.split("\n")
    marks = [
        (number + 2, "")
        for number, (above, line) in enumerate(pairwise(lines))
        if not above.strip() and line.strip() and not line[0].isspace() and line[0] not in ")}]"
    ]
    blocks = tuple(_cut(text, lines, [(1, ""), *marks]))
    return Document(text, "code", blocks, notes=(note,) if note else ())


def _mark(body: Sequence[ast.stmt], above: str, marks: dict[int, str]) -> None:
    """Note at which lines something with a name begins and ends."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        name = f"{above}{SEPARATOR}{node.name}" if above else node.name
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        marks[first] = name
        if isinstance(node, ast.ClassDef):
            _mark(node.body, name, marks)
        marks.setdefault((node.end_lineno or node.lineno) + 1, above)


def _cut(text: str, lines: Sequence[str], marks: Sequence[tuple[int, str]]) -> Iterator[Block]:
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    ends = [number for number, _ in marks[1:]] + [len(lines) + 1]
    for (first, heading), stop in zip(marks, ends, strict=True):
        # not past the last line, where a function ends the file
        start, end = starts[min(first, len(lines) + 1) - 1], starts[min(stop, len(lines) + 1) - 1]
        end = min(end, len(text))
        body = text[start:end]
        if body.strip():
            blank = body[: len(body) - len(body.lstrip())]
            skipped = blank.rfind("\n") + 1  # indentation stays
            yield Block(start + skipped, start + len(body.rstrip()), "code", heading)
