"""Run the attacks: in a sandbox, where they must fail, and without, where they must not."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agentlab_tools.execute.attacks.model import LIMITS, Attack, Evidence, Target
from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.inside import trees
from agentlab_tools.execute.sandbox import Sandbox
from agentlab_tools.execute.values import MB, CellResult

PRELUDE = """
import os, sys, stat, time, socket, signal, resource, threading, ctypes, mmap, json, fcntl
import contextlib, platform
libc = ctypes.CDLL(None, use_errno=True)
def any_of(attempt, things):
    for thing in things:
        try:
            if attempt(thing): return True
        except (OSError, ValueError): pass
    return False
def pids():
    return [name for name in os.listdir('/proc') if name.isdigit()]
def syscall(x86, arm, args):
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return libc.syscall(arm if platform.machine() == 'aarch64' else x86, *args)
def dial(family, address):
    s = socket.socket(family); s.settimeout(2); s.connect(address); return True
def channel():
    return next(d for d in range(3, 64) if is_socket(d))
def is_socket(d):
    try: return stat.S_ISSOCK(os.fstat(d).st_mode)
    except OSError: return False
def ticket():
    frame = sys._getframe()
    while 'request' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['request']['id']
def send(ticket, **fields):
    os.write(channel(), json.dumps({'id': ticket, **fields}).encode() + b'\\n')
"""
"""Run once before the attacks, as an innocent cell."""

_CONTROL = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    escaped = run()
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    escaped = None
sys.stdout.flush()
open(RESULT, 'w').write(repr(escaped)[:100_000_000])
os._exit(0)
"""
_VICTIM = """
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: open(sys.argv[1], 'w').close())
print('ready', flush=True); time.sleep(600)
"""
_ALONE = 8.0


@dataclass(frozen=True)
class Verdict:
    """What came of one attack."""

    attack: Attack
    succeeded: bool
    evidence: Evidence


class Range:
    """A host to shoot at: files, ports and a process, all made for this."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._hit = False

    async def __aenter__(self) -> Range:
        folder = Path(tempfile.mkdtemp(prefix="agentlab-range-"))
        self._stack.callback(trees.remove, str(folder))
        # in reach of every user, so that only a sandbox can keep it
        os.chmod(folder, 0o777)  # noqa: S103, PTH101
        self._text, token = f"secret-{secrets.token_hex(8)}", f"token-{secrets.token_hex(8)}"
        secret = folder / "secret"
        self._write(secret)
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self._sockets = (tcp, path, abstract, udp)
        for made in self._sockets:
            self._stack.callback(made.close)
            made.setblocking(False)
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        path.bind(str(folder / "socket"))
        os.chmod(folder / "socket", 0o777)  # noqa: S103, PTH101
        abstract.bind(f"\0{token}")
        for made in (tcp, path, abstract):
            made.listen(8)
        leaked = os.open(secret, os.O_RDONLY)
        os.set_inheritable(leaked, True)
        self._stack.callback(os.close, leaked)
        self._target = Target(
            folder,
            secret,
            self._text,
            tcp.getsockname()[1],
            udp.getsockname()[1],
            folder / "socket",
            token,
            0,
            leaked,
            token,
        )
        self._victim: subprocess.Popen[bytes] | None = None
        self._stack.callback(self._end_victim)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def reset(self) -> Target:
        """Make good whatever the last attack broke; forget what it reached."""
        secret = self._target.secret
        for name in self._target.folder.iterdir():
            if name not in (self._target.unix, secret):
                name.unlink()
        if self._state() != self._before:
            secret.unlink(missing_ok=True)
            self._write(secret)
        self._drain()
        if self._victim is None or self._victim.poll() is not None or self._process_changed():
            self._end_victim()
            self._start_victim()
        assert self._victim is not None
        self._target = replace(self._target, victim=self._victim.pid)
        return self._target

    def changed(self) -> bool:
        """Whether an attack left a mark here, or reached a port."""
        assert self._victim is not None
        time.sleep(0.02)  # for a signal to arrive
        marked = (self._target.folder / "signalled").exists()
        gone = self._victim.poll() is not None or self._process_changed()
        return self._drain() or marked or gone or self._state() != self._before

    def _write(self, secret: Path) -> None:
        secret.write_text(self._text)
        secret.chmod(0o644)
        self._before = self._state(secret)

    def _state(self, secret: Path | None = None) -> object:
        secret = secret or self._target.secret
        try:
            info, attributes = secret.stat(), os.listxattr(secret)
            return info.st_mode, info.st_mtime, info.st_size, attributes, secret.read_text()
        except OSError:
            return None

    def _drain(self) -> bool:
        reached = False
        for made in self._sockets:
            with suppress(BlockingIOError):
                while True:
                    if made is self._sockets[3]:
                        made.recv(100)
                    else:
                        made.accept()[0].close()
                    reached = True
        return reached

    def _start_victim(self) -> None:
        self._victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _VICTIM,
             str(self._target.folder / "signalled"), self._target.token],
            env={"SECRET": self._text},
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._victim.stdout is not None
        self._victim.stdout.readline()
        self._healthy = self._vitals()

    def _vitals(self) -> object:
        assert self._victim is not None
        pid = self._victim.pid
        limits = Path(f"/proc/{pid}/limits").read_text()
        return limits, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid)

    def _process_changed(self) -> bool:
        try:
            return self._vitals() != self._healthy
        except OSError:
            return True

    def _end_victim(self) -> None:
        if self._victim is not None:
            self._victim.kill()
            self._victim.wait()
            assert self._victim.stdout is not None
            self._victim.stdout.close()
            self._victim = None


async def run(
    attacks: Sequence[Attack], backend: str = "auto", python: Path | None = None
) -> AsyncGenerator[Verdict]:
    """Each attack against a sandbox of this machine; its verdict as soon as there is one.

    Raises:
        SandboxUnavailable: there is no sandbox to attack.
    """
    async with Range() as range_, AsyncExitStack() as shared:
        sandbox: Sandbox | None = None
        for attack in attacks:
            target = range_.reset()
            async with AsyncExitStack() as own:
                if attack.lasts or sandbox is None:
                    stack = own if attack.lasts else shared
                    opened = await stack.enter_async_context(
                        Sandbox.open(backend=backend, limits=LIMITS, python=python)
                    )
                    sandbox = sandbox if attack.lasts else opened
                else:
                    opened = sandbox
                if attack.levels and opened.level not in attack.levels:
                    continue
                began = time.perf_counter()
                result, fetched, works = await _attack(opened, attack, target)
                seconds = time.perf_counter() - began
            evidence = Evidence(
                result,
                fetched,
                range_.changed(),
                works,
                survivors(target.token) - 1 if attack.lasts else 0,
                seconds,
            )
            yield Verdict(attack, attack.succeeded(evidence), evidence)


async def _attack(
    sandbox: Sandbox, attack: Attack, target: Target
) -> tuple[CellResult, bytes | None, bool]:
    await sandbox.run_python(_prepared(target))
    result = await sandbox.run_python(textwrap.dedent(attack.code).strip("\n"))
    fetched: bytes | None = None
    if attack.fetch is not None:
        for _ in range(attack.fetches):
            with suppress(WorkspaceError):
                fetched = await sandbox.read_file(attack.fetch, limit=16 * MB)
                if target.text.encode() in fetched:
                    break
    works = False
    for _ in range(3):
        await asyncio.sleep(0)
        after = await sandbox.run_python("print('alive'); 6 * 7", timeout=3)
        # what an earlier cell left running may print in between, and fill what can be kept
        if after.value == "42" and ("alive" in after.stdout or after.stdout_truncated):
            works = True
            break
    if attack.lasts:
        await sandbox.list_files()
    await sandbox.run_python(_CLEAN)
    return result, fetched, works


_CLEAN = """
import os
os.chdir(os.environ['HOME'])
os.system('chmod -R 700 . ; rm -rf ./* "$TMPDIR"/* /dev/shm/* 2>/dev/null')
"""


def _prepared(target: Target) -> str:
    values = {key: str(value) if isinstance(value, Path) else value
              for key, value in asdict(target).items()}  # fmt: skip
    del values["leaked"]
    return f"T = {json.dumps(values)}\n{PRELUDE}"


async def control(attack: Attack, range_: Range) -> bool:
    """Whether the attack succeeds against this machine without a sandbox."""
    target = range_.reset()
    began = time.perf_counter()
    with _scratch() as folder:
        result = await _alone(attack, target, folder)
        fetched: bytes | None = None
        for _ in range(min(attack.fetches, 20) if attack.fetch else 0):
            fetched = await _naively(folder / str(attack.fetch))
            if fetched is not None and target.text.encode() in fetched:
                break
        works = result.outcome == "ok"
        seconds = time.perf_counter() - began
        if not works:
            seconds += LIMITS.timeout + LIMITS.grace  # it would have gone on
        left = survivors(target.token) - 1
        _end(target)
    evidence = Evidence(result, fetched, range_.changed(), works, left, seconds)
    return attack.succeeded(evidence)


@contextmanager
def _scratch() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="agentlab-control-"))
    try:
        yield folder
    finally:
        trees.remove(str(folder))


async def _alone(attack: Attack, target: Target, folder: Path) -> CellResult:
    """The attack in a plain process, with nothing but a time limit and a bound on its memory."""
    body = textwrap.dedent(attack.code).strip("\n")
    script = f"{_prepared(target)}\n{_as_function(body)}\nRESULT = {str(folder / '.result')!r}\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script + _CONTROL,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=False,
        start_new_session=True,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _ALONE)
    except TimeoutError:
        process.terminate()
        await asyncio.sleep(0.1)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return CellResult(outcome="timeout")
    result = folder / ".result"
    value = result.read_text("utf-8", "replace") if result.exists() else None
    return CellResult(
        stdout=out.decode("utf-8", "replace"),
        stderr=err.decode("utf-8", "replace"),
        value=value,
        error=err.decode("utf-8", "replace") or None,
    )


def _as_function(body: str) -> str:
    import ast  # noqa: PLC0415

    tree = ast.parse(body)
    if isinstance(tree.body[-1], ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Return(tree.body[-1].value), tree.body[-1])
    return "def run():\n" + textwrap.indent(ast.unparse(ast.fix_missing_locations(tree)), "    ")


async def _naively(path: Path) -> bytes | None:
    """Read an artifact as one who suspects nothing would."""
    reader = f"import sys; sys.stdout.buffer.write(open({str(path)!r}, 'rb').read(30_000_000))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", reader, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        return (await asyncio.wait_for(process.communicate(), 6))[0]
    except TimeoutError:
        process.kill()
        await process.wait()
        return None


def survivors(token: str) -> int:
    """How many processes carry the token in their command line."""
    return len(_with(token))


def _with(token: str) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if token.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found


def _end(target: Target) -> None:
    for pid in _with(target.token):
        if pid != target.victim:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
