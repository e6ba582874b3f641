"""What Tab offers, as the shells ask for it, and how shells come to ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import Program


@pytest.fixture
def agentlab(tmp_path: Path) -> Program:
    return Program(tmp_path)


def offered(agentlab: Program, line: str) -> list[str]:
    done = agentlab(COMP_LINE=line, _AGENTLAB_COMPLETE="bash_complete")
    assert (done.returncode, done.stderr) == (0, "")
    return [row.partition(",")[2] for row in done.stdout.splitlines() if row.startswith("plain,")]


def test_commands_options_labs_tools_and_models_are_completed(agentlab: Program):
    assert offered(agentlab, "agentlab repl") == ["replay"]
    assert offered(agentlab, "agentlab chat --sch") == ["--schema"]
    assert "m5/tool-use" in offered(agentlab, "agentlab run m5/")
    assert offered(agentlab, "agentlab chat -t calc") == ["calculator"]
    assert "local:smollm2" in offered(agentlab, "agentlab chat -b local:")


def test_runs_are_completed_with_their_questions(agentlab: Program):
    assert agentlab("chat", "-b", "said:x", "Why is it\nso?").returncode == 0
    (run,) = (path.stem for path in agentlab.runs.glob("*.jsonl"))
    (agentlab.runs / "29990101-000000-damaged.jsonl").write_text("\n[1]\n")
    for line in ("agentlab show ", "agentlab chat --run "):
        assert offered(agentlab, line) == ["last", "29990101-000000-damaged", run]
    words = {"COMP_WORDS": "agentlab show 2", "COMP_CWORD": "2"}
    told = agentlab(**words, _AGENTLAB_COMPLETE="zsh_complete").stdout
    assert f"plain\n{run}\nWhy is it so?\n" in told
    words = {"COMP_WORDS": "agentlab show ", "COMP_CWORD": ""}
    told = agentlab(**words, _AGENTLAB_COMPLETE="fish_complete").stdout
    assert f"plain,{run}\tWhy is it so?\n" in told


@pytest.mark.parametrize("line", ["agentlab nope ", "agentlab chat 'x", "agentlab ", "", "a \x81"])
def test_a_prompt_stays_clean(agentlab: Program, line: str):
    done = agentlab(COMP_LINE=line, _AGENTLAB_COMPLETE="bash_complete")
    assert done.stderr == ""
    for shell in ("zsh", "fish", "none"):  # asked without the words there are
        assert agentlab(_AGENTLAB_COMPLETE=f"{shell}_complete").stderr == ""


def test_a_broken_file_of_services_offers_nothing_and_no_traceback(agentlab: Program):
    agentlab.home.mkdir()
    (agentlab.home / "services.toml").write_text("[broken")
    assert "services.toml" in agentlab("models").stderr
    assert offered(agentlab, "agentlab chat -b openai") == []


@pytest.mark.parametrize(("shell", "start"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_installing_adds_one_line_once_and_keeps_the_rest(
    agentlab: Program, shell: str, start: str
):
    rc = agentlab.home / start
    rc.parent.mkdir()
    rc.write_bytes(b"# mine \xff")
    for _ in range(2):
        done = agentlab("completion", "install", SHELL=f"/bin/{shell}", ZDOTDIR="")
        assert done.returncode == 0, done.stderr
    before, line = rc.read_bytes().splitlines()
    assert before == b"# mine \xff"
    script = agentlab.home / "completion" / f"agentlab.{shell}"
    assert str(script) in line.decode()
    assert "_AGENTLAB_COMPLETE" in script.read_text()


def test_fish_finds_its_script_by_itself_and_an_unknown_shell_is_one_line(agentlab: Program):
    config = agentlab.home / "config"
    assert agentlab("completion", "install", "fish", XDG_CONFIG_HOME=str(config)).returncode == 0
    assert "complete " in (config / "fish/completions/agentlab.fish").read_text()
    done = agentlab("completion", "install", SHELL="/bin/tcsh")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_in_bash_names_with_colons_are_completed(agentlab: Program, tmp_path: Path):
    assert agentlab("completion", "install", "bash").returncode == 0
    program = tmp_path / "bin" / "agentlab"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m agentlab "$@"\n')
    program.chmod(0o755)
    typed = "agentlab chat -b local:smo"
    script = f"""
      PATH={program.parent}:$PATH; export AGENTLAB_HOME={agentlab.home}
      . {agentlab.home}/.bashrc
      COMP_LINE='{typed}' COMP_POINT={len(typed)} COMP_WORDS=(agentlab chat -b local : smo)
      _agentlab_completion agentlab
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    bash = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert bash.stdout == "smollm2\n"
    assert bash.stderr == ""
