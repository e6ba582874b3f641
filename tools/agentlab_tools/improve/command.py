"""`agentlab improve`: an agent made better at a task by its own good runs, and the proof."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.display import safe_json
from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab.terminal.options import backend_option, labs_option, on_option, split_setting

if TYPE_CHECKING:
    from agentlab.evaluate import Plan
    from agentlab.labs.answers import AgentAnswer
    from agentlab.labs.values import Lab
    from agentlab_tools.improve.findings import Findings
    from agentlab_tools.improve.goal import Goal

DEFAULT_BACKEND = "local:smollm2"


@click.command()
@click.argument("target", required=False)
@backend_option
@labs_option
@click.option(
    "--agent",
    "agent_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The agent, as TOML: instructions, tools, examples, settings, limits.",
)
@click.option("-s", "--scorer", "scorers", multiple=True, help="What is right, as in `eval run`.")
@click.option(
    "--cases",
    type=click.IntRange(8),
    default=60,
    show_default=True,
    help="How many cases of a lab's step to test on; twice as many are learnt from.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="LAB:STEP",
    help="Another task, which must not become worse. Can be given several times.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="How often to try, learn, and try again with what was learnt.",
)
@click.option(
    "--tries",
    type=click.IntRange(1, 100),
    default=4,
    show_default=True,
    help="How often to try each question in a round.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, min_open=True),
    default=0.5,
    show_default=True,
    help="Of all tries but the first, so that they differ.",
)
@click.option("--lora", multiple=True, metavar="NAME=VALUE", help="A setting of the recipe `lora`.")
@click.option("--dpo", multiple=True, metavar="NAME=VALUE", help="A setting of the recipe `dpo`.")
@click.option(
    "--bound",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="How much worse the rest may become.",
)
@on_option
@click.option("--name", help="Name of the folder.  [default: made from what is asked for]")
@click.option("--seed", default=0, show_default=True, help="Seed of all that is drawn.")
@click.option("--json", "as_json", is_flag=True, help="Only the report, as JSON, on stdout.")
def improve(
    target: str | None,
    backend: str | None,
    labs: tuple[Path, ...],
    agent_file: Path | None,
    scorers: tuple[str, ...],
    cases: int,
    also: tuple[str, ...],
    rounds: int,
    tries: int,
    temperature: float,
    lora: tuple[str, ...],
    dpo: tuple[str, ...],
    bound: float,
    on: str,
    name: str | None,
    seed: int,
    as_json: bool,
) -> int:
    """Make an agent better at TARGET: a JSONL file of samples, or LAB:STEP.

    \b
    agentlab improve m5/tool-use:sums
    agentlab improve questions.jsonl --agent agent.toml -s numeric
    agentlab improve                                what was improved so far

    It tries the task, learns from what came out right, and tests on questions it has not seen:
    the report claims what the interval shows. Takes minutes to hours; the same command goes on
    after an interruption.

    Exits with 0 if it became better and nothing else worse than --bound, else with 1.
    """
    from agentlab.labs.answers import AgentAnswer, read_answer
    from agentlab_tools.improve.goal import Goal

    if target is None:
        _list(as_json)
        return 0
    answer = read_answer(agent_file, AgentAnswer) if agent_file else None
    learn, choose, test = _parts(target, labs, cases, answer, scorers, seed)
    goal = Goal(
        backend=backend or DEFAULT_BACKEND,
        learn=learn,
        choose=choose,
        test=test,
        also={other: _other(other, labs, cases) for other in also},
        labs=tuple(str(folder.resolve()) for folder in labs),
        rounds=rounds,
        tries=tries,
        temperature=temperature,
        lora=_settings("lora", lora),
        dpo=_settings("dpo", dpo),
        bound=bound,
        seed=seed,
    )
    folder = home() / "improve" / (name or _name(goal))
    findings = _run(goal, folder, on, as_json)
    return 0 if findings.verdict == "better" and not findings.costs else 1


def _run(goal: Goal, folder: Path, on: str, as_json: bool) -> Findings:
    import asyncio

    from agentlab.private import private_folder
    from agentlab.terminal.consoles import console
    from agentlab_tools.cluster.where import joining
    from agentlab_tools.improve.improvement import Improvement
    from agentlab_tools.improve.page import page
    from agentlab_tools.improve.screen import Screen, print_findings
    from agentlab_tools.improve.workshop import Workshop

    private_folder(folder)
    goal.save(folder)
    screen = Screen(quiet=as_json)
    screen.said(f"in {folder}")
    with joining(on) as ray:
        findings = asyncio.run(Improvement(Workshop(goal, folder, screen, on, ray)).run())
    plain = {"verdict": findings.verdict, "claim": findings.claim, "costs": findings.costs}
    report: dict[str, Any] = {**plain, "findings": findings.model_dump(mode="json")}
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(page(goal, findings, str(folder)), encoding="utf-8")
    if as_json:
        click.echo(safe_json(text))
    else:
        print_findings(console(), findings, str(folder))
    return findings


def _parts(
    target: str,
    labs: tuple[Path, ...],
    cases: int,
    answer: AgentAnswer | None,
    scorers: tuple[str, ...],
    seed: int,
) -> tuple[Plan, Plan, Plan]:
    from agentlab.evaluate import read_samples
    from agentlab_tools.improve.goal import parts_of_data, parts_of_step

    path = Path(target)
    if path.is_file():
        samples = read_samples(path, lambda note: click.echo(note, err=True))
        return parts_of_data(path.stem, samples, answer, scorers, seed)
    lab, step = _step(target, labs)
    return parts_of_step(lab, step, cases, answer, scorers, seed)


def _other(target: str, labs: tuple[Path, ...], cases: int) -> Plan:
    from agentlab.evaluate import Plan
    from agentlab_tools.improve.goal import drawn_by

    lab, step = _step(target, labs)
    plan = Plan(task=f"{lab.id}:{step}", cases=cases)
    drawn_by(lab, plan)
    return plan


def _step(target: str, labs: tuple[Path, ...]) -> tuple[Lab, str]:
    from agentlab.labs.course import lab_roots
    from agentlab.labs.find import find_folder, load

    name, _, step = target.rpartition(":")
    if not name:
        raise ConfigError(f"{target}: there is no such file; a lab's step is LAB:STEP")
    return load(find_folder(name, (*labs, *lab_roots()))), step


def _settings(name: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Settings of a recipe; what they lack, or it lacks, is told before an hour goes by."""
    from agentlab_tools.train.recipe import load_recipe

    recipe = load_recipe(name)
    recipe.check()
    values = split_setting(pairs)
    settings = recipe.read_settings({"data": "later", **values})
    return {key: getattr(settings, key) for key in values}


def _name(goal: Goal) -> str:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in goal.task)
    digest = hashlib.sha256(goal.model_dump_json().encode()).hexdigest()
    return f"{plain[:60]}-{digest[:8]}"


def _list(as_json: bool) -> None:
    from agentlab.terminal.tables import print_rows

    rows: list[tuple[object, ...]] = []
    for path in sorted((home() / "improve").glob("*/report.json")):
        try:
            told = json.loads(path.read_bytes())
            rows.append((path.parent.name, str(told["verdict"]), str(told["claim"])))
        except (OSError, ValueError, KeyError, TypeError):
            rows.append((path.parent.name, "?", "its report can't be read"))
    if not rows and not as_json:
        click.echo(
            "nothing was improved yet: agentlab improve QUESTIONS.jsonl --agent AGENT.toml",
            err=True,
        )
        return
    print_rows(("name", "verdict", "claim"), rows, as_json)
