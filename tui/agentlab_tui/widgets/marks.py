"""The signs for how far one is, the same on every screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentlab_tui.lab_progress import Mark

MARKS: dict[Mark, tuple[str, str]] = {
    "passed": ("✔", "$success"),
    "seen": ("◐", "$accent"),
    "open": ("○", "$quiet"),
}
