"""How a model writes a tool call.

    hermes       <tool_call>\\n{"name": "add", "arguments": {"x": 1}}\\n</tool_call>
    llama3       {"name": "add", "parameters": {"x": 1}}                           (the whole reply)
    mistral      [TOOL_CALLS][{"name": "add", "arguments": {"x": 1}}, …]
    named        [TOOL_CALLS]add[ARGS]{"x": 1}
    tagged       <tool_call>\\n<function=add>\\n<parameter=x>\\n1\\n</parameter>\\n</function>…
    python       <|tool_call_start|>[add(x=1)]<|tool_call_end|>
    gemma        <|tool_call>call:add{x:1}<tool_call|>
    recipient    >>>add\\n{"x": 1}
    harmony      <|channel|>commentary to=functions.add <|constrain|>json<|message|>{"x": 1}

The first three are fixed. The others are styles: their marks are read off what a template writes
(see `probe`). A model whose template writes no calls is taught `hermes` by our own section.

A call is `open head arguments tail close`; a section is `start call (between call)* finish`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall

Style: TypeAlias = Literal["object", "named", "tagged", "python", "gemma", "harmony", "recipient"]

NAME, ID, INDEX, KEY = "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
"""Places in the marks that are filled in: noncharacters, which no text has."""
SLOTS = (NAME, ID, INDEX, KEY)
QUOTE = '<|"|>'
"""What gemma's strings stand between."""


@dataclass(frozen=True)
class Pair:
    """How one argument is written in a tagged call: `before KEY after value end`."""

    before: str
    after: str
    end: str
    after_other: str = ""
    """What stands in place of `after` before a value that is no string; empty: the same."""


@dataclass(frozen=True)
class Format:
    """The marks around calls."""

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
    style: Style = "object"
    marks: str = ""
    """What stands before the arguments, with slots; empty: an object's name and `arguments`."""
    tail: str = "}"
    """What stands right after the arguments."""
    pair: Pair | None = None
    """Of a tagged call."""
    learnt: bool = False
    """Whether the marks were read off a template."""
    single: bool = False
    """Whether a turn holds one call at most."""

    def head(self, name: str, id: str = "", index: int = 0) -> str:
        """What stands before the arguments of a call."""
        if not self.marks:
            return f'{{"name": {json_text(name)}, "{self.arguments}": '
        written = json_text(name)[1:-1] if self.style == "object" else name
        return fill(self.marks, name=written, id=id, index=index)

    def write(self, calls: Sequence[ToolCall]) -> str:
        """The calls as the model would have written them; malformed ones as they were."""
        if not calls:
            return ""
        written = (
            self.open + self._call(call, index) + self.close
            if call.name
            else f"{self.open}{call.arguments}{self.close}"
            for index, call in enumerate(calls)
        )
        return self.start + self.between.join(written) + self.finish

    def _call(self, call: ToolCall, index: int) -> str:
        inside = write_arguments(self, call.arguments)
        tail = fill(self.tail, name=call.name, id=call.id, index=index)
        return self.head(call.name, call.id, index) + inside + tail

    @property
    def texts(self) -> tuple[str, ...]:
        """All marks: whatever of a reply must be seen to read its calls."""
        pair = (self.pair.before, self.pair.after, self.pair.end) if self.pair else ()
        own = (self.trigger, self.start, self.open, self.close, self.between, self.finish)
        return tuple(filter(None, (*own, self.marks, self.tail, *pair, *_MORE.get(self.style, ()))))


_MORE: Mapping[str, tuple[str, ...]] = {
    "gemma": (QUOTE,),
    "harmony": ("<|start|><|channel|><|message|><|end|><|constrain|>",),
}

_JSON_STYLES = ("object", "named", "harmony", "recipient")

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
GRANITE = Format(
    name="granite",
    trigger="<|tool_call|>",
    start="<|tool_call|>[",
    between=", ",
    finish="]",
    learnt=True,
)
PYTHONIC = Format(
    name="lfm2",
    trigger="<|tool_call_start|>",
    start="<|tool_call_start|>[",
    between=", ",
    finish="]<|tool_call_end|>",
    style="python",
    marks=f"{NAME}(",
    tail=")",
    learnt=True,
)
HARMONY = Format(
    name="harmony",
    trigger=" to=functions.",
    start="<|channel|>commentary",
    open=" to=functions.",
    style="harmony",
    marks=f"{NAME} <|constrain|>json<|message|>",
    tail="",
    learnt=True,
    single=True,
)


RECIPIENT = Format(
    name="functionary-v3.2",
    trigger=">>>",
    style="recipient",
    marks=f"{NAME}\n",
    tail="",
    between=">>>",
    learnt=True,
)


def detect(template: str) -> Format | None:
    """The format a template's words tell of, where it writes no calls itself; None for none."""
    if "<|tool_call|>" in template:
        return GRANITE
    if "<|tool_list_start|>" in template or "List of tools: [" in template:
        return PYTHONIC
    if "[TOOL_CALLS]" in template:
        return MISTRAL
    if "<tool_call>" in template:
        return HERMES
    if "<|python_tag|>" in template or '"parameters": ' in template:
        return LLAMA3
    return None


def fill(marks: str, *, name: str = "", id: str = "", index: int = 0, key: str = "") -> str:
    """The marks with their slots filled in."""
    for slot, text in ((NAME, name), (ID, id or "call00001"), (INDEX, str(index)), (KEY, key)):
        marks = marks.replace(slot, text)
    return marks


def split_slots(marks: str) -> list[str]:
    """The marks cut at their slots; slots stand by themselves."""
    return [piece for piece in re.split(f"([{''.join(SLOTS)}])", marks) if piece]


def write_arguments(format: Format, arguments: str) -> str:
    """Arguments, given as JSON text, in the format's way of writing them."""
    if format.style in _JSON_STYLES:
        return arguments
    try:
        values = json.loads(arguments)
    except ValueError:
        return arguments
    if not isinstance(values, dict):
        return arguments
    pairs = cast(dict[str, Any], values)
    match format.style:
        case "python":
            return ", ".join(f"{key}={_python(value)}" for key, value in pairs.items())
        case "gemma":
            return gemma_text(pairs)[1:-1]
        case _:
            return "".join(_tagged(format.pair, key, value) for key, value in pairs.items())


def _tagged(pair: Pair | None, key: str, value: Any) -> str:
    if pair is None:
        return ""
    after = pair.after if isinstance(value, str) else pair.after_other or pair.after
    text = value if isinstance(value, str) else json_text(value)
    return pair.before + key + after + text + fill(pair.end, key=key)


def _python(value: Any) -> str:
    named = {True: "True", False: "False", None: "None"}
    return named[value] if value is None or isinstance(value, bool) else json_text(value)


def gemma_text(value: Any) -> str:
    """JSON as gemma writes it: bare keys, and marks in place of quotation marks."""
    if isinstance(value, str):
        return QUOTE + value + QUOTE
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        return "{" + ",".join(f"{key}:{gemma_text(inner)}" for key, inner in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(gemma_text, cast(list[Any], value))) + "]"
    return json_text(value)
