"""`agentlab eval`: ask an agent many questions, score it, compare it with another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.cli.eval_bfcl import bfcl
from agentlab.display import safe_json
from agentlab.errors import ConfigError, TraceError
from agentlab.terminal.options import backend_option, labs_option, on_option, runs_option

if TYPE_CHECKING:
    from agentlab.evaluate import Plan, Report
    from agentlab.evaluate.statistics import Comparison
    from agentlab.labs.answers import AgentAnswer
    from agentlab.labs.values import Lab
    from agentlab.trace.results import Results

DEFAULT_BACKEND = "local:smollm2"
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, on stdout.")
seed_option = click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")


@click.group("eval")
def evaluate() -> None:
    """Ask an agent many questions, score its answers, compare it with another.

    \b
    agentlab eval run sums.jsonl --agent agent.toml -s numeric --epochs 3
    agentlab eval run m5/tool-use:sums -b local:smollm2
    agentlab eval compare NAME-1 NAME-2
    """


evaluate.add_command(bfcl)


@evaluate.command("run")
@click.argument("target")
@backend_option
@runs_option
@labs_option
@click.option(
    "--agent",
    "agent_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The agent, as TOML: instructions, tools, examples, settings, limits.",
)
@click.option("-s", "--scorer", "scorers", multiple=True, help="How to score an answer; see above.")
@click.option("--judge", help="The model that judges, for the scorer `judge`.")
@click.option(
    "-n",
    "--epochs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many times to ask each question.",
)
@click.option(
    "-j",
    "--concurrency",
    type=click.IntRange(1, 1024),
    help="Samples to run at once.  [default: 1 for a model in this process, else 4; on Ray the "
    "same for each processor]",
)
@on_option
@click.option("--cases", type=click.IntRange(1), help="How many cases of a lab's step to draw.")
@click.option("--name", help="Name of the results.  [default: made from what is evaluated]")
@click.option(
    "--at-least", type=click.FloatRange(0, 1), help="Exit with 1 if a mean is below this."
)
@seed_option
@json_option
def run(
    target: str,
    backend: str | None,
    runs: Path,
    labs: tuple[Path, ...],
    agent_file: Path | None,
    scorers: tuple[str, ...],
    judge: str | None,
    epochs: int,
    concurrency: int | None,
    on: str,
    cases: int | None,
    name: str | None,
    at_least: float | None,
    seed: int,
    as_json: bool,
) -> int:
    """Evaluate on TARGET: a JSONL file of samples, or LAB:STEP.

    \b
    Each line of a file is a sample: {"input": "…", "expect": …}. Scorers:
      exact contains json numeric[:TOL] called:TOOL steps:N code judge
      check:ID   a check of the lab's step (the default there: all of them)

    After an interruption, the same command continues where it stopped and retries what failed.
    Exits with 1 if a run failed or a mean is below --at-least.
    """
    from agentlab.cli.eval_where import Asking
    from agentlab.evaluate import report
    from agentlab.labs.answers import AgentAnswer, read_answer

    answer = read_answer(agent_file, AgentAnswer) if agent_file else None
    lab = None if Path(target).is_file() else _lab(target, labs)
    plan = _data(target, answer, scorers) if lab is None else _step(target, answer, scorers, cases)
    asking = Asking(
        plan=plan,
        lab=lab,
        backend=backend or (lab.backend if lab else DEFAULT_BACKEND),
        judge=judge,
        runs=runs,
        name=name,
        epochs=epochs,
        concurrency=concurrency,
        on=on,
    )
    results = asking.results(quiet=as_json)
    summary = report(results, seed=seed)
    _show(results, summary, as_json)
    low = at_least is not None and any(i.mean < at_least for i in summary.scores.values())
    return 1 if summary.failed or low else 0


@evaluate.command("show")
@click.argument("name")
@runs_option
@seed_option
@json_option
def show(name: str, runs: Path, seed: int, as_json: bool) -> int:
    """Show the results of NAME again. The start of a name is enough."""
    from agentlab.evaluate import report

    results = _find(runs, name)
    _show(results, report(results, seed=seed), as_json)
    return 0


@evaluate.command("list")
@runs_option
@json_option
def list_results(runs: Path, as_json: bool) -> None:
    """List your evaluations."""
    from agentlab.evaluate import report
    from agentlab.terminal.tables import print_rows
    from agentlab.trace.results import Results, results_in

    rows: list[tuple[object, ...]] = []
    for path in results_in(runs):
        results = Results.load(path)
        if results.header.kind == "eval" and results.results:
            summary = report(results)
            means = "  ".join(f"{name} {i.mean:.3f}" for name, i in summary.scores.items())
            rows.append((results.header.name, summary.done, len(summary.failed), means))
    print_rows(("name", "runs", "failed", "means"), rows, as_json)


@evaluate.command("compare")
@click.argument("first")
@click.argument("second")
@runs_option
@seed_option
@json_option
def compare(first: str, second: str, runs: Path, seed: int, as_json: bool) -> int:
    """Compare two evaluations, sample by sample.

    Both must have been asked the same samples. The difference is SECOND minus FIRST.

    Exits with 1 if any scorer finds SECOND worse: the whole interval of the difference is below 0.
    """
    from agentlab.evaluate import compare as compare_results

    before, after = _find(runs, first), _find(runs, second)
    differences = compare_results(before, after, seed=seed)
    if as_json:
        names = {"first": before.header.name, "second": after.header.name}
        _echo_json({**names, "scores": {name: asdict(c) for name, c in differences.items()}})
    else:
        from agentlab.cli.eval_screen import print_comparison
        from agentlab.terminal.consoles import console

        names = (before.header.name, after.header.name)
        print_comparison(console(), names, differences)
    return 1 if any(map(_worse, differences.values())) else 0


def _worse(comparison: Comparison) -> bool:
    high = comparison.difference.high
    return high is not None and high < 0


def _data(target: str, answer: AgentAnswer | None, scorers: tuple[str, ...]) -> Plan:
    from agentlab.evaluate import Plan, read_samples
    from agentlab.evaluate.plan import given

    samples = read_samples(Path(target), lambda note: click.echo(note, err=True))
    return Plan(task=Path(target).stem, samples=given(samples), answer=answer, scorers=scorers)


def _lab(target: str, labs: tuple[Path, ...]) -> Lab:
    from agentlab.labs.course import lab_roots
    from agentlab.labs.find import find_folder, load

    lab_name, _, _ = target.rpartition(":")
    if not lab_name:
        raise ConfigError(f"{target}: there is no such file; a lab's step is LAB:STEP")
    return load(find_folder(lab_name, (*labs, *lab_roots())))


def _step(
    target: str, answer: AgentAnswer | None, scorers: tuple[str, ...], cases: int | None
) -> Plan:
    from agentlab.evaluate import Plan

    return Plan(task=target, cases=cases, answer=answer, scorers=scorers)


def _show(results: Results, summary: Report, as_json: bool) -> None:
    if as_json:
        _echo_json({**_plain_report(summary), "file": str(results.path)})
        return
    from agentlab.cli.eval_screen import print_report
    from agentlab.terminal.consoles import console

    print_report(console(), results, summary)


def _plain_report(summary: Report) -> dict[str, object]:
    """A report in plain data."""
    return {
        "name": summary.name,
        "scores": {name: asdict(interval) for name, interval in summary.scores.items()},
        "samples": summary.samples,
        "done": summary.done,
        "failed": [
            {"sample": r.sample, "epoch": r.epoch, "error": r.error} for r in summary.failed
        ],
        "usage": summary.usage.model_dump(),
        "seconds": summary.seconds,
    }


def _find(runs: Path, name: str) -> Results:
    from agentlab.trace.results import Results, results_in

    paths = list(results_in(runs))
    matching = [p for p in paths if p.stem == name] or [p for p in paths if p.stem.startswith(name)]
    if len(matching) == 1:
        return Results.load(matching[0])
    if not matching:
        raise TraceError(f"no results {name[:80]!a} in {runs}: `agentlab eval list` shows them")
    raise TraceError(f"{name[:80]!a} names several: {', '.join(p.stem for p in matching[:3])}, …")


def _echo_json(value: object) -> None:
    from pydantic_core import to_json

    click.echo(safe_json(to_json(value, indent=2).decode()))
