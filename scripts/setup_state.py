"""What set-up remembers: in .venv what was done to it, and where clones share what is compiled."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "setup.json"
# Stamped while pip writes: stopped there, it can leave a .venv that it cannot repair, so the next
# run starts that (not the compiled runtime) afresh.
UNFINISHED = "unfinished"


def cache() -> Path:
    """Return the folder that clones on this machine share, or one of our own if it is read-only."""
    chosen = os.environ.get("AGENTLAB_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = Path.home()
    usual = home / "Library/Caches" if sys.platform == "darwin" else home / ".cache"
    shared = Path(os.environ.get("XDG_CACHE_HOME") or usual) / "agentlab"
    try:
        shared.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ROOT / "build" / "cache"
    return shared if os.access(shared, os.W_OK) else ROOT / "build" / "cache"


def stamps() -> dict[str, str]:
    """What was done, by stage."""
    try:
        return json.loads(STAMPS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stamp(**news: str) -> None:
    """Note these; what was unfinished no longer is."""
    kept = stamps()
    kept.pop(UNFINISHED, None)
    _write({**kept, **news})


def unstamp(*names: str) -> None:
    """Forget these, so that their stages are due."""
    kept = stamps()
    if kept.keys() & set(names):
        _write({name: key for name, key in kept.items() if name not in names})


def _write(all_of_them: dict[str, str]) -> None:
    text = json.dumps(all_of_them, indent=1)
    partial = STAMPS.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(STAMPS)


def key(*parts: Any) -> str:
    """A name for all of these together."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
