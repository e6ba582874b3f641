"""What is wrong with a RAG in a framework, with its meter, with an agent around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

DEARER = 1.05
"""Times the tokens that your own RAG reads."""

UNNAMED = ("RunnableSequence", "RunnableLambda", "query_engine_tool")
"""What frameworks call a tool that nobody named."""

KEPT = 0.5
"""Of the words that an agent is told, those that its answer has at least."""

_WORD = re.compile(r"\w+")
_FILE = re.compile(r"\(([\w-]+\.md)\)")

Shown = Mapping[str, Any]


def differs(shown: Shown, _: object) -> str | None:
    """The first answer that is not the one of the learner's own RAG."""
    for question, answer, own in zip(
        shown["questions"], shown["answers"], shown["own"], strict=False
    ):
        if answer != own:
            return f"{question} It answers {_short(answer)!r}, your own {_short(own)!r}"
    return None


def invented(shown: Shown, _: object) -> str | None:
    """The first answer that the model did not give."""
    replies = list(shown["replies"])
    for question, answer in zip(shown["questions"], shown["answers"], strict=False):
        if answer not in replies:
            return f"{question} The model did not say {_short(answer)!r}"
    return None


def dearer(shown: Shown, _: object) -> str | None:
    """Calls, searches or tokens beyond those of the learner's own RAG."""
    count = len(shown["questions"])
    for what in ("calls", "searches"):
        if shown[what] != count:
            return f"{shown[what]} {what} for {count} questions"
    if shown["read"] > DEARER * shown["own_read"]:
        return f"the model read {shown['read']:,} tokens, for your own {shown['own_read']:,}"
    return None


def miscounted(*kinds: str) -> Any:
    """What a meter says wrongly of chains of these kinds, each of which has to have run."""

    def complaint(shown: Shown, _: object) -> str | None:
        for kind in kinds:
            (calls, tokens), (made, used) = shown[kind]["says"], shown[kind]["was"]
            if made < shown[kind]["least"]:
                return (
                    f"{kind}: it makes {shown[kind]['least']} calls or more when it is run to its "
                    f"end, and the model had {made}"
                )
            if (calls, tokens) != (made, used):
                return (
                    f"{kind}: it says {calls} calls and {tokens} tokens, and the model had "
                    f"{made} and {used}"
                )
        return None

    return complaint


def offered(shown: Shown, _: object) -> str | None:
    """What the model is offered or calls that is no question for a library."""
    for run in shown["runs"]:
        if len(run["tools"]) != 1:
            return f"the agent is offered {len(run['tools'])} tools"
        if run["tools"][0] in UNNAMED:
            return f"the tool's name is {run['tools'][0]}, which says nothing"
        if not run["calls"]:
            return f"{run['question']} The agent called nothing, and said {_short(run['answer'])!r}"
    return None


def misasked(shown: Shown, _: object) -> str | None:
    """A search for something else than what the agent asked its tool."""
    for run in shown["runs"]:
        given = [list(_arguments(arguments).values()) for _, arguments in run["calls"]]
        for searched in run["searched"]:
            if [searched] not in given:
                return f"the library was searched for {_short(searched)!r}"
        if not run["searched"] or not run["chain"]:
            return f"{run['question']} What answers was not asked"
    return None


def uncited(shown: Shown, _: object) -> str | None:
    """An answer that does not name the source that the agent was told, and no other."""
    for run in shown["runs"]:
        told = set(_FILE.findall(" ".join(run["chain"])))
        if set(_FILE.findall(run["answer"])) != told or not told:
            return (
                f"{run['question']} It was told {', '.join(sorted(told)) or 'no source'}, and "
                f"answers {_short(run['answer'])!r}"
            )
    return None


def misattributed(shown: Shown, _: object) -> str | None:
    """An answer that does not name the file in which it was found, and no other."""
    for run in shown["runs"]:
        if set(_FILE.findall(run["answer"])) != set(run["found"]):
            where = ", ".join(run["found"]) or "no file"
            return (
                f"{run['question']} It was found in {where}, and the agent answers "
                f"{_short(run['answer'], 120)!r}"
            )
    return None


def lost(shown: Shown, _: object) -> str | None:
    """An answer that has too few of the words that the agent was told."""
    for run in shown["runs"]:
        told = set(_WORD.findall(" ".join(run["chain"]).lower()))
        kept = told & set(_WORD.findall(run["answer"].lower()))
        if len(kept) < KEPT * len(told):
            return (
                f"{run['question']} The engine said {_short(' '.join(run['chain']))!r}, and the "
                f"agent {_short(run['answer'])!r}"
            )
    return None


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        value: object = json.loads(text)
    except ValueError:
        return {}
    return dict(value) if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _short(text: str, most: int = 60) -> str:
    words: Sequence[str] = text.split()
    line = " ".join(words)
    return line if len(line) <= most else f"{line[: most - 1]}…"
