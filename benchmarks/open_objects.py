"""What it costs a small model to be free to write properties that a schema does not declare.

    python benchmarks/open_objects.py [local:agent local:smollm2] [--each 15] [--json FILE]

The held-out tool calls of `agentlab_tools.train.toolcalling` (domains, names, wordings and values
that no training saw), with their schemas as most servers of tools send them: `additionalProperties`
is not named, so other properties are valid. Each case is asked twice of each model, closed (only
what is declared can be written, as AgentLab has it) and open (`undeclared=True`). Greedy, so the
same numbers each time. Of each way:

    right         the right calls with exactly the right arguments
    but for more  right, if what was not declared is taken out of the arguments
    more          replies with an argument that was not declared
    cut           replies cut off at 160 tokens
    tokens        written for a reply, on average
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from agentlab import Settings, ToolSpec, connect
from agentlab.backend import Backend, Reply
from agentlab.evaluate.statistics import wilson
from agentlab.messages import Message, ToolCall
from agentlab_tools.train.toolcalling.dialogues import Dialogue
from agentlab_tools.train.toolcalling.evaluate import CALLS, is_right, judged_turn
from agentlab_tools.train.toolcalling.generate import balanced

MODELS = ("local:agent", "local:smollm2")


@dataclass
class Count:
    """What came of all replies of one model in one way."""

    replies: int = 0
    right: int = 0
    right_but_for_more: int = 0
    more: int = 0
    cut: int = 0
    tokens: int = 0

    def row(self) -> str:
        """The row of the table."""
        low, high = wilson(self.right, self.replies)
        return " | ".join(
            [
                f"{self.right / self.replies:.2f} [{low:.2f}, {high:.2f}]",
                f"{self.right_but_for_more / self.replies:.2f}",
                f"{self.more}",
                f"{self.cut}",
                f"{self.tokens / self.replies:.1f}",
                f"{self.replies}",
            ]
        )


Counts: TypeAlias = dict[tuple[str, str], Count]
"""By the model's name and how it was asked."""


def opened(tool: ToolSpec) -> ToolSpec:
    """The tool with every object of its schema as most servers send it: nothing said of others."""
    return tool.model_copy(update={"parameters": _without(dict(tool.parameters))})


def _without(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _without(v) for k, v in schema.items() if k != "additionalProperties"}  # pyright: ignore[reportUnknownVariableType]
    return [_without(one) for one in schema] if isinstance(schema, list) else schema  # pyright: ignore[reportUnknownVariableType]


def declared_only(said: Message, tools: Sequence[ToolSpec]) -> tuple[Message, bool]:
    """The message without undeclared arguments, and whether it had any."""
    known = {tool.name: set(tool.parameters["properties"]) for tool in tools}
    parts: list[Any] = []
    more = False
    for part in said.parts:
        if isinstance(part, ToolCall) and part.name in known:
            try:
                given: Any = json.loads(part.arguments)
            except ValueError:
                given = None
            if isinstance(given, dict) and set(given) - known[part.name]:  # pyright: ignore[reportUnknownArgumentType]
                more = True
                kept = {k: v for k, v in given.items() if k in known[part.name]}  # pyright: ignore[reportUnknownVariableType]
                parts.append(part.model_copy(update={"arguments": json.dumps(kept)}))
                continue
        parts.append(part)
    return said.model_copy(update={"parts": tuple(parts)}), more


async def ask(backend: Backend, dialogue: Dialogue, count: Count) -> None:
    """Ask for one call, and count what came of it."""
    turn = judged_turn(dialogue)
    chat = dialogue.chat
    settings = Settings(
        temperature=0,
        repeat_penalty=1.0,
        max_tokens=160,
        seed=0,
        tool_choice="required",
        parallel_tool_calls=dialogue.category == "parallel",
    )
    tools = [opened(tool) for tool in chat.tools]
    async for item in backend.stream(chat.messages[:turn], tools=tools, settings=settings):
        if not isinstance(item, Reply):
            continue
        kept, more = declared_only(item.message, chat.tools)
        count.replies += 1
        count.right += is_right(dialogue, turn, item.message)
        count.right_but_for_more += is_right(dialogue, turn, kept)
        count.more += more
        count.cut += item.stop == "length"
        count.tokens += item.usage.output_tokens or 0


async def compare(names: Sequence[str], each: int, seen: Callable[[Counts], None]) -> Counts:
    """Ask every case of every model, closed and open in turn; `seen` gets what is known so far."""
    cases = balanced("heldout", each, 11)
    dialogues = [cases[sort][n] for n in range(each) for sort in CALLS]
    ways = [(name, way) for name in names for way in ("closed", "open")]
    backends = {way: connect(way[0], threads=1, undeclared=way[1] == "open") for way in ways}
    counts = {way: Count() for way in ways}
    for dialogue in dialogues:
        for way, backend in backends.items():
            await ask(backend, dialogue, counts[way])
        seen(counts)
    for backend in backends.values():
        await backend.aclose()
    return counts


def main() -> None:
    """Measure the models named, or both packaged ones."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--each", type=int, default=15, help="cases of every sort")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    given = parser.parse_args()

    def keep(counts: Counts) -> None:
        if given.json is not None:
            told = {f"{name}, {way}": asdict(count) for (name, way), count in counts.items()}
            given.json.write_text(json.dumps(told, indent=1))

    counts = asyncio.run(compare(given.models, given.each, keep))
    print("| | right | but for more | more | cut | tokens | replies |")
    for (name, way), count in counts.items():
        print(f"| {name}, {way} | {count.row()} |")


if __name__ == "__main__":
    main()
