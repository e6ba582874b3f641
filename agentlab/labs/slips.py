"""What is wrong with an answer file, in its writer's words, and on which line.

Neither the TOML reader nor the model of an answer knows what the other one knows: the reader has
lines and no meaning, the model has fields and no lines. Here the two are brought together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from agentlab.values import names_at

_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|(end of document))\)$")
_HEADER = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_\-]+)["']?\s*[.=]""")
_MEANT: Sequence[tuple[str, str]] = (
    ("Illegal character '\\n'", 'the quote that ends this text is missing; """ … """ may be long'),
    ("Unterminated string", "the quote that ends this text is missing"),
    ('Expected \'"""\'', 'the """ that ends this text is missing'),
    ("Unclosed array", "the ] that ends this list is missing, or a comma in it"),
    ("Unclosed inline table", "the } that ends this table is missing, or a comma in it"),
    ("Invalid value", 'a text needs quotes, as in "calculator", and true and false are small'),
    ("Expected '='", 'what is set needs a name and a "=", as in tools = ["calculator"]'),
    ("Cannot overwrite a value", "this is set twice; keep one of the two"),
    ("Cannot declare", "this table is begun twice; keep one of the two"),
    ("Cannot mutate immutable", "this is set twice; keep one of the two"),
    ("Expected newline", "one line sets one thing; begin a new line for the next"),
    ("Unescaped '\\'", r"write \\ for one \ in a text, or put the text in single quotes"),
    ("Invalid initial character", 'a name is missing before the "="'),
    ("Invalid statement", 'a line sets something, as in tools = ["calculator"]; # begins a remark'),
)


def broken(text: str, problem: str) -> str:
    """What is wrong with a text that is not TOML.

    Args:
        problem: what Python's reader says of it.
    """
    place = _AT.search(problem)
    complaint = problem[: place.start()] if place else problem
    meant = next((words for begin, words in _MEANT if complaint.startswith(begin)), complaint)
    lines = text.splitlines() or [""]
    number = int(place[1]) if place and place[1] else len(lines)
    # a text that never ends is noticed where the file ends, or on the line below
    if complaint.startswith(("Unclosed", "Unterminated", 'Expected \'"""\'')):
        return f"line {number}, or above: {meant}"
    return f"line {number}: {meant}"


def misplaced(text: str, error: ErrorDetails, kind: type[BaseModel]) -> str:
    """What is wrong with TOML that is no answer.

    Args:
        error: the first that the answer's model found.
        kind: of the answer.
    """
    loc, own = error["loc"], tuple(kind.model_fields)
    name = str(loc[-1]) if loc else ""
    where = _line_of(text, loc)
    line = f"line {where}: " if where else ""
    tables = [str(part) for part in loc[:-1] if isinstance(part, str)]
    table = ".".join(tables)
    match error["type"]:
        case "extra_forbidden" if tables and name in own:
            head = _head(text, tables[0])
            return (
                f"{line}{name!r} is read as a part of {head}, because it stands below it; "
                f"keys go above the first {head}"
            )
        case "extra_forbidden":
            there = names_at(kind, loc[:-1])
            near = get_close_matches(name, there, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            others = "" if near else f"; there are {', '.join(there)}"
            return f"{line}there is no {name!r}{f' in {table}' if table else ''}{meant}{others}"
        case "missing":
            head = _head(text, tables[0]) if tables else "the answer"
            return f"{line}{head} needs {name!r}"
        case "tuple_type":
            return f'{line}{name} takes a list, as in {name} = ["…"]'
        case "string_type":
            return f"{line}{name} takes a text, in quotes"
        case "int_type" | "int_parsing" | "float_type" | "float_parsing":
            return f"{line}{name} takes a number, without quotes"
        case _:
            words = error["msg"].removeprefix("Value error, ")
            return f"{line}{'.'.join(map(str, loc))}: {words}" if loc else words


def _head(text: str, table: str) -> str:
    return (
        f"[[{table}]]"
        if re.search(rf"^\s*\[\[\s*{re.escape(table)}\b", text, re.M)
        else (f"[{table}]")
    )


def _line_of(text: str, loc: Sequence[Any]) -> int | None:
    """The line that sets what a path names; else that of the nearest thing around it."""
    counts: dict[str, int] = {}
    here: tuple[Any, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if head := _HEADER.match(line):
            parts = [part.strip() for part in head[1].split(".")]
            here = tuple(parts)
            if line.lstrip().startswith("[["):
                counts[head[1]] = counts.get(head[1], -1) + 1
                here = (*parts, counts[head[1]])
            elif len(parts) > 1 and parts[0] in counts:
                here = (parts[0], counts[parts[0]], *parts[1:])
            path = here
        elif key := _KEY.match(line):
            path = (*here, key[1])
        else:
            continue
        if path == tuple(loc[: len(path)]) and (best is None or len(path) > best[0]):
            best = (len(path), number)
    return best[1] if best else None
