"""What the side that hands out samples has to do for each, and for all of them at the end.

    python benchmarks/eval_volume.py [--runs 2000] [--results 1000,10000,100000] [--folder DIR]

Models cost nothing here: what is left is AgentLab's own work, on one core. First whole runs against
a model that has its answer ready, with and without traces. Then what comes home from a cluster, a
result and a trace of the same size, written as if a worker had sent them. Then files of so many
results: how long an evaluation takes to find out what is left to ask, and to report, and what
memory that takes.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from agentlab.backends.scripted import Scripted
from agentlab.evaluate import Evaluation, Plan
from agentlab.evaluate.plan import Given
from agentlab.evaluate.report import report
from agentlab.messages import Usage
from agentlab.trace import new_run_id
from agentlab.trace.results import Results, ResultsHeader, ResultsWriter, RunResult, Score
from agentlab_tools.cluster.interviewers import asked_by
from agentlab_tools.scored_code import sandbox_runner


class Home:
    """Workers that have every answer ready: what is left is to write down what they send."""

    def __init__(self, trace: bytes) -> None:
        self.trace = trace

    async def do(self, _: str, sample: str, epoch: int) -> Any:
        """As a worker sends it."""
        await asyncio.sleep(0)
        run = new_run_id()
        return ("result", result(run, sample, epoch).model_dump_json(), [(run, self.trace)], [])


def result(run: str, sample: str, epoch: int = 1) -> RunResult:
    """As long as those of a small agent."""
    scores = {"numeric": Score.of(True, "4 is 4")}
    usage = Usage(input_tokens=120, output_tokens=12)
    return RunResult(run=run, sample=sample, epoch=epoch, scores=scores, seconds=1.5, usage=usage)


def evaluation(samples: int, folder: Path, traces: Path | None) -> Evaluation:
    """Sums, which a model answers rightly at once."""
    given = tuple(Given(id=str(n), input="What is 2 + 2?", expect=4) for n in range(samples))
    plan = Plan(task="sums", samples=given, scorers=("numeric",))
    task = plan.open_task(Scripted(["It is 4."] * samples), traces)
    scorers = plan.open_scorers(task, traces, judge=None, code=sandbox_runner)
    return Evaluation(task, scorers, folder, "sums", concurrency=8)


def cpu(action: Callable[[], object]) -> float:
    """Processor seconds."""
    began = time.process_time()
    action()
    return time.process_time() - began


def measure_runs(samples: int, folder: Path) -> bytes:
    """Whole runs, and what comes home from others; returns a trace."""
    for name, traces in (("without traces", None), ("with traces", folder / "kept")):
        some = evaluation(samples, folder / name.replace(" ", "-"), traces)
        took = cpu(lambda some=some: asyncio.run(some.run()))
        print(f"a run here, {name:15} {took / samples * 1e3:8.2f} ms a sample")
    kept = list((folder / "kept").glob("*.jsonl"))
    size = sum(path.stat().st_size for path in kept) / len(kept)
    print(f"its trace                   {size / 1e3:8.2f} kB")
    trace = kept[0].read_bytes()
    some = evaluation(samples, folder / "home", folder / "home")
    home = asked_by(cast(Any, Home(trace)), folder / "home")
    some = Evaluation(some.task, some.scorers, some.folder, "sums", concurrency=8, ask=home)
    took = cpu(lambda: asyncio.run(some.run()))
    print(f"a run that comes home       {took / samples * 1e3:8.2f} ms a sample")
    return trace


def measure_results(count: int, folder: Path) -> None:
    """To go on with so many results, and to report them."""
    some = evaluation(1, folder, None)
    names = tuple(scorer.name for scorer in some.scorers)
    about = {"scorers": list(names), "fingerprint": some.task.fingerprint(names)}
    writer = ResultsWriter(folder, ResultsHeader(name=f"of-{count}", kind="eval", about=about))

    def written() -> None:
        for number in range(count):
            right = number % 3 != 0
            one = result(f"{number:030d}", str(number))
            scores = {"numeric": Score.of(right, "4 is 4")}
            writer.append(one.model_copy(update={"scores": scores}))

    write = cpu(written)
    writer.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held: list[Results] = []
    load = cpu(lambda: held.append(Results.load(writer.path)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    told = cpu(lambda: report(held[0]))
    print(
        f"{count:9,} results: written {write:6.2f} s, read {load:6.2f} s and {memory / 1024:5.0f} "
        f"MiB, reported {told:6.2f} s; a file of {writer.path.stat().st_size / 1e6:6.1f} MB"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--results", default="1000,10000,100000")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary one if omitted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure_runs(options.runs, Path(folder))
        for count in map(int, options.results.split(",")):
            measure_results(count, Path(folder) / "results")


if __name__ == "__main__":
    main()
