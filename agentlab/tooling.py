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
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, get_type_hints, overload

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_json

from agentlab.approval import Approver
from agentlab.backend import ToolSpec
from agentlab.capture import captured
from agentlab.errors import ConfigError, ToolError
from agentlab.limits import Meter
from agentlab.messages import Artifact, Blob, ToolCall, ToolErrorKind, ToolResult
from agentlab.threads import in_thread

A = TypeVar("A", bound=BaseModel)

MAX_CHARS = 20_000
"""What a tool's answer may hold before it is shortened for the model (the whole is kept)."""

_KEPT_OF_HUGE = 64 << 20


def _ignore(_text: str) -> None:
    """Nobody listens to this tool's output."""


@dataclass(frozen=True)
class RunInfo:
    """The run a tool is called from, so that an agent used as a tool can be part of it."""

    id: str
    meter: Meter
    approver: Approver | None = None


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
    artifacts: list[Artifact] = field(default_factory=list[Artifact])

    def attach(self, name: str, data: bytes, media_type: str) -> Artifact:
        """Keep a file beside the result: a plot, a table, a log."""
        for secret in self.secrets:
            data = data.replace(secret.encode(), b"[secret]")
        artifact = Artifact(name=name, media_type=media_type, blob=Blob.of(data))
        self.artifacts.append(artifact)
        return artifact


@dataclass(frozen=True)
class Tool(Generic[A]):
    """A function a model can call. Make one with `@tool`.

    Attributes:
        arguments: the pydantic model that a call's arguments are validated by.
        run: takes validated arguments and a context, returns any JSON-able value or text.
        timeout: seconds one call may take; None for no bound.
        max_chars: length in characters beyond which an answer is shortened for the model.
    """

    name: str
    description: str
    arguments: type[A]
    run: Callable[[A, ToolContext], Coroutine[Any, Any, Any]]
    timeout: float | None = 120.0
    max_chars: int = MAX_CHARS

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        schema = self.arguments.model_json_schema()
        return ToolSpec(
            name=self.name, description=self.description, parameters=_without_titles(schema)
        )

    async def call(self, call: ToolCall, context: ToolContext | None = None) -> ToolResult:
        """Validate, run, and turn whatever happens into a result.

        Only cancellation passes through; everything else that can go wrong is in the result.
        """
        context = context or ToolContext(call_id=call.id)
        try:
            arguments = self.arguments.model_validate_json(call.arguments or "{}")
        except ValidationError as error:
            return _failed(call, "bad_arguments", self._explain(error))
        except RecursionError:
            return _failed(call, "bad_arguments", "the arguments are nested too deeply")
        bound = asyncio.timeout(self.timeout)
        try:
            async with bound:
                answer = await self.run(arguments, context)
        except ToolError as error:
            return _failed(call, "tool_error", str(error), context)
        except TimeoutError as error:
            if bound.expired():
                text = f"{self.name} did not answer within {self.timeout:g} seconds"
                return _failed(call, "timeout", text, context)
            return _failed(call, "tool_error", f"TimeoutError: {error}", context)
        except Exception as error:  # noqa: BLE001 - a tool's own bug must not end the run
            return _failed(call, "tool_error", f"{type(error).__name__}: {error}", context)
        try:
            content = as_text(answer)
        except ToolError as error:
            return _failed(call, "tool_error", str(error), context)
        content = shorten(content, self.max_chars, context)
        return ToolResult(call_id=call.id, content=content, artifacts=tuple(context.artifacts))

    def with_(self, **changes: Any) -> Tool[A]:
        """This tool with another name, description, timeout or length."""
        return replace(self, **changes)

    def _explain(self, error: ValidationError) -> str:
        lines = [
            f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}"
            for e in error.errors(include_url=False, include_context=False, include_input=False)[:5]
        ]
        return f"{self.name} was not called: " + "; ".join(lines)


def _failed(
    call: ToolCall, kind: ToolErrorKind, text: str, context: ToolContext | None = None
) -> ToolResult:
    artifacts = tuple(context.artifacts) if context else ()
    return ToolResult(
        call_id=call.id, content=clean(text)[:MAX_CHARS], error=kind, artifacts=artifacts
    )


def clean(text: str) -> str:
    """Text that is valid Unicode: lone surrogates, which no file can hold, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def as_text(answer: object) -> str:
    """A tool's answer as the text a model reads: text as it is, anything else as JSON.

    Raises:
        ToolError: the answer cannot be turned into JSON.
    """
    if isinstance(answer, str):
        return clean(answer)
    if answer is None:
        return "done"
    try:
        return clean(to_json(answer, inf_nan_mode="constants").decode())
    except (PydanticSerializationError, UnicodeError, ValueError, RecursionError):
        raise ToolError(
            f"the tool returned a {type(answer).__name__}, which can't be turned into text"
        ) from None


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
) -> Callable[[Callable[..., Any]], Tool[BaseModel]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = 120.0,
    max_chars: int = MAX_CHARS,
) -> Tool[BaseModel] | Callable[[Callable[..., Any]], Tool[BaseModel]]:
    """Make a tool of a typed function, plain or async. Plain ones run off the event loop.

    Args:
        function: every parameter must be annotated. One may be a `ToolContext`.
        name: if not the function's own.
        description: if not the docstring's summary and body.
        timeout: seconds one call may take.
        max_chars: length beyond which an answer is shortened for the model.

    Raises:
        ConfigError: a parameter has no annotation, or one no JSON Schema can describe.
    """

    def make(function: Callable[..., Any]) -> Tool[BaseModel]:
        doc = docstring_parser.parse(inspect.getdoc(function) or "")
        arguments, context_name = _arguments_model(function, doc)
        said = "\n\n".join(filter(None, (doc.short_description, doc.long_description)))
        return Tool(
            name=name or function.__name__,
            description=description or said,
            arguments=arguments,
            run=_runner(function, context_name),
            timeout=timeout,
            max_chars=max_chars,
        )

    return make if function is None else make(function)


def _arguments_model(
    function: Callable[..., Any], doc: docstring_parser.Docstring
) -> tuple[type[BaseModel], str | None]:
    hints = get_type_hints(function, include_extras=True)
    said = {p.arg_name: p.description for p in doc.params if p.description}
    context_name: str | None = None
    fields: dict[str, tuple[Any, FieldInfo]] = {}
    for parameter in inspect.signature(function).parameters.values():
        where = f"tool {function.__name__}, parameter {parameter.name}"
        if hints.get(parameter.name) is ToolContext:
            context_name = parameter.name
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(f"{where}: * and ** parameters have no schema; name each argument")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ConfigError(f"{where}: models name their arguments; remove the '/'")
        if parameter.name not in hints:
            raise ConfigError(f"{where}: add a type annotation, e.g. {parameter.name}: str")
        default = ... if parameter.default is parameter.empty else parameter.default
        about = Field(default, description=said.get(parameter.name), alias=parameter.name)
        # Field names may not start with an underscore or hide BaseModel's own, so they are numbered
        fields[f"p{len(fields)}"] = (hints[parameter.name], about)
    try:
        model = create_model(
            function.__name__, __config__=ConfigDict(extra="forbid"), **cast(Any, fields)
        )
        model.model_json_schema()
    except Exception as error:
        raise ConfigError(f"tool {function.__name__}: no JSON Schema: {error}") from error
    return model, context_name


def _runner(
    function: Callable[..., Any], context_name: str | None
) -> Callable[[BaseModel, ToolContext], Coroutine[Any, Any, Any]]:
    def bind(arguments: BaseModel, context: ToolContext) -> dict[str, Any]:
        values = {
            cast(str, info.alias): getattr(arguments, name)
            for name, info in type(arguments).model_fields.items()
        }
        return values if context_name is None else {**values, context_name: context}

    if inspect.iscoroutinefunction(function):

        async def run_async(arguments: BaseModel, context: ToolContext) -> Any:
            with captured(context.emit):
                return await function(**bind(arguments, context))

        return run_async

    async def run_plain(arguments: BaseModel, context: ToolContext) -> Any:
        with captured(context.emit):
            return await in_thread(lambda: function(**bind(arguments, context)))

    return run_plain


def _without_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Drop pydantic's generated `title`s: they say nothing and cost a small model tokens."""

    data = ("default", "examples", "const", "enum")
    maps = ("properties", "$defs")

    def walk(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in cast(list[Any], node)]
        if not isinstance(node, dict):
            return node
        items = cast(dict[str, Any], node).items()
        return {
            # what is under a name is a schema again; a default or an example is a user's own data
            key: value
            if key in data and not names
            else walk(value, names=not names and key in maps)
            for key, value in items
            if names or not (key == "title" and isinstance(value, str))
        }

    return walk(schema)
