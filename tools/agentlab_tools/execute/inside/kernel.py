"""The interpreter in the sandbox: takes cells over a private socket, keeps variables between them.

One JSON object a line each way. The host trusts nothing it reads from here, since a cell can write
to this socket as well as this module can.

    <- {"op": "setup", …}                      once; then every lock is closed
    -> {"op": "ready", "failed": []}           with descriptors of the writable folders
    <- {"id": "7f…", "op": "python", "code": "1 + 1"}
    -> {"id": "7f…", "figure": "iVBOR…"}         for each, if any
    -> {"id": "7f…", "outcome": "ok", "value": "2", …}
"""

from __future__ import annotations

import os
import sys

from . import canary, cell, lockdown, wire

TYPE_CHECKING = False  # typing itself costs a start 3 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any


_CHUNK = 1 << 16  # larger buffers are mapped and unmapped anew for every read


def main(descriptor: int) -> None:
    """Set up as the host says, then serve cells until it hangs up.

    Args:
        descriptor: one end of a Unix socket pair; or 0 where there is none, as in a container: then
            requests come on standard input, answers leave on standard output, and what cells print
            leaves on standard error.
    """
    if descriptor == 0:
        descriptor, answers = os.dup(0), os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
    else:
        os.set_inheritable(descriptor, False)
        answers = descriptor
    requests = _Lines(descriptor)
    first = requests.next()
    if first is None:
        return
    plan = wire.decode(first)
    os.chdir(plan["workspace"])
    interrupts = Interrupts()
    memory = lockdown.Memory()
    module: Any = type(sys)("__main__")
    plan["lock"]["seccomp"] = bytes.fromhex(plan["lock"].get("seccomp", ""))
    try:
        lockdown.apply(plan["lock"])
        failed = canary.sing(plan["canary"]) if plan["canary"] else []
    except (lockdown.LockdownError, OSError) as error:
        failed = [f"{type(error).__name__}: {error}"]
    if not failed:
        if plan["proxy"]:
            from . import bridge  # socket costs a start 5 ms

            bridge.start(plan["proxy"])
        _prepare(plan, module)
        memory.bound(plan["memory"])
    ready = {"op": "ready", "failed": failed, "pid": os.getpid()}
    _announce(answers, wire.encode(ready), plan["folders"])
    if failed:
        return
    runner = cell.Runner(module.__dict__, plan["caps"], interrupts)
    while (line := requests.next()) is not None:
        request = wire.decode(line)
        answer = runner.run(request)
        for figure in answer.pop("figures", ()):
            _write(answers, wire.encode({"id": request["id"], "figure": figure}))
        _write(answers, wire.encode({"id": request["id"], **answer}))


def _announce(answers: int, ready: bytes, paths: list[str]) -> None:
    """Say that all is set, and hand over descriptors of the folders that cells can write."""
    if not paths:
        _write(answers, ready)
        return
    import _socket  # not needed in a container

    folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in paths]
    packed = b"".join(number.to_bytes(4, sys.byteorder) for number in folders)
    channel = _socket.socket(fileno=os.dup(answers))
    channel.sendmsg([ready], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)])
    channel.close()
    for number in folders:
        os.close(number)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Interrupts:
    """SIGINT raises KeyboardInterrupt while a cell runs, and does nothing between cells."""

    def __init__(self) -> None:
        self.running = False
        self.listen()

    def listen(self) -> None:
        """(Re)install the handler, which the last cell may have replaced."""
        wire.signal.signal(wire.signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.running:
            raise KeyboardInterrupt


class _Lines:
    """Lines from a descriptor, without a buffered file's hold on what comes next."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def next(self) -> str | None:
        """The next line, or None where the other side hung up."""
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                return None
            parts.append(chunk)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line.decode()


def _prepare(plan: dict[str, Any], module: Any) -> None:
    """Preload packages, then dress up as `module`, a fresh `__main__`."""
    here = sys.path.pop(0)
    sys.path[:0] = [""]
    sys.path += [*plan["path"], f"{here}/inside/figures"]
    for name in plan["preload"]:
        try:
            __import__(name)
        except ImportError as error:
            print(f"{name} can't be imported here: {error}", file=sys.stderr)
    if "matplotlib.pyplot" in sys.modules:
        cell.warm_figures()
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    for name in [name for name in sys.modules if name.partition(".")[0] == "inside"]:
        del sys.modules[name]
    sys.argv = [""]
