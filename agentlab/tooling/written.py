"""What a tool answered, as the text that a model reads."""

from __future__ import annotations

from collections.abc import Iterator, MappingView, Sequence
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_json

from agentlab.errors import ToolError
from agentlab.messages import clean


def as_text(answer: object) -> str:
    """A tool's answer as the text a model reads: text as it is, anything else as JSON.

    Raises:
        ToolError: the answer cannot be turned into JSON.
    """
    if isinstance(answer, str):
        return clean(answer)
    if answer is None:
        return "done"
    if isinstance(answer, Iterator):
        raise ToolError("the tool returned an iterator, which may never end: make it a list")
    try:
        return clean(to_json(answer, inf_nan_mode="constants", fallback=_plain).decode())
    except (PydanticSerializationError, UnicodeError, ValueError, RecursionError):
        raise ToolError(
            f"the tool returned {type(answer).__name__}, which can't be turned into text: return "
            "text, numbers, lists or dicts, and keep a file with ToolContext.attach"
        ) from None


def _plain(answer: Any) -> Any:
    """Plain data of what holds it in a way of its own: arrays, tables, ranges, views of a dict."""
    if not isinstance(answer, type):
        if hasattr(answer, "columns") and hasattr(answer, "to_dict"):
            return answer.to_dict("records")
        if hasattr(answer, "tolist"):
            return answer.tolist()
        if isinstance(answer, Sequence | MappingView):
            return list(cast(Sequence[Any], answer))
    raise ValueError(type(answer).__name__)
