"""Typed output by a JSON Schema in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from agentlab.decoding import Undecodable, decode
from agentlab.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from agentlab.agent import Agent


def with_schema(agent: Agent[Any], file: Path) -> Agent[Any]:
    """The agent, whose answers fit the JSON Schema in a file.

    The model is held to it where it can be; whatever it answers is judged by the whole schema, and
    sent back to be mended like every typed output.

    Raises:
        ConfigError: the file holds no JSON Schema.
        MissingExtra: what judges by a schema is not installed.
    """
    from dataclasses import fields

    from pydantic import AfterValidator

    from agentlab.agent import Agent
    from agentlab.replay.rebuild import RebuiltAgent

    schema = _read(file)
    fits = Annotated[Any, AfterValidator(_Fits(schema))]
    same: dict[str, Any] = {field.name: getattr(agent, field.name) for field in fields(Agent)}
    same |= {"output_type": fits, "schema": schema}
    return RebuiltAgent(**same)


def _read(file: Path) -> dict[str, Any]:
    try:
        read: object = json.loads(decode(file.read_bytes())[0])
    except OSError as error:
        raise ConfigError(f"--schema {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError, Undecodable) as error:
        raise ConfigError(f"--schema {file} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise ConfigError(f"--schema {file} is not a JSON Schema: it must be an object")
    schema = cast(dict[str, Any], read)
    schema.pop("$schema", None)
    return schema


class _Fits:
    """Lets through what fits a schema. References to addresses are errors, and never fetched."""

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            from jsonschema import Draft202012Validator
            from jsonschema.exceptions import SchemaError
            from referencing import Registry
        except ModuleNotFoundError as error:
            raise MissingExtra(f"{error.name}, which --schema needs,", "tools") from error
        try:
            cast(Any, Draft202012Validator).check_schema(schema)
        except SchemaError as error:
            where = ".".join(map(str, error.absolute_path))
            why = f"{where}: {error.message}" if where else error.message
            raise ConfigError(f"--schema is not a JSON Schema: {why}") from None
        empty = cast(Any, Registry)()
        self._validator = cast(Any, Draft202012Validator)(schema, registry=empty)

    def __call__(self, value: Any) -> Any:
        from referencing.exceptions import Unresolvable

        try:
            problem = next(self._validator.iter_errors(value), None)
        except (Unresolvable, RecursionError) as error:
            raise ConfigError(
                f"--schema refers to something it does not contain: {error}"
            ) from error
        if problem is not None:
            where = ".".join(map(str, problem.absolute_path))
            raise ValueError(f"{where}: {problem.message}" if where else problem.message)
        return value
