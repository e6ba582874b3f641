"""`Sandbox`: run Python and shell code that nobody trusts, and keep its variables between cells.

    async with Sandbox.open(packages=("numpy",)) as sandbox:
        result = await sandbox.run_python("import numpy; numpy.arange(3).sum()")
        result.value      # 'np.int64(3)'

Code runs in the strongest backend that proves itself on this machine; `level` says how strong that
is. There is no network unless single hosts are allowed. Files go in and out by explicit calls.
A cell that fails, hangs, floods or kills its interpreter is a `CellResult` that says so, never an
exception; afterwards the sandbox works as before, its files kept, its variables lost where
`state_lost` says so.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agentlab_tools.execute import files, spawn
from agentlab_tools.execute.answers import Answer
from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.outputs import OnOutput
from agentlab_tools.execute.packages import resolve
from agentlab_tools.execute.plan import Interpreter, Plan
from agentlab_tools.execute.process import Died, Op, Process
from agentlab_tools.execute.proxy import open_network
from agentlab_tools.execute.results import result_of
from agentlab_tools.execute.source import Source, candidates
from agentlab_tools.execute.values import (
    MB,
    CellResult,
    FileInfo,
    Level,
    SandboxInfo,
    SandboxLimits,
)

_TURN = 0.005
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@asynccontextmanager
async def open_source(
    *,
    packages: Sequence[str] = (),
    limits: SandboxLimits | None = None,
    backend: str = "auto",
    allow_hosts: Sequence[str] = (),
    accept_none: bool = False,
    spare: bool = True,
    python: Path | None = None,
) -> AsyncGenerator[Source]:
    """Interpreters to make sandboxes of, with one kept warm: for many conversations in a row.

    Args: as for `Sandbox.open`.
    """
    backends = candidates(backend, accept_none=accept_none)
    async with open_network(tuple(allow_hosts)) as network:
        plan = Plan(
            Interpreter.of(python), resolve(tuple(packages)), limits or SandboxLimits(), network
        )
        source = await Source.choose(backends, plan, spare=spare)
        try:
            yield source
        finally:
            await source.close()


class Sandbox:
    """A stateful interpreter behind a boundary. Open one with `Sandbox.open`.

    Cells run one at a time, in the order of the calls.
    """

    def __init__(self, source: Source, process: Process, packages: tuple[str, ...]) -> None:
        self._source = source
        self._process = process
        self._packages = packages
        self._turn = asyncio.Lock()
        self._lost = False
        self._yielded = 0.0

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        workspace: Path | None = None,
        packages: Sequence[str] = (),
        limits: SandboxLimits | None = None,
        backend: str = "auto",
        allow_hosts: Sequence[str] = (),
        accept_none: bool = False,
        spare: bool = True,
        python: Path | None = None,
        source: Source | None = None,
    ) -> AsyncGenerator[Sandbox]:
        """A sandbox, ended with all that runs in it when the block ends.

        Args:
            workspace: a folder whose regular files are copied in at the start, as far as the disk
                limit allows. Nothing is written back: see `get`.
            packages: distributions that can be imported, with all they need; imported ahead.
                `agentlab` and `agentlab_tools` are AgentLab's own modules, without its labs.
            limits: what code may use.
            backend: `auto` for the strongest that holds, or a name of `source.NAMES`.
            allow_hosts: the only hosts that can be reached, by HTTP and HTTPS through a proxy:
                `name`, `name:port` or `*.name`. None by default.
            accept_none: consent to run with no sandbox at all where nothing else works, or where
                `backend` is `none`.
            spare: keep one more interpreter warm, so that losing one costs no time.
            python: the interpreter, if not the one AgentLab runs under.
            source: take interpreters from here, in place of the arguments that say of what kind.

        Raises:
            SandboxUnavailable: nothing as strong as asked for holds on this machine.
            ConfigError: a package is not installed.
        """
        if source is None:
            async with (
                open_source(
                    packages=packages,
                    limits=limits,
                    backend=backend,
                    allow_hosts=allow_hosts,
                    accept_none=accept_none,
                    spare=spare,
                    python=python,
                ) as own,
                cls.open(workspace=workspace, packages=packages, source=own) as sandbox,
            ):
                yield sandbox
            return
        sandbox = cls(source, await source.take(), tuple(packages))
        try:
            if workspace is not None:
                await sandbox._seed(workspace)
            yield sandbox
        finally:
            await sandbox._close()

    @property
    def level(self) -> Level:
        """How much this sandbox keeps from the code in it."""
        return self._source.backend.level

    def describe(self) -> SandboxInfo:
        """What holds the code, for people and for traces."""
        backend, network = self._source.backend, self._source.plan.network
        return SandboxInfo(
            backend=backend.name,
            level=backend.level,
            about=backend.about,
            network=network.hosts if network else (),
            packages=self._packages,
        )

    async def run_python(
        self, code: str, *, timeout: float | None = None, on_output: OnOutput | None = None
    ) -> CellResult:
        """Run a cell of Python. Variables stay for the next.

        Args:
            code: any number of statements; if the last is an expression, its repr is the value.
            timeout: seconds, if not the limits' own.
            on_output: called with each piece of `stdout` or `stderr`, as it comes.

        Raises:
            SandboxUnavailable: the interpreter was lost and can't be started again.
        """
        return await self._run("python", code, timeout, on_output)

    async def run_shell(
        self, command: str, *, timeout: float | None = None, on_output: OnOutput | None = None
    ) -> CellResult:
        """Run a command in bash, in the workspace, behind the same boundary.

        Args and errors as for `run_python`. A status other than 0 is the outcome `error`.
        """
        return await self._run("shell", command, timeout, on_output)

    def interrupt(self) -> None:
        """Stop the running cell as Ctrl-C would; kill it if that does not end it in time."""
        self._process.stop("interrupted")

    def kill(self) -> None:
        """End the interpreter and all it started, now. Variables are lost; files are kept."""
        self._process.kill("it was killed on request")

    async def restart(self) -> None:
        """Begin anew with a fresh interpreter. Variables are lost; files are kept."""
        async with self._turn:
            self.kill()
            await self._ready()
            self._lost = False

    async def warm(self) -> None:
        """Wait until the spare interpreter is ready."""
        await self._source.warm()

    async def read_file(self, path: str, *, limit: int = 16 * MB) -> bytes:
        """The bytes of a regular file of the workspace, of at most `limit` bytes.

        Raises:
            WorkspaceError: it can't be had; the message says why.
        """
        return files.read(await self._workspace(), files.parts(path), limit)

    async def write_file(self, path: str, data: bytes | str) -> None:
        """Make or replace a file of the workspace, whole or not at all.

        Raises:
            WorkspaceError: it can't be written; the message says why.
        """
        content = data.encode("utf-8", "replace") if isinstance(data, str) else data
        root = await self._workspace()
        if len(content) > self._source.plan.limits.disk:
            raise WorkspaceError(f"{path}: larger than the whole workspace may be")
        files.write(root, files.parts(path), content, owner=self._owner)

    async def list_files(self) -> tuple[FileInfo, ...]:
        """The regular files of the workspace, by path."""
        limit = self._source.plan.limits.files
        return files.listing(await self._workspace(), limit)

    async def put(self, source: Path, path: str | None = None) -> None:
        """Copy a file of the host into the workspace, under its own name if no other is given."""
        await self.write_file(path or source.name, await asyncio.to_thread(source.read_bytes))

    async def get(self, path: str, target: Path) -> None:
        """Copy a file of the workspace to the host; an existing file is replaced."""
        data = await self.read_file(path, limit=self._source.plan.limits.disk)
        await asyncio.to_thread(target.write_bytes, data)

    @property
    def _owner(self) -> int | None:
        return self._process.command.owner

    async def _workspace(self) -> int:
        if self._process.alive or self._turn.locked():
            return self._process.folders[0]
        async with self._turn:
            await self._ready()
            return self._process.folders[0]

    async def _seed(self, workspace: Path) -> None:
        folder = os.open(workspace, _FOLDER)
        try:
            await self._copy(folder, self._process.folders[0])
        finally:
            os.close(folder)

    async def _copy(self, source: int, target: int) -> None:
        limits, owner = self._source.plan.limits, self._owner
        await asyncio.to_thread(
            files.copy, source, target, cap=limits.disk, limit=limits.files, owner=owner
        )

    async def _ready(self) -> None:
        """See to it that an interpreter waits for a cell, with the files of the one before it."""
        await self._process.settled()
        if self._process.alive:
            return
        self._lost = True
        old = self._process
        await old.close()
        self._process = await self._source.take()
        try:
            await self._copy(old.folders[0], self._process.folders[0])
        except WorkspaceError:
            pass  # the quota is reached: what was copied by then is kept
        finally:
            old.release()

    async def _run(
        self,
        op: Op,
        code: str,
        timeout: float | None,
        on_output: OnOutput | None,
    ) -> CellResult:
        async with self._turn:
            await self._ready()
            process = self._process
            if op == "shell" and process.command.no_shell is not None:
                return CellResult(outcome="error", error=process.command.no_shell)
            began = time.perf_counter()
            allowed = timeout or self._source.plan.limits.timeout
            waiting = process.submit(op, code, allowed, on_output)
            died: Died | None = None
            answer = Answer()
            try:
                answer = await waiting
                if began - self._yielded > _TURN:
                    self._yielded = began
                    await asyncio.sleep(0)  # others get their turn, however short the cells
            except Died as error:
                died = error
            except asyncio.CancelledError:
                process.stop("interrupted")
                raise
            seconds = time.perf_counter() - began
            lost, self._lost = self._lost, False
            result = result_of(process, answer, died, allowed, seconds, lost=lost)
            failures = [stream.failure for stream in (process.stdout, process.stderr)]
            ended = died is not None
            if not ended:
                checked = await self._checked(process, answer, result)
                result, ended = checked, checked is not result
            if ended:
                await self._ready()
                self._lost = False
        for failure in failures:
            if failure is not None:
                raise failure
        return result

    async def _checked(self, process: Process, answer: Answer, result: CellResult) -> CellResult:
        """The result, once it is known whether its interpreter is still of use.

        One that is not is ended, and the result tells that variables are lost.
        """
        broken = answer.broken
        if broken is None and answer.outcome == "error":
            broken = await process.probe()
        if broken is None:
            return result
        process.kill(f"it left its interpreter unusable: {broken}")
        note = f"the interpreter was replaced: {broken}. Variables are lost; files are kept."
        error = note if result.error is None else f"{result.error.rstrip()}\n{note}"
        return result.model_copy(update={"error": error, "state_lost": True, "outcome": "error"})

    async def _close(self) -> None:
        await spawn.discard(self._process)
