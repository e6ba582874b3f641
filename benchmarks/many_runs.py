"""What a folder of very many runs costs to ask and to list, with its index and without.

    python benchmarks/many_runs.py [--runs N] [--folder FOLDER]

Each run is a real trace of four calls (about 15 KB) in which the words that were said are drawn
anew, so that no run's text is another's; a hundred runs at a time are judged in a file of results.
Seconds are those of the clock and, in brackets, of all processors; what "starts" is a process of
its own, with all it has to import. The ratio is to reading the same folder without an index. Takes
1.6 GB and some minutes for 100,000 runs.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from replay import recorded

from agentlab.trace import query as queried
from agentlab.trace.index import FOLDER
from agentlab.trace.query import queries
from agentlab.trace.results import ResultsHeader, ResultsWriter, RunResult, Score
from agentlab.trace.stamps import QUIET
from agentlab_tui.run_list import summaries

JUDGED = 100
"""Runs in a file of results."""
SQL = (
    "SELECT agent, passed, count(*), sum(input_tokens) FROM runs GROUP BY ALL ORDER BY ALL",
    "SELECT name, error, count(*) FROM tool_calls GROUP BY ALL",
    "SELECT kind, count(*), max(time) FROM events GROUP BY ALL ORDER BY ALL",
)
LAST = "SELECT max(event->>'outcome') FROM events WHERE run = (SELECT max(run) FROM runs)"
TEXT = "SELECT count(*) FROM tool_calls WHERE content LIKE '%zebra%'"
_SAID = re.compile(rb"(?:I look at the next page\. ){32}|(?:All happy families are alike\. ){67}")


def texts(seed: int) -> Callable[[int], bytes]:
    """Something that gives so many bytes of words, of which few are common and many are rare."""
    draw = random.Random(seed)
    words = [
        "".join(draw.choices("etaoinshrdlucmwfgy", k=draw.randint(2, 9))) for _ in range(20000)
    ]
    rare = [1 / (rank + 1) for rank in range(len(words))]
    text = " ".join(draw.choices(words, rare, k=1_500_000)).encode()

    def some(size: int) -> bytes:
        start = draw.randrange(len(text) - size)
        return text[start : start + size]

    return some


def runs(folder: Path) -> Iterator[Path]:
    """Runs written to a folder, one after the other, judged by the hundred."""
    pattern = recorded(4, folder / "pattern", usual=True)
    data, name = pattern.read_bytes(), pattern.stem
    some, number = texts(1), 0
    while True:
        batch = [
            f"{name[:15]}-{n:07d}{n * 7919 % 99991:05x}" for n in range(number, number + JUDGED)
        ]
        results = ResultsWriter(folder, ResultsHeader(name=f"eval-{number:07d}", kind="eval"))
        for run in batch:
            path = folder / f"{run}.jsonl"
            told = _SAID.sub(lambda said: some(len(said[0])), data)
            path.write_bytes(told.replace(name.encode(), run.encode(), 1))
            passed = {"right": Score.of(number % 3 > 0, "as it was asked")}
            results.append(RunResult(run=run, sample=run[-12:], scores=passed))
            yield path
        results.close()
        number += JUDGED


def taken(work: Callable[[], object], repeat: int = 1) -> tuple[float, float]:
    """Seconds by the clock and of all processors, at best."""
    clock = cpu = float("inf")
    for _ in range(repeat):
        began, before = time.perf_counter(), os.times()
        work()
        after = os.times()
        clock = min(clock, time.perf_counter() - began)
        cpu = min(cpu, sum(after[:4]) - sum(before[:4]))
    return clock, cpu


def line(what: str, time: tuple[float, float], plain: tuple[float, float] | None = None) -> None:
    """One measurement, and its ratio to reading without an index."""
    ratio = f"{time[0] / plain[0]:>9.3f} ({time[1] / plain[1]:.3f})" if plain else ""
    print(f"{what:<50}{time[0]:>9.2f} s ({time[1]:.2f}){ratio}", flush=True)


def ask(folder: Path, *statements: str) -> Callable[[], object]:
    """These queries, as something to be timed."""
    return lambda: queries(folder, statements)


def start(folder: Path, *options: str) -> Callable[[], object]:
    """A command in a process of its own, likewise."""
    command = [sys.executable, "-m", "agentlab", "traces", "--runs", str(folder), *options]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def without_index(folder: Path, *statements: str) -> tuple[float, float]:
    """What the queries take where the files are read."""
    small, queried.SMALL = queried.SMALL, sys.maxsize
    try:
        return taken(ask(folder, *statements))
    finally:
        queried.SMALL = small


def measure(folder: Path, count: int) -> None:
    """Measure and print."""
    new = runs(folder)
    size = sum(path.stat().st_size for path in islice(new, count))
    time.sleep(QUIET)  # a file that was just written is not taken in yet
    print(f"{count:,} runs, {size / 1e9:.2f} GB")
    plain = without_index(folder, *SQL)
    line("three queries, no index", plain)
    text = without_index(folder, TEXT)
    line("what was said, no index", text)
    line("the first time: the index is written", taken(ask(folder, *SQL)), plain)
    index = next((folder / FOLDER).glob("*.duckdb"))
    print(f"{'size of the index':<50}{index.stat().st_size / size:>9.3f} of the traces")
    line("nothing new", taken(ask(folder, *SQL), 3), plain)
    line("nothing new, one event of one run", taken(ask(folder, LAST), 3), text)
    line("nothing new, what was said in all", taken(ask(folder, TEXT)), text)
    for more in (10, count // 100, count // 20):
        for _ in islice(new, more):
            pass
        if more == count // 20:
            time.sleep(QUIET)
            line(f"{more:,} more new: it is written anew", taken(ask(folder, *SQL)), plain)
        else:
            line(f"{more:,} new", taken(ask(folder, *SQL), 3), plain)
    line("`traces --sql` starts", taken(start(folder, "--sql", SQL[0]), 3))
    line("`traces` starts", taken(start(folder), 3))
    line("the runs screen's first hundred", taken(lambda: [*islice(summaries(folder), 100)], 3))
    line("the runs screen, all it lists", taken(lambda: [*summaries(folder)], 3))


def main() -> None:
    """Measure in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(description="what a folder of very many runs costs")
    parser.add_argument("--runs", type=int, default=100_000, help="how many runs")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder if omitted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), options.runs)


if __name__ == "__main__":
    main()
