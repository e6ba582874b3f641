"""What was found wrong, by the check it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast


def noted(check: str) -> Callable[[Mapping[str, Any], Any], str | None]:
    """What was found wrong for a check; what was not tried says why."""
    return lambda found, _: cast("str | None", found.get(check, "it was not tried: see above"))
