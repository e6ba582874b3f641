"""The numbers in the lesson, made again: `python scenarios/m0/notebook/measure.py`."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import count, permutations, product
from pathlib import Path
from random import Random
from typing import Any

from agentlab.labs import CodeAnswer, CodeStep
from agentlab.labs.find import load

LAB = load(Path(__file__).parent)
DRAWS = range(10)
KERNEL_ORDERS = 40


def step(id: str) -> CodeStep:
    """A step of the lab that is answered with a program."""
    found = LAB.step(id)
    assert isinstance(found, CodeStep)
    return found


def part(name: str) -> Any:
    """A module of the lab."""
    return sys.modules[step("find").cases.__module__.replace("cases", name)]


def sources(id: str, answer: str) -> list[str]:
    """The cells of an answer to a step."""
    return [cell.source for cell in part("cells").cells_in(given(id)[answer].code)]


def given(id: str) -> dict[str, CodeAnswer]:
    """The right and wrong answers to a step, by name."""
    one = step(id)
    return {"solution": one.solution, "starter": one.starter, **one.wrong}


def drawing(seed: int) -> Random:
    """What a draw is made with."""
    return Random(seed)  # noqa: S311 - days to practise on are no secret


def outcome(cells: Sequence[str], says: str, day: str | None = None) -> tuple[str, str]:
    """Whether cells in this order end in an error, and else whether what was said last is so."""
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("calls.csv").write_text(day or DAY)
        try:
            with contextlib.redirect_stdout(printed):
                for cell in cells:
                    exec(cell, names)  # noqa: S102 - the lab's own answers
        except Exception as error:  # noqa: BLE001 - any is what is counted
            return "error", type(error).__name__
    said = (printed.getvalue().strip().splitlines() or [""])[-1]
    return ("right" if said == says else "wrong" if said else "silent"), said


def the_day() -> tuple[str, str]:
    """The calls of the case that a learner practises on first, and what is so of them."""
    (case,) = step("again").cases(drawing(0), 1)
    told = json.loads(case.input)
    return told["calls"], f"{case.expect['tool']} took longest: {case.expect['ms']} ms"


DAY, SAYS = the_day()


def the_author() -> None:
    """What was run for the notebook that is to be mended, on a day with 7 of 48 calls slow."""
    rows, imports, append, load_limit, last, dump_limit = sources("mend", "starter")
    ran = (imports, rows, "seconds = []", append, dump_limit, load_limit, append, last)
    calls = part("calls")
    days = (calls.day(drawing(seed)) for seed in count())
    day = next(one for one in days if calls.slow(one, calls.limit_of(one)) == (7, 48))
    print("the author's kernel", outcome(ran, "", calls.as_csv(day))[1])


def the_orders() -> None:
    """All orders in which a fresh kernel can be given the cells of a notebook that works."""
    for name in ("starter", "one-name-for-all", "solution"):
        cells = sources("again", name)
        came = [outcome(order, SAYS) for order in permutations(cells)]
        counts = Counter(how for how, _ in came)
        print("orders of", name, dict(counts), Counter(s for how, s in came if how == "error"))


def the_reruns(most: int = 5) -> None:
    """After a whole run, some cells again, and then the last."""
    for name in ("starter", "one-name-for-all", "solution"):
        cells = sources("again", name)
        for many in range(1, most + 1):
            counts = Counter[str]()
            off = Counter[float]()
            for chosen in product(cells[:-1], repeat=many):
                how, said = outcome([*cells, *chosen, cells[-1]], SAYS)
                counts[how] += 1
                if how == "wrong":
                    off[round(float(said.split()[-2]) / float(SAYS.split()[-2]), 1)] += 1
            print("after", many, "of", name, dict(counts), "times too much", dict(off))


def the_notebooks() -> None:
    """Which saved notebooks are in order, and which are sound."""
    counts = Counter[tuple[bool, bool]]()
    saved = part("saved")
    for seed in DRAWS:
        for kind in saved.KINDS:
            one = saved.saved(drawing(seed), kind)
            numbers = [c["execution_count"] for c in one.notebook["cells"] if "outputs" in c]
            counts[numbers == sorted(numbers), one.breaks is None] += 1
    for (ordered, sound), number in sorted(counts.items()):
        print("saved: in order", ordered, "sound", sound, number)


async def the_kernels() -> None:
    """That real kernels come to the same, for some of the orders."""
    orders = drawing(0).sample([*permutations(sources("again", "starter"))], KERNEL_ORDERS)
    same = 0
    async with (
        part("tools").sandbox() as equipment,
        part("kernels").kernels(equipment.deps) as kernel,
    ):
        for order in orders:
            await kernel.start("day", {"calls.csv": DAY})
            ran = await kernel.run(order)
            how, said = outcome(order, SAYS)
            if ran[-1].error is not None:
                same += how == "error"
            else:
                lines = "".join(one.text for one in ran).strip().splitlines() or [""]
                same += how != "error" and lines[-1] == said
    print("kernels agree in", same, "of", len(orders), "orders")


async def the_model() -> None:
    """What the model says with the starter's notebook, and with right and wrong ones."""
    tools, judging = part("tools"), part("judging")
    for name in ("starter", "nothing-is-zero", "solution"):
        counts = Counter[str]()
        for seed in DRAWS:
            (case,) = step("asked").cases(drawing(seed), 1)
            cells = part("cells").cells_in(given("asked")[name].code)
            async with (
                tools.sandbox() as equipment,
                part("kernels").kernels(equipment.deps) as kernel,
            ):
                lines, found = await tools.answered(kernel, cells, json.loads(case.input))
            print("   ", *lines, sep="\n    ")
            known, unknown = found["asked"]
            counts["known asked"] += 1
            counts["known, right"] += judging.misquoted(found, case.expect) is None
            counts["known, called"] += bool(known["calls"])
            counts["unknown, a number"] += bool(judging.numbers_in(unknown["answer"]))
        print("model", name, dict(counts))


if __name__ == "__main__":
    os.environ["OMP_WAIT_POLICY"] = "passive"
    the_author()
    the_notebooks()
    the_orders()
    the_reruns()
    asyncio.run(the_kernels())
    asyncio.run(the_model())
