"""How well a model calls tools it has never seen: right tool, and every argument right.

    python -m agentlab_tools.train.toolcalling.evaluate local:smollm2 local:agent --each 30

Held-out domains, names, wordings and values (see `pools`); temperature 0; the same prompt and the
same grammar for every model. A case counts where

    one, several, parallel, repair   the calls are exactly the right ones, in any order; an optional
                                     argument may be given as its default
    multi_turn                       the answer is words, and holds what the tool said
    missing, irrelevant, no_tool     nothing is called

under `tool_choice="auto"`, where the model decides itself whether to call. Sorts that need a call
are measured once more with `required`, where it only has to call the right thing, and once where
one call is right (`forced`). A reply that talks on and on is cut off.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from agentlab.backend import Backend, Delta, Reply, Settings, TextDelta, ToolSpec
from agentlab.backends import connect
from agentlab.backends.llamacpp.schema.opposites import same
from agentlab.evaluate.statistics import wilson
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab_tools.train.toolcalling.dialogues import Category, Dialogue
from agentlab_tools.train.toolcalling.generate import balanced

CALLS: tuple[Category, ...] = ("one", "several", "parallel", "repair")
"""Sorts that are answered with calls alone."""

_SETTINGS = Settings(temperature=0, repeat_penalty=1.0, max_tokens=160, seed=0)

_TALK = 240
"""Characters of talk after which no call is waited for any more."""


@dataclass(frozen=True)
class Score:
    """So many of so many, with Wilson's interval at 95 %."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies, 19 times out of 20; anywhere where nothing was measured."""
        return wilson(self.hits, self.n) if self.n else (0.0, 1.0)

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.n + other.n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.2f} [{low:.2f}, {high:.2f}] ({self.hits}/{self.n})"


async def measure(
    backend: Backend,
    cases: Mapping[Category, Sequence[Dialogue]],
    *,
    forced: bool = False,
    seen: Callable[[Dialogue, Message, bool], None] | None = None,
    told: Callable[[str, Score], None] | None = None,
) -> dict[Category, Score]:
    """The score of every sort; with `forced`, of those in `CALLS`, and the model has to call.

    Args:
        seen: gets every case, what the model said, and whether it was right.
        told: gets every sort's score as soon as it is known.
    """
    scores: dict[Category, Score] = {}
    for category, dialogues in cases.items():
        if forced and category not in CALLS:
            continue
        hits = 0
        several = category == "parallel"
        how = {"tool_choice": "required", "parallel_tool_calls": several} if forced else {}
        settings = _SETTINGS.model_copy(update=how)
        for dialogue in dialogues:
            turn = judged_turn(dialogue)
            reply = await _reply(backend, dialogue, turn, settings)
            right = is_right(dialogue, turn, reply)
            hits += right
            if seen is not None:
                seen(dialogue, reply, right)
        score = scores[category] = Score(hits, len(dialogues))
        if told is not None:
            told(category, score)
    return scores


async def _reply(backend: Backend, dialogue: Dialogue, turn: int, settings: Settings) -> Message:
    chat = dialogue.chat
    stream = backend.stream(chat.messages[:turn], tools=chat.tools, settings=settings)
    async with aclosing(cast("AsyncGenerator[Delta | Reply]", stream)) as items:
        talk = ""
        async for item in items:
            if isinstance(item, Reply):
                return item.message
            talk += item.text if isinstance(item, TextDelta) else ""
            if len(talk) > _TALK:
                return Message.assistant(talk)
    raise AssertionError("a backend ends with a reply")


def judged_turn(dialogue: Dialogue) -> int:
    """Which message is the model's to give: the first, or the one after the results."""
    replies = [n for n, m in enumerate(dialogue.chat.messages) if m.role == "assistant"]
    return {"multi_turn": replies[-1], "repair": replies[min(1, len(replies) - 1)]}.get(
        dialogue.category, replies[0]
    )


def is_right(dialogue: Dialogue, turn: int, reply: Message) -> bool:
    """Whether a reply is what it should be."""
    expected = dialogue.chat.messages[turn]
    if dialogue.category == "multi_turn":
        return not reply.tool_calls and _tells(reply.text, dialogue.chat.messages[:turn])
    if not expected.tool_calls:
        return not reply.tool_calls
    calls = list(reply.tool_calls)
    for call in expected.tool_calls:
        same = next((c for c in calls if same_call(c, call, dialogue.chat.tools)), None)
        if same is None:
            return False
        calls.remove(same)
    return not calls


def same_call(made: ToolCall, wanted: ToolCall, tools: Sequence[ToolSpec]) -> bool:
    """Whether two calls mean the same: defaults may be said or left out."""
    if made.name != wanted.name:
        return False
    try:
        mine: Any = json.loads(made.arguments)
        theirs: Any = json.loads(wanted.arguments)
    except ValueError:
        return False
    properties = next(t.parameters["properties"] for t in tools if t.name == wanted.name)
    defaults = {k: s["default"] for k, s in properties.items() if "default" in s}
    if not isinstance(mine, dict):
        return False
    return same({**defaults, **cast(dict[str, Any], mine)}, {**defaults, **theirs})


def _tells(text: str, history: Sequence[Message]) -> bool:
    """Whether an answer holds the numbers and long words of every result before it."""
    results = [p.content for m in history for p in m.parts if isinstance(p, ToolResult)]
    facts = [f for result in results for f in re.findall(r"-?\d+(?:\.\d+)?|\b[A-Z]-\d+", result)]
    if not facts:  # words alone: one of them will do
        facts_in = [word for result in results for word in re.findall(r"\w{2,}", result)]
        return any(word.lower() in text.lower() for word in facts_in) or "done" in text.lower()
    return all(fact in text for fact in facts)


def total(scores: Mapping[Category, Score], of: Sequence[Category] | None = None) -> Score:
    """All of these sorts together."""
    return sum((scores[c] for c in (of or list(scores)) if c in scores), Score(0, 0))


async def _compare(
    names: Sequence[str],
    cases: Mapping[Category, Sequence[Dialogue]],
    modes: Sequence[str],
    verbose: bool,
) -> dict[str, Any]:
    report: dict[str, Any] = {}

    def show(dialogue: Dialogue, reply: Message, right: bool) -> None:
        if verbose and not right:
            question = next(m.text for m in reversed(dialogue.chat.messages) if m.role == "user")
            calls = [(c.name, c.arguments) for c in reply.tool_calls]
            print(f"  ✗ {dialogue.category}: {question}\n    {calls or reply.text!r}", flush=True)

    for name in names:
        backend = connect(name, threads=1)
        report[name] = {}
        for mode in modes:

            def tell(label: str, score: Score, heading: str = f"{name}  {mode:6}") -> None:
                print(f"{heading} {label:10} {score}", flush=True)

            scores = await measure(backend, cases, forced=mode == "forced", seen=show, told=tell)
            sums = {"calls": total(scores, CALLS), "all": total(scores)}
            for label, score in sums.items():
                tell(label, score)
            report[name][mode] = {label: [s.hits, s.n] for label, s in (scores | sums).items()}
        await backend.aclose()
    return report


def main() -> None:
    """Compare models on the command line, by the names that `connect` takes."""
    parser = argparse.ArgumentParser(description="Right tool and every argument right.")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--each", type=int, default=30, help="cases of every sort")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--modes", nargs="+", default=["auto", "forced"])
    parser.add_argument("--only", nargs="+", help="sorts to measure; all where not given")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    parser.add_argument("--verbose", action="store_true", help="show what went wrong")
    options = parser.parse_args()
    cases = balanced("heldout", options.each, options.seed)
    chosen: dict[Category, Sequence[Dialogue]] = dict(cases)
    for category in set(cases) - set(options.only or cases):
        del chosen[category]
    report = asyncio.run(_compare(options.models, chosen, options.modes, options.verbose))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
