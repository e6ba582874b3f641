"""The models of this machine and its person, opened by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentlab.places.home import services_file, states_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentlab.backend import Backend
    from agentlab.backends.presets import Preset


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
    """Where a local model keeps what it has read, for forks to go on from; see `LlamaCpp`."""
    local = name.startswith(("local:", "hf:", "job:")) or name.endswith(".gguf")
    folder = states_folder()
    return {"states": folder, "restore": restore} if local and folder else {}


def open_backend(name: str, *, restore: bool = False) -> Backend:
    """The model under a name given on the command line.

    Args:
        restore: for a run that goes on from another's past.

    Raises:
        ConfigError: no backend answers to that name.
    """
    from agentlab.backends import connect

    return connect(name, **service_options(name), **state_options(name, restore=restore))
