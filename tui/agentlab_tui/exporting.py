"""Runs, written out for other programs: a page to read, a line to train on, spans."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from agentlab.errors import TraceError

Kind: TypeAlias = Literal["html", "chat", "otel", "files"]

KINDS: dict[Kind, tuple[str, str]] = {
    "html": (".html", "A page to read or send on, complete in one file"),
    "chat": (".chat.jsonl", "The conversation as a training example (OpenAI's chat format)"),
    "otel": (".otel.json", "OpenTelemetry spans, without what was said"),
    "files": ("-files", "A folder of its pictures, sounds and other files"),
}


def write_export(run: Path, kind: Kind, target: Path) -> None:
    """Write a run out. API keys in this environment are looked for and blanked.

    Raises:
        AgentLabError: the run can't be read, makes no example or no files, or there is no room.
    """
    from agentlab.export.select import load_without
    from agentlab.places.models import known_secrets

    trace = load_without(run, known_secrets())
    match kind:
        case "files":
            from agentlab.export.files import write_files

            if not write_files(trace, target):
                raise TraceError("this run holds no pictures, sounds or files")
            return
        case "html":
            from agentlab.export.html import page

            text = page(trace)
        case "chat":
            from agentlab.export.chat import NotAnExample, lines

            try:
                text = "".join(f"{line}\n" for line in lines(trace))
            except NotAnExample as why:
                raise TraceError(f"this run makes no example: {why}") from why
        case "otel":
            from agentlab.export.otel import spans_of
            from agentlab.export.otel_sdk import otlp_json

            text = otlp_json(spans_of(trace, content=False)) + "\n"
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise TraceError(f"{target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
