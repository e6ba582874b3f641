"""Whether arguments fit a server's JSON Schema: an answer in bounded time, or none.

A schema is a stranger's program. Twenty-seven definitions that each refer twice to the one before
ask for 2^27 steps, and a pattern such as `^(a+)+$` for 2^n. So steps are counted, in proportion to
what is judged, and patterns run against a clock; past either bound there is no verdict, and the
server, which judges for itself anyway, has the word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from agentlab.display import one_line

MAX_NODES = 10_000
MAX_DEPTH = 64
# Python's own bound on recursion is not one to run into: the maps that the validators are made of
# are Rust, and panic there
_DEEPEST = 80
_STEPS = 20_000
_STEPS_A_NODE = 100
_SECONDS = 0.2
_LONGEST_PATTERN = 2000
"""Characters. No clock runs while a pattern is read: five million of them take 18 s and 1.3 GB."""
_MOST_SPELLED_OUT = 1_000_000
_COUNTS = re.compile(r"\{\s*(\d*)\s*,?\s*(\d*)")
_KNOWN = {
    "http://json-schema.org/draft-03/schema": "Draft3Validator",
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
}
_LATEST = "Draft202012Validator"


class BadSchema(ValueError):
    """A schema that no dialect of JSON Schema takes, or that is too large to be looked at."""


class _NoVerdictError(Exception):
    """The bound on steps or time is reached."""


class Judge:
    """Judges values by one schema.

    Attributes:
        dialect: the name of the draft by which the schema is read.

    Raises:
        BadSchema: it is no JSON Schema; the message says where.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema.exceptions import SchemaError

        nodes, depth = _size(schema)
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise BadSchema(
                f"it is too large to be checked: {nodes:,} parts, {depth} deep "
                f"(at most {MAX_NODES:,} and {MAX_DEPTH})"
            )
        first: SchemaError | None = None
        for dialect in _dialects(schema):
            checker = _checker(dialect)
            try:
                checker.check_schema(schema, format_checker=None)
            except SchemaError as error:
                first = first or error
                continue
            except (RecursionError, re.error, ValueError) as error:
                raise BadSchema(one_line(str(error), 200)) from None
            self.dialect = dialect.removesuffix("Validator")
            self._validator = _validator(checker, schema)
            return
        assert first is not None
        where = ".".join(map(str, first.absolute_path))
        raise BadSchema(one_line(f"{where}: {first.message}" if where else first.message, 200))

    def problem(self, value: object) -> str | None:
        """What is wrong with a value; None where nothing is, or where there is no verdict."""
        from referencing.exceptions import Unresolvable

        before = _COUNT.set(_Count(_STEPS + _STEPS_A_NODE * _size(value)[0]))
        try:
            problem = next(self._validator.iter_errors(value), None)
        except (Unresolvable, RecursionError, _NoVerdictError):
            return None
        except Exception:  # noqa: BLE001 - a stranger's schema in a library that is not ours
            return None
        finally:
            _COUNT.reset(before)
        if problem is None:
            return None
        where = ".".join(map(str, problem.absolute_path))
        return one_line(f"{where}: {problem.message}" if where else problem.message, 500)


class _Count:
    """How many steps the judgement under way may still take, and how deep in the schema it is."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.depth = 0


_COUNT: ContextVar[_Count] = ContextVar("count")


def _step(deeper: int = 0) -> None:
    count = _COUNT.get()
    count.left -= 1
    count.depth += deeper
    if count.left < 0 or count.depth > _DEEPEST:
        raise _NoVerdictError


def _dialects(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """By which drafts to read a schema: the one it names; else the latest, then the older ones."""
    named = schema.get("$schema")
    dialect = _KNOWN.get(named.rstrip("#")) if isinstance(named, str) else None
    return (dialect,) if dialect else (_LATEST, "Draft7Validator", "Draft4Validator")


def _size(value: object) -> tuple[int, int]:
    """How many values there are in a value, and how deep the deepest lies."""
    nodes, deepest = 0, 0
    waiting = [(value, 1)]
    while waiting and nodes <= MAX_NODES * 100:
        one, depth = waiting.pop()
        nodes, deepest = nodes + 1, max(deepest, depth)
        if isinstance(one, Mapping):
            waiting += [(inner, depth + 1) for inner in cast(Mapping[str, object], one).values()]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in cast(list[object], one)]
    return nodes, deepest


_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


@cache
def _checker(dialect: str) -> Any:
    """A validator class of a draft, whose keywords count their steps."""
    import jsonschema.validators as drafts

    checker: Any = getattr(drafts, dialect)
    # from here on `pattern` and its kin are ours; what looks into a schema for patterns by itself
    # (unevaluatedProperties) is left out below, where there are any
    keywords = {name: _counted(check) for name, check in checker.VALIDATORS.items()}
    for name, check in (
        ("pattern", _pattern),
        ("patternProperties", _pattern_properties),
        ("additionalProperties", _additional_properties),
        ("uniqueItems", _unique_items),
        ("enum", _costly(keywords["enum"])),
    ):
        if name in keywords:
            keywords[name] = _counted(check)
    return cast(Any, drafts).extend(checker, keywords)


def _counted(check: _Keyword) -> _Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Generator[Any]:
        count = _COUNT.get()
        _step(deeper=1)
        try:
            for problem in check(validator, value, instance, schema) or ():
                _step()
                yield problem
        finally:
            count.depth -= 1

    return counted


def _validator(checker: Any, schema: Mapping[str, Any]) -> Any:
    from referencing import Registry

    text = str(schema)
    hidden = {"$schema"}  # named further in, it would bring in a class that does not count
    if "patternProperties" in text:
        hidden |= {"unevaluatedProperties", "unevaluatedItems"}
    # with an empty registry a reference to an address is an error, and never fetched
    return checker(_without(schema, hidden), registry=cast(Any, Registry)())


def _without(node: Any, hidden: set[str]) -> Any:
    if isinstance(node, list):
        return [_without(one, hidden) for one in cast(list[Any], node)]
    if not isinstance(node, Mapping):
        return node
    rest: dict[str, Any] = {}
    for key, value in cast(Mapping[str, Any], node).items():
        if key == "$schema" and key in hidden and isinstance(value, str):
            continue
        if key != "$schema" and key in hidden:
            continue
        rest[key] = value if key in ("const", "enum", "default") else _without(value, hidden)
    return rest


def _spelled_out(pattern: str) -> int:
    """At most so many characters it has with every count written out, which is how it is read.

    `(((a{100}){100}){100}){100}` takes more memory than any machine has. Counts are multiplied
    wherever they stand, so no nesting can hide one.
    """
    size = len(pattern)
    for counts in _COUNTS.findall(pattern):
        size *= max(1, *(int(digits[:9] or 1) for digits in counts))
        if size > _MOST_SPELLED_OUT:
            break
    return size


def _found(pattern: str, text: str) -> bool:
    """Whether a pattern is in a text; one that can't be read is in every text.

    Raises:
        _NoVerdictError: it takes too long to find out.
    """
    import regex

    if len(pattern) > _LONGEST_PATTERN or _spelled_out(pattern) > _MOST_SPELLED_OUT:
        raise _NoVerdictError
    try:
        return regex.search(pattern, text, timeout=_SECONDS) is not None
    except TimeoutError:
        raise _NoVerdictError from None
    except Exception:  # noqa: BLE001 - of another dialect, too deep, or none at all
        return True


def _pattern(validator: Any, pattern: Any, instance: Any, _schema: Any) -> Generator[Any]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"{one_line(instance, 80)!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _: Any) -> Generator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, subschema in patterns.items():
            for key, value in instance.items():
                if _found(pattern, key):
                    yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _costly(check: _Keyword) -> _Keyword:
    """A keyword that compares with each of a list: a step for every ten of them."""

    def costly(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _COUNT.get().left -= len(value) // 10
        yield from check(validator, value, instance, schema) or ()

    return costly


def _unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Generator[Any]:
    """As the library's, which compares each with each."""
    from jsonschema.exceptions import ValidationError

    if wanted and validator.is_type(instance, "array"):
        seen: set[str] = set()
        for item in instance:
            spelled = json.dumps(_as_numbers(item), sort_keys=True)
            if spelled in seen:
                yield ValidationError(f"{one_line(spelled, 80)} stands there twice")
                return
            seen.add(spelled)


def _as_numbers(value: Any) -> Any:
    """The value with 1.0 as 1: JSON Schema tells them apart nowhere."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_as_numbers(item) for item in cast(list[Any], value)]
    if isinstance(value, Mapping):
        return {key: _as_numbers(item) for key, item in cast(Mapping[str, Any], value).items()}
    return value


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Any
) -> Generator[Any]:
    from jsonschema.exceptions import ValidationError

    if not validator.is_type(instance, "object"):
        return
    declared, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [
        key
        for key in instance
        if key not in declared and not any(_found(pattern, key) for pattern in patterns)
    ]
    if validator.is_type(allowed, "object"):
        for key in extra:
            yield from validator.descend(instance[key], allowed, path=key)
    elif not allowed and extra:
        named = ", ".join(map(repr, extra[:5]))
        yield ValidationError(f"no such argument: {named}")
