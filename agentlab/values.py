"""Frozen values, strict with the person who writes them and lenient with files.

    Policy(asks=("buy",))     # ConfigError: Policy has no field 'asks': did you mean 'ask'?

What is written by hand, in Python or in a TOML file, may hold no field that this version does not
know: one that is misspelt would otherwise be an option that silently does nothing. What is read
back from a trace may: a newer version wrote it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from agentlab.decoding import Undecodable, decode
from agentlab.errors import ConfigError, Refused

T = TypeVar("T")

_SEVERAL = ("tuple_type", "list_type")


class Value(BaseModel):
    """A frozen value that compares by content.

    Making one refuses fields it does not have; so does `written`. Reading one back with pydantic's
    `model_validate` or `model_validate_json` leaves them out.
    """

    model_config = ConfigDict(frozen=True)

    if not TYPE_CHECKING:  # type checkers know the fields, and find a misspelt one themselves

        def __init__(self, /, *unnamed: Any, **data: Any) -> None:
            if unnamed:
                raise Refused(by_name(type(self).__name__, names_of(type(self))))
            try:
                self.__pydantic_validator__.validate_python(
                    data, self_instance=self, extra="forbid"
                )
            except ValidationError as error:
                raise Refused(f"{type(self).__name__}{explained(error, type(self))}") from None

        # Values inside values, and those in files, are made without a call of `__init__`
        __init__.__pydantic_base_init__ = True

    @classmethod
    def written(cls, data: Any) -> Self:
        """The value that a person wrote as plain data, e.g. in TOML.

        Raises:
            Refused: a field is unknown or does not fit; the line says which, and where.
        """
        try:
            return cls.model_validate(data, extra="forbid")
        except ValidationError as error:
            raise Refused(explained(error, cls).lstrip(",: ")) from None


def explained(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first fault in one line, to follow the name of what is faulty: ` has no field 'x'`.

    An unknown field comes before what is missing, as one is often the other misspelt.
    """
    fault = first_fault(error)
    *place, last = fault["loc"] or ("",)
    if fault["type"] != "extra_forbidden":
        where = ".".join(map(str, fault["loc"]))
        why = "it takes several: write a list" if fault["type"] in _SEVERAL else fault["msg"]
        return f", {where}: {why}" if where else f": {why}"
    inside = f", {'.'.join(map(str, place))}" if place else ""
    names = names_at(kind, place)
    return f"{inside} has no field {unknown(str(last), names)}"


def first_fault(error: ValidationError) -> ErrorDetails:
    """The fault to tell: an unknown field before what is missing."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])


def names_at(kind: type[BaseModel], place: Iterable[int | str]) -> list[str]:
    """The fields there are at a place inside a value."""
    return [name for model in _at(kind, place) for name in names_of(model)]


def unknown(name: str, known: Iterable[str]) -> str:
    """An unknown name, and the one that was meant, or else all there are."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"{name!r}: did you mean {near[0]!r}?"
    return f"{name!r}; there are {', '.join(names)}" if names else repr(name)


def by_name(kind: str, known: Iterable[str]) -> str:
    """What to say where values were given without the names of their fields."""
    names = ", ".join(name for name in known if name != "kind")
    return f"{kind} takes its values by name: {names}"


def names_of(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a model, as they are written."""
    for name, field in model.model_fields.items():
        yield field.alias or name


def tables(path: Path, of: str) -> dict[str, Any]:
    """The tables `[of.NAME]` of a TOML file that a person wrote, by name.

    Raises:
        ConfigError: the file can't be read, or what it holds stands under another name, where it
            would be read in vain. There may be other things beside.
    """
    try:
        whole = tomllib.loads(decode(path.read_bytes())[0])
    except (OSError, ValueError, Undecodable) as error:
        raise ConfigError(f"{path} can't be read: {error}") from None
    value: object = whole.pop(of, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {of} must be tables, e.g. [{of}.NAME]")
    lost = get_close_matches(of, whole, n=1) or (list(whole) if not value else [])
    if lost:
        raise ConfigError(f"{path}: [{lost[0]}] is not read: write [{of}.NAME]")
    return cast(dict[str, Any], value)


def refuses_unknown(cls: type[T]) -> type[T]:
    """Let a dataclass name the nearest of its fields for one that it does not have.

    What its `_elsewhere` holds is named in place of the nearest: words that others use.
    """
    original: Callable[..., None] = cls.__init__
    names = [field.name for field in fields(cast(Any, cls)) if field.init]
    named = all(field.kw_only for field in fields(cast(Any, cls)))
    elsewhere: Mapping[str, str] = getattr(cls, "_elsewhere", {})

    @wraps(original)
    def __init__(self: Any, *args: Any, **given: Any) -> None:
        kind = type(self).__name__
        if args and named:
            raise Refused(by_name(kind, names))
        if lost := next((name for name in given if name not in names), None):
            remedy = elsewhere.get(lost)
            meant = f"{lost!r}: write {remedy}" if remedy else unknown(lost, names)
            raise Refused(f"{kind} has no field {meant}")
        original(self, *args, **given)

    type.__setattr__(cls, "__init__", __init__)
    return cls


def _at(kind: type[BaseModel], place: Iterable[int | str]) -> list[type[BaseModel]]:
    """The models that may stand at a place inside a value."""
    here = [kind]
    for step in place:
        inside = [model.model_fields[step] for model in here if step in model.model_fields]
        if inside:  # else the step is a place in a list, a key, or the tag of a union
            here = [model for field in inside for model in _models_in(field.annotation)]
    return here


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
