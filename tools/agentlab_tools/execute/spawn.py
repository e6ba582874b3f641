"""Start one confined interpreter, and believe nothing before its canary has sung."""

from __future__ import annotations

import array
import asyncio
import json
import os
import socket
import struct
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from agentlab_tools.execute import answers
from agentlab_tools.execute.inside import kernel, warden
from agentlab_tools.execute.outputs import Output
from agentlab_tools.execute.plan import Backend, Command, Marks, Plan
from agentlab_tools.execute.process import Process
from agentlab_tools.execute.values import SandboxUnavailable

_START = 60.0
_CREDENTIALS = struct.Struct("3i")
_READY_BYTES = 65536


# importing these leaves their bytecode beside them: inside they can only be read
_COMPILED = (kernel, warden)


async def start(backend: Backend, plan: Plan) -> Process:
    """Start an interpreter and wait until it is locked in and ready for a cell.

    Raises:
        SandboxUnavailable: it did not start, or its canary did what it should not be able to.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with _marks() as marks, theirs:
        channel = 0 if backend.name in ("docker", "podman") else os.dup(theirs.fileno())
        try:
            command = backend.command(plan, channel, marks)
        except BaseException:
            ours.close()
            raise
        process = _spawn(command, plan, ours, theirs)
        theirs.close()
        try:
            async with asyncio.timeout(_START):
                ready = await _handshake(process, command, ours)
        except (EOFError, TimeoutError, OSError) as error:
            complaint = process.stderr.finish().strip().splitlines()
            why = complaint[-1] if complaint else str(error) or "it did not answer in time"
            await discard(process)
            raise SandboxUnavailable(f"{backend.name} does not start here: {why}") from error
        except BaseException:
            await discard(process)
            raise
    if ready.get("failed"):
        await discard(process)
        what = "; ".join(map(str, ready["failed"]))
        raise SandboxUnavailable(f"{backend.name} does not hold here: {what}")
    owner = command.owner
    if owner is not None:
        for folder in process.folders:
            os.fchown(folder, owner, owner)  # git, for one, works in no folder of someone else's
    process.begin()
    return process


async def discard(process: Process) -> None:
    """End a process and remove all that is left of it."""
    await process.close()
    process.release()


@contextmanager
def _marks() -> Generator[Marks]:
    """A file and a listener of the host, which the canary must not reach."""
    descriptor, path = tempfile.mkstemp(prefix="agentlab-canary-")
    try:
        os.fchmod(descriptor, 0o644)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            yield Marks(path, listener.getsockname()[1], os.getpid())
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108


def _spawn(command: Command, plan: Plan, ours: socket.socket, theirs: socket.socket) -> Process:
    out, their_out = os.pipe()
    err, their_err = os.pipe()
    try:
        # descriptors are closed here once the child has its own, whether or not it came to be
        popen = subprocess.Popen(
            command.argv,
            executable=command.executable,
            env=dict(command.environment),
            stdin=theirs.fileno() if command.stdio else subprocess.DEVNULL,
            stdout=theirs.fileno() if command.stdio else their_out,
            stderr=their_err,
            pass_fds=command.descriptors,
            start_new_session=True,
        )
    except OSError as error:
        for descriptor in (out, err):
            os.close(descriptor)
        ours.close()
        command.discard()
        raise SandboxUnavailable(
            f"{command.executable or command.argv[0]} can't be run: {error.strerror}"
        ) from error
    finally:
        for descriptor in (their_out, their_err, *command.descriptors):
            os.close(descriptor)
    cap = plan.limits.output
    # a container has one stream beside the channel, and what is printed comes on it
    streams = (err, out) if command.stdio else (out, err)
    stdout, stderr = Output("stdout", streams[0], cap), Output("stderr", streams[1], cap)
    return Process(plan, command, popen, ours, stdout, stderr)


async def _handshake(process: Process, command: Command, channel: socket.socket) -> dict[str, Any]:
    """Tell the interpreter what to be; return its word that it is, with its folders and pid.

    Raises:
        EOFError: it ended, or said something else.
    """
    loop = asyncio.get_running_loop()
    if hasattr(socket, "SO_PASSCRED"):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    setup = {**command.setup, "memory": process.plan.limits.memory, "caps": process.plan.caps}
    setup["preload"] = process.plan.packages.imports
    await loop.sock_sendall(channel, json.dumps(setup).encode() + b"\n")
    line, pid, folders = b"", None, array.array("i")
    room = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4 * 8)
    try:
        while not line.endswith(b"\n"):
            await _readable(channel)
            flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            data, ancillary, _, _ = channel.recvmsg(_READY_BYTES, room, flags)
            for _, kind, content in ancillary:
                if kind == socket.SCM_RIGHTS:
                    folders.frombytes(content[: len(content) // 4 * 4])
                elif kind == getattr(socket, "SCM_CREDENTIALS", -1):
                    pid = _CREDENTIALS.unpack(content)[0]  # as this side's namespace counts
            if not data or len(line) > _READY_BYTES:
                raise EOFError("it ended before it was ready")
            line += data
    finally:
        process.folders = tuple(folders)
    if hasattr(socket, "SO_PASSCRED"):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    ready = answers.ready(line)
    if ready is None or ready.get("op") != "ready":
        raise EOFError("it said something that makes no sense")
    if not process.folders:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        process.folders = tuple(os.open(path, flags) for path in command.folders)
    if not command.stdio and not ready.get("failed"):  # one that does not hold ends by itself
        process.watch(pid or int(ready["pid"]))
    return ready


async def _readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(channel)
