"""Something on the host to attack: a file, ports, sockets and a process, all made for this."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from agentlab_tools.execute.attacks.model import Target
from agentlab_tools.execute.inside import trees

_VICTIM = """
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: open(sys.argv[1], 'w').close())
print('ready', flush=True); time.sleep(600)
"""


class Range:
    """A host to shoot at: files, ports and a process, all made for this."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

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


def survivors(token: str) -> int:
    """How many processes carry the token in their command line."""
    return len(processes_with(token))


def processes_with(token: str) -> list[int]:
    """The processes that carry the token in their command line."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if token.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found
