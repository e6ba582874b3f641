"""A server's JSON Schema as models are to see it: of the latest draft, whole, and its own alone.

Model services and grammars read draft 2020-12. What older drafts say in other words is said in
those of the latest (the tuple of draft 7, which is an array under `items`, becomes `prefixItems`),
and a reference that leads nowhere, or to an address, is left open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

_OLD = ("Draft3", "Draft4", "Draft6", "Draft7", "Draft201909")
_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_DATA = ("const", "enum", "default", "examples")
_BESIDE_REF = ("title", "description", "default", "examples", "$defs", "definitions")


def shown(schema: Mapping[str, Any], dialect: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema in the words of draft 2020-12, and the references in it that lead nowhere.

    Args:
        dialect: the draft it is written in, as `Judge.dialect` names it.
    """
    lost: list[str] = []

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(one) for one in cast(list[Any], node)]
        if not isinstance(node, Mapping):
            return node
        fields = dict(cast(Mapping[str, Any], node))
        if isinstance(fields.get("$schema"), str):
            del fields["$schema"]
        reference = fields.get("$ref")
        if isinstance(reference, str) and not _leads_somewhere(reference, schema):
            lost.append(reference)
            del fields["$ref"]
        elif isinstance(reference, str) and dialect in _OLD[:-1]:
            # up to draft 7, what stands beside a reference does not count
            fields = {key: fields[key] for key in ("$ref", *_BESIDE_REF) if key in fields}
        if dialect in _OLD:
            fields = _in_new_words(fields)
        return {key: _under(key, value, walk) for key, value in fields.items()}

    return walk(schema), tuple(dict.fromkeys(lost))


def _under(key: str, value: Any, walk: Callable[[Any], Any]) -> Any:
    if key in _DATA:
        return value
    if key in _SCHEMAS and isinstance(value, Mapping):  # names of the user's, not keywords
        return {name: walk(one) for name, one in cast(Mapping[str, Any], value).items()}
    return walk(value)


def _in_new_words(given: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given.get("items"), list):
        given["prefixItems"] = given.pop("items")
        if "additionalItems" in given:
            given["items"] = given["additionalItems"]
    given.pop("additionalItems", None)
    for bound in ("Minimum", "Maximum"):
        limit, exclusive = bound.lower(), f"exclusive{bound}"
        if given.get(exclusive) is True and limit in given:
            given[exclusive] = given.pop(limit)
        elif isinstance(given.get(exclusive), bool):
            del given[exclusive]
    needs = given.pop("dependencies", None)
    if isinstance(needs, Mapping):
        for name, needed in cast(Mapping[str, Any], needs).items():
            key = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
            given[key] = {**given.get(key, {}), name: needed}
    return given


def _leads_somewhere(reference: str, schema: Mapping[str, Any]) -> bool:
    """Whether a reference is to a part of this very schema; one by `$anchor` or `$id` may be."""
    if not reference.startswith("#"):
        return _named(schema, "$id", reference.partition("#")[0])
    pointer = reference[1:]
    if pointer and not pointer.startswith("/"):
        return _named(schema, "$anchor", pointer) or _named(schema, "$id", reference)
    node: Any = schema
    for step in map(_unescaped, pointer.split("/")[1:]):
        if isinstance(node, Mapping) and step in node:
            node = cast(Mapping[str, Any], node)[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(cast(list[Any], node)):
            node = cast(list[Any], node)[int(step)]
        else:
            return False
    return isinstance(node, Mapping | bool)


def _unescaped(step: str) -> str:
    from urllib.parse import unquote

    return unquote(step).replace("~1", "/").replace("~0", "~")


def _named(node: Any, keyword: str, name: str) -> bool:
    if isinstance(node, list):
        return any(_named(one, keyword, name) for one in cast(list[Any], node))
    if not isinstance(node, Mapping):
        return False
    fields = cast(Mapping[str, Any], node)
    return fields.get(keyword) == name or any(_named(one, keyword, name) for one in fields.values())
