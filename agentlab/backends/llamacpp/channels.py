"""Reading replies that come in messages with an address: gpt-oss's harmony, functionary's `>>>`.

    <|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant<|channel|>commentary
      to=functions.add <|constrain|>json<|message|>{"x": 1}
    <|channel|>final<|message|>It is 42.

    add\\n{"x": 1}        all\\nIt is 42.       (the prompt ends in >>>)

The address says what a message is: thoughts, text, or a call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentlab.backend import Delta, ToolSpec
from agentlab.backends.llamacpp.calls import overhang
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.native import JsonReader
from agentlab.backends.llamacpp.parser import THINK, Parser

_TO = re.compile(r"to=(functions\.)?([\w.-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_BEGINS = ("<|channel|>", "<|start|>", "<|end|>", "<|message|>", "assistant", "commentary", "to=")
_HARMONY = ("<|end|>", "<|start|>", "<|channel|>")
_NEXT = ">>>"


class ChannelParser(Parser):
    """A `Parser` for messages with an address; see there for the arguments.

    Args:
        format: in one of these styles.
        calls: whether calls are read; else they are text.
    """

    def __init__(
        self,
        format: Format,
        *,
        calls: bool = True,
        stop: Sequence[str] = (),
        first_id: int = 1,
        tools: Sequence[ToolSpec] = (),
        once: bool = False,
    ) -> None:
        super().__init__(None, stop=stop, first_id=first_id, once=once)
        self._harmony = format.style == "harmony"
        self._ends = _HARMONY if self._harmony else (_NEXT,)
        self._marks = (*self._marks, *self._ends)
        self._firsts = frozenset(mark[0] for mark in self._marks)
        self._state = "header"
        self._may_call = calls
        self._names = frozenset(tool.name for tool in tools)

    def _take(self, char: str) -> None:
        match self._state:
            case "header":
                self._header(char)
            case "think":
                self._thinking(char)
            case _:
                super()._take(char)

    def _header(self, char: str) -> None:
        self._held += char
        head = self._held
        if self._harmony:
            begun = head.lstrip()
            if head.endswith("<|message|>"):
                self._held = ""
                to, channel = _TO.search(head), _CHANNEL.search(head)
                if to is not None and self._may_call and (to[1] or to[2] in self._names):
                    self._address(to[2])
                elif channel is not None and channel[1] == "analysis":
                    self._state = "think"
                else:
                    self._state = "text"
            elif begun and not any(m.startswith(begun) or begun.startswith(m) for m in _BEGINS):
                self._again(head, "text")
        elif char == "\n":
            name = head.strip()
            if name == "all":
                self._held, self._state = "", "text"
            elif name in self._names and self._may_call:
                self._held = ""
                self._address(name)
            else:
                self._again(head, "text")
        elif not any(n.startswith(head.strip()) for n in ("all", *self._names)):
            self._again(head, "text")

    def _address(self, name: str) -> None:
        self._call = JsonReader(f"call_{self._next_id}", name)
        self._next_id += 1
        self._in_section += 1
        self._state = "call"

    def _finish_call(self) -> None:
        super()._finish_call()
        self._held, self._state = "", "header" if self._harmony else "text"

    def _reached(self, mark: str) -> None:
        if mark not in self._ends:
            super()._reached(mark)
            return
        self._close_text()
        self._held, self._state = mark if self._harmony else "", "header"

    def _thinking(self, char: str) -> None:
        self._held += char
        end = next((mark for mark in self._ends if self._held.endswith(mark)), None)
        if end is not None:
            self._think_aloud(self._held[: -len(end)])
            self._close_thought()
            self._held, self._state = end, "header"
            return
        cut = len(self._held) - max(overhang(self._held, mark) for mark in self._ends)
        self._think_aloud(self._held[:cut])
        self._held = self._held[cut:]

    def finish(self) -> list[Delta]:
        """See `Parser.finish`."""
        if self._state == "header":
            # marks and addresses are no text; words before any address are
            if self._harmony and self._held.lstrip().startswith(_BEGINS):
                self._held = ""
            self._state = "text"
        return super().finish()


def parser_for(
    format: Format,
    *,
    calls: bool,
    stop: Sequence[str] = (),
    first_id: int = 1,
    thinking: bool | None = None,
    thoughts: tuple[str, str] = THINK,
    tools: Sequence[ToolSpec] = (),
    once: bool = False,
) -> Parser:
    """The parser for replies in a format; see `Parser` for the arguments."""
    if format.style in ("harmony", "recipient"):
        return ChannelParser(
            format, calls=calls, stop=stop, first_id=first_id, tools=tools, once=once
        )
    return Parser(
        format if calls else None,
        stop=stop,
        first_id=first_id,
        thinking=thinking,
        thoughts=thoughts,
        tools=tools,
        once=once,
    )
