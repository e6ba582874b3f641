"""`agentlab models`: what one can talk to from here. No key is ever shown."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict, dataclass

import click

from agentlab.cli.home import services, services_file
from agentlab.display import safe_json


@dataclass(frozen=True)
class Row:
    """A model, or a service of many, and whether it can be used."""

    name: str
    title: str
    licence: str
    here: bool
    note: str


@click.command()
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, one model or service a line.")
def models(service: str | None, as_json: bool) -> None:
    """List the models that come as packages, and the services that have more.

    With SERVICE (a name from the list, or the address of a server), list what it offers.
    """
    if service is not None:
        _offered(service, as_json)
        return
    local, hosted = _packaged(), _services()
    if as_json:
        from pydantic_core import to_json

        for row in (*local, *hosted):
            click.echo(safe_json(to_json(asdict(row)).decode()))
        return
    click.echo("In this process:")
    for row in local:
        click.echo(f"{_mark(row)} {click.style(row.name, bold=True)}  {row.title}, {row.licence}")
        click.echo(f"    {row.note}")
    click.echo("  Any GGUF file works by its path, e.g. agentlab chat -b models/mine.gguf,")
    click.echo("  one from the Hugging Face hub as hf:owner/repo/file.gguf, either with an adapter")
    click.echo("  as MODEL+lora.gguf, and what a training job made as job:ID.")
    click.echo("\nServices and servers:")
    width = max(len(row.name) for row in hosted)
    for row in hosted:
        name = click.style(row.name.ljust(width), bold=True)
        click.echo(f"{_mark(row)} {name}  {row.title}; {row.note}")
    click.echo(f"  More can be described in {services_file()}.")
    click.echo("\nWhat a service offers: agentlab models openai")


def _mark(row: Row) -> str:
    return click.style("✔", fg="green") if row.here else click.style("·", fg="yellow")


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


def _services() -> list[Row]:
    rows: list[Row] = []
    for name, preset in services().items():
        variable = preset.key_env
        here = not variable or bool(os.environ.get(variable, "").strip())
        note = f"{variable} is {'set' if here else 'not set'}" if variable else "needs no key"
        rows.append(Row(f"{name}:…", preset.base_url, "", here, note))
    return rows


def _offered(service: str, as_json: bool) -> None:
    from agentlab.backends.clients import Options
    from agentlab.backends.hosted import list_models
    from agentlab.backends.wire import Timeouts
    from agentlab.display import safe
    from agentlab.errors import ConfigError

    known = services()
    service = service.rstrip(":…")
    if service.startswith(("http://", "https://")):
        preset = known["vllm"].model_copy(
            update={"name": service, "base_url": service, "key_env": ""}
        )
    elif service in known:
        preset = known[service]
    else:
        raise ConfigError(f"no service is called {service!r}; there are {', '.join(known)}")
    options = Options(timeouts=Timeouts(connect=5, read=20, total=30))
    for model in asyncio.run(list_models(preset, options=options)):
        name = f"{service}#{model}" if "://" in service else f"{service}:{model}"
        if as_json:
            from pydantic_core import to_json

            click.echo(
                safe_json(to_json({"name": name, "service": service, "model": model}).decode())
            )
        else:
            click.echo(safe(name))
