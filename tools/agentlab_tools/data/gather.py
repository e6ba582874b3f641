"""A table of one or more text files: all their rows, or said which ones are missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentlab.decoding import Undecodable
from agentlab_tools.data.delimited import open_delimited
from agentlab_tools.data.objects import open_objects
from agentlab_tools.data.staging import Staging


def gather(
    db: Any, table: str, kind: str, files: Sequence[str], notes: list[str]
) -> list[tuple[int, str]]:
    """Make a table of files of rows; columns of the same name are one.

    Args:
        table: its quoted name.
        kind: `csv` or `json`.
        notes: gets a line for each thing that people should know.

    Returns:
        The rows that were left out: (line, why), the file named where there are several.

    Raises:
        Undecodable: a file can't be read; it is named. An empty one among several is passed over.
    """
    staging = Staging(db)
    refused: list[tuple[int, str]] = []
    empty: Undecodable | None = None
    for name in files:
        path = Path(name)
        prefix = f"{path.name}: " if len(files) > 1 else ""
        try:
            remarks, left = (_delimited if kind == "csv" else _objects)(staging, path)
        except Undecodable as error:
            if str(error) != "empty":
                raise Undecodable(f"{path.name} can't be read: {error}") from None
            empty = Undecodable(f"{path.name} is empty")
            remarks, left = ["it is empty"], []
        except OSError as error:
            raise Undecodable(f"{path.name} can't be read: {error.strerror or error}") from None
        notes += [prefix + note for note in remarks]
        refused += [(line, prefix + why) for line, why in left]
    if not staging.names:
        if refused:
            line, why = refused[0]
            raise Undecodable(f"{Path(files[0]).name} holds no row of data: line {line:,} is {why}")
        raise empty or Undecodable(f"{Path(files[0]).name} holds no row of data")
    staging.settle(table, notes)
    return refused


def _delimited(staging: Staging, path: Path) -> tuple[list[str], list[tuple[int, str]]]:
    with open_delimited(path) as file:
        place_of = {name.lower(): place for place, name in reversed([*enumerate(staging.names)])}
        places: list[int] = []
        for name in file.names:
            place = place_of.get(name.lower()) if name else None
            if place is None or place in places:
                place = staging.column(name)
            places.append(place)
        in_order = places == [*range(len(places))]
        for line, cells in file.rows():
            while len(cells) > len(places):
                name = f"column{len(places)}"
                place = place_of.get(name)
                if place is None or place in places:
                    place = staging.column(name)
                places.append(place)
                in_order = in_order and place == len(places) - 1
            if len(cells) == len(places) == len(staging.names) and in_order:
                staging.add_whole(line, cells)
                continue
            staging.add(line, [(places[n], cell) for n, cell in enumerate(cells) if cell])
        return file.notes, file.refused


def _objects(staging: Staging, path: Path) -> tuple[list[str], list[tuple[int, str]]]:
    places = {name: place for place, name in enumerate(staging.names)}
    with open_objects(path) as file:
        for line, row in file.rows():
            cells: list[tuple[int, str | None]] = []
            for name, cell in row.items():
                place = places.get(name)
                if place is None:
                    place = places[name] = staging.column(name)
                if cell is not None:
                    staging.kinds[place].add(cell.kind)
                    cells.append((place, cell.text))
            staging.add(line, cells)
        return file.notes, file.refused
