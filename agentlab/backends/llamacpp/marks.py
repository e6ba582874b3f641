"""Reading off the marks between which a template writes calls.

Two calls in a turn are compared with one to tell the section from the calls, and two arguments to
tell the call from its pairs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from agentlab.backends.llamacpp.formats import (
    HERMES,
    ID,
    INDEX,
    KEY,
    LLAMA3,
    MISTRAL,
    NAME,
    QUOTE,
    RECIPIENT,
    Format,
    Pair,
    Style,
)

FIRST, SECOND = "qz_first", "qz_second"
TEXT, COUNT, WORD = "kz_text", "kz_count", "vz word"
SAID = "sz said"
"""Words that occur nowhere else: names of tools and of arguments, an argument, and a text."""

_MARK = re.compile(r"<[^<>\[\]]+>|\[[^\[\]<>]+\]")
_TURN_END = re.compile(
    r"<[|｜][^<>]*(?:eos|end▁of▁sentence|(?:START|END)_OF_TURN_TOKEN|eom\|)[^<>]*>"
)
"""What ends a turn wherever it stands; some templates go on with instructions."""


class Marks:
    """Reads marks off what was written.

    Args:
        asked: the conversation before the turn.
        told: the same, up to where the model begins.
        spoken: the conversation with a turn of text.
        ends: what turns may end in.
    """

    def __init__(self, asked: str, told: str, spoken: str | None, ends: Sequence[str]) -> None:
        self._asked, self._told, self._ends = asked, told, ends
        self._blank, self._end = "", ""
        if spoken is not None and SAID in spoken:
            before, _, after = self.turn(spoken).partition(SAID)
            self._blank, self._end = before, after

    def read(self, one: str, two: str | None, none: str | None) -> Format:
        """The format.

        Raises:
            ValueError: it can't be read off; says why.
        """
        turn = self._body(one)
        before, after = _around(turn, FIRST)
        before = self._opened(before)
        style, inner, rest = _arguments(after)
        rest = self._ended(rest)
        if style == "tagged":
            return self._tagged(before, inner, rest, two, none)
        begun, between, close, finish = self._section(before, rest, two, inner, style)
        start, opened = begun
        marks, tail = NAME + re.sub(r"^:\d+", f":{INDEX}", _slotted(inner)), close
        if style == "object":
            brace = opened.rfind("{")
            if brace < 0:
                raise ValueError("its calls are no whole objects")
            opened, marks = opened[:brace], opened[brace:] + marks
            cut = close.find("}") + 1
            tail, close = close[:cut], close[cut:]
        else:
            opened, marks, tail = *_before_slot(opened, marks), ""
            if style in ("python", "gemma"):
                tail, close = close[:1], close[1:]
        return self._named(
            Format(
                name=style,
                trigger="",
                start=start,
                open=opened,
                close=close,
                between=between,
                finish=finish,
                style=style,
                marks=marks,
                tail=tail,
                learnt=True,
                single=two is None,
            )
        )

    def turn(self, text: str) -> str:
        """The model's turn, from where it would begin to write."""
        place = common(text, self._told)
        if place < len(self._told):
            # what both have in common may end inside a mark
            begun = text.rfind("<", 0, place)
            place = begun if begun > text.rfind(">", 0, place) else place
        return text[place:]

    def _body(self, text: str) -> str:
        turn = self.turn(text)
        return turn.removeprefix(self._blank) if self._blank.strip() else turn

    def _opened(self, before: str) -> str:
        """What opens a call without what closes the text before it."""
        shared = before[: common(before, self._end)]
        return before[len(_whole_start(shared)) :] if ">" in shared else before

    def _ended(self, rest: str) -> str:
        """What follows a call without what ends the turn."""
        cut = _TURN_END.search(rest)
        rest = rest[: cut.start()] if cut else rest
        if self._end.strip() and rest.endswith(self._end):
            return rest[: -len(self._end)].rstrip()
        bare = rest.rstrip()
        for text in filter(None, (self._end.strip(), *self._ends)):
            if bare.endswith(text):
                return bare[: -len(text)].rstrip()
        shared = _whole_end(_common_end(bare, self._end.rstrip()))
        return (bare[: -len(shared)] if shared.startswith("<") else bare).rstrip()

    def _section(
        self, before: str, rest: str, two: str | None, inner: str, style: Style
    ) -> tuple[tuple[str, str], str, str, str]:
        """(start, open), between, close (with the tail), finish."""
        before, rest = _slotted(before), _slotted(rest)
        if two is None:
            return ("", before), "", rest, ""
        _, after = _around(self._body(two), FIRST)
        _, again, later = _arguments(after)
        if again != inner:
            raise ValueError("its calls are not all alike")
        middle, _ = _around(later, SECOND)
        middle = _slotted(middle)
        opened = _whole_end(_common_end(before, middle))
        close = rest[: common(rest, middle)]
        if len(opened) + len(close) > len(middle):
            close = middle[: len(middle) - len(opened)]
        start, finish = before[: len(before) - len(opened)], rest[len(close) :]
        between = middle[len(close) : len(middle) - len(opened)]
        if style == "object" and "{" not in opened:
            raise ValueError("its calls are no whole objects")
        return (start, opened), between, close, finish

    def _tagged(
        self, before: str, inner: str, rest: str, two: str | None, none: str | None
    ) -> Format:
        if TEXT not in inner or WORD not in inner or COUNT not in inner:
            raise ValueError("its arguments are not written")
        opening, _, left = inner.partition(TEXT)
        after, _, left = left.partition(WORD)
        middle, _, left = left.partition(COUNT)
        other = left
        opening = opening.replace(FIRST, NAME)
        middle, rest = middle.replace(TEXT, KEY), rest.replace(COUNT, KEY)
        lead = _whole_end(_common_end(opening, middle))
        end = middle[: len(middle) - len(lead)]
        if not rest.startswith(end):
            shorter = end.rstrip()
            if not rest.startswith(shorter):
                raise ValueError("its arguments are not all alike")
            lead, end = end[len(shorter) :] + lead, shorter
        tail = rest[len(end) :]
        head = opening[: len(opening) - len(lead)] if opening.endswith(lead) else opening
        head = _slotted(head)
        start, opened, between, finish = "", _slotted(before), "", ""
        if two is not None:
            pieces = _between(self._body(two)).removeprefix(end)
            opened_again = _whole_end(_common_end(opened, pieces))
            keep = common(tail, pieces[: len(pieces) - len(opened_again)])
            keep = len(_whole_start(tail[:keep]))
            start = opened[: len(opened) - len(opened_again)]
            between = pieces[keep : len(pieces) - len(opened_again)]
            opened, tail, finish = opened_again, tail[:keep], tail[keep:]
        opened, marks = _before_slot(opened, NAME + head)
        return self._named(
            Format(
                name="tagged",
                trigger="",
                start=start,
                open=opened,
                close=tail,
                between=between,
                finish=finish,
                style="tagged",
                marks=marks,
                tail="",
                pair=Pair(lead, after, end, other if other != after else ""),
                learnt=True,
                single=two is None,
            )
        )

    def _named(self, format: Format) -> Format:
        """The format with its trigger, under the name that it is known by."""
        lead = (format.start + format.open).lstrip()
        if self._end.strip() and lead.startswith(self._end.strip()):
            raise ValueError("a call begins by ending the turn")
        object_style = format.style == "object"
        if object_style and not lead:
            if format.marks.startswith('{"name": "') and '"parameters"' in format.marks:
                return replace(LLAMA3, single=format.single)
            raise ValueError("its calls have no mark")
        if not lead and self._blank.strip() == "all" and format.marks == f"{NAME}\n":
            return RECIPIENT
        mark = _MARK.search(lead)
        trigger = lead[: mark.end()] if mark else lead.rstrip()
        while mark and trigger in self._blank + self._end:
            # a mark that opens other things as well: the next one tells which
            mark = _MARK.search(lead, mark.end())
            trigger = lead[: mark.end()] if mark else lead.rstrip()
        if not re.search(r"[<\[|`]", trigger):
            raise ValueError("its calls have no mark")
        # white space before the first mark is text that nobody misses
        if format.start.strip():
            format = replace(format, start=format.start.lstrip())
        else:
            format = replace(
                format,
                start="",
                open=format.open.lstrip(),
                between=format.between
                + format.open[: len(format.open) - len(format.open.lstrip())],
            )
        format = replace(format, trigger=trigger, name=_family(format, trigger))
        for candidate in (HERMES, MISTRAL):
            if _same(format, candidate):
                return candidate
        return format


def _same(format: Format, known: Format) -> bool:
    """Whether the marks are those of a fixed format, but for white space and ids after a call."""
    if format.style != "object" or format.trigger != known.trigger:
        return False
    head = format.marks.split(NAME)[0].replace(" ", "")
    if head != '{"name":"' or '"arguments"' not in format.marks:
        return False
    return (format.start.split(), format.close.split(), format.finish.split()) == (
        known.start.split(),
        known.close.split(),
        known.finish.split(),
    )


_FAMILIES: Sequence[tuple[str, str]] = (
    ("<function=", "qwen3-coder"),
    ("<arg_key", "glm"),
    ("minimax", "minimax"),
    ("DSML", "deepseek-dsml"),
    ("tool▁call", "deepseek"),
    ("tool_call_begin", "kimi"),
    ("tool_call:begin", "solar"),
    ("START_ACTION", "command-r"),
    ("[ARGS]", "mistral-args"),
    ("<|tool_call>call:", "gemma"),
    ("TOOLCALL", "nemotron"),
    ("functools", "firefunction"),
)


def _family(format: Format, trigger: str) -> str:
    text = "".join((trigger, *format.texts))
    family = next((name for sign, name in _FAMILIES if sign in text), None)
    if family == "qwen3-coder" and format.style != "tagged":
        return "functionary"
    return family or f"{format.style} {trigger}"


def _around(text: str, name: str) -> tuple[str, str]:
    before, matched, after = text.partition(name)
    if not matched:
        raise ValueError("a call's name is not written")
    return before, after


def _arguments(after: str) -> tuple[Style, str, str]:
    """The style, what stands between name and arguments, and what follows them.

    Of a tagged call the second is everything up to the last value.
    """
    bare = after.lstrip()
    if bare.startswith("("):
        parenthesis = re.match(r"\(.*?7\s*\)", after, re.DOTALL)
        if parenthesis is None:
            parenthesis = re.match(r"\(.*?\)", after, re.DOTALL)
        if parenthesis is None:
            raise ValueError("its arguments are not written")
        return "python", "(", after[parenthesis.end() - 1 :]
    if bare.startswith("{") and QUOTE in after:
        closed = re.match(r"\{.*?\}", after, re.DOTALL)
        if closed is not None:
            return "gemma", "{", after[closed.end() - 1 :]
    decoder = json.JSONDecoder()
    for place in (parenthesis.start() for parenthesis in re.finditer(r"\{", after)):
        try:
            value, end = decoder.raw_decode(after, place)
        except ValueError:
            continue
        if isinstance(value, dict) and TEXT in value:
            inner = after[:place]
            return ("object" if inner.startswith('"') else "named"), inner, after[end:]
    last = re.search(r"(?<![\w])7(?!\w)", after[after.find(COUNT) :]) if COUNT in after else None
    if last is None:
        raise ValueError("its arguments can't be read back")
    cut = after.find(COUNT)
    return "tagged", after[: cut + last.start()], after[cut + last.end() :]


def _between(text: str) -> str:
    """What stands between the last argument of the first call and the name of the second."""
    middle = text[: text.rindex(WORD)] if text.count(WORD) > 1 else text
    place = middle.rfind(SECOND)
    first = text.find(SECOND)
    if place < 0 or first < 0:
        raise ValueError("a second call is not written")
    opened = text[:first]
    count = re.search(r"(?<![\w])7(?!\w)", opened[opened.find(COUNT) :])
    if count is None:
        raise ValueError("a second call is not written")
    after = opened[opened.find(COUNT) + count.end() :]
    return _slotted(after.replace(COUNT, KEY))


def _slotted(text: str) -> str:
    """The marks with slots where ids and numbers of calls stand."""
    text = re.sub(r"call0000[12]", ID, text).replace(FIRST, NAME).replace(SECOND, NAME)
    return re.sub(r'(?<="tool_call_id": ")\d+|(?<=index=")\d+|(?<=^:)\d+', INDEX, text)


def _before_slot(opened: str, marks: str) -> tuple[str, str]:
    """Everything from the first slot on belongs to the head."""
    place = min((p for slot in (ID, INDEX, NAME) if (p := opened.find(slot)) >= 0), default=-1)
    return (opened, marks) if place < 0 else (opened[:place], opened[place:] + marks)


def _whole_end(text: str) -> str:
    """A common end without the rest of a mark that began before it."""
    while (place := text.find(">")) >= 0 and "<" not in text[:place]:
        text = text[place + 1 :]
    return text


def _whole_start(text: str) -> str:
    """A common beginning without the first half of a mark."""
    place = max(text.rfind("<"), -1)
    return text[:place] if place >= 0 and ">" not in text[place:] else text


def common(one: str, other: str) -> int:
    """How many characters both texts begin with."""
    place = 0
    while place < min(len(one), len(other)) and one[place] == other[place]:
        place += 1
    return place


def _common_end(one: str, other: str) -> str:
    size = common(one[::-1], other[::-1])
    return one[len(one) - size :]
