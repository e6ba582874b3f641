"""What an agent takes in place of its own values, and what it says of anything else.

    Agent(backend="local:smollm2", tools=area, settings={"temperature": 0}, approval="ask")

A model may be given by its name, a tool as a plain function or alone, settings and limits as a
mapping, approval as one verdict for all calls. Each is made into the value it stands for when the
agent is made, so whoever reads an agent finds one kind of thing.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from importlib import import_module
from inspect import isawaitable, iscoroutinefunction, isroutine, signature
from types import NoneType
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast, overload

from pydantic import BaseModel

from agentlab.approval import (
    Answer,
    AnyApprover,
    Approval,
    Approver,
    Decision,
    Filled,
    Form,
    Policy,
    Verdict,
)
from agentlab.backend import Backend, Settings
from agentlab.errors import Refused
from agentlab.limits import Limits
from agentlab.messages import Message, ToolCall
from agentlab.tooling import Tool, tool
from agentlab.tooling.threads import in_thread
from agentlab.values import Value

In = TypeVar("In")
Out = TypeVar("Out")
T = TypeVar("T")
V = TypeVar("V", bound=Value)

OPENER: Final = ("agentlab.backends", "connect")
"""Who opens a backend by its name; looked up when one is named, as the loop knows no backend."""

ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("model", "llm", "client"), "backend=…"),
    **dict.fromkeys(("system_prompt", "system", "prompt"), "instructions=…"),
    **dict.fromkeys(("result_type", "response_model", "response_format"), "output_type=…"),
    **dict.fromkeys(("max_steps", "max_turns", "max_iterations"), "limits={'steps': …}"),
    **{name: f"settings={{{name!r}: …}}" for name in Settings.model_fields},
    **{name: f"limits={{{name!r}: …}}" for name in Limits.model_fields},
    "approver": "it where the agent is run, as agent.run(…, approver=…)",
    "deps": "it where the agent is run, as agent.run(…, deps=…)",
}
"""Where what others call by another name, or give in another place, stands in an agent."""

AnyTool: TypeAlias = Tool[Any] | Callable[..., Any]
_MISSING: Final[Any] = object()


class Taken(Generic[In, Out]):
    """A field of a frozen dataclass that is given as one thing and read as another."""

    def __init__(self, make: Callable[[In], Out], default: In = _MISSING) -> None:
        self._make = make
        self._default = default
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, agent: None, owner: type) -> In: ...
    @overload
    def __get__(self, agent: object, owner: type) -> Out: ...
    def __get__(self, agent: object | None, owner: type) -> In | Out:
        if agent is not None:
            return cast(Out, agent.__dict__[self._name])
        if self._default is _MISSING:  # so dataclasses see a field without a default
            raise AttributeError(self._name)
        return self._default

    def __set__(self, agent: object, value: In) -> None:
        agent.__dict__[self._name] = self._make(value)


def backend(given: Backend | str) -> Backend:
    """A backend, or the one of that name.

    Raises:
        ConfigError: it is neither, or no backend has that name.
    """
    if isinstance(given, str):
        module, name = OPENER
        return cast(Backend, getattr(import_module(module), name)(given))
    if not callable(getattr(given, "stream", None)) or isinstance(given, type):
        raise Refused(f"backend takes a model, as connect(…) opens it, or its name{_not(given)}")
    return given


def tools(given: Iterable[AnyTool] | AnyTool) -> tuple[Tool[Any], ...]:
    """Tools; plain functions are made into some.

    Raises:
        ConfigError: one is neither, or a function has no schema.
    """
    return tuple(map(_tool, one_or_more(given)))


def settings(given: Settings | Mapping[str, Any]) -> Settings:
    """Settings, or a mapping of some."""
    return _value("settings", Settings, given, "temperature=0")


def limits(given: Limits | Mapping[str, Any]) -> Limits:
    """Limits, or a mapping of some."""
    return _value("limits", Limits, given, "steps=5")


def approval(given: Approval | Verdict | Mapping[str, Any]) -> Approval:
    """Who decides on a call: a policy, a function, or one verdict on all that is not said to be
    allowed.
    """
    if isinstance(given, str) and given in ("allow", "ask", "deny"):
        return Policy(otherwise=given)
    if isinstance(given, Mapping):
        return Policy(**given)
    if not callable(given) or isinstance(given, type):
        raise Refused(f"approval takes a Policy, a function, or allow, ask or deny{_not(given)}")
    _takes_a_call("approval", given)
    if iscoroutinefunction(given):
        raise Refused(
            "approval decides at once, so its function can't be async: one that waits for a "
            "person's word is the approver of a run"
        )
    return given


def messages(given: Iterable[Message], what: str) -> tuple[Message, ...]:
    """Messages, and nothing else."""
    several = one_or_more(given)
    for each in several:
        if not isinstance(cast(object, each), Message):
            raise Refused(
                f"{what} takes messages, such as Message.user('hello') or a result's "
                f"messages{_not(each)}"
            )
    return several


def examples(given: Sequence[Message]) -> tuple[Message, ...]:
    """Turns to be shown to the model."""
    return messages(given, "examples")


def decision(given: Answer, call_id: str) -> Decision:
    """A decision, or its verdict."""
    if isinstance(given, Decision):
        return given
    if isinstance(cast(object, given), str):
        for verdict in ("allow", "deny"):
            if given == verdict:
                return Decision(verdict=verdict)
    raise Refused(f"the decision on {call_id} must be allow, deny or a Decision{_not(given)}")


def decisions(given: Mapping[str, Answer] | None) -> Mapping[str, Answer]:
    """Decisions by the id of the call they are on."""
    if not isinstance(cast(object, given), Mapping | None):
        raise Refused(
            f"decisions takes a mapping, such as {{call.id: 'allow'}} for what is in "
            f"result.pending{_not(given)}"
        )
    return given or {}


def approver(given: AnyApprover | None) -> Approver | None:
    """Whoever answers for the person. A plain function may block: it is called on a thread."""
    if given is None:
        return None
    if not callable(given) or isinstance(given, type):
        raise Refused(
            f"approver takes a function of the call that answers allow or deny{_not(given)}"
        )
    _takes_a_call("approver", given)
    at_once = iscoroutinefunction(given) or iscoroutinefunction(cast(Any, type(given)).__call__)

    async def decides(call: ToolCall) -> Decision:
        consent = given(call) if at_once else await in_thread(partial(given, call))
        return decision(cast(Answer, await consent if isawaitable(consent) else consent), call.id)

    fill = getattr(given, "fill", None)
    return decides if fill is None else _Filling(decides, fill)


class _Filling:
    """An approver that fills in forms, too; see `agentlab.approval.filler`."""

    def __init__(
        self, decides: Approver, fill: Callable[[Form], Awaitable[Filled] | Filled]
    ) -> None:
        self._decides, self._fill = decides, fill

    async def __call__(self, call: ToolCall) -> Decision:
        return await self._decides(call)

    async def fill(self, form: Form) -> Filled:
        """Have a person fill in a form. A plain function may block: it is called on a thread."""
        if iscoroutinefunction(self._fill):
            return await self._fill(form)
        values = await in_thread(partial(self._fill, form))
        return await values if isawaitable(values) else values


def no_type(given: object) -> str | None:
    """What is wrong with an output type that is a value and no type; None for anything else."""
    values = (str, bytes, bool, int, float, Mapping, Sequence, Set, BaseModel, NoneType)
    if isinstance(given, values) or isroutine(given):
        reason = _not(cast(object, given))
        return f"output_type takes a type, such as a class or list[str]{reason}"
    return None


def folder(given: object) -> None:
    """Refuse what names no folder for the traces."""
    if not isinstance(given, str | os.PathLike | None):
        raise Refused(f"runs takes a folder, or None to keep nothing{_not(given)}")


def labels(given: Mapping[str, str] | None) -> dict[str, str]:
    """Labels of a run, by their names."""
    if not isinstance(cast(object, given), Mapping | None):
        raise Refused(f"labels takes a mapping, such as {{'project': 'demo'}}{_not(given)}")
    return dict(given or {})


def one_or_more(given: Iterable[T] | T) -> tuple[T, ...]:
    """A tuple, of one thing that was given alone as well."""
    return tuple(cast(Iterable[T], given)) if _several(given) else (cast(T, given),)


def opening(given: str | Message) -> Message:
    """What the user says."""
    if isinstance(given, str):
        return Message.user(given)
    if not isinstance(cast(object, given), Message):
        raise Refused(f"a run takes what the user says, as a text or a Message{_not(given)}")
    return given


def _tool(given: AnyTool) -> Tool[Any]:
    if isinstance(given, Tool):
        return cast(Tool[Any], given)
    if any(callable(getattr(of, "as_tool", None)) for of in (given, _bound_to(given))):
        raise Refused("tools takes an agent as agent.as_tool(), or as one of its handoffs")
    if not callable(given) or isinstance(given, type):
        raise Refused(f"tools takes functions, or what @tool makes of them{_not(given)}")
    return tool(given)


def _bound_to(given: object) -> object:
    """Whose method this is; None of anything else."""
    return getattr(given, "__self__", None)


def _takes_a_call(what: str, given: Callable[..., Any]) -> None:
    """Refuse a function that can't be called with one call."""
    try:
        takes = signature(given)
    except (TypeError, ValueError):  # some of those written in C don't say
        return
    try:
        takes.bind(None)
    except TypeError:
        name = getattr(given, "__name__", "this one")
        raise Refused(
            f"{what} takes a function of one argument, the call; {name} takes {takes}"
        ) from None


def _value(what: str, kind: type[V], given: V | Mapping[str, Any], like: str) -> V:
    if isinstance(given, kind):
        return given
    if isinstance(given, Mapping):
        return kind(**given)
    name = kind.__name__
    raise Refused(f"{what} takes {name}({like}) or a mapping of the same{_not(given)}")


def _several(given: object) -> bool:
    """Whether this is a collection; a text, a value and a mapping are each one thing."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Value | Mapping)


def _not(given: object) -> str:
    return f"; {given!r:.60} is {type(given).__name__}" if given is not None else ", not None"
