"""A form that a tool shows, filled in at the terminal: one question a field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from agentlab.approval import Filled, Form
from agentlab.display import one_line, safe

_TIMES = 3


def fill_in(
    form: Form, read: Callable[[str], str] = input, tell: Callable[[str], None] = print
) -> Filled:
    """Ask for every field; None if the person would not, or can't say anything that fits.

    An empty answer is the field's default, or leaves out a field that is not needed.
    """
    asker = f"{one_line(form.asker, 60)} asks: " if form.asker else ""
    tell(f"\n  {asker}{safe(form.message)}")
    try:
        fields = dict(_fields(form))
        if read("  answer? [y/N] ").strip().lower() not in ("y", "yes"):
            return None
        filled: dict[str, Any] = {}
        for name, field in fields.items():
            needed = name in form.fields.get("required", ())
            answered, value = _asked(name, field, needed, read, tell)
            if answered:
                filled[name] = value
            elif needed:
                return None
    except EOFError:
        return None
    return filled


def _fields(form: Form) -> Iterator[tuple[str, dict[str, Any]]]:
    properties = form.fields.get("properties")
    for name, field in (
        cast(dict[str, Any], properties) if isinstance(properties, dict) else {}
    ).items():
        yield name, cast(dict[str, Any], field) if isinstance(field, dict) else {}


def _asked(
    name: str,
    field: Mapping[str, Any],
    needed: bool,
    read: Callable[[str], str],
    tell: Callable[[str], None],
) -> tuple[bool, Any]:
    """Whether there is a value, and the value."""
    choices = _choices(field)
    if about := field.get("description") or field.get("title"):
        tell(f"  {safe(one_line(str(about), 300))}")
    for value, title in choices:
        tell(f"    {one_line(str(value), 60)}" + (f"  {one_line(title, 60)}" if title else ""))
    default = f" [{one_line(json.dumps(field['default']), 60)}]" if "default" in field else ""
    for _ in range(_TIMES):
        typed = read(f"  {one_line(name, 60)}{default}: ").strip()
        if not typed:
            if "default" in field:
                return True, field["default"]
            if not needed:
                return False, None
            continue
        try:
            return True, _value(typed, field, [value for value, _ in choices])
        except ValueError as error:
            tell(f"  {error}")
    return False, None


def _choices(field: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """The values to choose from, and what each is called."""
    chosen_from: Any = field.get("items") if field.get("type") == "array" else field
    if not isinstance(chosen_from, dict):
        return []
    schema = cast(dict[str, Any], chosen_from)
    if isinstance(values := schema.get("enum"), list):
        names = schema.get("enumNames")
        titles = cast(list[Any], names) if isinstance(names, list) else []
        several = cast(list[Any], values)
        return [
            (value, str(titles[n]) if n < len(titles) else "") for n, value in enumerate(several)
        ]
    options = schema.get("oneOf", schema.get("anyOf"))
    if not isinstance(options, list):
        return []
    schemas = [
        cast(dict[str, Any], one) for one in cast(list[Any], options) if isinstance(one, dict)
    ]
    return [(one["const"], str(one.get("title", ""))) for one in schemas if "const" in one]


def _value(said: str, field: Mapping[str, Any], choices: list[Any]) -> Any:
    """What a person means.

    Raises:
        ValueError: it does not fit.
    """
    if field.get("type") == "array":
        return [_one_of(part.strip(), choices) for part in said.split(",") if part.strip()]
    if choices:
        return _one_of(said, choices)
    match field.get("type"):
        case "boolean":
            answers = {
                "y": True,
                "yes": True,
                "true": True,
                "n": False,
                "no": False,
                "false": False,
            }
            if said.lower() not in answers:
                raise ValueError("say yes or no")
            return answers[said.lower()]
        case "integer" | "number" as kind:
            try:
                number = int(said) if kind == "integer" else float(said)
            except ValueError:
                what = "a whole number" if kind == "integer" else "a number"
                raise ValueError(f"say {what}") from None
            return number
        case _:
            return said


def _one_of(said: str, choices: list[Any]) -> Any:
    for value in choices:
        if str(value).casefold() == said.casefold():
            return value
    raise ValueError(f"say one of {', '.join(map(str, choices))}" if choices else "nothing fits")
