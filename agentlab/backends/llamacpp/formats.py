"""How a model writes a tool call.

    hermes   <tool_call>\\n{"name": "add", "arguments": {"x": 1}}\\n</tool_call>   (a block a call)
    llama3   {"name": "add", "parameters": {"x": 1}}                           (the whole reply)
    mistral  [TOOL_CALLS][{"name": "add", "arguments": {"x": 1}}, …]

A template that has a tool section of its own tells which one its model was trained on; a model
whose template has none is taught `hermes` by ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall


@dataclass(frozen=True)
class Format:
    """The marks around calls. A section is `start (open call close) between … finish`."""

    name: str
    trigger: str
    """The text that opens a call, where free text ends."""
    start: str = ""
    open: str = ""
    close: str = ""
    between: str = ""
    finish: str = ""
    arguments: str = "arguments"
    """The key that holds the arguments."""
    at_start: bool = False
    """Whether a call is only one at the very beginning of the reply."""

    def head(self, name: str) -> str:
        """What stands before the arguments of a call."""
        return f'{{"name": {json_text(name)}, "{self.arguments}": '

    def write(self, calls: Sequence[ToolCall]) -> str:
        """The calls as the model would have written them; malformed ones as they were."""
        if not calls:
            return ""
        written = (
            f"{self.open}{self.head(call.name)}{call.arguments}}}{self.close}"
            if call.name
            else f"{self.open}{call.arguments}{self.close}"
            for call in calls
        )
        return self.start + self.between.join(written) + self.finish


HERMES = Format(
    name="hermes",
    trigger="<tool_call>",
    open="<tool_call>\n",
    close="\n</tool_call>",
    between="\n",
)
LLAMA3 = Format(name="llama3", trigger="{", between="; ", arguments="parameters", at_start=True)
MISTRAL = Format(
    name="mistral", trigger="[TOOL_CALLS]", start="[TOOL_CALLS][", between=", ", finish="]"
)
CALL_MARKS = ("<tool_call>", "</tool_call>", "[TOOL_CALLS]")
"""Marks around calls that a vocabulary may hold as control tokens."""


def detect(template: str) -> Format | None:
    """The format a template's own tool section speaks; None where it is none of ours."""
    if "[TOOL_CALLS]" in template:
        return MISTRAL
    if "<tool_call>" in template:
        return HERMES
    if "<|python_tag|>" in template or '"parameters": ' in template:
        return LLAMA3
    return None
