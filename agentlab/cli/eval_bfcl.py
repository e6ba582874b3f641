"""`agentlab eval bfcl`: a public benchmark of function calling, on files that the user has."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import click

from agentlab.errors import ConfigError
from agentlab.terminal.options import backend_option, on_option, runs_option

if TYPE_CHECKING:
    from agentlab.evaluate import Plan, Report, Sample
    from agentlab.evaluate.statistics import Interval
    from agentlab.labs.answers import AgentAnswer

DEFAULT_BACKEND = "local:agent"


@click.command("bfcl")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("categories", nargs=-1)
@backend_option
@runs_option
@click.option(
    "--agent",
    "agent_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Instructions, examples and settings, as TOML.",
)
@click.option("--cases", type=click.IntRange(1), help="So many of each category, by the seed.")
@click.option("--seed", default=0, show_default=True, help="Of the draw, and of the bootstrap.")
@click.option("-j", "--concurrency", type=click.IntRange(1, 1024), help="Cases to ask at once.")
@on_option
@click.option(
    "--at-least", type=click.FloatRange(0, 1), help="Exit with 1 if a category is below this."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, on stdout.")
def bfcl(
    folder: Path,
    categories: tuple[str, ...],
    backend: str | None,
    runs: Path,
    agent_file: Path | None,
    cases: int | None,
    seed: int,
    concurrency: int | None,
    on: str,
    at_least: float | None,
    as_json: bool,
) -> int:
    """Ask the Berkeley Function-Calling Leaderboard's questions.

    FOLDER holds its files, such as BFCL_v4_multiple.json; CATEGORIES are names such as
    `multiple` or `live_simple`, all that are there if left out. The model replies once to each
    case, and what it calls is compared by the benchmark's rules; nothing is run. docs/evaluation.md
    says what is asked, and what is not.

    \b
    agentlab eval bfcl bfcl_eval/data multiple irrelevance -b local:agent

    After an interruption, the same command continues where it stopped. `agentlab eval compare`
    compares two models, category by category.
    """
    from agentlab.cli.eval_where import Asking
    from agentlab.evaluate import report

    plans = _plans(folder, categories, _agent(agent_file), cases, seed)
    summaries: dict[str, Report] = {}
    for category, plan in plans.items():
        asking = Asking(
            plan=plan,
            lab=None,
            backend=backend or DEFAULT_BACKEND,
            judge=None,
            runs=runs,
            name=None,
            epochs=1,
            concurrency=concurrency,
            on=on,
        )
        summaries[category] = report(asking.results(quiet=as_json), seed=seed)
    if as_json:
        _print_json(summaries)
    else:
        _print(summaries)
    failed = any(summary.failed for summary in summaries.values())
    low = at_least is not None and any(_score(one).mean < at_least for one in summaries.values())
    return 1 if failed or low else 0


def _agent(file: Path | None) -> AgentAnswer:
    """The benchmark's agent, with what the user wants otherwise.

    Raises:
        ConfigError: it has tools; those come with the cases.
    """
    from agentlab.evaluate.bfcl import ANSWER
    from agentlab.labs.answers import AgentAnswer, read_answer

    if file is None:
        return ANSWER
    answer = read_answer(file, AgentAnswer)
    if answer.tools:
        raise ConfigError(f"{file}: the tools come with the cases of the benchmark; name none")
    given = answer.settings.model_fields_set
    settings = ANSWER.settings.model_copy(
        update={name: getattr(answer.settings, name) for name in given}
    )
    return answer.model_copy(update={"settings": settings, "limits": ANSWER.limits})


def _plans(
    folder: Path, wanted: tuple[str, ...], answer: AgentAnswer, cases: int | None, seed: int
) -> dict[str, Plan]:
    from agentlab.evaluate import Plan
    from agentlab.evaluate.bfcl import CATEGORIES, categories_in, read_category
    from agentlab.evaluate.plan import given

    there = categories_in(folder)
    for name in wanted:
        if name not in CATEGORIES:
            raise ConfigError(f"no category {name[:40]!a}; there are: {', '.join(CATEGORIES)}")
        if name not in there:
            raise ConfigError(f"{folder} has no file of the category {name}")
    drawn = {
        name: _drawn(read_category(there[name], name), cases, seed) for name in wanted or there
    }
    return {
        name: Plan(
            task=f"bfcl-{name}",
            samples=given(samples),
            answer=answer,
            scorers=("bfcl",),
            suite="bfcl",
        )
        for name, samples in drawn.items()
    }


def _drawn(samples: tuple[Sample, ...], cases: int | None, seed: int) -> tuple[Sample, ...]:
    """So many, the same for every model, in the file's order."""
    if cases is None or cases >= len(samples):
        return samples
    chosen = sorted(Random(seed).sample(range(len(samples)), cases))  # noqa: S311
    return tuple(samples[index] for index in chosen)


def _score(summary: Report) -> Interval:
    return summary.scores["bfcl"]


def _print_json(summaries: dict[str, Report]) -> None:
    from pydantic_core import to_json

    from agentlab.display import safe_json

    plain = {
        category: {
            **asdict(_score(one)),
            "name": one.name,
            "failed": len(one.failed),
            "usage": one.usage.model_dump(),
            "seconds": one.seconds,
        }
        for category, one in summaries.items()
    }
    click.echo(safe_json(to_json(plain, indent=2).decode()))


def _print(summaries: dict[str, Report]) -> None:
    from agentlab.cli.eval_screen import print_categories
    from agentlab.terminal.consoles import console

    print_categories(console(), {name: (one, _score(one)) for name, one in summaries.items()})
