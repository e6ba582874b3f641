"""Files of this package that programs in a sandbox import, as text."""

from __future__ import annotations

from pathlib import Path


def source(name: str) -> str:
    """The text of a file that needs nothing else of ours."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
