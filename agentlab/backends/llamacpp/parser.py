"""From what a model writes to what it means, as it writes it.

    parser = Parser(HERMES)
    parser.feed(b"Let me see. <tool_")      [TextDelta(text="Let me see. ")]
    parser.feed(b'call>{"name": "add", ')   []
    parser.feed(b'"arguments": {"x"')       [ToolCallDelta(id="call_1", name="add", …)]
    parser.finish()                         what was held back; then `parser.message`

Promise: however the bytes are split, the joined deltas and the message are the same. Text that is
only white space is dropped; all other text is kept as written. A call that is cut off or malformed
is kept: its arguments are then the raw text, and its name is empty where none could be read. Bytes
that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from agentlab.backend import Delta, ReasoningDelta, TextDelta, ToolCallDelta, ToolSpec
from agentlab.backends.llamacpp.calls import CallReader, overhang
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.inside import bare
from agentlab.backends.llamacpp.kinds import Kinds
from agentlab.backends.llamacpp.native import JsonReader, NativeReader
from agentlab.messages import Message, Part, Reasoning, Text, ToolCall

THINK = ("<think>", "</think>")
"""What most models write thoughts between."""
PYTHON_TAG = "<|python_tag|>"

_State: TypeAlias = Literal["start", "text", "think", "before", "call", "after", "header"]


class Parser:
    """Reads one reply.

    Args:
        format: how calls are written; None where the reply is text only.
        stop: texts that end the reply when they appear outside calls; they are not part of it.
        first_id: the number of the first call, as in `call_7`.
        thinking: None where the model does not think aloud; else whether it already does.
        thoughts: what its thoughts stand between.
        tools: what may be called; some formats need them to tell a text from a number.
        once: leave out a call that was made before in this reply, and all that comes after it.
    """

    def __init__(
        self,
        format: Format | None,
        *,
        stop: Sequence[str] = (),
        first_id: int = 1,
        thinking: bool | None = None,
        thoughts: tuple[str, str] = THINK,
        tools: Sequence[ToolSpec] = (),
        once: bool = False,
    ) -> None:
        self._once = once
        self._argued = self._unsaid = ""
        self._think_mark, self._thought_mark = thoughts
        self._format = format
        self._kinds = Kinds(tools)
        self._learnt = format is not None and format.learnt
        self._close = format.close.strip() if format else ""
        self._stop = frozenset(text for text in stop if text)
        marks = [*self._stop]
        if format is not None and not format.at_start:
            marks.append(format.trigger)
        if thinking is not None:
            marks.append(self._think_mark)
        self._marks = tuple(marks)
        self._firsts = frozenset(mark[0] for mark in marks)
        self._next_id = first_id
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = format is not None and format.at_start
        self._state: _State = "think" if thinking else "start" if self._at_start else "text"
        self._held = ""
        self._blank = ""
        self._said: list[str] = []
        self._thought: list[str] = []
        self._parts: list[Part] = []
        self._call: CallReader | NativeReader | JsonReader | None = None
        self._in_section = 0
        self._deltas: list[Delta] = []
        self._run: list[str] = []
        self._run_of: Callable[[str], Delta] | None = None
        self.stopped = False
        """Whether a stop text was reached; what is fed after that is ignored."""
        self.said_again = False
        """Whether a call came that was made before; what is fed after that is ignored."""

    @property
    def in_call(self) -> bool:
        """Whether a call has been opened and is not finished yet."""
        return self._state in ("before", "call")

    @property
    def message(self) -> Message:
        """What has been read; whole only after `finish`."""
        return Message(role="assistant", parts=tuple(self._parts))

    def feed(self, data: bytes) -> list[Delta]:
        """What these bytes add."""
        return self._read(self._decoder.decode(data))

    def finish(self) -> list[Delta]:
        """What was held back in case more came; call it once, at the end."""
        deltas = self._read(self._decoder.decode(b"", final=True))
        held, self._held = self._held, ""
        if self._state == "think":
            self._think_aloud(held)
        elif self._state == "call" or (self._state == "before" and not self._in_section):
            if self._call is None:
                self._call = self._reader(plain=True)
                for char in held if self._learnt else "":
                    self._call.take(char)
            self._finish_call()
        elif self._state == "after" and bare(self._close).startswith(bare(held)):
            pass  # cut off within the closing mark
        elif self._state != "before" and not self.stopped:
            self._say(held)
        self._close_thought()
        self._close_text()
        return deltas + self._drained()

    def _read(self, text: str) -> list[Delta]:
        for char in text:
            if self.stopped or self.said_again:
                break
            self._take(char)
        if self._call is not None and self._call.name is not None:
            self._argue(self._call)
        return self._drained()

    def _take(self, char: str) -> None:
        match self._state:
            case "text":
                self._text(char)
            case "call":
                self._calling(char)
            case "before":
                self._before(char)
            case "after":
                self._after(char)
            case "think":
                self._think(char)
            case "start":
                self._start(char)
            case "header":
                pass  # of parsers for replies with addresses

    def _again(self, text: str, state: _State) -> None:
        """Read `text`, which was held back, in another state."""
        self._held, self._state = "", state
        for char in text:
            if not (self.stopped or self.said_again):
                self._take(char)

    # what is outside calls

    def _start(self, char: str) -> None:
        self._held += char
        text = self._held.lstrip()
        if text == PYTHON_TAG:
            self._held = ""
        elif self._format is not None and text == self._format.trigger:
            self._held, self._state, self._in_section = "", "before", 0
            self._before(text)
        elif text and not PYTHON_TAG.startswith(text):
            self._again(self._held, "text")

    def _text(self, char: str) -> None:
        if not self._held and char not in self._firsts:
            self._say(char)
            return
        self._held += char
        for mark in self._marks:
            if self._held.endswith(mark):
                self._say(self._held[: -len(mark)])
                self._held = ""
                self._reached(mark)
                return
        keep = max(overhang(self._held, mark) for mark in self._marks)
        cut = len(self._held) - keep
        self._say(self._held[:cut])
        self._held = self._held[cut:]

    def _reached(self, mark: str) -> None:
        if mark in self._stop:
            self.stopped = True
        elif mark == self._think_mark:
            self._close_text()
            self._state = "think"
        else:
            self._close_text()
            self._state, self._in_section = "before", 0

    def _think(self, char: str) -> None:
        self._held += char
        if self._held.endswith(self._thought_mark):
            self._think_aloud(self._held[: -len(self._thought_mark)])
            self._held = ""
            self._close_thought()
            self._state = "start" if self._at_start else "text"
            return
        cut = len(self._held) - overhang(self._held, self._thought_mark)
        self._think_aloud(self._held[:cut])
        self._held = self._held[cut:]

    # calls

    def _reader(self, *, plain: bool) -> CallReader | NativeReader:
        id, format = f"call_{self._next_id}", self._format
        if format is not None and format.learnt and format.style != "object":
            reader: CallReader | NativeReader = NativeReader(id, format, self._kinds)
        else:
            finish = bare(format.finish) if format is not None and format.learnt else ""
            close = self._close or (finish if len(finish) > 1 else "")
            reader = CallReader(id, close, plain=plain)
        self._next_id += 1
        self._in_section += 1
        return reader

    def _before(self, char: str) -> None:
        if self._learnt:
            self._opening(char)
            return
        listed = self._format is not None and bool(self._format.finish)
        if char.isspace() or (listed and char in "[,"):
            return
        if listed and char == "]":
            self._state = "text"
            return
        self._call = self._reader(plain=char != "{")
        self._state = "call"
        self._calling(char)

    def _opening(self, char: str) -> None:
        """Between the trigger, or the end of a call, and the next call: marks, known beforehand."""
        format = self._format
        assert format is not None
        if format.style == "object" and char.isspace():
            return
        first = not self._in_section
        lead = format.start if first else format.between
        opening = bare(lead + format.open)
        if first:
            opening = opening.removeprefix(bare(format.trigger))
        finish = bare(format.finish)
        if opening and bare(self._held) == opening:
            self._begin(char, plain=char != "{")
            return
        self._held += char
        text = bare(self._held)
        if not text:
            return
        if finish and text == finish and not finish.startswith(opening or "\0"):
            self._held, self._state = "", "text"
        elif opening.startswith(text):
            if text == opening and format.style != "object":
                # a name may follow at once
                self._held, self._state = "", "call"
                self._call = self._reader(plain=False)
        elif finish.startswith(text):
            if text == finish:
                self._held, self._state = "", "text"
        elif first or (not opening and not format.at_start and self._goes_on(text)):
            held, self._held = self._held, ""
            self._begin(held, plain=not held.lstrip().startswith("{"))
        else:
            self._again(self._held, "text")

    def _goes_on(self, seen: str) -> bool:
        """Whether a further call begins where nothing stands between two."""
        return self._format is not None and self._format.style == "object" and seen[0] == "{"

    def _begin(self, text: str, *, plain: bool) -> None:
        self._held, self._state = "", "call"
        self._call = self._reader(plain=plain)
        for char in text:
            if self._state == "call":
                self._calling(char)
            else:
                self._take(char)

    def _calling(self, char: str) -> None:
        call = self._call
        if call is None:
            return
        call.take(char)
        if call.done:
            self._finish_call()

    def _finish_call(self) -> None:
        call, self._call = self._call, None
        if call is None:
            return
        if self._at_start and not call.is_call:
            # a JSON answer, not a call
            self._next_id -= 1
            self._state = "text"
            self._say(call.raw)
            return
        result = call.result()
        if self._once and call.done and self._made(result.name, result.arguments, whole=True):
            self.said_again = True
            self._state, self._argued, self._unsaid = "text", "", ""
            return
        if call.name is not None:
            self._argue(call, ended=True)
        else:
            self._emit(lambda text: ToolCallDelta(id=result.id, name=result.name, arguments=text))
            self._run.append(result.arguments)
        self._flush()
        self._parts.append(result)
        self._state = "after"
        if call.closed or (self._learnt and not self._close):
            self._state = "before" if self._learnt else "text"

    def _argue(self, call: CallReader | NativeReader | JsonReader, *, ended: bool = False) -> None:
        name = call.name or ""
        fresh = call.fresh()
        self._argued += fresh
        self._unsaid += fresh
        if self._once and not ended and self._made(name, self._argued):
            return  # it may yet turn out to be the same call again
        if self._unsaid:
            self._emit(lambda text: ToolCallDelta(id=call.id, name=name, arguments=text))
            self._run.append(self._unsaid)
            self._flush()
        self._unsaid = ""
        if ended:
            self._argued = ""

    def _made(self, name: str, arguments: str, *, whole: bool = False) -> bool:
        """Whether a call of this reply has these arguments, or begins with them."""
        before = (p for p in self._parts if isinstance(p, ToolCall) and p.name == name)
        if whole:
            return any(call.arguments == arguments for call in before)
        return any(call.arguments.startswith(arguments) for call in before)

    def _after(self, char: str) -> None:
        """Between the end of a call's object and what closes or continues the section."""
        self._held += char
        text = self._held.strip()
        if not text:
            return
        if self._learnt:
            if bare(text) == bare(self._close):
                self._held, self._state = "", "before"
            elif not bare(self._close).startswith(bare(text)):
                self._held, self._state = "", "before"
                for character in text:
                    self._take(character)
            return
        if self._close:
            if text == self._close:
                self._held, self._state = "", "text"
            elif not self._close.startswith(text):
                self._again(self._held, "text")
        elif char in ",;" or (char == "{" and not (self._format and self._format.finish)):
            self._held, self._state = "", "before"
            if char == "{":
                self._before(char)
        elif char == "]":
            self._held, self._state = "", "text"
        else:
            self._again(self._held, "text")

    # what is given out

    def _say(self, text: str) -> None:
        if not text:
            return
        if not self._said:
            # white space is held back until it is known to belong to text
            self._blank += text
            if self._blank.isspace():
                return
            text, self._blank = self._blank, ""
        self._said.append(text)
        self._emit(_text_delta)
        self._run.append(text)

    def _think_aloud(self, text: str) -> None:
        if text:
            self._thought.append(text)
            self._emit(_reasoning_delta)
            self._run.append(text)

    def _close_text(self) -> None:
        if self._said:
            self._parts.append(Text(text="".join(self._said)))
        self._said, self._blank = [], ""

    def _close_thought(self) -> None:
        if self._thought:
            self._parts.append(Reasoning(text="".join(self._thought)))
        self._thought = []

    def _emit(self, of: Callable[[str], Delta]) -> None:
        if of is not self._run_of:
            self._flush()
            self._run_of = of

    def _flush(self) -> None:
        if self._run and self._run_of is not None:
            self._deltas.append(self._run_of("".join(self._run)))
        self._run, self._run_of = [], None

    def _drained(self) -> list[Delta]:
        self._flush()
        deltas, self._deltas = self._deltas, []
        return deltas


def _text_delta(text: str) -> Delta:
    return TextDelta(text=text)


def _reasoning_delta(text: str) -> Delta:
    return ReasoningDelta(text=text)
