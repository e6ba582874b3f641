"""What a trace from elsewhere may choose, at the terminal and on the screen alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tui_world import services

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.places.trust import model_of
from agentlab.trace import Trace
from agentlab_tui.forking import Change, start_fork

SAID = {"role": "user", "parts": [{"kind": "text", "text": "hi"}]}
START = {"seq": 0, "at": 1.0, "event": {"kind": "run_started", "messages": [SAID]}}


def trace_of(folder: Path, model: str) -> Trace:
    """A trace that somebody sent, which names this model."""
    header = {
        "format": "agentlab-trace",
        "version": 1,
        "run": "evil",
        "created": 1.0,
        "backend": {"name": model, "model": "m"},
    }
    path = folder / "elsewhere.jsonl"
    path.write_text(f"{json.dumps(header)}\n{json.dumps(START)}\n", encoding="utf-8")
    return Trace.load(path)


@pytest.mark.parametrize(
    "named",
    [
        "https://evil.example/v1#m",
        "openai:gpt-5",
        "ollama:x",
        "hf:evil/repo/file.gguf",
        "job:last",
        "/tmp/evil.gguf",
        "local:smollm2+/tmp/evil.gguf",
        "local:no-such-model",
        "evil:plugin",
    ],
)
async def test_a_hostile_trace_makes_neither_terminal_nor_screen_connect(
    tmp_path: Path, named: str
) -> None:
    trace = trace_of(tmp_path, named)
    with pytest.raises(ConfigError, match="choose that model yourself"):
        model_of(trace, None, own=False)
    opened: list[str] = []

    def connect(name: str) -> Any:
        opened.append(name)
        return Scripted(["Hello."])

    here = services(tmp_path / "home", connect)
    with pytest.raises(ConfigError, match="choose that model yourself"):
        async with start_fork(here, trace, Change(at=0, how="say", text=""))(lambda _: None):
            pass
    assert opened == []
    chosen = Change(at=0, how="say", text="", backend="local:smollm2")
    async with start_fork(here, trace, chosen)(lambda _: None) as run:
        await run
    assert opened == ["local:smollm2"]
