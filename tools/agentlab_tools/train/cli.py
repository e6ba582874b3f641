"""`agentlab train` and `agentlab jobs`: start training, and look after it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.display import safe, safe_json
from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab.terminal.options import on_option

if TYPE_CHECKING:
    from agentlab_tools.train.jobs import Job, Jobs
    from agentlab_tools.train.recipe import Recipe

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def _folder(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or home() / "jobs"


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    size = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", value.lower())
    if size is None or float(size[1]) == 0:
        raise click.BadParameter(f"{value!r} is no amount of memory: write e.g. 4GB")
    return int(float(size[1]) * _UNITS[size[2] or ""])


jobs_option: Callable[..., Any] = click.option(
    "--jobs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_folder,
    help="Folder of jobs.  [default: jobs in AGENTLAB_HOME]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, one object per line.")


@click.command()
@click.argument("recipe", required=False)
@click.option("--data", help="What to learn from: the recipe's setting `data`.")
@click.option(
    "-s",
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set one of the recipe's settings.",
)
@click.option("--settings", "show", is_flag=True, help="Show the recipe's settings and exit.")
@on_option
@click.option(
    "--time",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this many seconds; the job can be resumed.",
)
@click.option(
    "--memory", callback=_bytes, metavar="AMOUNT", help="End the job if it uses more, e.g. 4GB."
)
@click.option("--threads", type=click.IntRange(1), help="Threads for the numeric libraries.")
@click.option(
    "--every",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds between checkpoints.",
)
@click.option(
    "--keep", type=click.IntRange(1), default=2, show_default=True, help="Checkpoints to keep."
)
@click.option("-d", "--detach", is_flag=True, help="Start it without watching.")
@jobs_option
@json_option
def train(
    recipe: str | None,
    data: str | None,
    pairs: tuple[str, ...],
    show: bool,
    on: str,
    seconds: float | None,
    memory: int | None,
    threads: int | None,
    every: float,
    keep: int,
    detach: bool,
    folder: Path,
    as_json: bool,
) -> int:
    """Train with RECIPE: a name, or your own Python file. Without one, list the recipes.

    \b
    agentlab train                                     the available recipes
    agentlab train lora --settings                     what can be set
    agentlab train lora --data chats.jsonl -s steps=200

    The job runs in a process of its own: closing the terminal does not end it. Exits with 0 if
    it completes, else with 1.
    """
    from agentlab.terminal.options import split_setting
    from agentlab_tools.train.jobs import JobLimits, Jobs
    from agentlab_tools.train.recipe import load_recipe

    if recipe is None:
        _list_recipes(as_json)
        return 0
    if show:
        _show_settings(load_recipe(recipe), as_json)
        return 0
    values = split_setting(pairs)
    if data is not None:
        values["data"] = data
    jobs = Jobs(folder)
    limits = JobLimits(seconds=seconds, memory=memory, threads=threads)
    job = jobs.submit(recipe, values, on=on, limits=limits, every=every, keep=keep)
    if detach:
        return _told(jobs, job, as_json)
    return _watch(jobs, job.id, as_json)


@click.group("jobs", invoke_without_command=True)
@jobs_option
@json_option
@click.option("--sql", help="A query over `jobs`, `metrics`, `events` and `artifacts`.")
@click.option(
    "-n", "--limit", default=20, show_default=True, help="How many of the newest jobs to list."
)
@click.pass_context
def jobs(ctx: click.Context, folder: Path, as_json: bool, sql: str | None, limit: int) -> None:
    """Manage training jobs. Without a command, list them.

    \b
    Name a job by its id, by the six characters in the middle of it, or as `last`.
    agentlab jobs watch last
    agentlab jobs --sql "SELECT job, min(loss) FROM metrics GROUP BY job"
    """
    from agentlab_tools.train.jobs import Jobs

    ctx.obj = Jobs(folder)
    if ctx.invoked_subcommand is not None:
        return
    if sql is not None:
        from agentlab.terminal.tables import print_rows
        from agentlab_tools.train.jobs.table import query_jobs

        columns, rows = query_jobs(folder, sql)
        print_rows(columns, rows, as_json)
        return
    listed = ctx.obj.list(limit)
    if as_json:
        for job in listed:
            _echo_job(ctx.obj, job)
    elif not listed:
        click.echo(f"no jobs in {folder} yet: `agentlab train` lists what can be trained", err=True)
    else:
        from agentlab.terminal.consoles import console
        from agentlab_tools.train.screen import print_jobs

        print_jobs(console(), listed)


@jobs.command("watch")
@click.argument("name", default="last")
@json_option
@click.pass_obj
def watch(jobs: Jobs, name: str, as_json: bool) -> int:
    """Watch a job and its loss curve until it ends."""
    return _watch(jobs, name, as_json)


@jobs.command("cancel")
@click.argument("name")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a checkpoint before killing the job.",
)
@json_option
@click.pass_obj
def cancel(jobs: Jobs, name: str, grace: float, as_json: bool) -> int:
    """Stop a job after a checkpoint; `resume` continues from there."""
    return _told(jobs, jobs.cancel(name, grace=grace), as_json)


@jobs.command("resume")
@click.argument("name")
@click.option("-d", "--detach", is_flag=True, help="Start it without watching.")
@click.option(
    "--changed-data", is_flag=True, help="Continue even though its data has changed since."
)
@json_option
@click.pass_obj
def resume(jobs: Jobs, name: str, detach: bool, changed_data: bool, as_json: bool) -> int:
    """Continue a job from its last checkpoint.

    It may have been cancelled, failed or lost.
    """
    job = jobs.resume(name, changed_data=changed_data)
    return _told(jobs, job, as_json) if detach else _watch(jobs, job.id, as_json)


@jobs.command("logs")
@click.argument("name", default="last")
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the job ends.")
@click.pass_obj
def logs(jobs: Jobs, name: str, follow: bool) -> None:
    """Show what a job printed."""

    path, reader = jobs.log(name), jobs.open(name)
    read = 0
    while True:
        reader.poll()
        active = reader.job().active  # seen before reading, so that its last words are shown
        if path.is_file():
            with path.open("rb") as file:
                file.seek(read)
                data = file.read()
            read += len(data)
            click.echo(safe(data.decode("utf-8", "replace")), nl=False)
        if not (follow and active):
            return
        time.sleep(0.2)


@jobs.command("artifacts")
@click.argument("name", default="last")
@click.pass_obj
def artifacts(jobs: Jobs, name: str) -> None:
    """Show where a job's results are, one path per line."""
    for path in jobs.artifacts(name):
        click.echo(safe(str(path)))


def _watch(jobs: Jobs, name: str, as_json: bool) -> int:
    reader = jobs.open(name)
    job_id = reader.spec.id
    while True:
        try:
            if as_json:
                job = _watch_as_json(jobs, job_id)
            else:
                from agentlab_tools.train.screen import follow

                if not sys.stdout.isatty():
                    click.echo(f"job {job_id}")
                job = follow(_console(), reader)
                if job.artifacts and not sys.stdout.isatty():
                    click.echo(safe("\n".join(map(str, jobs.artifacts(job_id)))))
                _tell_what_now(jobs, job)
            return 0 if job.state == "completed" else 1
        except KeyboardInterrupt:
            code = _interrupted(jobs, job_id)
            if code is not None:
                return code


def _tell_what_now(jobs: Jobs, job: Job) -> None:
    from agentlab_tools.train.served import unmerged

    if job.made_model and jobs.folder == home() / "jobs":  # where `job:…` is looked up
        base = unmerged(jobs, job.id)
        made = f"make one file of it and {base}: `agentlab quantize {job.short} F16`"
        talk = f"talk to it: `agentlab chat -b job:{job.short}`"
        click.echo(made if base else talk, err=True)


def _watch_as_json(jobs: Jobs, name: str) -> Job:
    reader = jobs.open(name)
    while True:
        for record in reader.poll():
            click.echo(safe_json(record.model_dump_json()))
        job = reader.job()
        if not job.active:
            _echo_job(jobs, job)
            return job
        time.sleep(0.2)


def _interrupted(jobs: Jobs, name: str) -> int | None:
    """Ask what Ctrl-C meant. The exit code, or None to go on watching."""
    goes_on = (
        f"it goes on: `agentlab jobs watch {name}` watches, `agentlab jobs cancel {name}` stops it"
    )
    if not sys.stdin.isatty():
        click.echo(goes_on, err=True)
        return 130
    click.echo("\n[l]eave it running, [c]ancel it, or [g]o on watching?", err=True)
    try:
        answer = input("[l] ").strip().lower()
    except (KeyboardInterrupt, EOFError):
        answer = "l"
        click.echo(err=True)
    if answer.startswith("g"):
        return None
    if answer.startswith("c"):
        click.echo("stopping it, after a checkpoint …", err=True)
        _told(jobs, jobs.cancel(name), as_json=False)
        return 1
    click.echo(goes_on, err=True)
    return 0


def _told(jobs: Jobs, job: Job, as_json: bool) -> int:
    if as_json:
        _echo_job(jobs, job)
        return 0
    from agentlab_tools.train.screen import ended_line

    click.echo(f"job {job.id}: {ended_line(job)}")
    if job.active:
        click.echo(f"`agentlab jobs watch {job.id}` watches it", err=True)
    return 0


def _list_recipes(as_json: bool) -> None:
    from agentlab.terminal.tables import print_rows
    from agentlab_tools.train.recipe import load_recipe, recipe_names

    rows: list[tuple[object, ...]] = []
    for name in recipe_names():
        try:
            rows.append((name, load_recipe(name).title))
        except ConfigError as error:
            rows.append((name, str(error)))
    print_rows(("recipe", "what it does"), rows, as_json)


def _show_settings(recipe: Recipe[Any], as_json: bool) -> None:
    from agentlab.terminal.tables import print_rows

    rows: list[tuple[object, ...]] = []
    for name, schema in recipe.settings.model_json_schema().get("properties", {}).items():
        field = recipe.settings.model_fields[name]
        default = "needed" if field.is_required() else field.get_default(call_default_factory=True)
        rows.append((name, default, schema.get("description", "")))
    print_rows(("setting", "default", "what it is"), rows, as_json)


def _echo_job(jobs: Jobs, job: Job) -> None:
    from pydantic_core import to_json

    from agentlab_tools.train.screen import plain

    click.echo(safe_json(to_json(plain(job, jobs.folder / job.id)).decode()))


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)
