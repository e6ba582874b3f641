"""Consent as a value: which calls may be made, which may not, and which need a person's word.

    Policy(ask=("run_shell",), deny=("delete_*",))      # by name; patterns as in a shell
    Policy(allow=("start_training",))                   # though that tool asks of itself
    lambda call: "ask" if "rm " in call.arguments else "allow"

Where a call is to be asked about and nobody is there to answer, the run pauses: its trace is whole,
and `Agent.resume` goes on once there is an answer.

A tool at work may ask as well, for what only a person knows: it hands a `Form` to whoever answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, cast

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


class Form(Value):
    """What a tool at work asks a person: a message, and fields to fill in.

    Attributes:
        fields: the JSON Schema of an object; its properties are texts, numbers, yes or no, choices.
        asker: who asks, where that is another program.
    """

    message: str
    fields: dict[str, Any]
    asker: str = ""

    @property
    def defaults(self) -> dict[str, Any] | None:
        """The values it comes with; None if one that is needed has to be filled in."""
        properties = cast("dict[str, Any]", self.fields.get("properties", {}))
        values = {
            name: cast("dict[str, Any]", field)["default"]
            for name, field in properties.items()
            if isinstance(field, dict) and "default" in field
        }
        needed = cast("list[str]", self.fields.get("required", []))
        return values if all(name in values for name in needed) else None


Filled: TypeAlias = Mapping[str, Any] | None
"""What a person filled in; None if they would not."""

Filler: TypeAlias = Callable[[Form], Awaitable[Filled]]
"""Whoever fills in forms for the person."""


def filler(approver: Approver | None) -> Filler | None:
    """Who fills in forms, where `approver` answers for the person.

    One that only knows yes and no is asked about a call `form` (`NAME_form` of a program NAME),
    which shows the message and the values the form comes with; they are sent if it allows that. A
    form in which something has to be filled in is then declined.
    """
    if approver is None:
        return None
    fill: Filler | None = getattr(approver, "fill", None)
    if fill is not None:
        return fill

    async def agree(form: Form) -> Filled:
        values = form.defaults
        if values is None:
            return None
        question = json.dumps({"message": form.message, "values": values}, ensure_ascii=False)
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{form.asker}_form" if form.asker else "form")
        call = ToolCall(id="form", name=name[-64:], arguments=question)
        return values if (await approver(call)).verdict == "allow" else None

    return agree


allow_all = Policy()
