"""Where the command line keeps what is made, and the options that choose it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentlab.backend import Backend
    from agentlab.backends.presets import Preset


def home() -> Path:
    """`AGENTLAB_HOME`, or the user's own data folder."""
    import platformdirs

    given = os.environ.get("AGENTLAB_HOME")
    return Path(given) if given else Path(platformdirs.user_data_dir("agentlab", appauthor=False))


def own_labs() -> Path:
    """Where labs of a user's own are found without being asked for."""
    return home() / "labs"


def services_file() -> Path:
    """Where a user describes services of their own; see `agentlab.backends.presets`."""
    return home() / "services.toml"


def services() -> Mapping[str, Preset]:
    """Every hosted service: those that are known, and those in the user's file.

    Raises:
        ConfigError: the file is there, but does not describe services.
    """
    from agentlab.backends.presets import PRESETS, load_presets

    file = services_file()
    return load_presets(file) if file.is_file() else PRESETS


def service_options(name: str) -> dict[str, Any]:
    """What `connect` has to be told for a model of a service that the user's file describes.

    Raises:
        ConfigError: the file does not describe services, and `name` may be of one of them.
    """
    scheme, colon, _ = name.partition(":")
    if not colon or scheme in ("local", "hf", "http", "https") or not services_file().is_file():
        return {}
    known = services()
    return {"services": known} if scheme in known else {}


def state_options(name: str, *, restore: bool = False) -> dict[str, Any]:
    """Where a local model keeps what it has read, for forks to go on from; see `LlamaCpp`.

    With AGENTLAB_STATES=0 in the environment, nowhere.
    """
    import platformdirs

    local = name.startswith(("local:", "hf:", "job:")) or name.endswith(".gguf")
    if not local or os.environ.get("AGENTLAB_STATES") == "0":
        return {}
    folder = platformdirs.user_cache_path("agentlab", appauthor=False) / "states"
    return {"states": folder, "restore": restore}


def open_backend(name: str, *, restore: bool = False) -> Backend:
    """The model under a name given on the command line.

    Args:
        restore: for a run that goes on from another's past.

    Raises:
        ConfigError: no backend answers to that name.
    """
    from agentlab.backends import connect

    return connect(name, **service_options(name), **state_options(name, restore=restore))


def _runs(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or home() / "runs"


def _labs(_: click.Context, __: click.Parameter, value: tuple[Path, ...]) -> tuple[Path, ...]:
    own = own_labs()
    return (*value, own) if own.is_dir() else value


runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_runs,
    help="Folder of traces.  [default: runs in AGENTLAB_HOME]",
)
backend_option = click.option(
    "-b", "--backend", help="Model to use, e.g. local:smollm2, job:last, or a GGUF file."
)
labs_option = click.option(
    "--labs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    callback=_labs,
    help="A folder of more labs, besides those that come along and labs in AGENTLAB_HOME.",
)
