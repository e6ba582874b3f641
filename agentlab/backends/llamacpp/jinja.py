"""Running a chat template: Jinja in a sandbox, with what templates take for granted.

A template may build lists of its own, as some do with `append`; what it is given it can't change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast

from agentlab.errors import ConfigError, MissingExtra


class _Given(list[Any]):
    """A list that was given to a template, which it may read and not change."""


class Jinja:
    """A compiled template.

    Raises:
        ConfigError: it cannot be compiled.
        MissingExtra: jinja2 is not installed.
    """

    def __init__(self, source: str) -> None:
        try:
            from jinja2 import TemplateError, meta, nodes
            from jinja2.ext import Extension, loopcontrols
            from jinja2.parser import Parser
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError as error:
            raise MissingExtra("jinja2", "local") from error

        class Generation(Extension):
            """`{% generation %}` marks what a model says, for training: it changes no text."""

            tags = {"generation"}

            def parse(self, parser: Parser) -> list[nodes.Node]:
                next(parser.stream)
                return parser.parse_statements(("name:endgeneration",), drop_needle=True)

        class Sandbox(ImmutableSandboxedEnvironment):
            def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
                if attr == "append" and type(obj) is list:
                    return True
                return super().is_safe_attribute(obj, attr, value)

        environment = Sandbox(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
        )
        environment.filters["tojson"] = _tojson
        helpers: dict[str, Any] = {"raise_exception": _refuse, "strftime_now": self.today}
        environment.globals.update(helpers)
        try:
            self._template = environment.from_string(source)
            self.names = frozenset(meta.find_undeclared_variables(environment.parse(source)))
            """What the template expects to be given."""
        except TemplateError as error:
            raise ConfigError(f"the chat template cannot be compiled: {error}") from error
        self._errors: tuple[type[Exception], ...] = (
            TemplateError,
            *(TypeError, LookupError, ValueError, AttributeError, ArithmeticError, RecursionError),
        )

    def render(self, turns: list[dict[str, Any]], context: Mapping[str, Any]) -> str:
        """What the template makes of a conversation.

        Raises:
            ConfigError: it refuses.
        """
        values = {name: _given(value) for name, value in context.items()}
        try:
            return self._template.render(messages=_given(turns), **values)
        except self._errors as error:
            raise ConfigError(f"the chat template cannot express this: {error}") from error

    @staticmethod
    def today(form: str) -> str:
        """The date; by the day and no finer, so that a prefix stays warm."""
        return date.today().strftime(form)


def _given(value: Any) -> Any:
    if isinstance(value, list):
        return _Given(_given(item) for item in cast(list[Any], value))
    if isinstance(value, dict):
        return {key: _given(item) for key, item in cast(dict[Any, Any], value).items()}
    return value


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    # Jinja's own escapes for HTML, which no model was trained on
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_listed)


def _listed(value: Any) -> Any:
    if isinstance(value, Iterable):
        return list(cast(Iterable[Any], value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)
