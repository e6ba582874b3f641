"""m0/notebook: kernels in the sandbox, and what is said of saved notebooks is so in them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import nbformat
import pytest

from agentlab.errors import ConfigError, MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.execute import CellResult, Sandbox

SEEDS = range(12)
needs_kernel = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("nbclient", "ipykernel")), reason="no Jupyter here"
)


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/notebook", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return sys.modules[code_step(lab, "find").cases.__module__.replace("cases", name)]


def code_step(lab: Lab, id: str) -> CodeStep:
    step = lab.step(id)
    assert isinstance(step, CodeStep)
    return step


@asynccontextmanager
async def kernel_of(lab: Lab) -> AsyncGenerator[Any]:
    async with lab.equip() as equipment, part(lab, "kernels").kernels(equipment.deps) as kernel:
        yield kernel


def test_a_text_is_the_cells_between_its_marks(lab: Lab):
    cells = part(lab, "cells")
    text = "x = 1\n# %% [7]\n\n# %% [markdown]\n# A heading\n# %% parameters\ny = '# %% no'\n"
    found = cells.cells_in(text + "\n#%% no\n# %%\n\nz = y\n")
    assert [cell.source for cell in found] == ["x = 1", "y = '# %% no'\n\n#%% no", "z = y"]
    assert [cell.source for cell in cells.below_parameters(found)] == ["z = y"]
    assert cells.below_parameters([*found, *found]) is None
    assert cells.below_parameters(found[:1]) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_do_not_tell_what_is_sound(lab: Lab, seed: int):
    """Of those in order some break, and of those out of order some don't."""
    saved = part(lab, "saved")
    met = set[tuple[bool, bool]]()
    for kind in saved.KINDS:
        one = saved.saved(Random(seed), kind)
        nbformat.validate(one.notebook)
        counts = [c["execution_count"] for c in one.notebook["cells"] if "outputs" in c]
        met.add((counts == sorted(counts), one.breaks is None))
    assert len(met) == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_limit_that_was_left_behind_counts_others_as_slow(lab: Lab, seed: int):
    calls = part(lab, "calls")
    (case,) = part(lab, "cases").days(Random(seed), 1)
    days = [
        [line.split(",") for line in text.splitlines()[1:]]
        for text in json.loads(case.input)["days"]
    ]
    first, second = (
        [calls.Call(tool, float(took), error) for tool, took, error in day] for day in days
    )
    told = case.expect["slow"]
    assert told == [calls.slow(day, calls.limit_of(day)) for day in (first, second)]
    assert calls.slow(second, calls.limit_of(first)) != told[1]
    assert calls.slow(first, 0.0)[0] == calls.slow(first, 0.0)[1] == told[0][1]


def test_a_number_in_an_error_is_not_made_up(lab: Lab):
    made_up = part(lab, "judging").made_up
    call = {"tool": "teleport", "line": None, "error": "0 of 6 tools are called so"}
    asked = {"asked": "How many?", "calls": [call], "answer": "Of 6 tools none is called so."}
    expect = {"failed": {"mail": 3}, "asked": [None]}
    assert made_up({"asked": [asked], "straight": []}, expect) is None
    assert made_up({"asked": [asked | {"answer": "There are 2."}], "straight": []}, expect)
    zero = call | {"line": "0", "error": None}
    assert "is in no call" in made_up({"asked": [], "straight": [zero]}, expect)


@needs_kernel
async def test_a_kernel_keeps_names_and_a_fresh_one_has_none(lab: Lab):
    async with kernel_of(lab) as kernel:
        await kernel.start("a", {"calls.csv": "x\n"})
        ran = await kernel.run(["x = 20\nopen('left', 'w').write('it')", "print(x)\nx + 1"])
        assert [(one.text, one.error) for one in ran] == [("2\n", None), ("20\n21\n", None)]
        failed = await kernel.run(["1 / 0", "x"])
        assert [one.error for one in failed] == ["ZeroDivisionError: division by zero"]
        assert (await kernel.run(["x"]))[0].text == "20\n"
        written = nbformat.reads((await kernel.notebook()).decode(), as_version=4)
        nbformat.validate(written)
        assert [cell.execution_count for cell in written.cells] == [1, 2, 3, 4]
        await kernel.start("a", {})
        fresh = await kernel.run(["import os; print(sorted(os.listdir()))", "x"])
        assert fresh[0].text == "['calls.csv', 'left']\n"
        assert fresh[1].error == "NameError: name 'x' is not defined"


@needs_kernel
async def test_a_kernel_is_inside_the_sandbox_and_its_end_is_told(lab: Lab, tmp_path: Path):
    here = tmp_path / "outside"
    here.write_text("kept")
    async with kernel_of(lab) as kernel:
        await kernel.start("a", {})
        ran = await kernel.run([f"open({str(here)!r}).read()"])
        assert "FileNotFoundError" in str(ran[0].error)
        ran = await kernel.run(["import socket; socket.create_connection(('127.0.0.1', 9))"])
        assert ran[0].error
        assert "refused" not in ran[0].error
        assert (await kernel.run(["import os; os._exit(3)"]))[0].error == "the kernel died"
        await kernel.start("a", {})
        assert (await kernel.run(["1 + 1"]))[0].text == "2\n"
        with pytest.raises(ToolError, match="the kernel is gone") as raised:
            await kernel.run(["import os, signal; os.kill(os.getppid(), signal.SIGKILL)"])
        assert "\n" not in str(raised.value)


@needs_kernel
async def test_what_is_lacking_is_said_in_one_line(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    async def nothing(*_: object, **__: object) -> CellResult:
        return CellResult(outcome="error", error="there is no shell here")

    monkeypatch.setattr(Sandbox, "run_shell", nothing)
    with pytest.raises(ConfigError, match="this one starts nothing") as raised:
        async with lab.equip():
            pass
    assert "\n" not in str(raised.value)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="course"):
        async with lab.equip():
            pass


@needs_kernel
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_real_kernels_break_at_the_cell_that_is_said_to(lab: Lab):
    saved = part(lab, "saved")
    async with kernel_of(lab) as kernel:
        for seed, kind in enumerate(saved.KINDS):
            one = saved.saved(Random(seed), kind)
            await kernel.start(f"folder-{seed}", one.files)
            cells = [cell for cell in one.notebook["cells"] if cell["cell_type"] == "code"]
            ran = await kernel.run([cell["source"] for cell in cells])
            stored = ["".join(out["text"] for out in cell["outputs"]) for cell in cells]
            wrong = [n for n, r in enumerate(ran, 1) if r.error or r.text != stored[n - 1]]
            assert (wrong or [None])[0] == one.breaks, kind
