"""`agentlab quantize`: a model in fewer bits, and what that costs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from agentlab.backends.schemes import scheme_of
from agentlab_tools.train.cli import jobs_option, json_option

_USUAL = "Q4_K_M"


@click.command()
@click.argument("model")
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the new files.  [default: here]",
)
@click.option(
    "--measure", is_flag=True, help="Also measure how big, how good and how fast each is."
)
@click.option(
    "--text",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Text to measure perplexity on.  [default: the bundled library]",
)
@click.option(
    "--tokens",
    type=click.IntRange(512),
    default=1024,
    show_default=True,
    help="How many tokens of that text to use.",
)
@click.option(
    "--tool-calls",
    "each",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Also measure N held-out cases of each sort of tool call.",
)
@jobs_option
@json_option
def quantize(
    model: str,
    kinds: tuple[str, ...],
    target: Path,
    measure: bool,
    text: Path | None,
    tokens: int,
    each: int,
    folder: Path,
    as_json: bool,
) -> None:
    """Write MODEL as a GGUF with fewer bits per weight, one file for each KIND.

    MODEL is a job (its id, or last), lab:ID (what you trained in that lab), local:NAME, or a path
    to a GGUF. Its adapters, or those given as MODEL+ADAPTER.gguf, are merged into the weights
    first; KIND F16 does only that.

    \b
    KINDs, from most bits to fewest; if none is given, Q4_K_M:
      F16 Q8_0 Q6_K Q5_K_M Q5_0 Q4_1 Q4_K_M Q4_0 Q3_K_M Q2_K
    """
    from agentlab.errors import ConfigError
    from agentlab_tools.train.bridge.merge import as_one_file
    from agentlab_tools.train.bridge.quantize import KINDS, Kind
    from agentlab_tools.train.bridge.quantize import quantize as write
    from agentlab_tools.train.jobs import Jobs
    from agentlab_tools.train.served import served

    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ConfigError(f"no quantization called {unknown[0]!r}: there is {', '.join(KINDS)}")
    jobs = Jobs(folder)
    source = served(jobs, model)
    name = _name(jobs, model)
    chosen: list[Kind] = [kind for kind in KINDS if kind in (kinds or (_USUAL,))]
    files: dict[Kind, Path] = {kind: target / f"{name}-{kind}.gguf" for kind in chosen}
    for file in files.values():
        if file.exists():
            raise ConfigError(f"{file} is there already: name another folder with --to")
    try:
        target.mkdir(parents=True, exist_ok=True)
        with as_one_file(source, name=name, beside=target) as whole:
            rows = [("as it is", whole)]
            for kind, file in files.items():
                write(whole, file, kind)
                rows.append((kind, file))
                if not measure:
                    _echo(file, whole, as_json)
            if measure:
                _measured(rows, _text(text), tokens, each, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"{target} takes no model: {error.strerror or error}") from error
    if not as_json:
        click.echo(f"\nTalk to it: agentlab chat -b {next(iter(files.values()))}", err=True)


def _name(jobs: Any, model: str) -> str:
    """What the new files are called: a job's id, a packaged model's name, or a file's."""
    scheme = scheme_of(model)
    if scheme is not None and scheme.name == "lab":
        return model.removeprefix("lab:").replace("/", "-")
    if scheme is not None and scheme.name != "job":
        return "-".join(Path(part).stem for part in model.removeprefix("local:").split("+"))
    return jobs.find(model.removeprefix("job:")).name


def _text(file: Path | None) -> str:
    from agentlab_tools.search import LIBRARY
    from agentlab_tools.train.recipes.rows import text_in

    files = [file] if file else sorted(Path(str(LIBRARY)).glob("*.md"))
    return "\n\n".join(text_in(each, lambda note: click.echo(note, err=True)) for each in files)


def _echo(file: Path, whole: Path, as_json: bool) -> None:
    after, before = file.stat().st_size / 1e6, whole.stat().st_size / 1e6
    if as_json:
        from pydantic_core import to_json

        from agentlab.display import safe_json

        report = {"file": str(file), "megabytes": after, "before": before}
        click.echo(safe_json(to_json(report).decode()))
    else:
        from agentlab.display import safe

        click.echo(f"{safe(str(file))}: {after:.1f} MB, was {before:.1f} MB")


def _measured(
    rows: list[tuple[str, Path]], text: str, tokens: int, each: int, as_json: bool
) -> None:
    from pydantic_core import to_json

    from agentlab.display import safe_json
    from agentlab_tools.train.bridge.measure import measure, tool_calls

    if not as_json:
        head = f"{'':10}{'MB':>7}{'perplexity':>12}{'as llama.cpp':>18}"
        click.echo(f"{head}{'reads/s':>9}{'writes/s':>9}  holds")
    for label, file in rows:
        measured = measure(file, text, tokens=tokens)
        calls = asyncio.run(tool_calls(file, each)) if each else None
        if as_json:
            fields = {"kind": label, "file": str(file), **asdict(measured)}
            fields |= {"tool_calls": [calls.hits, calls.n]} if calls else {}
            click.echo(safe_json(to_json(fields).decode()))
            continue
        line = f"{label:10}{measured.megabytes:7.1f}{measured.perplexity:12.2f}"
        published = f"{measured.published:.2f} ± {measured.give_or_take:.2f}"
        line += f"{published:>18}{measured.reading:9.0f}{measured.writing:9.0f}  {measured.holds}"
        click.echo(line + (f"\n{'':10}calls tools rightly: {calls}" if calls else ""))
