"""Which installed packages a sandbox gets, with all that they need, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from agentlab.errors import ConfigError

_NAME = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Packages:
    """Files and folders to show inside, and module names to import before the first cell."""

    entries: tuple[Path, ...] = ()
    imports: tuple[str, ...] = ()


@lru_cache(maxsize=32)
def resolve(names: tuple[str, ...]) -> Packages:
    """The packages under these distribution names, and those they require.

    Raises:
        ConfigError: one of the names is not installed.
    """
    entries: dict[Path, None] = {}
    imports: list[str] = []
    todo = list(names)
    seen: set[str] = set()
    while todo:
        name = todo.pop(0)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
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
            imports += [top.name.partition(".")[0] for top in tops if _is_module(top)]
            if key == "matplotlib":
                imports.append("matplotlib.pyplot")
        for requirement in distribution.requires or ():
            matched = _NAME.match(requirement)
            if matched and "extra ==" not in requirement.replace("==", " ==").replace("  ", " "):
                todo.append(matched.group())
    return Packages(tuple(entries), tuple(imports))


def _tops(found: metadata.Distribution) -> list[Path]:
    base = Path(str(found.locate_file("")))
    first = {file.parts[0] for file in found.files or () if file.parts}
    paths = [base / name for name in sorted(first - {"..", "__pycache__", "/"})]
    return [path for path in paths if path.exists() and path.suffix != ".pth"]


def _is_module(top: Path) -> bool:
    return not top.name.startswith("_") and (
        (top / "__init__.py").is_file() or (top.suffix == ".py" and top.is_file())
    )
