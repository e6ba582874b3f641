"""Which arguments of a call are strings: text between tags does not tell, and schemas do."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Any, cast

from agentlab.backend import ToolSpec


class Kinds:
    """Which arguments of which tools are strings: tagged text does not tell."""

    def __init__(self, tools: Sequence[ToolSpec] = ()) -> None:
        self._schemas = {tool.name: tool.parameters for tool in tools}

    def value(self, tool: str, key: str, text: str) -> Any:
        """What a tagged argument means."""
        kinds = self._kinds(tool, key)
        if kinds == {"string"}:
            return text
        try:
            value: Any = json.loads(text)
        except ValueError:
            if not kinds or "string" in kinds:
                return text
            return _leniently(text)
        if "string" in kinds and not (value is None and "null" in kinds):
            others = kinds - {"string", "null"}
            return value if others and not isinstance(value, str) else text
        return value

    def _kinds(self, tool: str, key: str) -> set[str]:
        root: Any = self._schemas.get(tool, {})
        return kinds_of(root.get("properties", {}).get(key), root)


def _leniently(text: str) -> Any:
    """A value that is no JSON and no text either: as Python writes it, or as a list of items."""
    items = re.findall(r"<item>(.*?)(?:\]<\]minimax\[>\[)?</item>", text, re.DOTALL)
    if items:
        return items
    try:
        value: Any = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return text
    return value


def kinds_of(schema: Any, root: Any, depth: int = 0) -> set[str]:
    """The JSON types a schema allows, as far as it says; empty where it does not."""
    if not isinstance(schema, dict) or depth > 8:
        return set()
    keywords = cast(dict[str, Any], schema)
    ref = keywords.get("$ref")
    if isinstance(ref, str) and ref.startswith("#"):
        target: Any = root
        for step in ref.split("/")[1:]:
            target = cast(dict[str, Any], target).get(step) if isinstance(target, dict) else None
        return kinds_of(target, root, depth + 1)
    kind = keywords.get("type")
    if isinstance(kind, str):
        return {kind}
    if isinstance(kind, list):
        return set(cast(list[str], kind))
    values: list[Any] = keywords.get("enum") or ([keywords["const"]] if "const" in keywords else [])
    if values:
        return {_kind(value) for value in values}
    options = [*keywords.get("anyOf", ()), *keywords.get("oneOf", ())]
    return {kind for option in options for kind in kinds_of(option, root, depth + 1)}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
