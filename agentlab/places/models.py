"""The models of this machine and its person, opened by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentlab.backends.address import secrets_in, shown_address
from agentlab.backends.schemes import Offered, all_schemes, is_local
from agentlab.places.home import environment, services_file, states_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def known_secrets() -> tuple[str, ...]:
    """The keys of services that are set here, and what their addresses hide: not for other eyes.

    Raises:
        ConfigError: as `services`.
    """
    values = [
        secret
        for preset in services().values()
        for secret in (
            environment().get(preset.key_env, "").strip() if preset.key_env else "",
            *secrets_in(preset.base_url),
        )
    ]
    return tuple(filter(None, values))


def service_options(name: str) -> dict[str, Any]:
    """What `connect` has to be told for a model of a service that the user's file describes.

    Raises:
        ConfigError: the file does not describe services, and `name` may be of one of them.
    """
    word, colon, _ = name.partition(":")
    if not colon or is_local(name) or not services_file().is_file():
        return {}
    hosts = services()
    return {"services": hosts} if word in hosts else {}


def state_options(name: str, *, restore: bool = False) -> dict[str, Any]:
    """Where a local model keeps what it has read, for forks to go on from; see `LlamaCpp`."""
    folder = states_folder()
    return {"states": folder, "restore": restore} if is_local(name) and folder else {}


def open_backend(name: str, *, restore: bool = False) -> Backend:
    """The model under a name given on the command line.

    Args:
        restore: for a run that goes on from another's past.

    Raises:
        ConfigError: no backend answers to that name.
    """
    from agentlab.backends import connect

    return connect(name, **service_options(name), **state_options(name, restore=restore))


def local_models() -> Iterator[Offered]:
    """The models that can run in this process: those that come as packages, those trained here."""
    for scheme in all_schemes().values():
        yield from scheme.offered()


def hosted_models() -> Iterator[Offered]:
    """Every service, as the beginning of its models' names. Whether a key is set is looked at,
    never the key.

    Raises:
        ConfigError: as `services`.
    """
    for name, preset in services().items():
        key = preset.key_env
        here = not key or bool(environment().get(key, "").strip())
        note = f"{key} is {'set' if here else 'not set'}" if key else "needs no key"
        yield Offered(f"{name}:", shown_address(preset.base_url), here, note)
