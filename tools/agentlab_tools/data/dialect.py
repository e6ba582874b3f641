"""How the rows of a text file are written: what stands between values, and what quotes them.

    dialect, skip = dialect_of(sample, tabs=False, notes=[])     for `csv.reader`, and lines before

The usual delimiters count by how well rows agree on their number of fields. Rarer ones (`^`, `~`,
`:`, and the space that R writes) are taken only where every row agrees and none of the usual does:
in most files they are part of the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice, takewhile
from typing import Any

SAMPLE = 1 << 16
SAMPLE_ROWS = 1000
_DELIMITERS = ",;\t|"
_RARE = (("^", 2), ("~", 2), ("\x1f", 2), (":", 3))  # and how many fields rows have at least
_VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"skipinitialspace": True},
    {"escapechar": "\\", "doublequote": False},
)
_SPACED = re.compile(r'"[^"]*"(?: "[^"]*")+')
_NUMBERED = re.compile(r"[-+.\d]")


def dialect_of(sample: str, *, tabs: bool, notes: list[str]) -> tuple[dict[str, Any], int]:
    """How a file's rows are written, and how many lines come before them.

    Args:
        tabs: whether it is called a file of tabs, which then come first.
        notes: gets a line for what is unusual.
    """
    declared = re.match(r"sep=(.)\r?\n", sample, re.IGNORECASE)
    if declared:  # for Excel
        return {"delimiter": declared[1]}, 1
    lines = list(io.StringIO(sample, newline=""))
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines = lines[:-1]
    remarks = sum(1 for _ in takewhile(lambda line: line.startswith("#"), lines))
    lines = lines[remarks:] or lines
    best: tuple[float, dict[str, Any]] = (0.0, {"delimiter": "\t" if tabs else ","})
    for delimiter in sorted(_DELIMITERS, key=lambda d: d != "\t") if tabs else _DELIMITERS:
        for variant in (*_VARIANTS, *_in_single_quotes(sample, delimiter)):
            score = _agreement(lines, {"delimiter": delimiter, **variant})
            if "quotechar" in variant and score:
                score += 1e-6  # that they are quotes was seen, so a tie is theirs
            if score > best[0] + 1e-9:
                best = score, {"delimiter": delimiter, **variant}
    chosen = _rare(lines, best[1]) or best[1]
    if "escapechar" in chosen:
        notes.append('a backslash before a quote is read as part of the value: \\"')
    if chosen.get("quotechar") == "'":
        notes.append("values are in single quotes, which are taken off")
    if chosen["delimiter"] not in _DELIMITERS:
        notes.append(f"values are taken to be separated by {chosen['delimiter']!r}")
    return chosen, 0


def _in_single_quotes(sample: str, delimiter: str) -> tuple[dict[str, Any], ...]:
    """Whether values are quoted as in SQL: most that begin with such a quote end with one."""
    begin = rf"(?:^|(?<={re.escape(delimiter)}))"
    if re.search(rf'{begin}"', sample, re.MULTILINE):
        return ()
    opened = len(re.findall(rf"{begin}'", sample, re.MULTILINE))
    whole = rf"{begin}'(?:[^'\\]|''|\\.)*'(?={re.escape(delimiter)}|\r|\n|\Z)"
    closed = len(re.findall(whole, sample, re.MULTILINE | re.DOTALL))
    if closed < 2 or closed < opened * 0.9 or closed < sample.count("\n") * 0.5:
        return ()
    escaped = {"escapechar": "\\", "doublequote": False} if "\\'" in sample else dict[str, Any]()
    return ({"quotechar": "'", **escaped},)


def _rare(lines: list[str], usual: dict[str, Any]) -> dict[str, Any] | None:
    """A rare delimiter that all rows agree on, where the usual ones leave them in doubt."""
    widths = _widths(lines, usual)
    if len(widths) < 2 or (widths[0] > 1 and len(set(widths)) == 1):
        return None
    if _SPACED.fullmatch(lines[0].rstrip("\r\n")):  # names as R writes them
        names, *below = _widths(lines, {"delimiter": " "})
        if set(below) in ({names}, {names + 1}):
            return {"delimiter": " "}
    for delimiter, least in _RARE:
        dialect = {"delimiter": delimiter}
        widths = _widths(lines, dialect)
        names = lines[0].split(delimiter)
        if widths[0] >= least and len(set(widths)) == 1 and not any(map(_NUMBERED.match, names)):
            return dialect
    return None


def _widths(lines: list[str], dialect: dict[str, Any]) -> list[int]:
    try:
        return [len(row) for row in islice(csv.reader(lines, **dialect), SAMPLE_ROWS) if row]
    except csv.Error:
        return []


def _agreement(lines: list[str], dialect: dict[str, Any]) -> float:
    """How well rows agree on how many fields they have, and more so on many; 0 where it is one."""
    widths = _widths(lines, dialect)
    counts = Counter(widths)
    width, count = max(counts.items(), key=lambda found: (found[1], found[0]), default=(1, 0))
    if width == 1:
        return 0.0
    # what the header has too is no character of the text below it
    return count / len(widths) * (1 - 1 / width) + (widths[0] == width) / 2
