"""Notebooks, run by a real kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

SETUP = """
import asyncio
from agentlab import Agent, Message, ToolCall, ToolContext, live
from agentlab.backends.scripted import Scripted

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

def draw(context: ToolContext) -> str:
    "Draw a point, and hum."
    context.attach("<dot>.gif", b"GIF89a", "image/gif")
    context.attach("hum.wav", b"RIFF", "audio/wav")
    context.attach("x.svg", b"<svg/>", "image/svg+xml")
    return "drawn"

def drawer():
    asks = Message.assistant(ToolCall(id="1", name="draw", arguments="{}"))
    return Agent(backend=Scripted([asks, "There."]), tools=[draw])

def agent(pace=0.0):
    asks = Message.assistant(ToolCall(id="1", name="add", arguments='{"a": 2, "b": 3}'))
    return Agent(backend=Scripted([asks, "It is <five>."], pace=pace), tools=[add])
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """What each cell put out."""
    nbclient = pytest.importorskip("nbclient")
    home = tmp_path_factory.mktemp("home")
    sources = [
        SETUP,
        "agent().run_sync('?')",
        "result = await live(agent(pace=0.1).run('?'))",
        "print((await agent().run('?')).text, asyncio.get_running_loop().is_running())",
        "agent().with_(backend=Scripted([ValueError('no such thing')])).run_sync('?')",
        "drawer().run_sync('?')",
        "await live(drawer().run('?'))",
        "result.path.name in [p.name for p in result.path.parent.iterdir()]",
    ]
    new: Any = nbformat.v4
    book = new.new_notebook(cells=[new.new_code_cell(source) for source in sources])
    before = dict(os.environ)
    os.environ["AGENTLAB_HOME"] = str(home)
    try:
        nbclient.NotebookClient(
            book,
            timeout=120,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(home)}},
        ).execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert Path(home, "runs").is_dir()
    return [cell.outputs for cell in book.cells]


def test_run_sync_works_in_a_cell_and_its_result_is_a_table(cells):
    (shown,) = cells[1]
    page = shown.data["text/html"]
    assert "<table" in page
    assert "add(a=2, b=3)" in page
    assert "It is &lt;five&gt;." in page
    assert "completed" in page


def test_a_live_run_ends_as_all_that_happened(cells):
    (shown,) = [out for out in cells[2] if out.output_type == "display_data"]
    page = shown.data["text/html"]
    assert page.index("add(a=2, b=3)") < page.index("It is &lt;five&gt;.") < page.index("completed")


def test_a_run_can_be_awaited_in_a_cell(cells):
    (said,) = cells[3]
    assert said.text == "It is <five>. True\n"


def test_what_goes_wrong_in_a_run_is_raised_in_the_cell(cells):
    (error,) = cells[4]
    assert (error.output_type, error.ename) == ("error", "ValueError")


def test_its_trace_is_kept(cells):
    (said,) = cells[7]
    assert said.data["text/plain"] == "True"


@pytest.mark.parametrize("cell", [5, 6])
def test_pictures_and_sounds_are_shown_and_no_program_is(cells, cell: int):
    """Of a result, and of a run that was live."""
    *_, shown = [out for out in cells[cell] if "text/html" in out.get("data", {})]
    page = shown.data["text/html"]
    assert '<img alt="&lt;dot&gt;.gif" src="data:image/gif;base64,R0lGODlh"' in page
    assert '<audio controls title="hum.wav" src="data:audio/wav;base64,UklGRg=="' in page
    assert "svg+xml" not in page
