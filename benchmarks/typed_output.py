"""Whether an agent with tools and a typed output comes to its answer, and to the right one.

    python benchmarks/typed_output.py [--backend local:agent] [--json] [--each] [--of-kind 10]

Forty tasks of four types of answer (a model, a number, a list, one of three words), ten each, all
needing one call of one tool, asked of both packaged models. A task finishes if it ends with an
answer of its type within eight replies; it is right if the answer is the one the tool gives for
what was asked; a call is repeated if the run had made it before with the same arguments. Greedy
sampling: the same numbers each time, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from agentlab import Agent, Limits, Settings, Tool, connect, tool
from agentlab.errors import OutputInvalid

STOCK = {"pens": 14, "lamps": 3, "desks": 0, "chairs": 27, "boards": 6}
COLOURS = {
    "banana": "yellow",
    "tomato": "red",
    "cucumber": "green",
    "lemon": "yellow",
    "pea": "green",
}
TEAMS = {
    "north": ["Ada", "Ben"],
    "south": ["Cleo"],
    "east": ["Dan", "Eve", "Finn"],
    "west": ["Gil"],
    "head": ["Hal", "Ina"],
}


class Area(BaseModel):
    """How large something is."""

    square_metres: float


@tool(read_only=True)
def area(width: float, height: float) -> float:
    """The area of a rectangle, from its width and its height in metres."""
    return width * height


@tool(read_only=True)
def stock(item: str) -> int:
    """How many pieces of an item are in stock."""
    return STOCK.get(item.lower(), 0)


@tool(read_only=True)
def members(team: str) -> list[str]:
    """The names of the people in a team."""
    return TEAMS.get(team.lower(), [])


@tool(read_only=True)
def colour(fruit: str) -> str:
    """The colour of a fruit."""
    return COLOURS.get(fruit.lower(), "unknown")


@dataclass(frozen=True)
class Task:
    """A question, the type of its answer, the answer, and the tool that knows it."""

    question: str
    kind: Any
    right: object
    tool: Tool[Any]


def tasks() -> Iterator[Task]:
    """All forty."""
    sizes = [
        (12, 30),
        (4, 6),
        (7, 9),
        (15, 20),
        (3, 8),
        (11, 5),
        (40, 25),
        (2, 17),
        (6, 13),
        (9, 14),
    ]
    rooms = (
        "How large is a field of {} by {} metres?",
        "What is the area of a room {} m wide and {} m long?",
    )
    for n, (width, height) in enumerate(sizes):
        said = rooms[n % 2].format(width, height)
        yield Task(said, Area, Area(square_metres=width * height), area)
    for ask in ("How many {} are in stock?", "What is the number of {} we have in stock?"):
        for item, count in STOCK.items():
            yield Task(ask.format(item), int, count, stock)
    for ask in ("Who is in the team {}?", "Name the people of the team {}."):
        for team, people in TEAMS.items():
            yield Task(ask.format(team), list[str], people, members)
    for ask in ("What is the colour of a {}?", "Which colour does a {} have?"):
        for fruit, name in COLOURS.items():
            yield Task(ask.format(fruit), Literal["yellow", "red", "green"], name, colour)


def some(of_kind: int) -> list[Task]:
    """So many tasks of each type of answer, a type at a time in turn."""
    every = list(tasks())
    kinds = [every[start : start + 10] for start in range(0, len(every), 10)]
    return [kind[n] for n in range(of_kind) for kind in kinds]


def measure(
    name: str, of_kind: int = 10, threads: int | None = None, each: bool = False
) -> dict[str, float]:
    """The shares of all tasks: finished, right, right call made; and calls repeated, a task.

    With `each`, every task says on stderr how it went, as soon as it has ended.
    """
    backend = connect(name) if threads is None else connect(name, threads=threads)
    finished = right = repeated = called = 0
    several = some(of_kind)
    for task in several:
        agent = Agent[Any](
            backend=backend,
            tools=[task.tool],
            output_type=task.kind,
            settings=Settings(temperature=0, max_tokens=200),
            limits=Limits(steps=8),
            runs=None,
        )
        try:
            result = agent.run_sync(task.question)
        except OutputInvalid as error:
            if each:
                print(f"  {task.question} -> {error}", file=sys.stderr, flush=True)
            continue
        made = [(c.name, c.arguments) for m in result.messages for c in m.tool_calls]
        repeated += len(made) - len(set(made))
        called += bool(made)
        if result.outcome == "completed":
            finished += 1
            right += result.output == task.right
        if each:
            calls = ", ".join(f"{name}({arguments})" for name, arguments in made)
            came = repr(result.output) if result.outcome == "completed" else result.outcome
            print(f"  {task.question} -> {calls} -> {came}", file=sys.stderr, flush=True)
    count = len(several)
    return {
        "tasks": count,
        "finished": finished / count,
        "right": right / count,
        "with a call": called / count,
        "calls made again, a task": repeated / count,
    }


def main() -> None:
    """Print the shares for each model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backend", action="append", help="default: both packaged models")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--of-kind", type=int, default=10, help="how many tasks of each type")
    parser.add_argument("--threads", type=int, help="of a local model: 1 on a busy machine")
    parser.add_argument("--each", action="store_true", help="say how each task went, on stderr")
    given = parser.parse_args()
    show: Callable[[dict[str, float]], str] = (
        json.dumps
        if given.json
        else lambda shares: ", ".join(f"{name} {share:g}" for name, share in shares.items())
    )
    for name in given.backend or ("local:agent", "local:smollm2"):
        print(
            f"{name}: {show(measure(name, given.of_kind, given.threads, given.each))}", flush=True
        )


if __name__ == "__main__":
    main()
