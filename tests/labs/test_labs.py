"""Every lab that comes along, on the real model: its checks can tell right from wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from proving import proofs_of

from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders

STARTED = time.monotonic()
LABS = dict(list_folders(lab_roots()))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("folder", LABS.values(), ids=LABS.keys())
def test_the_solution_passes_and_every_wrong_answer_is_rejected(
    folder: Path, tmp_path: Path, pytestconfig: pytest.Config
):
    most = pytestconfig.getoption("--proof-minutes")
    assert isinstance(most, float)
    if time.monotonic() - STARTED > 60 * most:
        pytest.skip("no time was left for this proof")
    proofs = proofs_of(folder, tmp_path)
    assert {proof.answer for proof in proofs} >= {"solution", "starter"}
    wrong = [f"{p.step}/{p.answer}: {p.reason}" for p in proofs if not p.holds]
    assert wrong == []
