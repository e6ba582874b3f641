"""`agentlab new-lab` makes a lab that is proved at once, is found everywhere, and harms nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlab.backends import connect
from agentlab.cli.new_lab import ABOUT
from agentlab.errors import LabError
from agentlab.labs.find import load
from agentlab.labs.make import StepKind, make_lab
from agentlab.labs.prove import Proof, prove


def agentlab(*args: str, home: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    env = {**os.environ, "AGENTLAB_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "agentlab", *args],
        capture_output=True,
        text=True,
        input=stdin,
        env=env,
        timeout=240,
        check=False,
    )


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


async def proofs_of(folder: Path) -> dict[str, Proof]:
    model = connect("local:smollm2", threads=1)
    try:
        return {f"{p.step}/{p.answer}": p async for p in prove(load(folder), model)}
    finally:
        await model.aclose()


@pytest.mark.slow
async def test_a_new_lab_is_proved_on_the_real_model_and_a_loose_check_is_found(tmp_path: Path):
    folder = make_lab("mine/letters", tmp_path)[0].parent
    proofs = await proofs_of(folder)
    assert [f"{name}: {p.reason}" for name, p in proofs.items() if not p.holds] == []
    assert {"count/solution", "count/starter", "count/from-memory", "why/chose-a"} <= set(proofs)

    edit(folder / "lab.py", "graded=6", "graded=2")
    edit(folder / "lab.py", "                    5 / 6,", "                    0,")
    proofs = await proofs_of(folder)
    loose = {name for name, p in proofs.items() if not p.holds}
    assert loose == {"count/starter", "count/from-memory", "count/examples-without-calls"}


@pytest.mark.slow
async def test_a_solution_that_does_not_solve_is_found(tmp_path: Path):
    folder = make_lab("mine/letters", tmp_path)[0].parent
    edit(folder / "lab.py", "graded=6", "graded=2")
    edit(folder / "answers.py", "_STARTER.but(examples=_EXAMPLES)", "_STARTER.but(examples=())")
    proofs = await proofs_of(folder)
    assert [name for name, p in proofs.items() if not p.holds] == ["count/solution"]


@pytest.mark.slow
def test_a_new_lab_with_a_program_is_proved_from_the_command_line_and_red_when_broken(
    tmp_path: Path,
):
    home = tmp_path / "home"
    assert agentlab("new-lab", "mine/pairs", "--step", "code", home=home).returncode == 0
    proved = agentlab("check-lab", "mine/pairs", home=home)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "✔ find / least-frequent: rejected" in proved.stdout

    cases = home / "labs" / "mine" / "pairs" / "cases.py"
    edit(cases, "if pair not in (every_other, text[:2]):", "if pair == every_other:")
    broken = agentlab("check-lab", "mine/pairs", home=home)
    assert broken.returncode == 1
    assert "✘ find / every-other-pair: accepted" in broken.stdout


def test_a_new_lab_is_found_by_every_command_and_every_file_is_told(home: Path):
    made = agentlab("new-lab", "mine/letters", home=home)
    assert made.returncode == 0
    folder = home / "labs" / "mine" / "letters"
    for file in folder.iterdir():
        assert f"  {file.name}" in made.stdout
    assert "\n  agentlab check-lab mine/letters " in made.stdout
    listed = json.loads(agentlab("list", "--json", home=home).stdout)
    assert [row["folder"] for row in listed if row["id"] == "mine/letters"] == [str(folder)]
    done = agentlab("run", "mine/letters", "--step", "why", "--json", home=home)
    assert json.loads(done.stdout)["lab"] == "mine/letters"
    shown = agentlab("tui", "--text", home=home, stdin="quit\n").stdout
    assert "mine/letters" in shown


def test_a_new_lab_made_elsewhere_is_found_with_the_option_that_is_told(home: Path, tmp_path: Path):
    into = tmp_path / "my labs"
    made = agentlab("new-lab", "mine/letters", "--into", str(into), home=home)
    assert f"agentlab run mine/letters --labs '{into}' " in made.stdout
    done = agentlab(
        "run", "mine/letters", "--labs", str(into), "--step", "why", "--json", home=home
    )
    assert done.returncode == 0, done.stderr
    assert not home.exists()


@pytest.mark.parametrize("step", ["agent", "code"])
def test_every_file_of_a_template_has_its_line_and_none_names_the_template(
    step: StepKind, tmp_path: Path
):
    files = make_lab("m7/mine", tmp_path, step=step)
    assert {file.name for file in files} <= set(ABOUT)
    assert all("mN/name" not in file.read_text(encoding="utf-8") for file in files)
    assert load(files[0].parent).id == "m7/mine"


@pytest.mark.parametrize(
    "id",
    ["", "m3", "M3/x", "m3/x/y", "../x", "m3/..", "m3/", "/m3/x", "m3/my lab", "-/x", "m3/x\n"],
)
def test_a_bad_id_makes_nothing(id: str, tmp_path: Path):
    with pytest.raises(LabError, match=r"e\.g\. m3/my-lab"):
        make_lab(id, tmp_path / "labs")
    assert not (tmp_path / "labs").exists()


def test_a_lab_that_comes_along_keeps_its_name(tmp_path: Path):
    with pytest.raises(LabError, match="comes along"):
        make_lab("m5/tool-use", tmp_path)


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_what_is_there_stays_as_it_is(there: str, tmp_path: Path):
    place = tmp_path / "m3" / "mine"
    place.parent.mkdir()
    match there:
        case "folder":
            place.mkdir()
        case "file":
            place.write_text("precious", encoding="utf-8")
        case _:
            place.symlink_to(tmp_path / "gone")
    with pytest.raises(LabError, match="already exists"):
        make_lab("m3/mine", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["m3", "mine"]


def test_a_lab_that_can_be_written_only_half_is_taken_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        if path.name == "lesson.md":
            raise OSError(28, "No space left on device")
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(LabError, match="No space left on device"):
        make_lab("m3/mine", tmp_path)
    assert not (tmp_path / "m3" / "mine").exists()


def test_a_mistake_is_one_line_and_exit_code_2(home: Path, tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for args in (("new-lab", "letters"), ("new-lab", "m3/x", "--into", str(blocked))):
        done = agentlab(*args, home=home)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("agentlab: ")
        assert done.stderr.count("\n") == 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
