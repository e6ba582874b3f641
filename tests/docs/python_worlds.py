"""What the Python of a page finds there: files, servers, and the names it takes as given.

A world yields those names, and looks afterwards at what the page made.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import pytest
from doc_pages import ROOT, Elsewhere, blocks

from agentlab import Agent, Message, ToolCall, ToolContext, tool
from agentlab.backends.scripted import Scripted
from agentlab.trace import Trace

Names: TypeAlias = dict[str, Any]
World: TypeAlias = Callable[
    [Path, pytest.MonkeyPatch, pytest.FixtureRequest], AbstractAsyncContextManager[Names]
]

NOT_RUN: Mapping[str, Elsewhere] = {
    "training": Elsewhere(
        "trains and converts for minutes, which small models do in seconds",
        (
            "train/test_jobs.py::test_watching_shows_a_job_up_to_its_end",
            "train/test_jobs.py::test_after_kill_9_a_job_is_lost_and_resumes_to_the_very_same_end",
            "train/test_bridge_smollm2.py::"
            "test_the_exported_model_foretells_what_the_loaded_one_does",
            "train/test_bridge.py::test_a_quantized_file_is_smaller_and_still_speaks",
            "train/test_bridge.py::test_a_running_backend_takes_an_adapter_and_names_it_by_its_hash",
            "train/test_bridge.py::test_a_merged_adapter_is_the_adapter_on_its_base",
        ),
    ),
}

ADD = Message.assistant(ToolCall(id="call_1", name="add", arguments='{"a": 1, "b": 2}'))


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class _Answers(BaseHTTPRequestHandler):
    """A page about tea; and a service that speaks Anthropic's protocol."""

    def do_GET(self) -> None:
        here = self.path == "/tea"
        self._send(200 if here else 404, "text/html", b"<h1>Tea</h1><p>Tea is a drink.</p>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        said: list[tuple[str, Mapping[str, Any]]] = [
            (
                "message_start",
                {
                    "message": {
                        "id": "m1",
                        "type": "message",
                        "role": "assistant",
                        "content": [],
                        "model": "claude-sonnet-5",
                        "usage": {"input_tokens": 9, "output_tokens": 1},
                    }
                },
            ),
            ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "42"}}),
            ("content_block_stop", {"index": 0}),
            (
                "message_delta",
                {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            ),
            ("message_stop", {}),
        ]
        lines = (f"event: {n}\ndata: {json.dumps({'type': n, **d})}\n\n" for n, d in said)
        self._send(200, "text/event-stream", "".join(lines).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@asynccontextmanager
async def _served(port: int = 0) -> AsyncGenerator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", port), _Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@asynccontextmanager
async def _contributing(*_: object) -> AsyncGenerator[Names]:
    names: Names = {"__name__": "example"}
    yield names
    said: list[str] = []
    call = ToolCall(id="c", name="word_count", arguments='{"text": "one two"}')
    result = await names["word_count"].call(call, ToolContext(emit=said.append))
    assert (result.content, said) == ("2", ["counting…"])


@asynccontextmanager
async def _backends(_: Path, patch: pytest.MonkeyPatch, __: object) -> AsyncGenerator[Names]:
    import agentlab

    patch.setenv("ANTHROPIC_API_KEY", "none")
    async with _served() as port:
        there = partial(agentlab.connect, base_url=f"http://127.0.0.1:{port}")
        patch.setattr(agentlab, "connect", there, raising=False)
        names: Names = {"name": "anthropic:claude-sonnet-5"}
        yield names
    assert names["item"].message.text == "42"
    await names["backend"].aclose()


@asynccontextmanager
async def _data(folder: Path, *_: object) -> AsyncGenerator[Names]:
    (folder / "2024").mkdir()
    (folder / "2024" / "sales.csv").write_text("day,region,amount\n2024-01-01,North,12.5\n")
    names: Names = {"Agent": Agent, "backend": Scripted(["done"])}
    yield names
    assert names["agent"].tools[0].name == "query_data"


@asynccontextmanager
async def _evaluation(folder: Path, *_: object) -> AsyncGenerator[Names]:
    from agentlab.labs import AgentAnswer

    (folder / "sums.jsonl").write_text('{"id": "easy", "input": "17 * 23?", "expect": 391}\n')
    yield {
        "path": folder / "sums.jsonl",
        "answer": AgentAnswer(instructions="Answer."),
        "backend": Scripted(["It is 391."] * 3),
        "runs": folder / "runs",
    }


@asynccontextmanager
async def _frameworks(folder: Path, *_: object) -> AsyncGenerator[Names]:
    pytest.importorskip("langchain_core", reason="langchain-core is not installed")
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
    (folder / "tea.md").write_text("# Tea\n\nTea takes four minutes.\n")
    names: Names = {"path": folder / "tea.md"}
    yield names
    assert names["person"].name == "Ada"
    assert names["call"]["name"] == "add"
    assert [call.name for call in names["result"].messages[-3].tool_calls] == ["multiply"]
    assert names["found"][0].metadata["citation"] == "tea.md:3"
    assert str(names["output"]) == "40"
    assert names["answer"].source_nodes[0].metadata["citation"] == "tea.md:3"


@asynccontextmanager
async def _knowledge(folder: Path, *_: object) -> AsyncGenerator[Names]:
    (folder / "docs").mkdir()
    (folder / "docs" / "exact.md").write_text("# Exact\n\nA run is exact with a clear cache.\n")
    names: Names = {}
    yield names
    assert names["found"].source.file == "docs/exact.md"
    assert "exact" in names["found"].quote.text


@asynccontextmanager
async def _labs(*_: object) -> AsyncGenerator[Names]:
    from contextlib import asynccontextmanager as manager

    from agentlab.labs import Case, CaseRun, Equipment
    from agentlab.labs.checks import every, says_number, share
    from agentlab.labs.declare import Drawn, code_step
    from agentlab_tools.execute import Sandbox
    from agentlab_tools.execute.equipment import equipped

    class Answers:
        """The page's own `answers.py`."""

        def __getattr__(self, name: str) -> object:
            return names[name]

    names: Names = {
        "__name__": "example",
        "asynccontextmanager": manager,
        "AsyncGenerator": AsyncGenerator,
        "CaseRun": CaseRun,
        "Drawn": Drawn,
        "answers": Answers(),
        "code_step": code_step,
        "equipped": equipped,
        "every": every,
        "lists": lambda rng, count: [Case(str(rng.random())) for _ in range(count)],
        "out_of_order": lambda shown, expect: None if shown == expect else "out of order",
        "Equipment": Equipment,
        "Sandbox": Sandbox,
        "says_number": says_number,
        "share": share,
        "LENGTHS_COUNT": "order = (vectors @ query).argsort()[::-1]",
        "WORST_FIRST": "order = scores.argsort()",
    }
    yield names
    (wrong,), (mistakes,) = names["wrong"], names["mistakes"]  # keywords of a step, commas and all
    assert mistakes.keys() == wrong.keys()
    step = names["sort"]
    for answer, result in (
        (step.solution, [1, 2]),
        (step.also["in-a-copy"], [1, 2]),
        (step.wrong["upside-down"], [2, 1]),
    ):
        program: Names = {}
        exec(answer.code, program)
        assert program["sort"]([2, 1]) == result
    async with names["sandbox"]() as equipment:
        assert (await equipment.deps.run_python("1 + 1")).value == "2"


@asynccontextmanager
async def _mcp(_: Path, patch: pytest.MonkeyPatch, __: object) -> AsyncGenerator[Names]:
    here = Path(sys.executable).parent  # where the page's server is installed
    patch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
    names: Names = {"Agent": Agent, "backend": Scripted(["done"])}
    yield names
    assert "get_current_time" in [tool.name for tool in names["agent"].tools]


@asynccontextmanager
async def _plugins(*_: object) -> AsyncGenerator[Names]:
    names: Names = {"__name__": "greetings"}
    yield names
    from click.testing import CliRunner

    assert CliRunner().invoke(names["hello"]).output == "hello from a plugin\n"
    echo = names["ECHO"].opens("echo:hi")
    agent = Agent(backend=echo, tools=[names["greeting"]], runs=None)
    assert (await agent.run("?")).text == "hi"


@asynccontextmanager
async def _replay(
    folder: Path, _: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncGenerator[Names]:
    agent = Agent(backend=Scripted([ADD, "3", "391", "again"]), tools=[add], runs=folder / "runs")
    made = (await agent.run("Add.")).path
    assert made is not None
    lines = made.read_text().splitlines(keepends=True)
    name = "20261124-101530-482f9ac2b17"
    broken = made.with_name(f"{name}.jsonl")  # a run that broke off after its call
    broken.write_text("".join(lines[:5]).replace(made.stem, name))
    (folder / "runs" / "adds.jsonl").write_text("".join(lines))
    again = Agent(backend=Scripted([ADD, "391", "again"]), tools=[add], runs=folder / "runs")
    names: Names = {"Path": Path, "agent": again, "my_agent": agent}
    yield names
    assert names["found"].difference is None
    assert not names["comparison"].same
    assert names["result"].outcome == "completed"
    assert isinstance(names["trace"], Trace)
    fixture = request.getfixturevalue("agentlab_trace")

    def replayed(path: str, *, agent: Agent[Any]) -> Any:
        return fixture(folder / path, agent=agent)  # which would look beside this file

    names["test_the_agent_still_adds"](replayed)

    def wrong(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b + 1

    names["my_agent"] = agent.with_(tools=[tool(name="add")(wrong)])
    (told,) = [b.code for b in blocks(ROOT / "docs" / "replay.md") if "came out" in b.code]
    with pytest.raises(pytest.fail.Exception) as failed:
        names["test_the_agent_still_adds"](replayed)
    assert str(failed.value).strip() == told.replace(name, made.stem).strip()


@asynccontextmanager
async def _sandbox(*_: object) -> AsyncGenerator[Names]:
    yield {}


@asynccontextmanager
async def _web(*_: object) -> AsyncGenerator[Names]:
    with socket.socket() as found:
        if found.connect_ex(("127.0.0.1", 8000)) == 0:
            pytest.skip("something else listens at port 8000, which the page names")
    async with _served(8000):
        names: Names = {"Agent": Agent, "backend": Scripted(["done"])}
        yield names
        assert "Tea is a drink." in names["page"].text


WORLDS: Mapping[str, World] = {
    "CONTRIBUTING": _contributing,
    "backends": _backends,
    "data": _data,
    "evaluation": _evaluation,
    "frameworks": _frameworks,
    "knowledge": _knowledge,
    "labs": _labs,
    "mcp": _mcp,
    "plugins": _plugins,
    "replay": _replay,
    "sandbox": _sandbox,
    "web": _web,
}
