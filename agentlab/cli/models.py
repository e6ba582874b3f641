"""`agentlab models`: what one can talk to from here. No key is ever shown."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import click

from agentlab.backends.schemes import Offered
from agentlab.display import safe_json
from agentlab.places.home import services_file
from agentlab.places.models import hosted_models, local_models, services


@click.command()
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, one model or service per line.")
def models(service: str | None, as_json: bool) -> None:
    """List the models that come as packages, and the services that have more.

    With SERVICE (a name from the list, or the address of a server), list what it offers.
    """
    if service is not None:
        _offered(service, as_json)
        return
    local, hosted = list(local_models()), [_service(row) for row in hosted_models()]
    if as_json:
        from pydantic_core import to_json

        for row in (*local, *hosted):
            click.echo(safe_json(to_json(asdict(row)).decode()))
        return
    click.echo("In this process:")
    for row in local:
        about = ", ".join(filter(None, (row.title, row.licence)))
        click.echo(f"{_mark(row)} {click.style(row.name, bold=True)}  {about}")
        click.echo(f"    {row.note}")
    click.echo("  Any GGUF file works by its path, e.g. agentlab chat -b models/mine.gguf,")
    click.echo("  one from the Hugging Face hub as hf:owner/repo/file.gguf, either with an adapter")
    click.echo(
        "  as MODEL+lora.gguf, what a training job made as job:ID, and what you trained in a"
    )
    click.echo("  lab as lab:ID, e.g. lab:m5/dpo.")
    click.echo("\nServices and servers:")
    width = max(len(row.name) for row in hosted)
    for row in hosted:
        name = click.style(row.name.ljust(width), bold=True)
        click.echo(f"{_mark(row)} {name}  {row.title}; {row.note}")
    click.echo(f"  More can be described in {services_file()}.")
    click.echo("\nWhat a service offers: agentlab models openai")


def _service(row: Offered) -> Offered:
    return replace(row, name=f"{row.name}…")


def _mark(row: Offered) -> str:
    return click.style("✔", fg="green") if row.here else click.style("·", fg="yellow")


def _offered(service: str, as_json: bool) -> None:
    from agentlab.backends.address import shown_address
    from agentlab.backends.clients import Options
    from agentlab.backends.hosted import list_models
    from agentlab.backends.wire import Timeouts
    from agentlab.display import safe
    from agentlab.errors import ConfigError

    hosts = services()
    service = service.rstrip(":…")
    if service.startswith(("http://", "https://")):
        preset = hosts["vllm"].model_copy(
            update={"name": shown_address(service), "base_url": service, "key_env": ""}
        )
        service = shown_address(service)
    elif service in hosts:
        preset = hosts[service]
    else:
        raise ConfigError(f"no service is called {service!r}; there are {', '.join(hosts)}")
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
