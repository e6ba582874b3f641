"""The Docker backend, against a stand-in for the engine's program: no engine is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agentlab_tools.execute import Sandbox, SandboxUnavailable
from agentlab_tools.execute.docker import Docker
from agentlab_tools.execute.inside import trees
from agentlab_tools.execute.packages import Packages
from agentlab_tools.execute.plan import INSIDE, Interpreter, Marks, Plan
from agentlab_tools.execute.values import SandboxLimits

# Runs what a container would, in the folder it would see, with the folders of the host in place of
# those inside; and answers `kill` by its recorded process, as an engine would.
ENGINE = """#!{python}
import json, os, signal, sys
here = os.path.dirname(os.path.abspath(__file__))
arguments = sys.argv[1:]
with open(here + '/calls', 'a') as calls:
    calls.write(json.dumps(arguments) + '\\n')
if arguments[:2] == ['image', 'inspect']:
    if os.path.exists(here + '/no-image'):
        sys.exit('Error: No such image: ' + arguments[2])
elif arguments[0] == 'kill':
    number = signal.SIGINT if '--signal=INT' in arguments else signal.SIGKILL
    os.kill(int(open(here + '/' + arguments[-1]).read()), number)
elif arguments[0] == 'run':
    name = arguments[arguments.index('--name') + 1]
    open(here + '/' + name, 'w').write(str(os.getpid()))
    mounts = [a.split(',') for a in arguments if a.startswith('type=bind')]
    places = {{m[2].removeprefix('dst='): m[1].removeprefix('src=') for m in mounts}}
    pairs = [b for a, b in zip(arguments, arguments[1:]) if a == '--env']
    environment = dict(pair.split('=', 1) for pair in pairs)
    command = arguments[arguments.index({image!r}) + 1:]
    inside = os.path.dirname(places['/opt/agentlab/inside'])
    code = command[-1].replace('/opt/agentlab', inside)
    chdir = f"os.chdir = lambda p, real=os.chdir: real({{places['/workspace']!r}})"
    code = f"import os; {{chdir}}; {{code}}"
    options = ['-I', '-S', '-X', 'utf8', '-c', code]
    os.execve({python!r}, [{python!r}, *options], environment)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the stand-in, and what it was called with."""
    program = tmp_path / "docker"
    program.write_text(ENGINE.format(python=sys.executable, image=Docker().image))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _calls(engine: Path) -> list[list[str]]:
    return [json.loads(line) for line in (engine / "calls").read_text().splitlines()]


def test_the_container_is_given_nothing_it_does_not_need(engine: Path) -> None:
    plan = Plan(Interpreter.of(), Packages(), SandboxLimits(processes=10))
    command = Docker().command(plan, 0, Marks("/secret", 1, 1))
    argv = list(command.argv)
    for option in (
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--pull=never",
        "--rm",
    ):
        assert option in argv
    assert argv[argv.index("--pids-limit") + 1] == "10"
    assert argv[argv.index("--memory") + 1] == argv[argv.index("--memory-swap") + 1]
    assert argv[argv.index("--user") + 1].split(":")[0] != "0"
    mounts = [value for value in argv if value.startswith("type=bind")]
    assert len(mounts) == 2
    assert f"type=bind,src={INSIDE},dst=/opt/agentlab/inside,readonly" in mounts
    assert not any(value.startswith(("PATH=", "OPENAI")) for value in argv)
    assert command.run_folder is not None
    trees.remove(str(command.run_folder))


async def test_a_canary_that_sings_in_the_container_refuses_it(engine: Path) -> None:
    """The stand-in confines nothing, which is just what the canary is for."""
    with pytest.raises(SandboxUnavailable, match="docker does not hold here: a file of the host"):
        async with Sandbox.open(backend="docker", spare=False):
            pass
    assert [call[0] for call in _calls(engine)][:2] == ["image", "run"]


async def test_cells_run_over_the_containers_streams(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Docker.command

    def trusting(self: Docker, plan: Plan, channel: int, marks: Marks) -> object:
        command = real(self, plan, channel, marks)
        command.setup["canary"] = None
        return command

    monkeypatch.setattr(Docker, "command", trusting)
    async with Sandbox.open(backend="docker", spare=False) as sandbox:
        assert sandbox.level == "strong"
        result = await sandbox.run_python("print('out'); x = 41\nx + 1")
        assert (result.stdout, result.value) == ("out\n", "42")
        await sandbox.write_file("in.txt", "hello")
        assert (await sandbox.run_python("open('in.txt').read()")).value == "'hello'"
        slow = await sandbox.run_python("while True: pass", timeout=0.3)
        assert (slow.outcome, slow.state_lost) == ("timeout", False)
        assert (await sandbox.run_python("x")).value == "41"
        sandbox.kill()
        assert (await sandbox.run_python("'x' in globals()")).value == "False"
        assert (await sandbox.run_python("open('in.txt').read()")).value == "'hello'"
    assert any(call[:2] == ["kill", "--signal=INT"] for call in _calls(engine))


async def test_a_missing_engine_or_image_is_told_in_one_line(engine: Path) -> None:
    (engine / "no-image").touch()
    with pytest.raises(SandboxUnavailable, match=r"No such image: python:3\.11-slim"):
        async with Sandbox.open(backend="docker", spare=False):
            pass
    with pytest.raises(SandboxUnavailable, match="podman is not installed"):
        async with Sandbox.open(backend="podman", spare=False):
            pass
