"""The second tool: a program says what tuned models forgot, and which of them an agent is to have.

The program sees what the models answered; what it chooses is then tried on questions of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from weakref import WeakSet

from agentlab.errors import ToolError
from agentlab.labs import Case
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe, printed_by

from . import models, orders

PAIRS = (("base", "tickets"), ("base", "rehearsed"), ("base", "lora"), ("tickets", "rehearsed"))
"""(before, after): the last has learnt again what the first had forgotten."""
OFFERED = (models.NAMES, ("tickets", "rehearsed", "lora"), (models.BASE, "rehearsed", "lora"))
"""What is chosen from, so that no rank by loss is right each time."""
_PLAIN, _UNKNOWN, _ORDERS, _TRIED = 4, 2, 3, 2
_SHOWN = 2000

Asked = tuple[str, str]
"""(what is asked, what is wanted)."""


def evenings(rng: Random, count: int) -> Sequence[Case]:
    """Fresh questions, fresh orders, and fresh names for the models; by a seed."""
    return [
        Case(json.dumps({"seed": rng.randrange(10**6)}), title="fresh questions")
        for _ in range(count)
    ]


def knows(answer: str, word: str) -> bool:
    """Whether an answer has the wanted word, in any case, and is no ticket."""
    return word.lower() in answer.lower() and "|" not in answer


@tool(timeout=2000)
async def compare(code: str, context: ToolContext) -> str:
    """Take a program first; then have models trained and asked, and let it say what was lost.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _begun:
        _begun.add(opened)
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    seed = int(json.loads(code)["seed"])
    rng = Random(seed)  # noqa: S311 - the seed is the point
    known = [one for one in orders.QUESTIONS if one[1] not in orders.MISSED]
    missed = [one for one in orders.QUESTIONS if one[1] in orders.MISSED]
    rng.shuffle(known)
    plain = [*known[_TRIED : _TRIED + _PLAIN], *rng.sample(missed, _UNKNOWN)]
    rng.shuffle(plain)
    wanted = orders.fresh(seed, _ORDERS + _TRIED)
    context.emit("three trainings, if they were not run before; then each model is asked\n")
    records = {name: await record(name, plain, wanted[:_ORDERS]) for name in models.NAMES}
    names = dict(zip(rng.sample("ABCD", 4), models.NAMES, strict=True))
    said = await _said(opened, records, names)
    served = [names[name] for name in said["serve"]]
    tried: list[dict[str, str]] = []
    for name in dict.fromkeys(served):
        answered = await record(name, known[:_TRIED], wanted[_ORDERS:])
        tried += [{**row, "by": name} for row in (*answered["plain"], *answered["orders"])]
    found: dict[str, Any] = {
        "pairs": [
            {
                "title": f"{before} -> {after}",
                "said": sorted(mine),
                "lost": sorted(lost(records[before], records[after])),
            }
            for (before, after), mine in zip(PAIRS, said["lost"], strict=True)
        ],
        "served": served,
        "tried": tried,
    }
    lines = [f"{one['title']}: {len(one['said'])} lost" for one in found["pairs"]]
    for offered, name in zip(OFFERED, served, strict=True):
        loss = records[name]["loss"]
        lines.append(f"of {', '.join(offered)} it serves {name}, loss {loss:.2f}")
    lines += [f"{one['by']} > {one['asked']}\n{one['answer']}" for one in tried]
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def record(name: str, plain: Sequence[Asked], wanted: Sequence[Asked]) -> dict[str, Any]:
    """What is known of a model: two numbers, and what it answered."""
    asked = [*plain, *wanted]
    told = await models.answers(name, [text for text, _ in asked])
    rows = [
        {"asked": text, "wanted": right, "answer": answer}
        for (text, right), answer in zip(asked, told, strict=True)
    ]
    numbers = (await models.measured())[name]
    return {
        "loss": numbers["loss"],
        "articles": numbers["articles"],
        "plain": rows[: len(plain)],
        "orders": rows[len(plain) :],
    }


def lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The plain questions that one model could answer, and the other can't."""
    return [
        one["asked"]
        for one, other in zip(before["plain"], after["plain"], strict=True)
        if knows(one["answer"], one["wanted"]) and not knows(other["answer"], one["wanted"])
    ]


async def _said(
    opened: Sandbox, records: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """What the program says of the pairs, and which model it would serve.

    Raises:
        ToolError: not a list of questions for each pair, or not one of the names.
    """
    given = {
        "pairs": [[records[before], records[after]] for before, after in PAIRS],
        "base": records[models.BASE],
        "offered": [
            {name: records[names[name]] for name in sorted(names) if names[name] in offered}
            for offered in OFFERED
        ],
    }
    said = await printed_by(opened, _ASK.format(given=json.dumps(json.dumps(given))))
    try:
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        pairs = [[str(text) for text in one] for one in found["lost"]]
        chosen = [str(name) for name in found["serve"]]
    except (ValueError, IndexError, KeyError, TypeError):
        raise ToolError("forgotten returns a list of questions, and serve a name") from None
    if len(pairs) != len(PAIRS) or len(chosen) != len(OFFERED):
        raise ToolError("forgotten and serve are to be asked, and not to answer by themselves")
    if any(name not in offered for name, offered in zip(chosen, given["offered"], strict=True)):
        raise ToolError("serve returns one of the names that it was given")
    return {"lost": pairs, "serve": chosen}


_ASK = """\
import json as _json
_given = _json.loads({given})
_lost = [list(forgotten(*_one)) for _one in _given["pairs"]]
_serve = [serve(_given["base"], _one) for _one in _given["offered"]]
print(_json.dumps({{"lost": _lost, "serve": _serve}}))
"""
_begun: WeakSet[Sandbox] = WeakSet()
