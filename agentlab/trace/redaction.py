"""Values that must not be kept, and how to blank them out of what is written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from pydantic_core import from_json, to_json

from agentlab.errors import ConfigError

BLANK = "[secret]"
SHORTEST = 6
"""Characters; a shorter value would blank out ordinary words and numbers."""

_STRUCTURE = ("kind", "sha256")


def check_secrets(secrets: Iterable[str]) -> None:
    """Refuse what could not be blanked out. Empty values (a key that is not set) are fine.

    Raises:
        ConfigError: a value is too short, or `secrets` is one string rather than several.
    """
    if isinstance(secrets, str):
        raise ConfigError("secrets is one string: put it in a tuple, e.g. secrets=(key,)")
    if any(0 < len(secret) < SHORTEST for secret in secrets):
        raise ConfigError(
            f"a secret has fewer than {SHORTEST} characters: blanking it out would damage traces"
        )


class Redactor:
    """Blanks out secret values, longest first, however JSON may have spelled them.

    Values stand in a trace as they are, or escaped up to three times: JSON in the JSON of a call's
    arguments. Not found: values cut in two, reversed, hashed, or encoded in another way.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True)
        once = [form for value in values for form in _escaped(value)]
        twice = [form for text in once for form in _escaped(text)]
        self._texts = tuple(dict.fromkeys((*twice, *once, *values)))
        in_line = dict.fromkeys(form for text in self._texts for form in _escaped(text))
        self._bytes = tuple(form.encode() for form in in_line)

    def data(self, data: bytes) -> bytes:
        """Bytes of a file, without the secrets that stand in it as text."""
        for text in self._texts:
            data = data.replace(text.encode(), BLANK.encode())
        return data

    def line(self, line: bytes) -> bytes:
        """A line of JSON, without the secrets; it stays valid JSON of the same shape."""
        if not any(form in line for form in self._bytes):
            return line
        # By strings, not bytes: a secret made of digits must not cut a clock or a hash in two
        return to_json(self._blanked(from_json(line, allow_inf_nan=True)))

    def _blanked(self, value: Any) -> Any:
        if isinstance(value, str):
            for text in self._texts:
                value = value.replace(text, BLANK)
            return value
        if isinstance(value, list):
            return [self._blanked(item) for item in cast(list[Any], value)]
        if isinstance(value, dict):
            return {
                self._blanked(key): item if key in _STRUCTURE else self._blanked(item)
                for key, item in cast(dict[str, Any], value).items()
            }
        return value


def _escaped(text: str) -> tuple[str, ...]:
    """How JSON (as UTF-8, in ASCII, with `/` escaped) or Python's repr can spell this text."""
    plain, in_ascii = to_json(text)[1:-1].decode(), json.dumps(text)[1:-1]
    slashed = (plain.replace("/", "\\/"), in_ascii.replace("/", "\\/"))
    return plain, in_ascii, *slashed, repr(text)[1:-1]
