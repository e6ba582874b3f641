"""Completion in the shells themselves: what they offer when one presses Tab."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import Program


@pytest.fixture
def agentlab(tmp_path: Path) -> Program:
    """A program of that name in a folder of the search path, as an installed one is."""
    program = tmp_path / "bin" / "agentlab"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m agentlab "$@"\n')
    program.chmod(0o755)
    return Program(tmp_path)


def _env(agentlab: Program) -> dict[str, str]:
    return {
        **os.environ,
        "AGENTLAB_HOME": str(agentlab.home),
        "HOME": str(agentlab.home),
        "XDG_CONFIG_HOME": str(agentlab.home / "config"),
        "ZDOTDIR": str(agentlab.home),
        "TERM": "xterm",
        "PATH": f"{agentlab.home.parent / 'bin'}:{os.environ['PATH']}",
    }


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_in_fish_labs_runs_tools_and_models_are_completed(agentlab: Program):
    env = _env(agentlab)
    assert agentlab("completion", "install", "fish", **env).returncode == 0
    assert agentlab("chat", "-b", "said:x", "Why?", **env).returncode == 0
    for typed, offers in [
        ("agentlab repl", "replay"),
        ("agentlab run m5/tool", "m5/tool-use\tA model that cannot count"),
        ("agentlab chat -t calc", "calculator"),
        ("agentlab chat -b local:smo", "local:smollm2"),
        ("agentlab show l", "last\tthe newest run"),
    ]:
        done = subprocess.run(
            ["fish", "-c", f"complete -C '{typed}'"],
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert offers in done.stdout, (typed, done.stdout, done.stderr)
        assert done.stderr == ""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_in_zsh_tab_completes_labs_and_models(agentlab: Program):
    """Typed into a real prompt, as `compadd` only works there."""
    env = _env(agentlab)
    rc = agentlab.home / ".zshrc"
    rc.parent.mkdir()
    # a folder of functions that others may write to is asked about: this is not what is tested
    rc.write_text("PS1='ready> '\nautoload -Uz compinit && compinit -u\n")
    assert agentlab("completion", "install", "zsh", **env).returncode == 0
    for typed, becomes in [
        ("agentlab repl\t", "agentlab replay"),
        ("agentlab run m5/tool\t", "agentlab run m5/tool-use"),
        ("agentlab chat -b local:smo\t", "agentlab chat -b local:smollm2"),
    ]:
        shown = _typed(["zsh", "-i"], typed, env, until=becomes)
        assert becomes in shown, shown


def _typed(command: list[str], keys: str, env: dict[str, str], *, until: str) -> str:
    """What a terminal shows after keys were typed at the prompt of a shell."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, env)
    shown, sent, end = "", False, time.monotonic() + 60
    try:
        while time.monotonic() < end and until not in shown:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 4096).decode(errors="replace")
                except OSError:
                    break
            elif not sent and "ready> " in shown:
                os.write(terminal, keys.encode())
                sent, shown = True, ""
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return shown
