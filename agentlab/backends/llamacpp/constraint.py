"""What a reply may look like, as one grammar made from the tools and the output schema.

free text                     no constraint
tool_choice="auto"            free text until a call is opened; from there on, calls only
tool_choice="required"/name   calls only, from the first character
output                        JSON only
tools and output              calls, or JSON; after a result, JSON where the model would not call
tool_choice="none"            free text in which no call can be opened
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.gbnf import EMPTY, Grammar, Lit, Node, Ref, Rep, alt, seq
from agentlab.backends.llamacpp.grammar import Compiled, compile_schema
from agentlab.backends.llamacpp.marked import addressed, compile_arguments, head_of, tail_of
from agentlab.errors import ConfigError


@dataclass(frozen=True)
class Constraint:
    """A grammar, and when it begins to hold."""

    grammar: Grammar | None
    """None where the trigger itself is forbidden."""
    trigger: str | None = None
    """The text after which the grammar holds; None: from the first character."""
    at_start: bool = False
    """Whether the trigger counts only where the reply begins."""
    answer: Grammar | None = None
    """The answer alone, where the grammar has calls and an answer."""
    call: str = ""
    """How a call begins there."""
    unenforced: tuple[str, ...] = ()
    """What of the schemas the grammar does not hold, as `tool/…pointer` or `/…pointer`."""


def constrain(
    format: Format, tools: Sequence[ToolSpec], settings: Settings, output: JsonSchema | None
) -> Constraint | None:
    """The constraint for one request; None where the text is free.

    Raises:
        ConfigError: the tool choice names no tool, or a schema can match nothing.
    """
    choice = settings.tool_choice
    names = [tool.name for tool in tools]
    if choice not in ("auto", "none", "required", *names):
        known = ", ".join(names) or "there are no tools"
        raise ConfigError(
            f"tool_choice {choice!r} is neither auto, none, required nor a tool: {known}"
        )
    if choice == "required" and not tools:
        raise ConfigError("tool_choice is 'required', but there are no tools")
    answer = None if output is None else compile_schema(output, prefix="out-")
    if choice == "none" or not tools:
        if answer is not None:
            return _from_start([answer], Ref(answer.grammar.root))
        return Constraint(None, format.trigger, format.at_start) if tools else None
    chosen = tools if choice in ("auto", "required") else [t for t in tools if t.name == choice]
    compiled = [_arguments(format, tool, f"t{index}-") for index, tool in enumerate(chosen)]
    lazy = choice == "auto" and answer is None
    parallel = settings.parallel_tool_calls and not format.single
    calls = _calls(format, chosen, compiled, parallel, lazy=lazy)
    if lazy and format.style == "recipient":
        return _from_start(compiled, addressed(calls))
    if lazy:
        return replace(
            _from_start(compiled, calls), trigger=format.trigger, at_start=format.at_start
        )
    if answer is not None and choice == "auto":
        either = _from_start([*compiled, answer], alt([calls, Ref(answer.grammar.root)]))
        alone = _from_start([answer], Ref(answer.grammar.root)).grammar
        return replace(either, answer=alone, call=format.start + format.open)
    return _from_start(compiled, calls)


def _from_start(parts: Sequence[Compiled], root: Node) -> Constraint:
    rules = {"root": root}
    for part in parts:
        rules |= part.grammar.rules
    unenforced = tuple(line for part in parts for line in part.unenforced)
    return Constraint(Grammar(rules), unenforced=unenforced)


def _arguments(format: Format, tool: ToolSpec, prefix: str) -> Compiled:
    try:
        made = compile_arguments(format, {"type": "object", **tool.parameters}, prefix)
    except ConfigError as error:
        raise ConfigError(f"tool {tool.name}: {error}") from error
    return Compiled(made.grammar, tuple(f"{tool.name}{pointer}" for pointer in made.unenforced))


def _calls(
    format: Format,
    tools: Sequence[ToolSpec],
    compiled: Sequence[Compiled],
    parallel: bool,
    *,
    lazy: bool,
) -> Node:
    """One call or several. A lazy section begins right after the trigger."""

    def call(before: str, written: str = "") -> Node:
        options: list[Node] = []
        for tool, part in zip(tools, compiled, strict=True):
            head = head_of(format, tool.name, before, written)
            options.append(seq(head, Ref(part.grammar.root), tail_of(format), Lit(format.close)))
        return alt(options)

    begins_late = lazy and format.style != "recipient"
    begin = call(format.start + format.open, format.trigger if begins_late else "")
    more = Rep(seq(Lit(format.between), call(format.open)), 0, None)
    return seq(begin, more if parallel else EMPTY, Lit(format.finish))
