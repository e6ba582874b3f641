"""A form that a tool shows, filled in at the terminal: one question a field."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agentlab.approval import Filled, Form
from agentlab.display import one_line, safe
from agentlab.forms import Field, fields_of

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
        if read("  answer? [y/N] ").strip().lower() not in ("y", "yes"):
            return None
        filled: dict[str, Any] = {}
        for field in fields_of(form):
            answered, value = _asked(field, read, tell)
            if answered:
                filled[field.name] = value
            elif field.needed:
                return None
    except EOFError:
        return None
    return filled


def _asked(
    field: Field, read: Callable[[str], str], tell: Callable[[str], None]
) -> tuple[bool, Any]:
    """Whether there is a value, and the value."""
    if field.about:
        tell(f"  {safe(one_line(field.about, 300))}")
    for choice in field.choices:
        title = f"  {one_line(choice.title, 60)}" if choice.title else ""
        tell(f"    {one_line(str(choice.value), 60)}{title}")
    default = f" [{one_line(json.dumps(field.default), 60)}]" if field.has_default else ""
    for _ in range(_TIMES):
        typed = read(f"  {one_line(field.name, 60)}{default}: ").strip()
        if not typed:
            if field.has_default:
                return True, field.default
            if not field.needed:
                return False, None
            continue
        try:
            return True, field.value(typed)
        except ValueError as error:
            tell(f"  {error}")
    return False, None
