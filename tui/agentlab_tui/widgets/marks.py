"""The signs for how far one is, the same on every screen."""

from __future__ import annotations

MARKS = {
    "passed": ("✔", "$success"),
    "seen": ("◐", "$accent"),
    "open": ("○", "$quiet"),
}
