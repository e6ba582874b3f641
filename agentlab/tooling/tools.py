"""Tools: any typed function becomes something a model can call.

    @tool
    def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
        '''The weather in a city.

        Args:
            city: the city's name.
            unit: degrees Celsius or Fahrenheit.
        '''

The name, the description and the JSON Schema come from the signature and the docstring. A call is
validated against them before the function sees it; what a model got wrong goes back to the model as
a `ToolResult` with an `error`, never as an exception.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, Self, SupportsIndex, TypeVar, cast, overload

from pydantic import BaseModel, ValidationError

from agentlab.approval import Approver, Filler, Form
from agentlab.backend import ToolSpec
from agentlab.errors import ConfigError, Refused, ToolError
from agentlab.limits import Meter
from agentlab.messages import Artifact, Blob, ToolCall, ToolErrorKind, ToolResult
from agentlab.tooling.capture import captured
from agentlab.tooling.insisting import insisted
from agentlab.tooling.parameters import (
    answers_of,
    arguments_of,
    description_of,
    name_of,
    schema_of,
    underlying,
)
from agentlab.tooling.pickled import made_again, reference
from agentlab.tooling.threads import in_thread
from agentlab.tooling.written import as_text
from agentlab.trace.redaction import Redactor
from agentlab.values import refuses_unknown, unknown

A = TypeVar("A", bound=BaseModel)

MAX_CHARS = 20_000
"""What a tool's answer may hold before it is shortened for the model (the whole is kept)."""

_KEPT_OF_HUGE = 64 << 20
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


_OPTIONS = ("name", "description", "timeout", "max_chars", "read_only", "ask")


def _ignore(_text: str) -> None:
    """Nobody listens to this tool's output."""


@dataclass(frozen=True)
class RunInfo:
    """The run a tool is called from, so that an agent used as a tool can be part of it."""

    id: str
    meter: Meter
    approver: Approver | None = None
    secrets: tuple[str, ...] = ()
    depth: int = 0


@dataclass
class ToolContext:
    """What a tool may know of, and do to, the run that calls it.

    A parameter of this type is filled in by the loop and is not shown to the model.
    """

    call_id: str = "call_0"
    workspace: Path | None = None
    """The run's own folder, where it has one."""
    deps: Any = None
    """Whatever the caller of the agent passed in for its tools."""
    emit: Callable[[str], None] = _ignore
    """Show text while the tool works. May be called from any thread."""
    run: RunInfo | None = None
    secrets: tuple[str, ...] = ()
    """Values that must not be kept; `attach` blanks them out."""
    fill: Filler | None = None
    """Has a person fill in a form, where there is one to ask; see `ask`."""
    artifacts: list[Artifact] = field(default_factory=list[Artifact])

    def attach(self, name: str, data: bytes, media_type: str) -> Artifact:
        """Keep a file beside the result: a plot, a table, a log."""
        blob = Blob.of(Redactor(self.secrets).data(data))
        artifact = Artifact(name=name, media_type=media_type, blob=blob)
        self.artifacts.append(artifact)
        return artifact

    async def ask(self, message: str, answer: type[A]) -> A | None:
        """Ask the person for whom the agent works; None if they would rather not say.

            seat = await context.ask("Which seat?", Seat)

        Args:
            answer: a model whose fields are texts, numbers, yes or no, or choices (`Literal`).

        Raises:
            ToolError: nobody is there to ask, or what they said does not fit.
        """
        if self.fill is None:
            raise ToolError("nobody is there to ask")
        filled = await self.fill(Form(message=message, fields=answer.model_json_schema()))
        if filled is None:
            return None
        try:
            return answer.model_validate(filled)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ToolError(f"what was filled in does not fit: {where}: {first['msg']}") from None


def check_tool_name(name: str) -> None:
    """Refuse a name that no model service would take.

    Raises:
        ConfigError: it has other characters than A-Z a-z 0-9 _ -, or more than 64.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name[:80]!r} can't name a tool: use up to 64 letters, digits, _ or -")


@refuses_unknown
@dataclass(frozen=True)
class Tool(Generic[A]):
    """A function a model can call. Make one with `@tool`.

    Attributes:
        arguments: the pydantic model that a call's arguments are validated by.
        run: takes validated arguments and a context, returns any JSON-able value or text.
        timeout: seconds one call may take; None for no bound.
        max_chars: length in characters beyond which an answer is shortened for the model.
        read_only: a call changes nothing anywhere, and so may be offered without being asked about.
        ask: a person is asked before every call, unless the agent's policy allows it by name.
        answers: the JSON Schema of what it returns, where that is data and not text.
    """

    name: str
    description: str
    arguments: type[A]
    run: Callable[[A, ToolContext], Coroutine[Any, Any, Any]]
    timeout: float | None = 120.0
    max_chars: int = MAX_CHARS
    read_only: bool = False
    ask: bool = False
    answers: Mapping[str, Any] | None = None
    function: Callable[..., Any] | None = field(default=None, repr=False, compare=False)
    """What `@tool` made this of; a copy in another process is made of it again."""

    def __post_init__(self) -> None:
        check_tool_name(self.name)
        self._check("timeout", float, "seconds above 0, or None for no bound")
        self._check("max_chars", int, "a number of characters above 0")
        self._check("description", str, "a text")

    def _check(self, what: str, kind: type[float | str], takes: str) -> None:
        value: object = getattr(self, what)
        if value is None and what == "timeout":
            return
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or isinstance(value, bool) or (isinstance(value, int | float) and value <= 0):
            raise Refused(f"{what} of tool {self.name} takes {takes}; {value!r:.60} is none")

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.function is None:
            return object.__reduce_ex__(self, protocol)
        options = {name: getattr(self, name) for name in _OPTIONS}
        return made_again, (tool, reference(self.function, self.name), options)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        return ToolSpec(
            name=self.name, description=self.description, parameters=schema_of(self.arguments)
        )

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The function itself, as its author calls it: nothing is validated, bounded or recorded.

        Raises:
            ConfigError: the tool was not made of a function.
        """
        if self.function is None:
            raise ConfigError(f"tool {self.name} is made of no function: only a run can call it")
        return self.function(*args, **named)

    async def call(self, call: ToolCall, context: ToolContext | None = None) -> ToolResult:
        """Validate, run, and turn whatever happens into a result.

        Only cancellation (and Ctrl-C) passes through; everything else that can go wrong is in the
        result.
        """
        context = context or ToolContext(call_id=call.id)
        try:
            arguments = self.arguments.model_validate_json(call.arguments.strip() or "{}")
        except ValidationError as error:
            return _failed(call, "bad_arguments", self._explain(error))
        except Exception as error:  # noqa: BLE001 - a validator of the tool's own
            return _failed(call, "bad_arguments", f"{self.name} was not called: {_said(error)}")
        bound = asyncio.timeout(self.timeout)
        try:
            async with bound:
                answer = await insisted(self.run(arguments, context))
            if self._late(bound):
                return self.timed_out(call, context)
            content = shorten(as_text(answer), self.max_chars, context)
        except TimeoutError as error:
            if bound.expired():
                return self.timed_out(call, context)
            return _failed(call, "tool_error", _said(error), context)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failed(call, "tool_error", f"{self.name} cancelled itself", context)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug or an exit of the tool's, not the run's
            return _failed(call, "tool_error", _said(error), context)
        return ToolResult(call_id=call.id, content=content, artifacts=tuple(context.artifacts))

    def _late(self, bound: asyncio.Timeout) -> bool:
        """It answered after its time: it had blocked the event loop, or refused to be stopped."""
        end = bound.when()
        return end is not None and asyncio.get_running_loop().time() > end

    def timed_out(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """The result of a call that took too long."""
        text = f"{self.name} did not answer within {self.timeout:g} seconds"
        return _failed(call, "timeout", text, context)

    def with_(self, **changes: Any) -> Tool[A]:
        """This tool with another name, description, timeout or length."""
        return replace(self, **changes)

    def _explain(self, error: ValidationError) -> str:
        lines = [
            f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}"
            for e in error.errors(include_url=False, include_context=False, include_input=False)[:5]
        ]
        return f"{self.name} was not called: " + "; ".join(lines)


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, ToolError) else f"{type(error).__name__}: {error}"


def _failed(
    call: ToolCall, kind: ToolErrorKind, text: str, context: ToolContext | None = None
) -> ToolResult:
    artifacts = tuple(context.artifacts) if context else ()
    return ToolResult(call_id=call.id, content=text[:MAX_CHARS], error=kind, artifacts=artifacts)


def shorten(text: str, limit: int, context: ToolContext) -> str:
    """Keep head and tail of a long answer, say what was left out, and attach the whole."""
    if len(text) <= limit:
        return text
    whole = text.encode()
    context.attach("full-output.txt", whole[:_KEPT_OF_HUGE], "text/plain")
    cut = "" if len(whole) <= _KEPT_OF_HUGE else f", the first {_KEPT_OF_HUGE >> 20} MB of which"
    head, tail = limit * 3 // 4, limit // 4
    note = f"\n[… {len(text) - head - tail:,} characters left out{cut} kept in full-output.txt …]\n"
    return text[:head] + note + text[-tail:]


@overload
def tool(function: Callable[..., Any], /) -> Tool[BaseModel]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = 120.0,
    max_chars: int = MAX_CHARS,
    read_only: bool = False,
    ask: bool = False,
) -> Callable[[Callable[..., Any]], Tool[BaseModel]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = 120.0,
    max_chars: int = MAX_CHARS,
    read_only: bool = False,
    ask: bool = False,
    **misspelt: Any,
) -> Tool[BaseModel] | Callable[[Callable[..., Any]], Tool[BaseModel]]:
    """Make a tool of a typed function, plain or async. Plain ones run off the event loop.

    Args:
        function: every parameter must be annotated. One may be a `ToolContext`.
        name: if not the function's own.
        description: if not the docstring's summary and body.
        timeout: seconds one call may take.
        max_chars: length beyond which an answer is shortened for the model.
        read_only: whether a call changes nothing anywhere.
        ask: whether a person is asked before every call, unless the agent's policy allows it.

    Raises:
        ConfigError: a parameter has no annotation, or one no JSON Schema can describe; or there is
            no such option.
    """
    if misspelt:
        raise Refused(f"tool has no option {unknown(next(iter(misspelt)), _OPTIONS)}")
    if function is not None and (not callable(function) or isinstance(function, Tool)):
        raise Refused(f"@tool stands over a function, or takes options by name; got {function!r}")
    caller = sys._getframe(1).f_locals  # pyright: ignore[reportPrivateUsage]

    def make(function: Callable[..., Any]) -> Tool[BaseModel]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigError(
                f"tool {name_of(function)} yields: return the answer, and show what comes before "
                "it with ToolContext.emit"
            )
        arguments, contexts = arguments_of(function, ToolContext, caller)
        return Tool(
            name=name or name_of(function),
            description=description or description_of(function),
            arguments=arguments,
            run=_runner(function, contexts),
            timeout=timeout,
            max_chars=max_chars,
            read_only=read_only,
            ask=ask,
            answers=answers_of(function, caller),
            function=function,
        )

    return make if function is None else make(function)


def _runner(
    function: Callable[..., Any], contexts: tuple[str, ...]
) -> Callable[[BaseModel, ToolContext], Coroutine[Any, Any, Any]]:
    def bind(arguments: BaseModel, context: ToolContext) -> dict[str, Any]:
        values = {
            cast(str, info.alias): getattr(arguments, name)
            for name, info in type(arguments).model_fields.items()
        }
        return {**values, **dict.fromkeys(contexts, context)}

    def call(arguments: BaseModel, context: ToolContext) -> Any:
        with captured(context.emit):
            return function(**bind(arguments, context))

    if inspect.iscoroutinefunction(underlying(function)):

        async def run_async(arguments: BaseModel, context: ToolContext) -> Any:
            with captured(context.emit):
                return await function(**bind(arguments, context))

        return run_async

    async def run_plain(arguments: BaseModel, context: ToolContext) -> Any:
        answer = await in_thread(partial(call, arguments, context))
        if inspect.isawaitable(answer):
            # an ordinary decorator around an async function hides what it is
            with captured(context.emit):
                return await answer
        return answer

    return run_plain
