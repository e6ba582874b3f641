"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, cast

from pydantic_core import from_json

from agentlab.agent.profile import AgentProfile, Output
from agentlab.agent.table import html
from agentlab.attached import attached_in
from agentlab.backend import Stop
from agentlab.described import OUTCOMES, Line, Tone, message_line
from agentlab.errors import RunError
from agentlab.events import LimitReached, Outcome
from agentlab.messages import Artifact, Message, ToolCall, Usage


@dataclass(frozen=True)
class Pending:
    """A call that waits for a person's word; `Agent.resume` takes it, under the call's id."""

    id: str
    name: str
    arguments: dict[str, Any]
    """Empty where the model's were no JSON object; `call` has them as it wrote them."""
    why: str
    """Who asks: the agent's approval, or the tool itself."""
    call: ToolCall

    @classmethod
    def of(cls, call: ToolCall, agent: AgentProfile[Any]) -> Pending:
        """A call that waits in a run of this agent."""
        try:
            fields: object = from_json(call.arguments or "{}")
        except ValueError:
            fields = None
        arguments = cast(dict[str, Any], fields) if isinstance(fields, dict) else {}
        tool = agent.tool_named(call.name)
        itself = tool is not None and tool.ask and agent.approval(call) == "allow"
        why = "the tool asks before every call" if itself else "the agent's approval asks about it"
        return cls(id=call.id, name=call.name, arguments=arguments, why=why, call=call)


@dataclass(frozen=True)
class Result(Generic[Output]):
    """What a run came to."""

    run: str
    outcome: Outcome
    messages: tuple[Message, ...]
    usage: Usage
    path: Path | None
    """The trace."""
    stop: Stop | None
    """Why the last reply ended; `length` means that its text was cut."""
    limit: LimitReached | None
    _output: Output | None = None
    pending: tuple[Pending, ...] = ()
    """The calls that wait for a person's word, where the run was paused for it."""

    @property
    def output(self) -> Output:
        """The answer, as the agent's output type.

        Raises:
            RunError: the run has none; `outcome` says why, and `text` has what was reached.
        """
        if self.outcome == "completed":
            return cast(Output, self._output)
        if self.outcome == "paused":
            names = ", ".join(call.name for call in self.pending)
            raise RunError(
                f"run {self.run} was paused, as {names} waits for approval: see `.pending`, and go "
                "on with agent.resume(result, decisions={call.id: 'allow'})"
            )
        why = f"reached its limit on {self.limit.limit}" if self.limit else f"was {self.outcome}"
        raise RunError(f"run {self.run} {why}, so it has no output; what it said is in `.text`")

    @property
    def text(self) -> str:
        """The last words of the model."""
        replies = (m.text for m in reversed(self.messages) if m.role == "assistant" and m.text)
        return next(replies, "")

    def _repr_html_(self) -> str:
        """What a notebook shows of it: its turns, and how it ended."""
        cost = f"{self.usage.input_tokens} tokens in, {self.usage.output_tokens} out"
        where = f", {self.path}" if self.path else ""
        tone: Tone = "good" if self.outcome == "completed" else "warn"
        end = Line("■", tone, f"{OUTCOMES[self.outcome]}  ({cost}{where})")
        rows: list[Line | Artifact] = []
        for message in self.messages:
            rows += [message_line(message, None), *attached_in(message)]
        return html([*rows, end])
