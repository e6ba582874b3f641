"""The suites that `grammar.py` reads, and what their instances say of a schema."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jsonschema import validators
from jsonschema.validators import Draft202012Validator

from agentlab.backends.llamacpp.schema.references import References

_MOST_IN_PLACE = 400


@dataclass(frozen=True)
class Case:
    """A schema with instances, and whether each is valid."""

    name: str
    schema: Any
    instances: list[tuple[Any, bool]]


def maskbench(folder: Path) -> Iterator[Case]:
    """One file a schema."""
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        yield Case(path.name, data["schema"], [(t["data"], t["valid"]) for t in data["tests"]])


def schemastore(folder: Path) -> Iterator[Case]:
    """Schemas, and instances in folders of the same name; only JSON is read."""
    for path in sorted((folder / "schemas" / "json").glob("*.json")):
        schema = _lenient(path)
        if schema is None:
            continue
        instances: list[tuple[Any, bool]] = []
        for kind, valid in (("test", True), ("negative_test", False)):
            for file in sorted((folder / kind / path.stem).rglob("*.json")):
                if (data := _lenient(file)) is not None:
                    instances.append((data, valid))
        yield Case(path.name, schema, instances)


def _lenient(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError):
        return None


def suite(folder: Path) -> Iterator[Case]:
    """The standard's own tests, without those marked as optional."""
    for path in sorted(folder.glob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            name = f"{path.stem}: {group['description']}"
            yield Case(name, group["schema"], [(t["data"], t["valid"]) for t in group["tests"]])


def is_said(value: Any, schema: Any, unenforced: tuple[str, ...]) -> bool:
    """Whether the value is valid but for what stands at these pointers."""
    left = copy.deepcopy(schema)
    # inner places first: they may stand in others that are left out
    for pointer in sorted(unenforced, key=len, reverse=True):
        if not pointer:
            return True
        _leave_out(left, pointer)
    kind: Any = validators.validator_for(schema, default=Draft202012Validator)
    try:
        return bool(kind(left).is_valid(value))
    except Exception:  # noqa: BLE001 a reference that leads nowhere
        return False


def _leave_out(schema: Any, pointer: str) -> None:
    """Take away what stands at a pointer; an opposite that was made up stands at its keyword."""
    here, place, key = schema, schema, ""
    for escaped in pointer.split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and step.isdigit() and int(step) < len(cast(list[Any], here)):
            place, key, here = cast(Any, here), step, cast(list[Any], here)[int(step)]
        elif isinstance(here, dict) and step in here:
            place, key, here = cast(Any, here), step, cast(dict[str, Any], here)[step]
        else:
            break
    if isinstance(place, list) and key:
        place[int(key)] = True
    elif isinstance(place, dict) and key:
        del place[key]


def in_order(value: Any, schema: Any) -> Any:
    """The value with its properties in the order in which the schema declares them."""
    return _Order(schema).of(value, [(schema, "")])


_Part = tuple[Any, str]


class _Order:
    def __init__(self, schema: Any) -> None:
        self._references = References(schema)

    def of(self, value: Any, parts: list[_Part]) -> Any:
        """The value in the order of these schemas, each with its pointer."""
        places = self._in_place(parts)
        if isinstance(value, list):
            inner = [held for part, at in places for held in _items(part, at)]
            return [self.of(item, inner) for item in cast(list[Any], value)]
        if not isinstance(value, dict):
            return value
        given = cast(dict[str, Any], value)
        names: dict[str, None] = {}
        for part, _ in places:
            names |= dict.fromkeys(_mapping(part, "properties"))
        for part, _ in places:
            required = _list(part, "required")
            names |= dict.fromkeys(name for name in required if isinstance(name, str))
        ordered = [name for name in names if name in given]
        ordered += [name for name in given if name not in names]
        return {
            name: self.of(
                given[name], [held for part, at in places for held in _of(part, at, name)]
            )
            for name in ordered
        }

    def _in_place(self, parts: list[_Part]) -> list[tuple[dict[str, Any], str]]:
        """The schemas that may speak of the same value."""
        found: list[tuple[dict[str, Any], str]] = []
        seen: set[int] = set()

        def visit(part: Any, at: str) -> None:
            if not isinstance(part, dict):
                return
            schema = cast(dict[str, Any], part)
            if id(schema) in seen or len(seen) > _MOST_IN_PLACE:
                return
            seen.add(id(schema))
            found.append((schema, at))
            for key, inner in schema.items():
                where = f"{at}/{key}"
                if key in ("$ref", "$dynamicRef") and isinstance(inner, str):
                    if target := self._references.target(inner, at):
                        visit(*target)
                elif key in ("allOf", "anyOf", "oneOf"):
                    for index, option in enumerate(_list(schema, key)):
                        visit(option, f"{where}/{index}")
                elif key in ("if", "then", "else", "not"):
                    visit(inner, where)
                elif key in ("dependentSchemas", "dependencies"):
                    for name, option in _mapping(schema, key).items():
                        visit(option, f"{where}/{name}")

        for part, at in parts:
            visit(part, at)
        return found


def _list(schema: dict[str, Any], key: str) -> list[Any]:
    held = schema.get(key)
    return cast(list[Any], held) if isinstance(held, list) else []


def _mapping(schema: dict[str, Any], key: str) -> dict[str, Any]:
    held = schema.get(key)
    return cast(dict[str, Any], held) if isinstance(held, dict) else {}


def _items(schema: dict[str, Any], at: str) -> Iterator[_Part]:
    for key in ("items", "prefixItems", "additionalItems"):
        for one in _list(schema, key) or [schema.get(key)]:
            yield one, f"{at}/{key}"


def _of(schema: dict[str, Any], at: str, name: str) -> Iterator[_Part]:
    declared = _mapping(schema, "properties")
    if name in declared:
        yield declared[name], f"{at}/properties/{name}"
    for expression, held in _mapping(schema, "patternProperties").items():
        if _found(expression, name):
            yield held, f"{at}/patternProperties"
    yield schema.get("additionalProperties"), f"{at}/additionalProperties"


def _found(expression: str, name: str) -> bool:
    try:
        return re.search(expression, name) is not None
    except re.error:
        return False
