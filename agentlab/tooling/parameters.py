"""From a function's signature and docstring to the model its arguments are validated by."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Annotated, Any, TypeAlias, cast, get_args, get_type_hints

import docstring_parser
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticSchemaGenerationError,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from agentlab.errors import ConfigError

Function: TypeAlias = Callable[..., Any]
_QUALIFIED = re.compile(r"[\w.<>]+\.(?=\w)")


class PlainSchema(GenerateJsonSchema):
    """Schemas as a model is shown them: without warnings, and as narrow as what is taken."""

    # a default that JSON cannot hold is left out of the schema; that needs no warning
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # type: ignore[assignment]

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number, or the digits of one: not just any text."""
        written = super().decimal_schema(schema)
        for option in written.get("anyOf", ()):
            if option.get("type") == "string":
                option.setdefault("pattern", r"^-?[0-9]+(\.[0-9]+)?$")
        return written


def underlying(function: Function) -> Function:
    """The function that has the name, the docstring and the annotations."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    return function


def name_of(function: Function) -> str:
    """What a tool made of this function is called."""
    named = function.func if isinstance(function, functools.partial) else function
    return str(getattr(named, "__name__", type(named).__name__))


def description_of(function: Function) -> str:
    """The docstring's summary and body, without its sections."""
    doc = _doc(function)
    return "\n\n".join(filter(None, (doc.short_description, doc.long_description)))


def arguments_of(
    function: Function, context: type, namespace: Mapping[str, Any]
) -> tuple[type[BaseModel], tuple[str, ...]]:
    """The model of a function's arguments, and the parameters that take a `context`.

    Args:
        function: every parameter must be annotated.
        context: parameters of this type are left out of the model.
        namespace: where annotations are looked up that the function's module does not know.

    Raises:
        ConfigError: a parameter has no annotation, or one no JSON Schema can describe.
    """
    name = name_of(function)
    try:
        parameters = inspect.signature(function).parameters
        hints = _hints(function, namespace)
    except (NameError, TypeError, ValueError) as error:
        raise ConfigError(f"tool {name}: its annotations can't be read: {error}") from error
    described = {p.arg_name: p.description for p in _doc(function).params if p.description}
    bound = cast(Any, function).keywords if isinstance(function, functools.partial) else ()
    contexts: list[str] = []
    fields: dict[str, Any] = {}
    for parameter in parameters.values():
        if parameter.name in bound:  # settled by a partial, and not the model's business
            continue
        if _is(hints.get(parameter.name), context):
            contexts.append(parameter.name)
            continue
        if problem := _problem(parameter, hints):
            raise ConfigError(f"tool {name}, parameter {parameter.name}: {problem}")
        # Field names may not start with an underscore or hide BaseModel's own, so they are numbered
        fields[f"p{len(fields)}"] = _field(parameter, hints[parameter.name], described)
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema_of(model)
    except Exception as error:
        where, why = _undescribed(name, hints, error)
        raise ConfigError(f"{where}: no JSON Schema {why}") from error
    return model, tuple(contexts)


def no_schema(kind: Any, error: Exception) -> str:
    """Why a type has no JSON Schema, in one line that follows those words."""
    if getattr(error, "code", "") == "typed-dict-version":
        return "for typing.TypedDict before Python 3.12: take it from typing_extensions"
    if isinstance(error, PydanticSchemaGenerationError | PydanticInvalidForJsonSchema):
        kind_name = kind.__name__ if isinstance(kind, type) else _QUALIFIED.sub("", repr(kind))
        return (
            f"for {kind_name:.80}: use text, numbers, lists, dicts, dataclasses or pydantic models"
        )
    return f"can be made: {str(error).strip().partition(chr(10))[0]}"


def _undescribed(tool: str, hints: Mapping[str, Any], error: Exception) -> tuple[str, str]:
    """Which parameter has no schema, and why."""
    for parameter, hint in hints.items():
        try:
            TypeAdapter(hint).json_schema(schema_generator=PlainSchema)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the one to be told
            return f"tool {tool}, parameter {parameter}", no_schema(hint, fault)
    return f"tool {tool}", no_schema(None, error)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of an arguments model, as small as it can be."""
    return without_titles(model.model_json_schema(schema_generator=PlainSchema))


def answers_of(function: Function, namespace: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON Schema of what a function returns; None where that is text, or not told."""
    hint = inspect.get_annotations(underlying(function)).get("return")
    if hint in (None, str, Any, "None", "str", "Any"):
        return None
    try:
        bare = SimpleNamespace(__annotations__={"return": hint})
        names = _globals(underlying(function))
        annotation = get_type_hints(bare, names, dict(namespace), include_extras=True)["return"]
        schema = TypeAdapter(annotation).json_schema(
            mode="serialization", schema_generator=PlainSchema
        )
    except Exception:  # noqa: BLE001 - known to type checkers only, or no type of data
        return None
    small = without_titles(schema)
    return None if small in ({}, {"type": "string"}, {"type": "null"}) else small


def without_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Drop pydantic's generated `title`s: they say nothing and cost a small model tokens."""

    data = ("default", "examples", "const", "enum")
    maps = ("properties", "$defs")

    def walk(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in cast(list[Any], node)]
        if not isinstance(node, dict):
            return node
        items = cast(dict[str, Any], node).items()
        return {
            # what is under a name is a schema again; a default or an example is a user's own data
            key: value
            if key in data and not names
            else walk(value, names=not names and key in maps)
            for key, value in items
            if names or not (key == "title" and isinstance(value, str))
        }

    return walk(schema)


def _doc(function: Function) -> docstring_parser.Docstring:
    described = function.func if isinstance(function, functools.partial) else function
    return docstring_parser.parse(inspect.getdoc(described) or "")


def _hints(function: Function, namespace: Mapping[str, Any]) -> dict[str, Any]:
    owner = underlying(function)
    # The return type is not needed, and may be known to type checkers only
    written = {k: v for k, v in inspect.get_annotations(owner).items() if k != "return"}
    bare, names = SimpleNamespace(__annotations__=written), _globals(owner)
    try:
        return get_type_hints(bare, names, include_extras=True)
    except NameError:  # a type made inside the function that makes the tool
        return get_type_hints(bare, names, dict(namespace), include_extras=True)


def _globals(function: Function) -> dict[str, Any]:
    return getattr(inspect.unwrap(function), "__globals__", {})


def _is(hint: Any, wanted: type) -> bool:
    """Whether a hint is that type, alone, annotated, or as `wanted | None`."""
    return hint is wanted or wanted in get_args(hint)


def _problem(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> str | None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return "* and ** parameters have no schema; name each argument"
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return "models name their arguments; remove the '/'"
    if parameter.name in hints:
        return None
    if parameter.name in ("self", "cls"):
        return "make the tool of a bound method, e.g. tool(thing.method)"
    return f"add a type annotation, e.g. {parameter.name}: str"


def _field(
    parameter: inspect.Parameter, hint: Any, described: Mapping[str, str]
) -> tuple[Any, Any]:
    default = ... if parameter.default is parameter.empty else parameter.default
    infos = [info for info in getattr(hint, "__metadata__", ()) if isinstance(info, FieldInfo)]
    if isinstance(default, FieldInfo):  # written `x: int = Field(5, ge=0)`
        infos.append(default)
        hint, default = Annotated[hint, default], default.default
    ours: dict[str, Any] = {"alias": parameter.name, "validation_alias": parameter.name}
    description = next((info.description for info in infos if info.description), None)
    if default is None and not _takes_none(hint):  # written `x: int = None`
        hint, ours["description"] = hint | None, description
    if description is None:
        ours["description"] = described.get(parameter.name)
    return Annotated[hint, Field(**ours)], default


def _takes_none(hint: Any) -> bool:
    try:
        TypeAdapter(hint).validate_python(None)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001 - it has no schema, which is told when the model is made
        return True
    return True
