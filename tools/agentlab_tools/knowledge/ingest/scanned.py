"""Pages that were scanned: their pictures, read by `tesseract` where that is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from typing import Any

_SMALLEST = 100
"""Pixels; smaller pictures are ornaments."""
_MOST_PIXELS = 60_000_000
_SECONDS = 60


def recogniser() -> str | None:
    """The program that reads scanned pages, where it is installed."""
    return shutil.which("tesseract")


def recognised(page: Any) -> str:
    """The text in the pictures of a page of pypdf; empty where there is none, or no recogniser."""
    program = recogniser()
    if program is None:
        return ""
    parts: list[str] = []
    for image in page.images:
        with suppress(Exception):  # a picture in a format that can't be read
            picture = image.image
            if min(picture.size) >= _SMALLEST and picture.width * picture.height <= _MOST_PIXELS:
                parts.append(_read(program, picture))
    return "\n\n".join(part for part in parts if part)


def _read(program: str, picture: Any) -> str:
    data = io.BytesIO()
    picture.convert("L").save(data, "PNG")
    done = subprocess.run(
        [program, "-", "-", "-l", _languages(program)],
        input=data.getvalue(),
        capture_output=True,
        timeout=_SECONDS,
        check=True,
        env={"OMP_THREAD_LIMIT": "1", "PATH": ""},
    )
    return done.stdout.decode("utf-8", "replace").strip("\f\n ")


@cache
def _languages(program: str) -> str:
    """All languages that are installed."""
    listed = subprocess.run(
        [program, "--list-langs"], capture_output=True, timeout=_SECONDS, check=True
    ).stdout.decode()
    names = [line.strip() for line in listed.splitlines()[1:]]
    return "+".join(name for name in names if name and name != "osd") or "eng"
