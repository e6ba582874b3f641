"""What a form asks for, field by field, and what a person means by what they type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from agentlab.approval import Form
from agentlab.display import one_line

Kind: TypeAlias = Literal["text", "yes or no", "whole number", "number", "choice", "choices"]
_KINDS: Mapping[str, Kind] = {
    "boolean": "yes or no",
    "integer": "whole number",
    "number": "number",
}
_WORDS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


@dataclass(frozen=True)
class Choice:
    """A value to choose, and what it is called; often nothing else."""

    value: Any
    title: str = ""


@dataclass(frozen=True)
class Field:
    """Something to fill in.

    Attributes:
        about: what is asked for, in words; may be empty.
        needed: it can't be left out.
        default: what stands if nothing is typed; None where there is none, or it is null.
        has_default: which of the two.
    """

    name: str
    about: str
    kind: Kind
    needed: bool
    choices: Sequence[Choice] = ()
    default: Any = None
    has_default: bool = False

    def value(self, typed: str) -> Any:
        """What a person means. Of several choices, commas stand between them.

        Raises:
            ValueError: it does not fit; the text says what would, and is safe to show.
        """
        if self.kind == "choices":
            return [self._one(part.strip()) for part in typed.split(",") if part.strip()]
        if self.kind == "choice":
            return self._one(typed)
        try:
            match self.kind:
                case "yes or no":
                    return _WORDS[typed.lower()]
                case "whole number":
                    return int(typed)
                case "number":
                    return float(typed)
                case _:
                    return typed
        except (KeyError, ValueError):
            article = "" if self.kind == "yes or no" else "a "
            raise ValueError(f"say {article}{self.kind}") from None

    def _one(self, typed: str) -> Any:
        if not self.choices:
            return typed
        for choice in self.choices:
            if str(choice.value).casefold() == typed.casefold():
                return choice.value
        some = ", ".join(one_line(str(choice.value), 60) for choice in self.choices)
        raise ValueError(f"say one of {some}")


def fields_of(form: Form) -> Iterator[Field]:
    """The fields of a form, in order. What its schema says amiss is asked for as text."""
    needed = form.fields.get("required", ())
    for name, schema in _table(form.fields.get("properties")).items():
        field = _table(schema)
        choices = tuple(_choices(field))
        kind: Kind = "choices" if field.get("type") == "array" else "text"
        if kind == "text":
            kind = "choice" if choices else _KINDS.get(str(field.get("type")), "text")
        yield Field(
            name=name,
            about=str(field.get("description") or field.get("title") or ""),
            kind=kind,
            needed=isinstance(needed, list | tuple) and name in needed,
            choices=choices,
            default=field.get("default"),
            has_default="default" in field,
        )


def _choices(field: Mapping[str, Any]) -> Iterator[Choice]:
    schema = _table(field.get("items")) if field.get("type") == "array" else field
    titles = _list(schema.get("enumNames"))
    for n, value in enumerate(_list(schema.get("enum"))):
        yield Choice(value, str(titles[n]) if n < len(titles) else "")
    if "enum" in schema:
        return
    for one in map(_table, _list(schema.get("oneOf", schema.get("anyOf")))):
        if "const" in one:
            yield Choice(one["const"], str(one.get("title", "")))


def _table(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []
