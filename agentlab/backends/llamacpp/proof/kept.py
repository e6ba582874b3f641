"""Verdicts on disk: one small file each, in the user's cache, or where that can't be written.

A verdict lies under what is in the library's files. Reading these takes a while, so a second file
says what was in the files as they lie there.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from platformdirs import user_cache_path

from agentlab.backends.llamacpp.proof.installed import Installed


def look_up(runtime: Installed) -> dict[str, Any] | None:
    """What was remembered of this library on this processor."""
    with contextlib.suppress(OSError):
        name = runtime.seen()
        pointer = _read(f"seen-{name}")
        if pointer is not None:
            return _read(str(pointer.get("content")))
        content = runtime.content()
        record = _read(content)
        if record is not None:
            _write(f"seen-{name}", {"content": content})
        return record
    return None


def remember(runtime: Installed, record: Mapping[str, Any]) -> None:
    """Keep it; where nothing can be written, the next process finds out again."""
    with contextlib.suppress(OSError):
        content = runtime.content()
        _write(content, record)
        _write(f"seen-{runtime.seen()}", {"content": content})


def _folders() -> Iterator[Path]:
    yield user_cache_path("agentlab", appauthor=False) / "runtime"
    if hasattr(os, "getuid"):
        # a home that can't be written to, as in many containers
        yield Path(tempfile.gettempdir()) / f"agentlab-runtime-{os.getuid()}"


def _ours(folder: Path) -> bool:
    # in a folder that all can write to, another user might have been there first
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _read(name: str) -> dict[str, Any] | None:
    for folder in _folders():
        with contextlib.suppress(OSError, ValueError):
            text = (folder / f"{name}.json").read_text(encoding="utf-8")
            record = json.loads(text)
            if isinstance(record, dict) and _ours(folder):
                return cast(dict[str, Any], record)
    return None


def _write(name: str, record: Mapping[str, Any]) -> None:
    for folder in _folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _ours(folder):
                continue
            partial = folder / f"{name}.{os.getpid()}"
            partial.write_text(json.dumps(record), encoding="utf-8")
            partial.replace(folder / f"{name}.json")
        except OSError:
            continue
        return
