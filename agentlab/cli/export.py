"""`agentlab export`: runs, taken elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from agentlab.display import one_line, safe, safe_json
from agentlab.errors import ConfigError, TraceError
from agentlab.places.home import environment
from agentlab.places.models import known_secrets
from agentlab.terminal.completion import run_names
from agentlab.terminal.options import runs_option

if TYPE_CHECKING:
    from agentlab.export.chat import Per, Style
    from agentlab.trace import Trace

LOCAL_COLLECTOR = "http://localhost:4318"


@click.command()
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=run_names)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["otel", "chat", "html", "files"]),
    required=True,
    help="OpenTelemetry spans, JSONL for fine-tuning, a page to share, or what the run made.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file; - is stdout. [files] A folder."
)
@runs_option
@click.option("--passed", is_flag=True, help="Only runs that passed a lab or an evaluation.")
@click.option("--lab", "--scenario", "lab", help="Only runs of this lab, e.g. m5/tool-use.")
@click.option("--step", help="Only runs of this step.")
@click.option("--label", "labels", multiple=True, help="Only runs labelled KEY=VALUE.")
@click.option("--sql", help="Only runs in the first column of this query.")
@click.option("--hide", multiple=True, help="Blank out the value of this environment variable.")
@click.option(
    "--style",
    type=click.Choice(["openai", "hf"]),
    default="openai",
    help="[chat] Which provider's format.",
)
@click.option(
    "--per",
    type=click.Choice(["run", "reply"]),
    default="run",
    help="[chat] One line per run, or per reply.",
)
@click.option("--content", is_flag=True, help="[otel] Include the text of the conversation.")
@click.option("--endpoint", help=f"[otel] The collector.  [default: {LOCAL_COLLECTOR}]")
def export(
    names: tuple[str, ...],
    kind: Literal["otel", "chat", "html", "files"],
    output: Path | None,
    runs: Path,
    passed: bool,
    lab: str | None,
    step: str | None,
    labels: tuple[str, ...],
    sql: str | None,
    hide: tuple[str, ...],
    style: str,
    per: str,
    content: bool,
    endpoint: str | None,
) -> None:
    """Take runs elsewhere. RUN is an id or the start of one, a file, or `last`.

    \b
    agentlab export last --to html -o run.html
    agentlab export --to chat --passed --lab m5/tool-use -o train.jsonl
    agentlab export --to chat --sql "SELECT run FROM runs WHERE steps <= 3" -o -
    agentlab export last --to otel --endpoint http://localhost:4318
    agentlab export last --to files -o pictures

    Without RUN, exports every run that the options select. Secrets were blanked out when the
    traces were written; API keys in this environment, and the variables named by --hide, are
    blanked out now.
    """
    from agentlab.export.select import Selection, load_without

    filters = {"lab": lab, "step": step}
    picked = {key: value for key, value in filters.items() if value} | _pairs(labels)
    chosen = Selection(names=names, passed=passed, labels=picked, sql=sql)
    if not names and not (passed or picked or sql):
        raise ConfigError("say which runs: names, `last`, or --passed, --lab, --label, --sql")
    paths = chosen.paths(runs)
    secrets = _secrets(hide)
    traces = (load_without(path, secrets) for path in paths)
    if kind == "files":
        _files(traces, len(paths), output)
        return
    if output is not None and output.is_dir():
        raise ConfigError(f"{output} is a folder: name a file in it")
    if kind == "html":
        _html(traces, len(paths), output)
    elif kind == "chat":
        _chat(traces, output, cast("Style", style), cast("Per", per))
    else:
        _otel(traces, output, content, endpoint)


def _files(traces: Iterable[Trace], count: int, output: Path | None) -> None:
    """One run's into the folder itself, those of several into a folder for each."""
    from agentlab.export.files import write_files

    if output is not None and (str(output) == "-" or output.is_file()):
        raise ConfigError(f"--to files writes a folder, and {output} is none")
    written: list[Path] = []
    for trace in traces:
        folder = output or Path(f"{trace.header.run}-files")
        written += write_files(trace, folder / trace.header.run if count > 1 else folder)
    if not written:
        raise TraceError("these runs hold no pictures, sounds or files; nothing was written")
    for file in written:
        click.echo(safe(str(file)))


def _html(traces: Iterable[Trace], count: int, output: Path | None) -> None:
    from agentlab.export.html import page

    if count > 1:
        raise ConfigError(f"a page shows one run, and {count} are chosen: name one")
    for trace in traces:
        _write(output or Path(f"{trace.header.run}.html"), [page(trace)])


def _chat(traces: Iterable[Trace], output: Path | None, style: Style, per: Per) -> None:
    from agentlab.export.chat import NotAnExample, lines

    left_out: list[str] = []
    examples: list[str] = []
    for trace in traces:
        try:
            examples += [f"{line}\n" for line in lines(trace, style=style, per=per)]
        except NotAnExample as why:
            left_out.append(f"left out {trace.header.run}: {why}")
    for line in left_out[:5]:
        click.echo(safe(line), err=True)
    if len(left_out) > 5:
        click.echo(f"left out {len(left_out) - 5} more", err=True)
    if not examples:
        raise TraceError("none of these runs makes an example; nothing was written")
    _write(output or Path("-"), examples)


def _otel(
    traces: Iterable[Trace], output: Path | None, content: bool, endpoint: str | None
) -> None:
    from agentlab.backends.address import shown_address
    from agentlab.export.otel import spans_of
    from agentlab.export.otel_sdk import otlp_json, send

    if output is not None:
        _write(output, (f"{otlp_json(spans_of(trace, content=content))}\n" for trace in traces))
        return
    to = endpoint or environment().get("OTEL_EXPORTER_OTLP_ENDPOINT") or LOCAL_COLLECTOR
    sent = sum(send(spans_of(trace, content=content), to) for trace in traces)
    click.echo(f"sent {sent} spans to {shown_address(to)}", err=True)


def _pairs(labels: tuple[str, ...]) -> dict[str, str]:
    pairs = [label.partition("=") for label in labels]
    if bad := [key for key, sign, _ in pairs if not (key and sign)]:
        raise ConfigError(f"--label {bad[0]!r}: write KEY=VALUE")
    return {key: value for key, _, value in pairs}


def _secrets(hide: tuple[str, ...]) -> list[str]:
    if missing := [name for name in hide if not environment().get(name)]:
        raise ConfigError(f"--hide {missing[0]}: there is no such environment variable")
    return [*(environment()[name] for name in hide), *known_secrets()]


def _write(output: Path, pieces: Iterable[str]) -> None:
    if str(output) == "-":
        for piece in pieces:
            # of JSON this only changes the spelling, and a page has been cleaned already
            click.echo(safe_json(piece), nl=False)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            for piece in pieces:
                file.write(piece)
        part.replace(output)
    except OSError as error:
        raise TraceError(f"{output}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"wrote {output}", err=True)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@runs_option
def import_runs(files: tuple[Path, ...], runs: Path) -> None:
    """Turn OpenTelemetry spans into runs: files of OTLP/JSON, as a collector writes them.

    \b
    agentlab import spans.json
    agentlab show last

    They can be shown, played back, compared, searched, counted and exported like any run. The text
    of the conversation is there if the spans carry it (GenAI conventions, `gen_ai.input.messages`).
    """
    from agentlab.export.otel_import import runs_of
    from agentlab.export.otlp_json import read_spans

    imported = [run for file in files for run in runs_of(read_spans(file))]
    if not imported:
        raise TraceError(
            "none of these spans belongs to an agent or a model (gen_ai.operation.name)"
        )
    for run in imported:
        new = run.write(runs) is not None
        remark = "" if new else "  (already there)"
        click.echo(f"{run.header.run}  {one_line(run.header.agent)}{remark}")
