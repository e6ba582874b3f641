"""What a learner has typed and passed, on disk at once.

    progress/m5/tool-use/progress.json      {"version": 1, "passed": {"first-call": 1764000000.0}}
    progress/m5/tool-use/first-call.toml    the answer, as typed
    progress/m5/tool-use/earlier/first-call.toml.3     what it was when it was last tried, or reset

Files are replaced whole, so a crash leaves the old one or the new one, never half of one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.errors import AgentLabError
from agentlab.private import FILE_MODE, private_folder

if TYPE_CHECKING:
    from agentlab_tui.lab_progress import LabProgress, PassedWith


class ProgressError(AgentLabError):
    """Progress can't be written; what is on the screen is not lost yet."""


@dataclass(frozen=True)
class ProgressStore:
    """Progress and answers under one folder."""

    folder: Path

    def lab(self, lab: str) -> LabProgress:
        """The progress of a lab; a file that can't be understood is kept aside, and none counts."""
        from pydantic import ValidationError  # not before the first screen

        from agentlab_tui.lab_progress import LabProgress

        path = self._file(lab)
        try:
            return LabProgress.model_validate_json(path.read_bytes())
        except OSError:
            return LabProgress()
        except ValidationError:
            with suppress(OSError):
                path.replace(path.with_suffix(".json.unreadable"))
            return LabProgress()

    def set_passed(
        self, lab: str, step: str, at: float, passed_with: PassedWith | None = None
    ) -> LabProgress:
        """A step was passed with the learner's own answer."""
        now = self.lab(lab)
        change: dict[str, object] = {"passed": {**now.passed, step: at}}
        if passed_with is not None:
            change["passed_with"] = {**now.passed_with, step: passed_with}
        return self._save(lab, now.model_copy(update=change))

    def set_seen(self, lab: str, step: str, at: float) -> LabProgress:
        """A step was tried or watched."""
        now = self.lab(lab)
        return self._save(lab, now.model_copy(update={"seen": {**now.seen, step: at}}))

    def set_last(self, lab: str, step: str) -> LabProgress:
        """The learner is at this step."""
        return self._save(lab, self.lab(lab).model_copy(update={"last": step}))

    def answer_path(self, lab: str, file: str) -> Path:
        """Where an answer lies, if there is one. `file` is named after its step."""
        return self.folder / lab / file

    def read_text(self, lab: str, file: str) -> str | None:
        """The answer as typed; None where there is none.

        Raises:
            ProgressError: it is there, but can't be read.
        """
        path = self.answer_path(lab, file)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ProgressError(f"your answer in {path} can't be read: {_why(error)}") from error

    def save_text(self, lab: str, file: str, text: str) -> None:
        """Keep an answer as typed.

        Raises:
            ProgressError: the folder can't be written.
        """
        replace_file(self.answer_path(lab, file), text)

    def keep_version(self, lab: str, file: str, text: str) -> None:
        """Keep an answer beside the one that is worked on. One that is kept already is not again.

        Raises:
            ProgressError: the folder can't be written.
        """
        if text in self.versions(lab, file):
            return
        newest = max((int(path.suffix[1:]) for path in self._earlier(lab, file)), default=0)
        replace_file(self.folder / lab / "earlier" / f"{file}.{newest + 1}", text)

    def versions(self, lab: str, file: str) -> tuple[str, ...]:
        """The answers that were kept, newest first; those that can't be read are left out."""
        texts: list[str] = []
        for path in self._earlier(lab, file):
            with suppress(OSError, UnicodeDecodeError):
                texts.append(path.read_text(encoding="utf-8"))
        return tuple(texts)

    def _earlier(self, lab: str, file: str) -> list[Path]:
        copies = (self.folder / lab / "earlier").glob(f"{file}.*")
        numbered = (path for path in copies if path.suffix[1:].isdecimal())
        return sorted(numbered, key=lambda path: int(path.suffix[1:]), reverse=True)

    def _file(self, lab: str) -> Path:
        return self.folder / lab / "progress.json"

    def _save(self, lab: str, progress: LabProgress) -> LabProgress:
        replace_file(self._file(lab), progress.model_dump_json(indent=2))
        return progress


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ProgressError: the folder can't be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        private_folder(path.parent)
        try:
            # lone surrogates can be pasted, but are not text that a file can hold
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(part, flags, FILE_MODE), "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ProgressError(
            f"{path} can't be saved: {_why(error)}; free some space or set AGENTLAB_HOME"
        ) from error


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
