"""`agentlab check-lab --on ray`: the same proofs, whoever makes them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

from ray_cluster import cluster_of

from agentlab.labs.find import load
from agentlab.labs.prove import claims_of
from agentlab_tools.cluster.guest import packed
from agentlab_tools.cluster.prover import Assignment, Prover

LAB = Path(__file__).parents[1] / "tui" / "code_labs" / "m9" / "program"


def checked(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentlab", "check-lab", str(LAB), "--json", *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)


def proofs(*args: str) -> tuple[int, list[dict[str, Any]]]:
    done = checked("--seeds", "2", "-b", "http://127.0.0.1:1/v1#never-asked", *args)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_a_cluster_proves_a_lab_that_no_node_has(tmp_path: Path):
    with cluster_of(2) as (address, _):
        there = proofs("--on", f"ray:{address}")
        lacking = checked("--on", f"ray:{address}", "-b", "moon:1")
    assert there == proofs()
    assert {proof["role"] for proof in there[1]} >= {"solution", "starter"}
    assert lacking.returncode == 2
    assert "no backend answers to 'moon:1'" in lacking.stderr
    assert lacking.stderr.count("\n") == 1, lacking.stderr


async def test_what_a_lab_lacks_on_a_node_is_one_line_with_its_name(tmp_path: Path):
    folder = tmp_path / "lab"
    shutil.copytree(LAB, folder)
    with (folder / "lab.py").open("a") as file:
        file.write(
            "from dataclasses import replace\nfrom agentlab.errors import MissingExtra\n"
            "def lacking():\n    raise MissingExtra('torch', 'train')\n"
            "lab = replace(lab, equip=lacking)\n"
        )
    assignment = Assignment(backend="http://127.0.0.1:1/v1#no", seeds=(0,), folder=str(tmp_path))
    prover = Prover(assignment.model_dump_json(), packed(folder), {})
    assert await prover.ready() is None
    claim = next(claims_of(load(folder)))
    kind, why = await prover.prove(claim.model_dump_json())
    assert kind == "refused"
    assert why.startswith(f"on {prover.host}: ")
    assert "torch" in why
    prover.folder.cleanup()
