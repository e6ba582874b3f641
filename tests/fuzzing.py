"""Tests that take long are run at length by `make fuzz` alone."""

from __future__ import annotations

from hypothesis import settings


def fuzzing() -> bool:
    """Whether the profile of `make fuzz` was chosen."""
    return settings.get_current_profile_name() == "fuzz"
