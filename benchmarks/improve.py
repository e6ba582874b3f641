"""What `agentlab improve` brings on two tasks of different kinds, on the packaged model.

    python benchmarks/improve.py [dates|sums] [--folder FOLDER]

dates   a day, written by people as CLDR has it in English, to be written as year-month-day
sums    a sum in words, to be worked out by a calculator that has to be called

About half an hour on one quiet core. What was done is kept in the folder, and the same command goes
on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

_SAID = (
    "We meet on {}.",
    "The train leaves on {}.",
    "Her birthday is {}.",
    "It was signed on {}.",
    "The shop opens {}.",
    "They married on {}.",
    "The exam takes place {}.",
    "It has to be paid by {}.",
)
_FORMS = ("long", "full", "medium", "d MMM yyyy", "MMMM d, yyyy", "EEE d MMMM y")
_WRITE = "Write the date in the text as year-month-day, for example 1999-12-31, and nothing else."
DATES = f"""
instructions = "{_WRITE}"
settings = {{ temperature = 0, max_tokens = 16, repeat_penalty = 1.0 }}
limits = {{ steps = 1 }}

[[examples]]
user = "The war ended on May 8, 1945. Which date is that?"
answer = "1945-05-08"
"""
SUMS = """
instructions = "Use the calculator for every sum."
tools = ["calculator"]
settings = { temperature = 0, max_tokens = 80, repeat_penalty = 1.0 }
limits = { steps = 3 }

[[examples]]
user = "What is 12 * 7?"
tool = "calculator"
arguments = { expression = "12 * 7" }
result = "84"
answer = "The answer is 84."

[[examples]]
user = "What is 4310 + 2077?"
tool = "calculator"
arguments = { expression = "4310 + 2077" }
result = "6387"
answer = "The answer is 6387."
"""


def dates(rng: Random) -> Iterator[tuple[str, str]]:
    """Questions with their answers, without end."""
    from babel.dates import format_date

    while True:
        day = date(1950, 1, 1) + timedelta(days=rng.randrange(30_000))
        said = rng.choice(_SAID)
        told = said.format(format_date(day, rng.choice(_FORMS), locale="en"))
        yield f"{told} Which date is that?", day.isoformat()


def sums(rng: Random) -> Iterator[tuple[str, int]]:
    """Questions with their answers, without end."""
    while True:
        a, b = rng.randint(100, 990), rng.randint(12, 97)
        asked: list[tuple[str, int]] = [
            (f"What is {a} times {b}?", a * b),
            (f"Add {b} to {a}.", a + b),
            (f"Take {b} from {a}.", a - b),
            (f"Divide {a * b} by {b}.", a),
            (f"How much is {a} plus {b * 7}?", a + b * 7),
            (f"Multiply {a} by {b}.", a * b),
        ]
        yield asked[rng.randrange(len(asked))]


TASKS: dict[str, tuple[Any, int, int, str, list[str]]] = {
    "dates": (dates, 4, 240, DATES, ["-s", "exact"]),
    "sums": (
        sums,
        2,
        130,
        SUMS,
        ["-s", "numeric", "-s", "called:calculator", "--tries", "3", "--lora", "epochs=2"],
    ),
}
"""By name: what draws it, its seed, how many questions, the agent, and what is asked for."""


def improved(name: str, folder: Path) -> dict[str, Any]:
    """Make the data, improve, and return the report."""
    drawn, seed, count, agent, options = TASKS[name]
    rows: dict[str, Any] = {}
    for question, answer in drawn(Random(seed)):
        rows.setdefault(question, answer)
        if len(rows) == count:
            break
    data, told = folder / f"{name}.jsonl", folder / f"{name}.toml"
    lines = [json.dumps({"input": question, "expect": answer}) for question, answer in rows.items()]
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told.write_text(agent, encoding="utf-8")
    command = [sys.executable, "-m", "agentlab", "improve", str(data), "--agent", str(told)]
    env = {**os.environ, "AGENTLAB_HOME": str(folder)}
    subprocess.run([*command, *options, "--name", name], env=env, check=False)
    return json.loads((folder / "improve" / name / "report.json").read_text(encoding="utf-8"))


def main() -> None:
    """Improve, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="dates, sums")
    parser.add_argument("--folder", type=Path, default=Path("build/improve"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.tasks:
        report = improved(name, given.folder.resolve())
        print(f"{name}: {report['claim']}")


if __name__ == "__main__":
    main()
