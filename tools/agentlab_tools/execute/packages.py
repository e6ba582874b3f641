"""Which installed packages a sandbox gets, with all that they need, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from agentlab.errors import ConfigError

OURS = ("agentlab", "agentlab_tools")
"""Modules of our own that a sandbox can have, without the labs and their answers."""

_NAME = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
"""A requirement's name, and the extras that it asks for."""
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)""")
_DISTRIBUTION = "agentlab-kit"


@dataclass(frozen=True)
class Packages:
    """Files and folders to show inside, and module names to import before the first cell."""

    entries: tuple[Path, ...] = ()
    imports: tuple[str, ...] = ()


@lru_cache(maxsize=32)
def resolve(names: tuple[str, ...]) -> Packages:
    """The packages under these distribution names, and those they require.

    Args:
        names: of distributions, or of `OURS`, which are found however AgentLab is installed.

    Raises:
        ConfigError: one of the names is not installed.
    """
    entries: dict[Path, None] = {}
    imports: dict[str, None] = {}
    todo = [(name, frozenset[str]()) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop(0)
        key = _normal(name)
        if (key, extras) in seen:
            continue
        seen.add((key, extras))
        if name in OURS:
            entries[_folder(name)] = None
            todo += _required(metadata.distribution(_DISTRIBUTION), extras)
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in names:
                raise ConfigError(
                    f"package {name} is not installed, so no sandbox can have it: "
                    f"pip install {name}, or leave it out"
                ) from None
            continue  # a requirement of another platform, or an optional one
        tops = _tops(distribution)
        entries |= dict.fromkeys(tops)
        if name in names:
            imports |= {top.name.partition(".")[0]: None for top in tops if _is_module(top)}
            if key == "matplotlib":
                imports["matplotlib.pyplot"] = None
        todo += _required(distribution, extras)
    return Packages(tuple(entries), tuple(imports))


def _required(
    distribution: metadata.Distribution, extras: frozenset[str]
) -> list[tuple[str, frozenset[str]]]:
    """The names of what it requires, alone and for these extras; each with the extras it asks."""
    found: list[tuple[str, frozenset[str]]] = []
    for requirement in distribution.requires or ():
        matched, only_for = _NAME.match(requirement), _EXTRA.search(requirement)
        if matched and (only_for is None or _normal(only_for[1]) in extras):
            asked = (matched[2] or "").split(",")
            found.append((matched[1], frozenset(_normal(one.strip()) for one in asked if one)))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _folder(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ConfigError(f"{module} is not here, so no sandbox can have it")
    return Path(spec.origin).parent


def _tops(found: metadata.Distribution) -> list[Path]:
    base = Path(str(found.locate_file("")))
    first = {file.parts[0] for file in found.files or () if file.parts}
    paths = [base / name for name in sorted(first - {"..", "__pycache__", "/"})]
    return [path for path in paths if path.exists() and path.suffix != ".pth"]


def _is_module(top: Path) -> bool:
    return not top.name.startswith("_") and (
        (top / "__init__.py").is_file() or (top.suffix == ".py" and top.is_file())
    )
