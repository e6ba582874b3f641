"""An answer at work on one case of its step: the run it starts, and what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from pydantic_core import to_json

from agentlab.agent import Agent
from agentlab.agent.run import Run
from agentlab.approval import Approver, Policy
from agentlab.backend import Backend
from agentlab.backends.scripted import Script, Scripted
from agentlab.errors import LabError
from agentlab.events import ModelReplied, RunFinished, RunStarted, StoredEvent
from agentlab.labs.answers import AgentAnswer, Answer, Call, CodeAnswer, ForkAnswer
from agentlab.labs.attempt import Case, CaseRun
from agentlab.labs.values import AgentStep, CodeStep, ForkStep, Lab, RunStep, answer_name
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.plugins.equipment import Equipment
from agentlab.replay.forked import Changes, forked_run
from agentlab.tooling import Tool
from agentlab.trace import Trace, trace_path


class Given(TypedDict):
    """What every run of a lab is given."""

    labels: Mapping[str, str]
    approver: Approver | None
    deps: Any


@dataclass(frozen=True)
class Trial:
    """Starts the runs that answers describe.

    Attributes:
        runs: the folder for traces; None keeps none.
        approval: which of the model's calls need consent, and `approver` gives it.
    """

    lab: Lab
    backend: Backend
    runs: Path | None
    approval: Policy = field(default_factory=Policy)
    approver: Approver | None = None

    def run(self, step: RunStep, answer: Answer, case: Case, equipment: Equipment) -> Run[Any]:
        """The run of an answer on a case; nothing happens before it is iterated.

        Raises:
            LabError: the answer is of another kind, or names a tool the step does not have.
            TraceError: a fork's event is not there, or does not take that change.
        """
        labels = {"lab": self.lab.id, "step": step.id, **equipment.labels}
        options: Given = {"labels": labels, "approver": self.approver, "deps": equipment.deps}
        match step, answer:
            case AgentStep(), AgentAnswer():
                return self.agent(step, answer).run(case.input, **options)
            case CodeStep(), CodeAnswer():
                learner = Agent(
                    name=step.id,
                    backend=Scripted(_program(step, answer, case), name="learner"),
                    tools=[tool for tool in self.lab.tools if tool.name == step.runs_on],
                    runs=self.runs,
                )
                return learner.run(f"Run {answer_name(step)}", **options)
            case ForkStep(), ForkAnswer():
                return self._fork(step, answer, options)
            case _:
                kind = answer.kind
                raise LabError(f"step {step.id} takes another kind of answer than {kind!r}")

    def _fork(self, step: ForkStep, answer: ForkAnswer, given: Given) -> Run[Any]:
        parent = Trace.load(step.run)
        if self.runs is not None:
            _keep_beside(parent.path, trace_path(self.runs, parent.header.run))
        agent = Agent(
            name=parent.header.agent,
            backend=self.backend,
            tools=_named(self.lab, [spec.name for spec in parent.header.tools]),
            settings=parent.header.settings,
            limits=parent.header.limits,
            approval=self.approval,
            runs=self.runs,
        )
        changes: Changes = {
            **given,
            "prompt": answer.prompt,
            "tool_result": answer.tool_result,
        }
        if answer.call is not None:
            changes["edit"] = _called(answer.call)
        return forked_run(parent, agent, at=answer.at, folder=self.runs, **changes)

    def agent(self, step: AgentStep, answer: AgentAnswer) -> Agent:
        """The agent an answer describes.

        Raises:
            LabError: it names a tool that this step does not have.
        """
        return Agent(
            name=step.id,
            backend=self.backend,
            instructions=answer.instructions,
            examples=answer.shown(),
            tools=_tools(self.lab, step, answer),
            settings=answer.settings,
            limits=answer.limits,
            approval=self.approval,
            runs=self.runs,
        )


def asked(trace: Trace) -> str:
    """What the user of a run asked."""
    first = trace.events[0] if trace.records else None
    return first.messages[-1].text if isinstance(first, RunStarted) and first.messages else ""


def _called(call: Call) -> Callable[[StoredEvent], StoredEvent]:
    """A reply that makes this call, in place of another reply."""

    def edit(event: StoredEvent) -> StoredEvent:
        if not isinstance(event, ModelReplied):
            raise LabError(
                f"a {event.kind} event is nothing the model did, so no call can take its place: "
                "fork at one of the model's replies"
            )
        mended = ToolCall(id="mended", name=call.name, arguments=to_json(call.arguments).decode())
        return ModelReplied(
            reply=event.reply.model_copy(
                update={"message": Message.assistant(mended), "stop": "tool_calls"}
            )
        )

    return edit


def _keep_beside(path: Path, copy: Path) -> None:
    """Put a run that came with a lab among the learner's own, to be shown and compared."""
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_suffix(".partial")
        shutil.copyfile(path, partial)
        partial.replace(copy)


def _program(step: CodeStep, answer: CodeAnswer, case: Case) -> Script:
    """The learner in the model's place: run the program, then the case, then say what came out.

    So a program leaves the same kind of trace as an agent does.
    """
    pieces = [code for code in (answer.code, case.input) if code]

    def reply(messages: Sequence[Message], *_: object) -> Message:
        results = [part for m in messages for part in m.parts if isinstance(part, ToolResult)]
        if len(results) < len(pieces) and not any(result.error for result in results):
            arguments = to_json({"code": pieces[len(results)]}).decode()
            id = f"call_{len(results) + 1}"
            return Message.assistant(ToolCall(id=id, name=step.runs_on, arguments=arguments))
        return Message.assistant(results[-1].content if results else "")

    return reply


def _tools(lab: Lab, step: AgentStep, answer: AgentAnswer) -> Sequence[Tool[Any]]:
    for name in answer.tools:
        if name not in step.tools:
            raise LabError(
                f"step {step.id} has no tool {name!r}; its tools are: {', '.join(step.tools)}"
            )
    return _named(lab, answer.tools)


def _named(lab: Lab, names: Sequence[str]) -> Sequence[Tool[Any]]:
    by_name = {tool.name: tool for tool in lab.tools}
    return [by_name[name] for name in names]


def case_run(case: Case, run: Run[Any], events: Sequence[StoredEvent]) -> CaseRun:
    """What an agent did with a case, from its run and the events that were stored."""
    first, end = (events[0], events[-1]) if events else (None, None)
    messages = run.state.transcript.messages
    opening = len(first.messages) - 1 if isinstance(first, RunStarted) else 0
    return CaseRun(
        case=case,
        run=run.id,
        events=tuple(events),
        messages=tuple(messages[opening:]),
        usage=run.state.meter.usage,
        output=end.output if isinstance(end, RunFinished) and end.output else "",
    )
