"""How `Settings` become fields of a request; what a service has no field for is refused.

Every service has a table of the settings it takes and what it calls them (see `presets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlab.backend import Settings
from agentlab.errors import ConfigError

NUMBERS = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed")
"""The settings that are one number, sent as they are under the service's name for them."""


def sampling(settings: Settings, names: Mapping[str, str], service: str) -> dict[str, Any]:
    """The fields for the numbers and the stop sequences that are set.

    Args:
        settings: what is asked for.
        names: setting to the service's name for it.
        service: for the error.

    Raises:
        ConfigError: a setting is set that the service does not have.
    """
    fields: dict[str, Any] = {}
    for name in NUMBERS:
        value = getattr(settings, name)
        if value is not None:
            fields[wire_name(name, names, service)] = value
    if settings.stop:
        fields[wire_name("stop", names, service)] = list(settings.stop)
    return fields


def wire_name(setting: str, names: Mapping[str, str], service: str) -> str:
    """What the service calls a setting.

    Raises:
        ConfigError: it does not have it.
    """
    name = names.get(setting)
    if not name:
        listed = ", ".join(sorted(names)) or "none"
        raise ConfigError(
            f"{service} does not take the setting {setting}: leave it out (it takes: {listed})"
        )
    return name
