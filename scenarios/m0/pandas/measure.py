"""The numbers in the lesson, made again: `python scenarios/m0/pandas/measure.py`."""

from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Literal

from agentlab.agent import Agent
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.labs import CodeAnswer, CodeStep
from agentlab.labs.checks import close_to, numbers_in
from agentlab.labs.find import load
from agentlab.limits import Limits
from agentlab.tooling import tool

LAB = load(Path(__file__).parent)
DRAWS = range(10)
pd: Any = import_module("pandas")
WRONG = ("month-first", "day-first-for-all", "thousands-coerced", "all-without-number-are-one")


def part(name: str) -> Any:
    """A module of the lab."""
    step = LAB.step("clean")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def defined(step: str, answer: str) -> Callable[..., Any]:
    """The function that a right or wrong answer defines."""
    found = LAB.step(step)
    assert isinstance(found, CodeStep)
    kept: dict[str, CodeAnswer] = {"solution": found.solution, "starter": found.starter}
    names: dict[str, Any] = {}
    exec({**kept, **found.wrong}[answer].code, names)  # noqa: S102 - the lab's own answers
    wanted = {"clean": "clean", "join": "reached", "log": "summary", "total": "total"}[step]
    return names[wanted]


def drawing(seed: int) -> Random:
    """What a draw is made with."""
    return Random(seed)  # noqa: S311 - orders to practise on are no secret


def the_list() -> None:
    """What becomes of the airports."""
    listed = pd.read_csv(Path(__file__).with_name("airports.csv"))
    print("airports", len(listed), "without a state", listed["state"].isna().sum())
    print("in groups by state", listed.groupby("state").size().sum())
    for keys in (["city"], ["city", "state"]):
        pairs = listed.merge(listed, on=keys)
        gaps = pairs[keys].isna().any(axis=1).sum()
        print("joined with itself on", keys, len(pairs), "of them by what is missing", gaps)
    print("Springfield in", listed[listed["city"] == "Springfield"]["state"].nunique(), "states")
    two = pd.read_csv(io.StringIO("airport\n0E0\n0E8\n"))["airport"]
    print("0E0 and 0E8 read as", two.tolist(), two.nunique())
    days = pd.Series(["04/03/2026", "2026-03-04"])
    print("day first, mixed:", pd.to_datetime(days, format="mixed", dayfirst=True).tolist())
    print("month first, early:", pd.to_datetime(pd.Series(["04/03/2026"])).tolist())


def the_tables() -> None:
    """What wrong ways of reading make of ten tables of each kind."""
    orders = part("orders")
    for answer in ("starter", *WRONG):
        clean = defined("clean", answer)
        for kind in ("mixed", "early"):
            counts = Counter[str]()
            for seed in DRAWS:
                text, meant = orders.written(drawing(seed), kind)
                found = clean(text)
                counts["orders"] += len(found)
                counts["meant"] += len(meant)
                counts["kilos"] += found["kilos"].sum()
                counts["kilos meant"] += sum(one.kilos or 0 for one in meant)
                days = dict(zip(found["order"], found["day"], strict=True))
                for one in meant:
                    if one.day and one.order and one.order in days:
                        counts["days"] += 1
                        there = days[one.order]
                        counts["days missing"] += pd.isna(there)
                        counts["days other"] += pd.notna(there) and str(there.date()) != one.day
            print(answer, kind, dict(counts))


def the_joins() -> None:
    """How many orders, and of what weight, come out of ten joins."""
    for answer in ("starter", "only-what-fits", "a-row-for-each", "solution"):
        reached = defined("join", answer)
        rows, kilos = 0, 0.0
        for seed in DRAWS:
            (case,) = part("cases").joins(drawing(seed), 1)
            wanted = case.expect
            orders = pd.DataFrame(
                [row[:4] for row in wanted], columns=["order", "city", "state", "kilos"]
            )
            listed = [[a.code, a.city, a.state] for a in part("orders").airports()]
            found = reached(orders, pd.DataFrame(listed, columns=["code", "city", "state"]))
            rows, kilos = rows + len(found), kilos + found["kilos"].sum()
        print("joined", answer, rows, kilos)


def the_logs() -> None:
    """How many calls come out of ten logs."""
    for answer in ("by-the-id-alone", "only-what-ended", "successes-gone", "solution"):
        calls = 0
        for seed in DRAWS:
            calls += defined("log", answer)(part("log").log(drawing(seed)))["calls"].sum()
        print("calls", answer, calls)


async def the_model() -> None:
    """What the model asks for, and what it says, with the starter's function and a right one."""
    model = connect("local:agent", threads=1, n_ctx=1024)
    for answer in ("starter", "a-bare-number", "solution"):
        counts = Counter[str]()
        for seed in DRAWS:
            table = part("questions").drawn(drawing(seed))
            frame = pd.DataFrame(list(table.rows), columns=list(part("questions").COLUMNS))
            frame["kilos"] = frame["kilos"].astype(float)
            for text in table.asked:
                right, said, call = await _asked(model, defined("total", answer), frame, text)
                wanted = table.total(*call) if call else None
                counts["asked"] += 1
                counts["spelt with a space"] += bool(call) and call[2] != call[2].strip()
                counts["known"] += wanted is not None
                numbers = numbers_in(said)
                counts["known and said"] += wanted is not None and any(
                    close_to(number, wanted) for number in numbers
                )
                other = bool(call) and call[0] not in text
                counts["another column than asked"] += other
                counts["and called by the name of the question"] += (
                    other and "price" in said and bool(numbers)
                )
                counts["unknown and a number"] += wanted is None and bool(numbers)
                print("   ", text, call, right, "|", said)
        print("model", answer, dict(counts))
    await model.aclose()


async def _asked(
    model: Any, total_of: Callable[..., Any], frame: Any, text: str
) -> tuple[str, str, tuple[str, str, str] | None]:
    calls: list[tuple[str, str, str]] = []
    back: list[str] = []

    @tool
    async def total(of: Literal["kilos", "price"], by: Literal["city", "state"], value: str) -> str:
        """Add up a column of all orders in which another column has a value."""
        calls.append((of, by, value))
        try:
            back.append(str(total_of(frame, of, by, value)))
        except ValueError as error:
            back.append(str(error))
            raise ToolError(str(error)) from error
        return back[-1]

    settings = part("tools").STEADY
    agent = Agent(backend=model, tools=[total], settings=settings, limits=Limits(steps=2))
    said = (await agent.run(text)).text
    return (back or ["no call"])[0], said, calls[0] if calls else None


if __name__ == "__main__":
    the_list()
    the_tables()
    the_joins()
    the_logs()
    asyncio.run(the_model())
