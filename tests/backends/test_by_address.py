"""A run whose model was given by its address goes on from its own trace, against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from real_servers import llama_server

from agentlab import Agent, Settings
from agentlab.backends import connect
from agentlab.cli.main import cli
from agentlab.errors import ConfigError
from agentlab.replay.rebuild import rebuild
from agentlab.trace import Trace


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    pytest.importorskip("xllamacpp", reason="llama.cpp's server is not installed")
    with llama_server() as url:
        yield f"{url}/v1"


SHORT = Settings(max_tokens=4)


def recorded(name: str, runs: Path) -> Path:
    async def run() -> Path | None:
        backend = connect(name)
        try:
            return (await Agent(backend=backend, settings=SHORT, runs=runs).run("Say hi.")).path
        finally:
            await backend.aclose()

    path = asyncio.run(run())
    assert path is not None
    return path


def agentlab(home: Path, *args: str) -> str:
    done = CliRunner().invoke(cli, args, env={"AGENTLAB_HOME": str(home)}, standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def as_once_written(path: Path) -> None:
    """Give a trace the name that traces once had for a model behind an address."""
    first, _, rest = path.read_text().partition("\n")
    header = json.loads(first)
    header["backend"]["name"] = header["backend"]["name"].replace("#", ":")
    path.write_text(json.dumps(header) + "\n" + rest)


def cut(path: Path, lines: int) -> None:
    """Leave a trace as a crash would have left it."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


def answers(runs: Path) -> list[tuple[str, str]]:
    """Model and last event of every run there is."""
    traces = [Trace.load(path) for path in sorted(runs.glob("*.jsonl"))]
    return [(trace.header.backend.name, trace.events[-1].kind) for trace in traces]


@pytest.mark.parametrize("once", [False, True], ids=["as written now", "as once written"])
def test_it_is_forked_resumed_and_verified(address: str, once: bool, tmp_path: Path) -> None:
    runs, name = tmp_path / "runs", f"{address}#smollm2"
    path = recorded(name, runs)
    first = str(path)
    assert Trace.load(path).header.backend.name == name
    if once:
        as_once_written(path)
        assert f"{address}:smollm2" in path.read_text()
    agentlab(tmp_path, "replay", first)
    assert "another model" not in agentlab(tmp_path, "replay", first, "--verify")
    agentlab(tmp_path, "fork", first, "--at", "0", "--prompt", "Say ho.")
    cut(path, 2)
    agentlab(tmp_path, "resume", first)
    assert answers(runs) == [(name, "run_finished")] * 2


@pytest.mark.parametrize("protocol", ["chat", "responses", "anthropic"])
async def test_it_is_asked_over_the_protocol_it_was_asked_over(
    address: str, protocol: Any, tmp_path: Path
) -> None:
    at = address.removesuffix("/v1") if protocol == "anthropic" else address
    backend = connect(f"{at}#smollm2", protocol=protocol)
    run = await Agent(backend=backend, settings=SHORT, runs=tmp_path).run("Say hi.")
    trace = Trace.load(run.path or tmp_path)
    again = rebuild(trace).backend
    assert again.identity == backend.identity == trace.header.backend
    assert again.identity.details["protocol"] == protocol
    await again.aclose()
    await backend.aclose()


def test_a_strangers_trace_still_chooses_no_address(address: str, tmp_path: Path) -> None:
    path = recorded(f"{address}#smollm2", tmp_path / "runs")
    for spelled in (path.read_text(), path.read_text().replace("#smollm2", ":smollm2")):
        theirs = tmp_path / "theirs.jsonl"
        theirs.write_text(spelled)
        for args in (["fork", str(theirs), "--at", "0"], ["resume", str(theirs)]):
            with pytest.raises(ConfigError, match="choose that model yourself"):
                agentlab(tmp_path, *args)
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1
