"""One confined interpreter, seen from the host: give it cells, stop it, bury it.

Everything here holds however the other side behaves: no wait is unbounded, no read is trusted, and
`close` leaves no process, descriptor or folder behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from agentlab_tools.execute import answers
from agentlab_tools.execute.answers import Answer
from agentlab_tools.execute.outputs import OnOutput, Output
from agentlab_tools.execute.plan import Command, Plan
from agentlab_tools.execute.watchdog import Watchdog

_END = 15.0
_PROBE = 5.0
_AGAIN = 0.25
_MOMENT = 0.0002
_CHUNK = 1 << 16
_ANSWERS = 4
"""Long lines of one cell, beyond its figures: its answer, and what a cell may have forged."""


Op: TypeAlias = Literal["python", "shell", "probe"]


class Died(Exception):
    """The interpreter is gone; the text says how, for a person."""


class Process:
    """A started interpreter. `spawn.start` makes one."""

    def __init__(
        self,
        plan: Plan,
        command: Command,
        popen: subprocess.Popen[bytes],
        channel: socket.socket,
        stdout: Output,
        stderr: Output,
    ) -> None:
        self.plan = plan
        self.command = command
        self.stdout = stdout
        self.stderr = stderr
        self.folders: tuple[int, ...] = ()
        """Descriptors of the folders that cells can write; the first is the workspace."""
        self.alive = False
        self.stopped_by: Literal["timeout", "interrupted"] | None = None
        """Who asked the running cell to stop."""
        self._popen = popen
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._writing = False
        self._waiting: tuple[bytes, asyncio.Future[Answer]] | None = None
        self._parsing: asyncio.Task[None] | None = None
        self._long = 0
        self._figures: list[bytes] = []
        self._refused = 0
        self._settled: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pidfd: int | None = None
        self._pid: int | None = None
        self._reason: str | None = None
        self._closing: asyncio.Task[None] | None = None
        self._watchdog: Watchdog | None = None

    @property
    def killed(self) -> bool:
        """Whether the host killed it."""
        return self._reason is not None

    def watch(self, pid: int) -> None:
        """Hold on to the interpreter itself, which may be a distant child of what was started."""
        self._pid = pid
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(pid)

    def begin(self) -> None:
        """The interpreter is ready: from here on it is hostile."""
        self.alive = True
        self._loop.add_reader(self._channel, self._read)
        shared = bool(self.command.folders)
        self._watchdog = Watchdog(
            self._popen.pid, self.folders, self.plan.limits, self.kill, shared=shared
        )

    def submit(
        self, op: Op, code: str, timeout: float, on_output: OnOutput | None
    ) -> asyncio.Future[Answer]:
        """Start a cell. The future ends with its answer, or with `Died`; nothing else can happen.

        A cell that is still running after `timeout` seconds is interrupted, and killed if that
        does not end it within the limits' grace.
        """
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        ticket = secrets.token_hex(8)
        self._waiting = (ticket.encode(), waiting)
        self._long, self._figures, self._refused = 0, [], 0
        self.stopped_by = None
        self.stdout.start(on_output)
        self.stderr.start(on_output)
        line = json.dumps({"id": ticket, "op": op, "code": code}).encode() + b"\n"
        self._timer = self._loop.call_later(timeout, self.stop, "timeout")
        if self._watchdog is not None:
            self._watchdog.hurry()
        if self.alive:
            self._send(memoryview(line))
            self._linger()
        else:
            self._lost()
        return waiting

    def _linger(self) -> None:
        """Look for the answer for a moment: short cells end sooner than a sleeper can be woken."""
        until = time.perf_counter() + _MOMENT
        while self._waiting is not None and self.alive and time.perf_counter() < until:
            self._read()

    def stop(self, by: Literal["timeout", "interrupted"]) -> None:
        """Interrupt the running cell, if any; kill it if it has not ended within the grace."""
        if self._waiting is None or self.stopped_by is not None:
            return
        self.stopped_by = by
        if self._timer is not None:
            self._timer.cancel()
        self._insist(self._loop.time() + self.plan.limits.grace)

    def _insist(self, deadline: float) -> None:
        if self._waiting is None or not self.alive:
            return
        if self._loop.time() >= deadline:
            seconds = self.plan.limits.grace
            self.kill(f"it did not stop within {seconds:g} s of being interrupted")
            return
        # again and again: the first may have come before the cell began
        self._signal(signal.SIGINT)
        self._timer = self._loop.call_later(_AGAIN, self._insist, deadline)

    def kill(self, reason: str) -> None:
        """End the interpreter and all it started, now. The running cell ends with `Died`."""
        if self._reason is None:
            self._reason = reason
        self._lost()

    async def close(self) -> None:
        """Kill what runs, wait for its end, and give back all it held. Any number of times."""
        self.kill("the sandbox was closed")
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def _send(self, rest: memoryview) -> None:
        try:
            rest = rest[self._channel.send(rest) :]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        if rest:
            # an interpreter that does not read is stopped by the cell's own timeout
            self._writing = True
            self._loop.add_writer(self._channel, self._send, rest)
        elif self._writing:
            self._writing = False
            self._loop.remove_writer(self._channel)

    def _read(self) -> None:
        if self._parsing is not None:
            return  # what comes waits where it is until the line before it is understood
        try:
            data = self._channel.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        start = len(self._buffer)
        self._buffer += data
        self._lines(start)

    def _lines(self, start: int) -> None:
        while self._parsing is None and (end := self._buffer.find(b"\n", start)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            start = 0
            self._take(line)
        if len(self._buffer) > self.plan.line_bytes:
            self._buffer.clear()
            self.kill("it sent more than any answer can be long")

    def _take(self, line: bytes) -> None:
        if self._waiting is None or self._waiting[0] not in line:
            return
        if len(line) <= _CHUNK:
            self._understood(answers.read(line))
            return
        self._long += 1
        if self._long > self.plan.limits.figures + _ANSWERS:
            self.kill("it sent more than any answer has")
            return
        self._loop.remove_reader(self._channel)
        self._parsing = self._loop.create_task(self._parse(line))

    async def _parse(self, line: bytes) -> None:
        """Understand a long line on a thread, then read on."""
        answer = await asyncio.to_thread(answers.read, line)
        self._parsing = None
        if self._closing is None:
            self._understood(answer)
            self._loop.add_reader(self._channel, self._read)
            self._lines(0)

    def _understood(self, found: dict[str, Any] | None) -> None:
        if self._waiting is None or found is None:
            return
        ticket, waiting = self._waiting
        if found.get("id") != ticket.decode():
            return
        if "figure" in found:
            picture = answers.figure(found["figure"], self.plan)
            if picture is None or len(self._figures) >= self.plan.limits.figures:
                self._refused += 1
            else:
                self._figures.append(picture)
            return
        figures = tuple(self._figures)
        self._settle()
        if not waiting.done():
            waiting.set_result(answers.answer(found, self.plan, figures, self._refused))

    async def probe(self) -> str | None:
        """Run a line of the host's own: why cells can't run here any more, or None if they can.

        Code may have replaced what every cell needs: then each cell fails, and none for a reason
        of its own.
        """
        word = secrets.token_hex(8)
        code = f"import math, os\nprint({word!r} * (math.gcd(4, 6) - 1))"
        try:
            answer = await self.submit("probe", code, _PROBE, None)
        except Died:
            return None  # which is told as such
        printed = self.stdout.finish()
        if answer.outcome == "interrupted" or (answer.outcome == "ok" and word in printed):
            return None
        if answer.outcome == "ok":
            return None if self.stdout.truncated else "what is printed no longer arrives"
        last = (answer.error or "").strip().splitlines()[-1:]
        return f"not even a line of the sandbox's own runs any more ({''.join(last)[:200]})"

    async def settled(self) -> None:
        """Wait until no cell runs any more, whoever may have stopped waiting for it."""
        if self._waiting is not None:
            self._settled = self._settled or self._loop.create_future()
            await self._settled

    def _settle(self) -> None:
        self._waiting = None
        if self._settled is not None:
            self._settled.set_result(None)
            self._settled = None
        if self._timer is not None:
            self._timer.cancel()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(OSError):
            if self.command.interrupt is not None and number == signal.SIGINT:
                self.command.interrupt()
            elif self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, number)
            elif self._pid is not None:
                os.kill(self._pid, number)

    def _lost(self) -> None:
        """The interpreter ended, or must: begin to clean up, once."""
        self.alive = False
        if self._closing is None:
            self._closing = self._loop.create_task(self._bury())

    async def _bury(self) -> None:
        self._loop.remove_reader(self._channel)
        self._loop.remove_writer(self._channel)
        if self._watchdog is not None:
            self._watchdog.close()
        warded = self.command.lifeline is not None
        if warded and self._reason is None:
            await self._interpreter_ended(
                0.2
            )  # the warden waits for our word, and tells its status
        own_end = self._reason is None and not warded and await self._ended(0.2)
        self.command.end()
        if not warded and not own_end:
            with suppress(OSError):
                self._popen.kill()
        if not await self._ended(_END):
            self._popen.kill()
            await self._ended(_END)
        self._signal(signal.SIGKILL)
        self._channel.close()
        if self._waiting is not None:
            waiting = self._waiting[1]
            self._settle()
            if not waiting.done():
                waiting.set_exception(Died(self._how()))
                waiting.exception()  # a cell that nobody waits for any more may end like this
        if self._pidfd is not None:
            await _exited(self._pidfd, _END)
            os.close(self._pidfd)
            self._pidfd = None

    async def _interpreter_ended(self, timeout: float) -> None:
        if self._pidfd is not None:
            await _exited(self._pidfd, timeout)
        else:
            await asyncio.sleep(timeout / 4)  # nothing tells, where there are no pidfds

    async def _ended(self, timeout: float) -> bool:
        """Whether what was started has ended, after waiting for that for at most so long."""
        deadline = self._loop.time() + timeout
        if hasattr(os, "pidfd_open") and self._popen.poll() is None:
            descriptor = os.pidfd_open(self._popen.pid)
            try:
                await _exited(descriptor, timeout)
            finally:
                os.close(descriptor)
        while self._popen.poll() is None and self._loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return self._popen.poll() is not None

    def _how(self) -> str:
        if self._reason is not None:
            return self._reason
        code = self._popen.returncode or 0
        number = -code if code < 0 else code - 128 if code > 128 else 0
        with suppress(ValueError):
            if number:
                return f"the interpreter was ended by {signal.Signals(number).name}"
        return f"the interpreter ended with status {code}"

    def release(self) -> None:
        """Let go of output and files, once the process is closed and nobody needs them."""
        self.stdout.close()
        self.stderr.close()
        for descriptor in self.folders:
            os.close(descriptor)
        self.folders = ()
        self.command.discard()


async def _exited(pidfd: int, timeout: float) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    loop.add_reader(pidfd, lambda: None if done.done() else done.set_result(None))
    try:
        await asyncio.wait({done}, timeout=timeout)
    finally:
        loop.remove_reader(pidfd)
        done.cancel()
