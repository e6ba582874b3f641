"""What a chat template can express, and how it writes calls: found out by letting it write.

A template is a program; what its text looks like says little. So a short conversation with words
that occur nowhere else is rendered, and the marks are read off around them. Two calls in a turn are
compared with one to tell the section from the calls, two arguments to tell the call from its pairs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentlab.backends.llamacpp.formats import HARMONY, Format
from agentlab.backends.llamacpp.marks import COUNT, FIRST, SAID, SECOND, TEXT, WORD, Marks, common

Turn = dict[str, Any]
Write = Callable[[Sequence[Turn], bool, bool], str | None]
"""Renders turns; whether with tools, and whether up to the next reply. None: it refuses them."""

REFUSES, WRITES_NONE = "it refuses a turn with a call", "it writes no calls"
_RESULT = "rz result"
_ENDS = ("<|eom_id|>", "<|call|>", "<|calls|>", "<|eot|>", "<|tool_response>", "</s>", "<|im_end|>")
"""What a turn with calls may end in, where other turns end otherwise."""

PROBE: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": FIRST,
        "description": "dz described",
        "parameters": {
            "type": "object",
            "properties": {
                TEXT: {"type": "string", "description": "A text."},
                COUNT: {"type": "integer", "description": "A number."},
            },
            "required": [TEXT],
        },
    },
}
"""The tool that probing conversations have."""


@dataclass(frozen=True)
class Shown:
    """What a template was seen to do."""

    format: Format | None
    """How it writes calls; None where it writes none, or in a way that can't be read."""
    tells_tools: bool
    results: bool
    """Whether a turn of results is written."""
    nine: bool
    """Whether ids must have nine letters."""
    text_with_calls: bool
    """Whether a turn may have text and calls."""
    why: str = ""
    """Why there is no format."""
    turn: str = ""
    """A turn with a call, as it was written."""
    single: bool = False
    """Whether a turn holds one call at most."""

    def fits(self, format: Format) -> bool:
        """Whether the turn may be in this format; one that names no call says nothing."""
        turn = self.turn.lstrip()
        if FIRST not in turn:
            return WORD in turn
        if format.at_start:
            return turn.startswith("{")
        mark, _, rest = turn.partition(format.trigger)
        return mark != turn and rest.lstrip().startswith(("{", "["))


def call(name: str, arguments: Any, id: str = "call00001") -> Turn:
    """A call as templates take it."""
    function = {"name": name, "arguments": arguments}
    return {"id": id, "type": "function", "function": function}


def assistant(content: str, *calls: Turn) -> Turn:
    """A turn of the model's."""
    return {"role": "assistant", "content": content, **({"tool_calls": [*calls]} if calls else {})}


_USER: Turn = {"role": "user", "content": "uz asked"}
_ARGUMENTS = {TEXT: WORD, COUNT: 7}


def examine(write: Write, *, ends: Sequence[str] = (), as_text: bool = False) -> Shown:
    """See what a template does.

    Args:
        write: renders turns.
        ends: texts that end a turn, beside those that are known.
        as_text: give arguments as JSON text.
    """

    def given(arguments: Any) -> Any:
        return json.dumps(arguments) if as_text else arguments

    without = write([_USER], True, False) or ""
    prompt = write([_USER], True, True) or without
    tells = FIRST in without or FIRST in prompt
    one = call(FIRST, given(_ARGUMENTS))
    written = write([_USER, assistant("", one)], True, False)
    nine = False
    if written is not None:
        odd = call(FIRST, given(_ARGUMENTS), id="call_1")
        nine = write([_USER, assistant("", odd)], True, False) is None
    if written is None:
        return Shown(None, tells, False, nine, True, REFUSES)
    result = {
        "role": "tool",
        "tool_call_id": "call00001",
        "name": FIRST,
        "content": _RESULT,
    }
    after = write([_USER, assistant("", one), result], True, True)
    results = after is not None and _RESULT in after
    both = write([_USER, assistant(SAID, one)], True, False)
    has_both = both is not None and SAID in both and WORD in _past(both, without)
    spoken = write([_USER, assistant(SAID)], True, False)
    two = write(
        [
            _USER,
            assistant("", one, call(SECOND, given({TEXT: WORD}), id="call00002")),
        ],
        True,
        False,
    )
    if two is not None and SECOND not in _past(two, without):
        two = None  # it writes the first call only
    none = write([_USER, assistant("", call(FIRST, given({})))], True, False)
    marks = Marks(without, prompt, spoken, [*ends, *_ENDS])
    turn = marks.turn(written)
    if FIRST not in turn and WORD not in turn:
        return Shown(None, tells, results, nine, has_both, WRITES_NONE)
    if "to=functions." in written and "<|channel|>" in written:
        return Shown(HARMONY, tells, results, nine, has_both)
    try:
        format = marks.read(written, two, none)
    except ValueError as error:
        single = two is None
        return Shown(None, tells, results, nine, has_both, str(error), turn, single)
    return Shown(format, tells, results, nine, has_both)


def _past(text: str, before: str) -> str:
    """What comes after the common beginning."""
    return text[common(text, before) :]
