"""Every lab that comes along, on the real model: its checks can tell right from wrong."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest

from agentlab.backend import Backend
from agentlab.backends import connect
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.labs.prove import prove

STARTED = time.monotonic()
LABS = dict(list_folders(lab_roots()))


@cache
def model(name: str) -> Backend:
    """On one thread: the machine that runs the tests may be busy with others."""
    return connect(name, threads=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft about transformers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("folder", LABS.values(), ids=LABS.keys())
async def test_the_solution_passes_and_every_wrong_answer_is_rejected(
    folder: Path, pytestconfig: pytest.Config
):
    most: float = pytestconfig.getoption("--proof-minutes")
    if time.monotonic() - STARTED > 60 * most:
        pytest.skip("no time was left for this proof")
    lab = load(folder)
    proofs = [proof async for proof in prove(lab, model(lab.backend))]
    assert {proof.answer for proof in proofs} >= {"solution", "starter"}
    wrong = [f"{p.step}/{p.answer}: {p.reason}" for p in proofs if not p.holds]
    assert wrong == []
