"""An agent: a backend, instructions, tools and limits, as one frozen value.

    agent = Agent(backend=connect("local:smollm2"), tools=[calculator])
    result = agent.run_sync("What is 17 * 23?")            # in a script
    async for event in agent.run("What is 17 * 23?"): …    # or event by event

Every run leaves a trace, where `agentlab show last` finds it (`runs=None` turns that off).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agentlab.agent import taken
from agentlab.agent.calls import given
from agentlab.agent.profile import AgentProfile, Output
from agentlab.agent.result import Result
from agentlab.agent.run import Run
from agentlab.agent.sync import sync
from agentlab.agent.transcript import Transcript
from agentlab.approval import Answer, AnyApprover, Policy
from agentlab.errors import RunError, ToolError, TraceError
from agentlab.events import RunFinished, RunResumed, RunStarted, UnknownEvent
from agentlab.messages import Message
from agentlab.tooling import RunInfo, Tool, ToolContext, as_text, tool
from agentlab.trace import SUFFIX, ParentRun, Trace, TraceHeader, new_run_id, trace_path
from agentlab.values import refuses_unknown


@refuses_unknown
@dataclass(frozen=True, kw_only=True)
class Agent(AgentProfile[Output]):
    """An agent that can be run. Its attributes are those of `AgentProfile`."""

    def run(
        self,
        input: str | Message,
        *,
        history: Sequence[Message] = (),
        approver: AnyApprover | None = None,
        deps: Any = None,
        workspace: Path | None = None,
        labels: Mapping[str, str] | None = None,
        parent: ParentRun | None = None,
        within: RunInfo | None = None,
    ) -> Run[Output]:
        """Start a run: iterate it for events, or await it for the result.

        Args:
            input: what the user says.
            history: an earlier conversation to go on from, e.g. `result.messages`. Its
                instructions give way to this agent's own, if it has any.
            approver: answers for calls that are to be asked about, with a `Decision`, `allow` or
                `deny`; an async function, or a plain one, which may block. Without one the run
                pauses.
            deps: handed to tools as `ToolContext.deps`.
            workspace: the run's own folder, handed to tools.
            labels: written into the trace's header, to find the run by.
            parent: the run this one is a part or a fork of, for the header.
            within: the running parent whose limits and approver hold here as well.
        """
        question = taken.opening(input)
        opening = (*self._before(taken.messages(history, "history")), question)
        return Run(
            self,
            self.header(labels=labels, parent=parent),
            (RunStarted(messages=opening),),
            folder=None if self.runs is None else Path(self.runs),
            approver=approver,
            deps=deps,
            workspace=workspace,
            within=within,
            made_by="agent.run, run_sync",
        )

    def run_sync(self, input: str | Message, **options: Any) -> Result[Output]:
        """`run`, awaited: for scripts and notebooks. Takes the same options.

        In a notebook its loop stands still meanwhile; `await agent.run(…)` works there as well.

        Raises:
            AgentLabError: the run failed; its trace says how far it came.
        """
        return sync(self.run(input, **options))

    def resume(
        self,
        trace: Trace | Path | str | Result[Any],
        *,
        decisions: Mapping[str, Answer] | None = None,
        approver: AnyApprover | None = None,
        deps: Any = None,
        workspace: Path | None = None,
    ) -> Run[Output]:
        """Go on with a run that paused for approval, or broke off, in the same trace.

        A tool that was at work when the run broke off is not run again: nobody knows what it did.
        The model is told so.

        Args:
            trace: of the run, or its path; or the result of the run that paused.
            decisions: on the calls that wait, by call id; their ids stand in `Result.pending`.

        Raises:
            TraceError: the run is complete, or holds events this version does not know.
        """
        decided = taken.decisions(decisions)
        trace = _loaded(trace)
        path, run = trace.path, trace.header.run
        if path != trace_path(path.parent, run):
            raise TraceError(f"{path} holds run {run}: name it {run}{SUFFIX} to continue it")
        past = [event for event in trace.events if not isinstance(event, UnknownEvent)]
        if len(past) != len(trace.records):
            raise TraceError(f"{trace.path} has events this version does not know; upgrade first")
        state = Transcript.of(past)
        if isinstance(state.end, RunFinished) and state.end.outcome == "completed":
            raise TraceError(f"run {run} is complete: pass its messages as history to a new run")
        if not state.messages:
            raise TraceError(f"run {run} broke off before it began: start it again")
        waiting = [call.id for call in state.waiting]
        if lost := decided.keys() - set(waiting):
            names = ", ".join(waiting) or "none"
            raise TraceError(f"no call {lost.pop()!r} waits in run {run}; these do: {names}")
        opening = [
            RunResumed(),
            *(given(id, taken.decision(verdict, id)) for id, verdict in decided.items()),
        ]
        return Run(
            self,
            trace.header,
            opening,
            past=past,
            folder=trace.path.parent,
            approver=approver,
            deps=deps,
            workspace=workspace,
            made_by="agent.resume, resume_sync",
        )

    def resume_sync(
        self, trace: Trace | Path | str | Result[Any], **options: Any
    ) -> Result[Output]:
        """`resume`, awaited: for scripts and notebooks. Takes the same options.

        Raises:
            TraceError: as `resume`.
            AgentLabError: the run failed; its trace says how far it came.
        """
        return sync(self.resume(trace, **options))

    def as_tool(self, name: str | None = None, description: str | None = None) -> Tool[Any]:
        """This agent as a tool of another: each call is a run of its own, named by its parent.

        What it spends in tokens, time and money counts for the parent as well.
        """

        async def ask(request: str, context: ToolContext) -> str:
            parent = context.run and ParentRun(run=context.run.id, call_id=context.call_id)
            run = self.run(request, deps=context.deps, parent=parent, within=context.run)
            async for event in run:
                if event.kind == "text_delta":
                    context.emit(event.text)
            try:
                result = run.result()
                output = result.output
            except RunError as error:
                raise ToolError(str(error)) from error
            return output if isinstance(output, str) else as_text(output)

        about = description or self.description or f"Ask {self.name} to do a part of the work."
        return tool(name=name or f"ask_{self.name}", description=about, timeout=None)(ask)

    def with_(self, **changes: Any) -> Agent[Output]:
        """This agent with some things changed."""
        return replace(self, **changes)

    def header(
        self, *, labels: Mapping[str, str] | None = None, parent: ParentRun | None = None
    ) -> TraceHeader:
        """What a new run's trace says of it."""
        schema = self.output_schema
        return TraceHeader(
            run=new_run_id(),
            created=time.time(),
            agentlab=_own_version(),
            program=_program(),
            agent=self.name,
            backend=self.backend.identity,
            tools=self.specs,
            settings=self.settings,
            limits=self.limits,
            approval=self.approval if isinstance(self.approval, Policy) else None,
            output=None if schema is None else dict(schema),
            parent=parent,
            labels=dict(labels or {}),
        )

    def _before(self, history: Sequence[Message]) -> Sequence[Message]:
        """Instructions, examples and history: each of them once."""
        rest = list(history)
        theirs = [rest.pop(0)] if rest and rest[0].role == "system" else []
        own = [Message.system(self.instructions)] if self.instructions else theirs
        seen = rest[: len(self.examples)] == list(self.examples)  # in an earlier run's messages
        examples = () if seen else self.examples
        return (*own, *examples, *rest)


def _program() -> str:
    """The program that runs here: a script, a module with `-m`, or a notebook."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        name = spec.name.removesuffix(".__main__")
    else:
        name = Path(getattr(main, "__file__", "") or sys.argv[0] or "python").name
    return "a notebook" if name.startswith("ipykernel") else name


def _loaded(run: Trace | Path | str | Result[Any]) -> Trace:
    if isinstance(run, Trace):
        return run
    if isinstance(run, Result):
        if run.path is None:
            raise TraceError(
                f"run {run.run} left no trace to continue from: its agent has runs=None"
            )
        run = run.path
    return Trace.load(Path(run))


@cache
def _own_version() -> str:
    try:
        return version("agentlab-kit")
    except PackageNotFoundError:  # run from a bare checkout
        return "0"
