"""Reading one tool call, character by character, while it is being written.

A call is a JSON object with a name and arguments. The common order (name first) streams: arguments
are handed on as they come. Anything else waits until the object is complete.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall

_HEAD = re.compile(
    r'\{\s*"(?:tool_)?name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*'
)
_NAME = re.compile(r'"(?:tool_)?name"\s*:\s*("(?:[^"\\]|\\.)*")')


def overhang(text: str, mark: str) -> int:
    """How many characters at the end of `text` might be the beginning of `mark`."""
    for size in range(min(len(text), len(mark) - 1), 0, -1):
        if text.endswith(mark[:size]):
            return size
    return 0


class CallReader:
    """Reads the object of one call. Feed it characters until `done`.

    Args:
        id: of the call.
        close: the mark that closes a call whatever its object looks like; empty where none does.
        plain: whether what comes is no JSON object, so that only `close` can end it.
    """

    def __init__(self, id: str, close: str, *, plain: bool) -> None:
        self.id = id
        self.name: str | None = None
        """Once it is known that this is a call, and of what."""
        self.done = False
        self.closed = False
        """Whether `close` has been read too."""
        self._close = close
        self._plain = plain
        self._raw: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._last = ""
        self._outside = ""
        self._arguments = ""
        self._given = 0
        self._open = False

    def take(self, char: str) -> None:
        """Read one more character."""
        self._raw.append(char)
        ends_value = self._scan(char)
        if self._open:
            self._argument(char, ends_value)
        elif self.name is None and not char.isspace() and self._may_start(char):
            self._look_for_head(char)
        if not self._in_string and not char.isspace():
            self._last = char
        if self._close and self._outside.endswith(self._close):
            self._cut()
            self.closed = self.done = True
        elif self._depth == 0 and not self._plain:
            self.done = True

    def fresh(self) -> str:
        """Arguments that have not been handed on yet and surely are arguments."""
        sure = len(self._arguments)
        if self._open and self._close:
            sure -= min(overhang(self._outside, self._close), sure - self._given)
        if self._open:
            # white space counts only when more of the value follows
            sure = self._given + len(self._arguments[self._given : sure].rstrip())
        fresh = self._arguments[self._given : sure]
        self._given = sure
        return fresh

    def result(self) -> ToolCall:
        """The call, as far as it could be read; after this, `fresh` holds nothing back."""
        if self._open:
            self._arguments = self._arguments.rstrip()
            self._open = False
        if self.name is not None:
            return ToolCall(id=self.id, name=self.name, arguments=self._arguments)
        raw = self.raw
        try:
            whole: Any = json.loads(raw)
        except ValueError:
            whole = None
        if isinstance(whole, dict):
            fields = cast(dict[str, Any], whole)
            name = fields.get("name", fields.get("tool_name"))
            for key in ("arguments", "parameters"):
                if isinstance(name, str) and key in fields:
                    return ToolCall(id=self.id, name=name, arguments=json_text(fields[key]))
            if len(fields) == 1 and not isinstance(name, str):
                # {"add": {"x": 1}}
                ((name, arguments),) = fields.items()
                if isinstance(arguments, dict):
                    return ToolCall(id=self.id, name=name, arguments=json_text(arguments))
        named = None if self._plain else _NAME.search(raw)
        return ToolCall(id=self.id, name=_string(named[1]) if named else "", arguments=raw)

    @property
    def raw(self) -> str:
        """Everything read, as written, without the closing mark."""
        return "".join(self._raw)

    @property
    def is_call(self) -> bool:
        """Whether what has been read is a call, well-formed or not."""
        return bool(self.name or self.result().name)

    def _scan(self, char: str) -> bool:
        """Keep track of strings and brackets; True where a bracket closes."""
        if self._in_string:
            self._outside = ""
            if self._escaped:
                self._escaped = False
            elif char == "\\":
                self._escaped = True
            elif char == '"':
                self._in_string = False
            return False
        self._outside = (self._outside + char)[-len(self._close) :] if self._close else ""
        if self._plain:
            return False
        if char == '"':
            self._in_string = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            return True
        return False

    def _may_start(self, char: str) -> bool:
        """Whether this character can be the first of the arguments."""
        if self._last != ":":
            return False
        return self._depth == 2 if char in "{[" else self._depth == 1 and char not in ",:}]"

    def _look_for_head(self, char: str) -> None:
        head = _HEAD.fullmatch(self.raw[:-1])
        if head is not None:
            self.name = _string(head[1])
            self._arguments = char
            self._open = True

    def _argument(self, char: str, closing: bool) -> None:
        if closing and self._depth == 1:
            self._arguments += char
            self._open = False
        elif not self._in_string and (
            (char == "," and self._depth == 1) or (closing and self._depth == 0)
        ):
            self._open = False
            self._arguments = self._arguments.rstrip()
        else:
            self._arguments += char

    def _cut(self) -> None:
        size = len(self._close)
        if self._open:
            self._arguments = self._arguments[:-size].rstrip()
            self._open = False
        self._raw = list(self.raw[:-size].rstrip())


def _string(quoted: str) -> str:
    try:
        return cast(str, json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]
