"""Consent as a value: which calls may be made, which may not, and which need a person's word.

    Policy(ask=("run_shell",), deny=("delete_*",))      # by name; patterns as in a shell
    Policy(allow=("start_training",))                   # though that tool asks of itself
    lambda call: "ask" if "rm " in call.arguments else "allow"

Where a call is to be asked about and nobody is there to answer, the run pauses: its trace is whole,
and `Agent.resume` goes on once there is an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from agentlab.messages import ToolCall, Value

Verdict: TypeAlias = Literal["allow", "ask", "deny"]


class Decision(Value):
    """A person's word on one call. A reason for denying it is told to the model."""

    verdict: Literal["allow", "deny"]
    reason: str = ""


class Policy(Value):
    """Verdicts by tool name. Names may be shell patterns; the strictest match holds.

    A tool that asks of itself (`Tool.ask`) is asked about unless it stands under `allow`.
    """

    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    otherwise: Verdict = "allow"

    def __call__(self, call: ToolCall) -> Verdict:
        """The verdict on one call."""
        if any(fnmatchcase(call.name, pattern) for pattern in self.deny):
            return "deny"
        if any(fnmatchcase(call.name, pattern) for pattern in self.ask):
            return "ask"
        return "allow" if self.allows(call.name) else self.otherwise

    def names(self, name: str) -> bool:
        """Whether it says anything of a tool of that name, besides `otherwise`."""
        every = (*self.ask, *self.deny, *self.allow)
        return any(fnmatchcase(name, pattern) for pattern in every)

    def allows(self, name: str) -> bool:
        """Whether a tool of that name stands under `allow`."""
        return any(fnmatchcase(name, pattern) for pattern in self.allow)


Approval: TypeAlias = Callable[[ToolCall], Verdict]
Approver: TypeAlias = Callable[[ToolCall], Awaitable[Decision]]
"""Whoever answers for the person: a terminal prompt, a dialog, a test."""

Answer: TypeAlias = Decision | Literal["allow", "deny"]
"""A decision, or its verdict alone."""

AnyApprover: TypeAlias = Callable[[ToolCall], Awaitable[Answer] | Answer]
"""What a run takes for an approver: a plain function, which may block, or an async one."""

allow_all = Policy()
