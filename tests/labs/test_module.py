"""A module run whole: its labs in order, one report, and what one broken lab does to the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agentlab.errors import LabError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders
from agentlab.labs.module import find_module

LAB = '''
from agentlab.labs import CodeAnswer, CodeStep, Case, Lab
from agentlab.labs.checks import share
from agentlab.labs.declare import quiz, right, wrong
from agentlab.errors import MissingExtra
from agentlab.tooling import tool
import time
{above}

@tool
def run_code(code: str) -> str:
    """Say the code again, in its own time."""
    if code == "sleep":
        open("asleep", "w").close()
        time.sleep(60)
    return code

lab = Lab(
    id="m9/{name}",
    title="{name}",
    teaches=("one thing",),
    minutes=1,
    prerequisites={after},
    tools=(run_code,),
    {equip}
    steps=(
        CodeStep(
            id="code", title="Code", runs_on="run_code",
            cases=lambda rng, count: [Case("", "{expect}")] * count,
            starter=CodeAnswer(code="nothing"), solution=CodeAnswer(code="{code}"),
            wrong={{}}, hints=(), graded=1,
            checks=(share("same", "said again", lambda run: run.output == run.case.expect, 1.0),),
        ),
        quiz("sum", "Sum", "1 + 1?", right("2", "it is"), wrong("3", "too much")),
    ),
)
'''
LESSON = "# {name}\n\n## Code {{#code}}\n\nWrite.\n\n## Sum {{#sum}}\n\nAdd.\n"
EQUIP = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def nothing_there():
    raise MissingExtra("a thing", "thing")
    yield
"""


def write(root: Path, name: str, **changes: str) -> None:
    told = {"expect": "x", "code": "x", "after": "()", "equip": "", "above": "", **changes}
    folder = root / "m9" / name
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(LAB.format(name=name, **told))
    (folder / "lesson.md").write_text(LESSON.format(name=name))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two labs; the one that comes first by its name builds on the other."""
    write(tmp_path / "labs", "a-second", after='("m9/b-first",)')
    write(tmp_path / "labs", "b-first")
    return tmp_path / "labs"


def command(root: Path, *args: str) -> dict[str, Any]:
    env = {**os.environ, "AGENTLAB_HOME": str(root.parent / "home"), "NO_COLOR": "1"}
    line = [sys.executable, "-m", "agentlab", "run", "m9", "--labs", str(root), *args]
    return {"args": line, "env": env, "cwd": root.parent, "text": True}


def run(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**command(root, *args), capture_output=True, timeout=120, check=False)


def test_the_labs_are_those_of_the_module_as_they_are_best_taken(root: Path):
    module = find_module("m9", [root])
    assert module is not None
    assert [lab.id for lab in module.labs] == ["m9/b-first", "m9/a-second"]
    assert find_module("m9/b-first", [root]) is None
    assert find_module("m8", [root]) is None


def test_a_module_of_the_course_has_all_its_labs():
    ids = [id for id, _ in list_folders(lab_roots()) if id.startswith("m5/")]
    module = find_module("m5", lab_roots())
    assert module is not None
    assert module.title == "The frontier"
    assert sorted(lab.id for lab in module.labs) == sorted(ids)
    assert module.labs[0].id == "m5/first-agent"


def test_a_module_without_labs_is_said_to_have_none(tmp_path: Path):
    with pytest.raises(LabError, match="m4 has no labs yet"):
        find_module("m4", [tmp_path])


def test_a_folder_that_holds_a_lab_is_that_lab(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(root / "m9")
    assert find_module("b-first", [root / "m9"]) is None


def test_all_labs_are_graded_in_order_and_reported_together(root: Path):
    done = run(root, "--json", "--junit", "report.xml")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [lab["lab"] for lab in report["labs"]] == ["m9/b-first", "m9/a-second"]
    assert (report["module"], report["passed"], report["not_run"]) == ("m9", True, [])
    suites = ElementTree.parse(root.parent / "report.xml").getroot()
    assert suites.attrib == {"name": "m9", "tests": "4", "failures": "0", "errors": "0"}
    assert [suite.get("name") for suite in suites] == ["m9/b-first", "m9/a-second"]


def test_one_lab_that_fails_fails_the_module(root: Path):
    write(root, "c-fails", expect="y")
    done = run(root, "--junit", "report.xml")
    assert done.returncode == 1
    assert "✘ m9/c-fails: 1 of 2 checks" in done.stdout
    assert "✔ m9/a-second: 2 of 2 checks" in done.stdout
    suites = ElementTree.parse(root.parent / "report.xml").getroot()
    assert suites.attrib["failures"] == "1"
    assert len(suites.findall("testsuite[@name='m9/c-fails']/testcase/failure")) == 1


def test_a_lab_that_cannot_be_run_is_told_in_a_line_and_stops_no_other(root: Path):
    write(root, "c-broken", above="nonsense")
    write(root, "a-lacks", above=EQUIP, equip="equip=nothing_there,")
    done = run(root, "--json", "--junit", "report.xml")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert "c-broken" in said[0]
    assert "nonsense" in said[0]
    assert said[1].startswith("agentlab: m9/a-lacks: a thing is not installed")
    report = json.loads(done.stdout)
    assert not report["passed"]
    assert [lab["lab"] for lab in report["labs"]] == ["m9/b-first", "m9/a-second"]
    assert [lab["lab"] for lab in report["not_run"]] == ["m9/c-broken", "m9/a-lacks"]
    suites = ElementTree.parse(root.parent / "report.xml").getroot()
    assert suites.attrib["errors"] == "2"
    assert len(suites.findall("testsuite/testcase/error")) == 2


@pytest.mark.parametrize("place", ["m9/b-first", "b-first"])
def test_a_learners_answers_are_found_by_the_name_of_the_lab(root: Path, place: str):
    answers = root.parent / "answers"
    (answers / place).mkdir(parents=True)
    (answers / place / "code.py").write_text("x")
    done = run(root, "--learner", str(answers), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [[step["id"] for step in lab["steps"]] for lab in report["labs"]] == [["code"]]
    assert report["left_out"] == ["m9/a-second"]
    (answers / place / "code.py").write_text("z")
    assert run(root, "--learner", str(answers)).returncode == 1


def test_answers_to_no_lab_at_all_are_a_mistake(root: Path):
    (root.parent / "answers").mkdir()
    done = run(root, "--learner", "answers")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "agentlab: answers holds no answers to m9; expected e.g. a folder"
    )


def test_a_step_is_of_a_lab_and_not_of_a_module(root: Path):
    done = run(root, "--step", "code")
    assert done.returncode == 2
    assert "agentlab run m9/b-first --step" in done.stderr


def test_interrupted_it_reports_what_was_graded_until_then(root: Path):
    write(root, "c-sleeps", code="sleep")
    asked = command(root, "--json", "--junit", "report.xml")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(**asked, **pipes) as running:
        until = time.monotonic() + 60
        while not (root.parent / "asleep").exists() and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == "interrupted\n"
    report = json.loads(out)
    assert [lab["lab"] for lab in report["labs"]] == ["m9/b-first", "m9/a-second"]
    assert [lab["lab"] for lab in report["not_run"]] == ["m9/c-sleeps"]
    suites = ElementTree.parse(root.parent / "report.xml").getroot()
    assert [suite.get("name") for suite in suites][-1] == "m9/c-sleeps"
