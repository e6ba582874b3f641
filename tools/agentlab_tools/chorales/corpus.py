"""All chorales of music21's corpus that are four voices in sixteenths, read once and kept.

music21 itself is never imported: only the scores in its folder are read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from agentlab.errors import MissingExtra
from agentlab.folders import home
from agentlab_tools.chorales.scores import NoChorale, read_packed
from agentlab_tools.chorales.values import Chorale

_FORM = 1
"""Of what is kept: another number where the reader reads something else."""


@cache
def chorales() -> tuple[Chorale, ...]:
    """Those that can be read, by name. The first time takes some seconds.

    They are kept in `cache` in AGENTLAB_HOME, for this machine alone.

    Raises:
        MissingExtra: music21 is not installed.
    """
    folder = corpus_folder()
    kept = home() / "cache" / f"chorales-{importlib.metadata.version('music21')}-{_FORM}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        return tuple(_thawed(one) for one in json.loads(kept.read_text(encoding="utf-8")))
    found = read_folder(folder)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps([_frozen(one) for one in found]), encoding="utf-8")
        part.replace(kept)
    return found


def corpus_folder() -> Path:
    """Where music21 keeps Bach's scores.

    Raises:
        MissingExtra: it is not installed, or was installed without its corpus.
    """
    spec = importlib.util.find_spec("music21")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "corpus" / "bach"
        if folder.is_dir():
            return folder
    raise MissingExtra("music21", "course")


def read_folder(folder: Path) -> tuple[Chorale, ...]:
    """Every .mxl file in a folder that is a chorale, by name."""
    found: list[Chorale] = []
    for file in sorted(folder.glob("*.mxl")):
        with suppress(NoChorale):
            found.append(read_packed(file.stem, file.read_bytes()))
    return tuple(found)


def _frozen(one: Chorale) -> dict[str, Any]:
    return dict(vars(one))


def _thawed(kept: dict[str, Any]) -> Chorale:
    soprano, alto, tenor, bass = (
        tuple((pitch, length) for pitch, length in voice) for voice in kept.pop("voices")
    )
    fermatas = tuple(kept.pop("fermatas"))
    return Chorale(voices=(soprano, alto, tenor, bass), fermatas=fermatas, **kept)
