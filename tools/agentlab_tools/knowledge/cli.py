"""`agentlab index`, `agentlab search` and `agentlab ask`: documents from the command line."""

# imports inside commands keep --help fast

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.display import counted, one_line, safe_json
from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab.places.models import service_options
from agentlab.terminal.options import runs_option

if TYPE_CHECKING:
    from agentlab_tools.knowledge.ask import Answer
    from agentlab_tools.knowledge.index import Index, Report
    from agentlab_tools.knowledge.types import Source

DEFAULT_BACKEND = "local:smollm2"


def _folder(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or home() / "index"


index_option = click.option(
    "--index",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_folder,
    help="Folder of the index.  [default: index in AGENTLAB_HOME]",
)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@index_option
@click.option("--embedder", help="minilm (the default), openai:MODEL, st:MODEL, llama:FILE …")
@click.option(
    "--store", type=click.Choice(["chroma", "faiss", "duckdb"]), help="Store of a new index."
)
@click.option("--tokens", type=click.IntRange(min=16), help="Most tokens in a passage.")
@click.option(
    "--overlap", type=click.IntRange(min=0), help="Tokens repeated from the passage before."
)
@click.option("--as", "label", help="Name of the folder in sources.")
@click.option("--max-mb", type=click.FloatRange(min=0), help="Largest file to read, in MB.")
@click.option(
    "--remove", multiple=True, metavar="NAME", help="Take a folder out of the index, by its name."
)
@click.option("--json", "as_json", is_flag=True, help="Only the report, as JSON, on stdout.")
def index(
    paths: tuple[Path, ...],
    folder: Path,
    embedder: str | None,
    store: Any,
    tokens: int | None,
    overlap: int | None,
    label: str | None,
    max_mb: float | None,
    remove: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read the documents in PATHS into an index, or bring it up to date.

    Later runs read only new and changed files. It can be stopped at any time: the same command
    continues where it stopped. Without PATHS, lists the folders in the index.
    """
    from agentlab_tools.knowledge.screen import Bar, print_report

    if label is not None and len(paths) > 1:
        raise ConfigError("--as names one folder: index the others by themselves")
    if not paths and (label or embedder or store or tokens or overlap or max_mb):
        raise click.UsageError("name the folders or files to index")
    if not paths:
        return _folders(folder, remove, as_json)
    reports: list[tuple[Path, Report]] = []
    with _open(
        folder, embedder=embedder, store=store, sizes=_sizes(folder, tokens, overlap), create=True
    ) as opened:
        for name in remove:
            _remove(opened, name)
        try:
            for path in paths:
                with Bar(path, quiet=as_json) as progress:
                    report = opened.update(
                        path,
                        label=label,
                        max_bytes=None if max_mb is None else int(max_mb * 1e6),
                        progress=progress,
                    )
                reports.append((path, report))
        except KeyboardInterrupt:
            click.echo(
                f"stopped: {counted(opened.files, 'file')} indexed; the same command continues",
                err=True,
            )
            return 130
        total, files, missing = opened.store.count(), opened.files, opened.missing
    if as_json:
        rows = [{"path": str(path), **asdict(report)} for path, report in reports]
        _echo_json({"index": str(folder), "files": files, "passages": total, "reports": rows})
    else:
        for path, report in reports:
            print_report(path, report)
        click.echo(
            f"the index at {folder} holds {counted(total, 'passage')} of {counted(files, 'file')}"
        )
        for name, path in missing.items():
            click.echo(_gone(name, path), err=True)
    return 1 if any(report.problems for _, report in reports) else 0


def _folders(folder: Path, remove: tuple[str, ...], as_json: bool) -> int:
    """List the folders in an index, after taking some out."""
    with _open(folder) as opened:
        for name in remove:
            _remove(opened, name)
        roots, missing, files = opened.roots, opened.missing, opened.files
    if as_json:
        listed = [{"name": name, "path": str(path)} for name, path in roots.items()]
        click.echo(json.dumps({"index": str(folder), "files": files, "folders": listed}, indent=2))
        return 0
    for name, path in roots.items():
        known = f"{one_line(name)}  {one_line(str(path), 300)}"
        click.echo(_gone(name, path) if name in missing else known)
    if not roots:
        click.echo(f"nothing is in the index at {folder}", err=True)
    return 0


def _remove(opened: Index, name: str) -> None:
    files = opened.remove(name)
    click.echo(f"{one_line(name)}: taken out, with {files:,} file{'s' * (files != 1)}", err=True)


def _gone(name: str, path: Path) -> str:
    named = one_line(name)
    where = one_line(str(path), 300)
    return f"{named} is no longer at {where}: `agentlab index --remove {named}` takes it out"


def _open(folder: Path, *, embedder: str | None = None, **options: Any) -> Index:
    """Open an index; its embedder may be at a service that the user's file describes."""
    from agentlab_tools.knowledge.index import embedder_of, open_index

    more = service_options(embedder or embedder_of(folder))
    return open_index(folder, embedder=embedder, **options, **more)


def _sizes(folder: Path, tokens: int | None, overlap: int | None) -> Any:
    """The sizes that are asked for; None leaves them as they are."""
    from agentlab_tools.knowledge.index.manifest import FILE
    from agentlab_tools.knowledge.ingest import Sizes

    if tokens is None and overlap is None:
        return None
    if (folder / FILE).is_file():
        with _open(folder) as there:
            usual = there.sizes
    else:
        usual = Sizes()
    return Sizes(
        tokens=usual.tokens if tokens is None else tokens,
        overlap=usual.overlap if overlap is None else overlap,
    )


@click.command()
@click.argument("query")
@index_option
@click.option(
    "-k", "top", type=click.IntRange(min=1), default=5, show_default=True, help="Passages to show."
)
@click.option(
    "--how",
    type=click.Choice(["hybrid", "dense", "lexical"]),
    default="hybrid",
    show_default=True,
    help="Search by meaning and words, by meaning, or by words.",
)
@click.option("--kind", help="Search only files of this kind, e.g. markdown, pdf, code.")
@click.option("--json", "as_json", is_flag=True, help="The passages, as JSON.")
def search(query: str, folder: Path, top: int, how: Any, kind: str | None, as_json: bool) -> int:
    """Find the passages that fit QUERY best. Exits with 1 if there are none."""
    with _open(folder) as opened:
        retriever = _retriever(opened)
        passages = retriever.retrieve(query, top, how=how, where={"kind": kind} if kind else None)
        if as_json:
            _echo_json(
                [
                    {
                        "source": asdict(one.source),
                        "path": _path(opened, one.source),
                        "score": one.score,
                        "parts": dict(one.parts),
                        "quote": one.quote.text,
                        "text": one.chunk.text,
                    }
                    for one in passages
                ]
            )
        elif not passages:
            click.echo(f"nothing found for {one_line(query)!r}", err=True)
        else:
            for number, one in enumerate(passages, 1):
                parts = "  ".join(f"{name} {value:.3f}" for name, value in one.parts.items())
                click.echo(
                    f"{number}. {click.style(_place(one.source), fg='cyan')}  "
                    f"{click.style(parts, dim=True)}"
                )
                if one.source.heading:
                    click.echo(f"   {click.style(one_line(one.source.heading), bold=True)}")
                click.echo(f"   {one_line(one.quote.text, 300)}")
    return 0 if passages else 1


@click.command()
@click.argument("question")
@index_option
@click.option(
    "-b", "--backend", default=DEFAULT_BACKEND, show_default=True, help="Model that answers."
)
@runs_option
@click.option(
    "--sure",
    type=click.FloatRange(0, 1),
    help="Least probability that the best sentence answers.  [default: as calibrated]",
)
@click.option("--near", type=float, help="Least cosine similarity for a passage to count.")
@click.option("--json", "as_json", is_flag=True, help="The answer, as JSON.")
def ask(
    question: str,
    folder: Path,
    backend: str,
    runs: Path,
    sure: float | None,
    near: float | None,
    as_json: bool,
) -> int:
    """Answer QUESTION from the documents, with the sentences it is based on.

    Exits with 1 if no answer is found in them.
    """
    from agentlab.backends.schemes import is_local
    from agentlab.places.models import open_backend
    from agentlab_tools.knowledge import ask as asking
    from agentlab_tools.knowledge.screen import print_answer

    small = is_local(backend)
    with _open(folder) as opened:

        async def run() -> Answer:
            model = open_backend(backend)
            try:
                return await asking.ask(
                    question,
                    _retriever(opened),
                    opened.embedder,
                    model,
                    own_words=not small,
                    near=near,
                    sure=sure,
                    most=2 if small else 8,
                    runs=runs,
                    labels={"index": str(folder)},
                )
            finally:
                await model.aclose()

        answer = asyncio.run(run())
        checked = [asking.stands(one, opened.store) for one in answer.citations]
        if as_json:
            _echo_json(_as_json(answer, checked, opened))
        else:
            print_answer(answer, checked)
    return 0 if answer.text is not None else 1


def _echo_json(value: object) -> None:
    click.echo(safe_json(json.dumps(value, indent=2, ensure_ascii=False)))


def _as_json(answer: Answer, checked: list[bool], opened: Index) -> dict[str, Any]:
    return {
        "question": answer.question,
        "answer": answer.text,
        "borne_out": round(answer.borne_out, 3),
        "worded_by": answer.worded_by,
        "probability": None if answer.probability is None else round(answer.probability, 3),
        "citations": [
            {
                "source": asdict(one.source),
                "path": _path(opened, one.source),
                "quote": one.quote,
                "chunk": one.chunk,
                "verified": held,
            }
            for one, held in zip(answer.citations, checked, strict=True)
        ],
        "trace": None if answer.trace is None else str(answer.trace),
    }


def _retriever(opened: Index) -> Any:
    from agentlab_tools.knowledge.retrieve import Retriever

    return Retriever(opened.store, opened.embedder, opened.path)


def _path(opened: Index, source: Source) -> str:
    try:
        return str(opened.path_of(source))
    except ConfigError:
        return ""


def _place(source: Source) -> str:
    from agentlab_tools.knowledge.tools import place

    return place(source)
