"""What a reply may look like, as one grammar made from the tools and the output schema.

free text                     no constraint
tool_choice="auto"            free text until a call is opened; from there on, calls only
tool_choice="required"/name   calls only, from the first character
output                        JSON only
tools and output              calls, or JSON; after a result, JSON where the model would not call
tool_choice="none"            free text in which no call can be opened
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.grammar import Compiled, compile_schema, composed
from agentlab.backends.llamacpp.marked import (
    ANYTHING,
    Arguments,
    arguments_of,
    head_of,
    literal,
    one_of,
    tail_of,
)
from agentlab.errors import ConfigError


@dataclass(frozen=True)
class Constraint:
    """A grammar, and when it begins to hold."""

    grammar: str | None
    """In the grammar library's language; None where the trigger itself is forbidden."""
    trigger: str | None = None
    """The text after which the grammar holds; None: from the first character."""
    at_start: bool = False
    """Whether the trigger counts only where the reply begins."""
    answer: str | None = None
    """The answer alone, where the grammar has calls and an answer."""
    call: str = ""
    """How a call begins there."""
    marks: tuple[str, ...] = ()
    """Text of the grammar that a vocabulary may have control tokens for."""
    typed: bool = False
    """Whether an answer's schema is part of it: what the model is refused there is heard all the
    same (`Sampler`)."""
    unenforced: tuple[str, ...] = ()
    """What of the schemas the grammar does not hold, as `tool/…pointer` or `/…pointer`."""


def constrain(
    format: Format,
    tools: Sequence[ToolSpec],
    settings: Settings,
    output: JsonSchema | None,
    *,
    undeclared: bool = False,
) -> Constraint | None:
    """The constraint for one request; None where the text is free. `undeclared`: as for a schema.

    Raises:
        ConfigError: the tool choice names no tool, or a schema can match nothing.
    """
    choice = settings.tool_choice
    names = [tool.name for tool in tools]
    if choice not in ("auto", "none", "required", *names):
        listed = ", ".join(names) or "there are no tools"
        raise ConfigError(
            f"tool_choice {choice!r} is neither auto, none, required nor a tool: {listed}"
        )
    if choice == "required" and not tools:
        raise ConfigError("tool_choice is 'required', but there are no tools")
    answer = None if output is None else compile_schema(output, undeclared=undeclared)
    if choice == "none" or not tools:
        if answer is not None:
            return Constraint(answer.grammar, typed=True, unenforced=answer.unenforced)
        return Constraint(None, format.trigger, format.at_start) if tools else None
    chosen = tools if choice in ("auto", "required") else [t for t in tools if t.name == choice]
    compiled = [_arguments(format, tool, f"t{n}x", undeclared) for n, tool in enumerate(chosen)]
    several = settings.parallel_tool_calls and not format.single
    calls = _Calls(format, chosen, compiled, several)
    constraint = Constraint(
        None,
        marks=format.texts,
        unenforced=tuple(line for part in compiled for line in part.unenforced),
    )
    if choice == "auto" and answer is None:
        if format.style == "recipient":
            return replace(constraint, grammar=calls.grammar(begins="start: calls | all\n"))
        grammar = calls.grammar(written=format.trigger)
        return replace(
            constraint, grammar=grammar, trigger=format.trigger, at_start=format.at_start
        )
    if answer is None or choice != "auto":
        return replace(constraint, grammar=calls.grammar())
    return replace(
        constraint,
        grammar=calls.or_answer(answer),
        answer=answer.grammar,
        call=format.start + format.open,
        typed=True,
        unenforced=(*constraint.unenforced, *answer.unenforced),
    )


def _arguments(format: Format, tool: ToolSpec, prefix: str, undeclared: bool) -> Arguments:
    schema = {"type": "object", **tool.parameters}
    try:
        grammar = arguments_of(format, schema, prefix, undeclared=undeclared)
    except ConfigError as error:
        raise ConfigError(f"tool {tool.name}: {error}") from error
    return replace(grammar, unenforced=tuple(f"{tool.name}{line}" for line in grammar.unenforced))


class _Calls:
    """The grammar of one call or several, or of an answer."""

    def __init__(
        self,
        format: Format,
        tools: Sequence[ToolSpec],
        compiled: Sequence[Arguments],
        several: bool,
    ) -> None:
        self._format, self._tools, self._compiled = format, tools, compiled
        self._several = several
        self._schemas = {name: s for part in compiled for name, s in part.schemas.items()}

    def grammar(self, begins: str = "start: calls\n", written: str = "") -> str:
        """Calls alone. `written`: how the first begins in what has been written already."""
        return composed(begins + self._rules(written), self._schemas)

    def or_answer(self, answer: Compiled) -> str:
        """Calls, or an answer in place of them."""
        if self._format.style == "object" and not (self._format.start + self._format.open):
            return self._objects(answer)
        rules = "start: calls | @answer\n" + self._rules("")
        return composed(rules, {**self._schemas, "answer": answer.schema})

    def _rules(self, written: str) -> str:
        format = self._format
        lines = [f"first: {self._call(format.start + format.open, written)}"]
        calls = "calls: first"
        if self._several:
            between = f"{literal(format.between)} " if format.between else ""
            lines.append(f"next: {self._call(format.open)}")
            calls += f" ({between}next)*"
        if format.finish:
            calls += f" {literal(format.finish)}"
        lines.append(calls)
        if format.style == "recipient":
            lines.append(f'all: "all\\n" {ANYTHING}')
        rules = {name: rule for part in self._compiled for name, rule in part.rules.items()}
        lines += [f"{name}: {rule}" for name, rule in rules.items()]
        return "\n".join(lines) + "\n"

    def _call(self, before: str, written: str = "") -> str:
        tail = tail_of(self._format)
        return one_of(
            [
                f"({head_of(self._format, tool.name, before, written)} {part.rule} {tail})"
                for tool, part in zip(self._tools, self._compiled, strict=True)
            ]
        )

    def _objects(self, answer: Compiled) -> str:
        """Calls that begin with an object's bracket, which an answer may begin with, too.

        By its text such a call can't be told from an answer, so both are of one schema.
        """
        calls = [
            _as_object(self._format, tool, next(iter(part.schemas.values())))
            for tool, part in zip(self._tools, self._compiled, strict=True)
        ]
        rules = "start: @first"
        if self._several:
            rules += f" | @call ({literal(self._format.between)} @call)+"
        return composed(
            rules + "\n", {"first": _any_of([*calls, answer.schema]), "call": _any_of(calls)}
        )


def _as_object(format: Format, tool: ToolSpec, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = {"name": {"const": tool.name}, format.arguments: arguments}
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
        "x-guidance": arguments.get("x-guidance"),
    }


def _any_of(schemas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One schema of several that were compiled by themselves; their definitions are kept apart."""
    definitions: dict[str, Any] = {}
    options: list[Any] = []
    for index, schema in enumerate(schemas):
        options.append(_moved(schema, f"m{index}", definitions))
    return {"anyOf": options, "$defs": definitions, "x-guidance": schemas[0].get("x-guidance")}


def _moved(node: Any, prefix: str, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_moved(item, prefix, definitions) for item in cast(list[Any], node)]
    if not isinstance(node, Mapping):
        return node
    mapping = cast(Mapping[str, Any], node)
    if isinstance(ref := mapping.get("$ref"), str) and len(mapping) == 1:
        return {"$ref": ref.replace("#/$defs/", f"#/$defs/{prefix}")}
    moved: dict[str, Any] = {}
    for key, value in mapping.items():
        if key == "$defs" and "x-guidance" in mapping:
            for name, part in value.items():
                definitions[prefix + name] = _moved(part, prefix, definitions)
        elif key in ("const", "enum"):
            moved[key] = value
        elif key != "x-guidance":
            moved[key] = _moved(value, prefix, definitions)
    return moved
