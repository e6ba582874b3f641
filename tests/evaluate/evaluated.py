"""An evaluation to try things on; run as a program, it goes on until it is done or killed.

python evaluated.py RUNS LOG
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentlab.backends.scripted import Scripted
from agentlab.evaluate import Evaluation, Sample, Task, data_task, scorer
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.attempt import Case, CaseRun
from agentlab.messages import Message, Usage

MANY = 40


def samples(count: int) -> tuple[Sample, ...]:
    return tuple(Sample(f"s{n}", Case(f"{n} + {n}", 2 * n)) for n in range(count))


def adder(messages: Sequence[Message], *_: Any) -> str:
    """Adds, and gets every fourth one wrong."""
    n = int(messages[-1].text.split()[0])
    return f"It is {2 * n + (n % 4 == 3)}."


def task(runs: Path, count: int = 8, script: Any = adder, **answer: Any) -> Task:
    made = AgentAnswer(**answer)
    return data_task("sums", samples(count), made, Scripted(script), runs)


def evaluation(runs: Path, count: int = 8, script: Any = adder, **options: Any) -> Evaluation:
    name = options.pop("name", "x")
    scorers = tuple(scorer(spec) for spec in options.pop("scorers", ("numeric",)))
    return Evaluation(task(runs, count, script), scorers, runs, name, **options)


def case_run(
    output: str, expect: Any = None, *, events: Sequence[Any] = (), **facts: Any
) -> CaseRun:
    """A run that said this."""
    return CaseRun(
        case=Case("?", expect, facts),
        run="r",
        events=tuple(events),
        messages=(),
        usage=Usage(),
        output=output,
    )


def main(runs: Path, log: Path) -> None:
    """Evaluate slowly, noting each question asked in a way that outlives this process."""

    def slow(messages: Sequence[Message], *_: Any) -> str:
        with log.open("a") as file:
            file.write(messages[-1].text.split()[0] + "\n")
        time.sleep(0.005)
        return adder(messages)

    asyncio.run(evaluation(runs, MANY, slow, concurrency=3).run())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
