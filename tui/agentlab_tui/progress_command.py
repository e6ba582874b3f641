"""`agentlab progress`: how far one has come, shown, certified, and graded again."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from agentlab.display import counted, one_line, safe, safe_json
from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab.terminal.options import backend_option, labs_option

if TYPE_CHECKING:
    from agentlab_tui.catalog import LabEntry
    from agentlab_tui.certificate import Verified

_LONGEST = 200


@click.group(invoke_without_command=True)
@labs_option
@click.pass_context
def progress(context: click.Context, labs: tuple[Path, ...]) -> None:
    """How far you have come: what was passed in the terminal UI, lab by lab.

    \b
    agentlab progress export -o certificate.html
    agentlab progress export -o certificate.json
    agentlab progress verify certificate.json
    """
    context.obj = labs
    if context.invoked_subcommand is not None:
        return
    from agentlab.terminal.tables import print_rows
    from agentlab_tui.certificate import to_pass
    from agentlab_tui.progress import ProgressStore

    store = ProgressStore(home() / "progress")
    rows: list[tuple[object, ...]] = []
    for entry in _entries(labs):
        if entry.lab is not None:
            steps = to_pass(entry.lab)
            passed = store.lab(entry.id).passed
            done = sum(step.id in passed for step in steps)
            if done:
                rows.append((entry.id, f"{done} of {len(steps)}", entry.lab.title))
    if not rows:
        click.echo("nothing was passed yet: agentlab tui", err=True)
        return
    print_rows(("lab", "passed", "title"), rows, as_json=False)


@progress.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file; - is stdout.")
@click.option(
    "--to",
    "kind",
    type=click.Choice(["html", "json"]),
    help="A page to read, or a file that can be verified.  [default: by the file's ending]",
)
@click.option("--name", default="", help="Whose it is.")
@click.option("--without-answers", is_flag=True, help="Only their hashes: it can't be verified.")
@click.pass_obj
def export(
    labs: tuple[Path, ...],
    output: Path | None,
    kind: Literal["html", "json"] | None,
    name: str,
    without_answers: bool,
) -> None:
    """Write a certificate of what you passed.

    It has each step with its model, the numbers reached and the answer's hash; as JSON also the
    answer, so that others can grade it again.
    """
    from importlib.metadata import version

    from agentlab_tui.certificate import Certificate, certified
    from agentlab_tui.certificate_page import page
    from agentlab_tui.progress import ProgressStore, replace_file

    if kind is None:
        ending = "" if output is None else output.suffix.lower()
        kind = "html" if ending in (".html", ".htm") else "json"
    store = ProgressStore(home() / "progress")
    found = tuple(certified(_entries(labs), store, answers=not without_answers))
    if not found:
        raise ConfigError("nothing was passed yet that can be certified: agentlab tui")
    made = Certificate(name=name, made=time.time(), version=version("agentlab-kit"), labs=found)
    text = page(made) if kind == "html" else made.model_dump_json(indent=2) + "\n"
    output = output or Path(f"certificate.{kind}")
    if str(output) == "-":
        click.echo(safe_json(text), nl=False)
        return
    if output.is_dir():
        raise ConfigError(f"{output} is a folder: name a file in it")
    replace_file(output, text)
    steps = sum(len(lab.steps) for lab in found)
    what = f"{counted(steps, 'step')} of {counted(len(found), 'lab')}"
    click.echo(f"wrote {output}: {what}", err=True)


@progress.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--lab", "only", multiple=True, help="Only this lab. May be repeated.")
@backend_option
@click.pass_obj
def verify(labs: tuple[Path, ...], file: Path, only: tuple[str, ...], backend: str | None) -> int:
    """Grade a certificate's answers again.

    Exits with 1 if one does not hold. Answers are run as they were then: programs in the sandbox,
    agents on the model that is named.
    """
    from agentlab_tui.certificate import Certificate

    try:
        certificate = Certificate.read(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    if only:
        some = tuple(lab for lab in certificate.labs if lab.lab in only)
        if missing := [name for name in only if name not in {lab.lab for lab in some}]:
            raise ConfigError(f"there is nothing of {missing[0]} in {file}")
        certificate = certificate.model_copy(update={"labs": some})
    wanted = {lab.lab for lab in certificate.labs}
    entries = {entry.id: entry for entry in _entries(labs) if entry.id in wanted}
    found = asyncio.run(_verify(certificate, entries, backend))
    held = sum(one.holds for one in found)
    click.echo(f"{held} of {counted(len(found), 'answer')} hold")
    return 0 if held == len(found) else 1


async def _verify(
    certificate: object, entries: dict[str, LabEntry], backend: str | None
) -> list[Verified]:
    from agentlab.places.models import open_backend
    from agentlab_tui.certificate import Certificate, verified

    assert isinstance(certificate, Certificate)
    found: list[Verified] = []
    coming = verified(certificate, entries, lambda name: open_backend(backend or name))
    async with aclosing(coming):
        async for one in coming:
            found.append(one)
            mark = click.style("✔", "green") if one.holds else click.style("✘", "red")
            reason = one_line(one.reason, _LONGEST)
            click.echo(f"{mark} {safe(one.lab)} {safe(one.step)}: {one.outcome}: {reason}")
    return found


def _entries(labs: tuple[Path, ...]) -> tuple[LabEntry, ...]:
    """The labs there are, as one takes them."""
    from agentlab.labs.course import lab_roots
    from agentlab_tui.catalog import in_order, labs_in

    return in_order(labs_in((*labs, *lab_roots())))
