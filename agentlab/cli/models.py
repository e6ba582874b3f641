"""`agentlab models`: what one can talk to from here."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click


@dataclass(frozen=True)
class Row:
    """A model, and whether it is here."""

    name: str
    title: str
    licence: str
    here: bool
    note: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, one model a line.")
def models(as_json: bool) -> None:
    """List the models that come as packages, and how to reach others."""
    rows = list(_packaged())
    if as_json:
        from pydantic_core import to_json

        for row in rows:
            click.echo(to_json(asdict(row)).decode())
        return
    for row in rows:
        mark = click.style("✔", fg="green") if row.here else click.style("·", fg="yellow")
        click.echo(f"{mark} {click.style(row.name, bold=True)}  {row.title}, {row.licence}")
        click.echo(f"    {row.note}")
    click.echo("\nAny GGUF file works by its path, e.g. agentlab chat -b models/mine.gguf,")
    click.echo("and one from the Hugging Face hub as hf:owner/repo/file.gguf.")


def _packaged() -> list[Row]:
    from agentlab.backends.llamacpp.registry import MODELS, locate
    from agentlab.errors import AgentLabError

    rows: list[Row] = []
    for name, model in MODELS.items():
        use = "made to converse and call tools" if model.chat else "continues text; no chat"
        try:
            here, note = True, f"{use}; {locate(name).stat().st_size / 1e6:.0f} MB"
        except AgentLabError as error:
            here, note = False, str(error)
        rows.append(Row(f"local:{name}", model.title, model.licence, here, note))
    return rows
