"""What the app remembers between two times: its look, the playground's set-up and its last talk.

    tui.json      {"theme": "agentlab-light", "playground": {"backend": "local:smollm2", …}}

A file that can't be read or written costs the memory, never the session.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from agentlab_tui.progress import ProgressError, replace_file


@dataclass(frozen=True)
class ChoiceStore:
    """Choices by name, as plain JSON, in one file; without a file nothing is remembered."""

    file: Path | None = None

    def get(self, name: str) -> Any:
        """What was chosen, as JSON data; None where nothing was."""
        return self._all().get(name)

    def put(self, name: str, value: Any) -> str:
        """Remember a choice. Returns one line on why that failed, or nothing."""
        if self.file is None:
            return ""
        try:
            replace_file(self.file, json.dumps({**self._all(), name: value}, indent=2))
        except ProgressError as error:
            return str(error)
        return ""

    def _all(self) -> dict[str, Any]:
        if self.file is None:
            return {}
        try:
            stored: object = json.loads(self.file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return cast(dict[str, Any], stored) if isinstance(stored, dict) else {}
