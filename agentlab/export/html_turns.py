"""The conversation of the page: who said what, which calls were made, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic_core import from_json, to_json

from agentlab.described import STOPS, Tone, note_of
from agentlab.display import one_line
from agentlab.events import MessageAdded, RunFinished, RunStarted
from agentlab.export.html_tags import Content, Html, media, tag
from agentlab.export.reading import CallRead, NoteRead, Reading, ReplyRead, duration
from agentlab.messages import Audio, Image, Message, Reasoning, Text, ToolResult
from agentlab.trace import Trace

_SHORT = 100
_CLASSES: Mapping[Tone, str] = {"warn": "warn", "bad": "bad"}


def turns(trace: Trace, read: Reading) -> Iterator[Html]:
    """The turns, in order."""
    for item in read.items:
        if isinstance(item, ReplyRead):
            yield _reply(item)
        elif isinstance(item.event, RunStarted):
            yield from _opening(item.event.messages, trace)
        elif (note := _note(item)) is not None:
            yield note


def _opening(messages: Sequence[Message], trace: Trace) -> Iterator[Html]:
    tools = trace.header.tools
    instructions = [message for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    before, last = rest[:-1], rest[-1:]
    given: list[Html] = []
    for message in instructions:
        given.append(_folded("Instructions", f"{len(message.text):,} characters", _parts(message)))
    if tools:
        shown = [
            tag(
                "div",
                [
                    tag("h3", tool.name),
                    tag("p", tool.description, class_="said"),
                    tag("pre", to_json(tool.parameters, indent=2, inf_nan_mode="null").decode()),
                ],
            )
            for tool in tools
        ]
        given.append(_folded("Tools", ", ".join(tool.name for tool in tools), shown))
    if before:
        earlier = [tag("div", [tag("h3", message.role), *_parts(message)]) for message in before]
        given.append(_folded("Shown before", f"{len(before):,} messages", earlier))
    if given:
        yield _turn("", "given", "", given)
    for message in last:
        yield _turn("user", message.role, "", _parts(message))


def _reply(item: ReplyRead) -> Html:
    reply = item.reply
    parts: list[Html] = []
    for part in reply.message.parts:
        if isinstance(part, Reasoning) and part.text:
            thought = tag("p", part.text, class_="said thought")
            parts.append(_folded("Thought", f"{len(part.text):,} characters", [thought]))
    if reply.message.text:
        parts.append(tag("p", reply.message.text, class_="said"))
    parts += [_media(part) for part in reply.message.parts if isinstance(part, Image | Audio)]
    parts += [_call(call) for call in item.calls]
    if reply.stop in STOPS:
        parts.append(tag("p", STOPS[reply.stop], class_="note warn"))
    usage, took = reply.usage, item.replied - item.asked
    if usage.total_tokens:
        rate = f", {usage.output_tokens / took:,.0f} a second" if took > 0.01 else ""
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        spent = f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out{rate}"
        parts.append(tag("p", spent, class_="foot"))
    return _turn("model", "model", f"+{duration(item.replied)}", parts, id=f"reply-{item.number}")


def _call(read: CallRead) -> Html:
    call, result = read.call, read.result
    error = "never came back" if result is None else result.error
    took = f"{duration(read.done - read.begun)}" if read.done and read.begun else "not run"
    mark = tag("span", f"✗ {error}" if error else "✓", class_="bad" if error else "good")
    head = [
        tag("span", [tag("b", call.name), f"({_short(call.arguments)})"], class_="call"),
        mark,
        tag("span", took, class_="end"),
    ]
    inside: list[Html] = list(_arguments(call.arguments))
    if read.approval is not None:
        verdict = f"{read.approval.verdict}  {read.approval.reason}".rstrip()
        inside.append(_block("Approval", verdict))
    if result is not None:
        inside.append(_block("Error" if error else "Result", result.content, bad=bool(error)))
        inside += [media(a.name, a.media_type, a.blob) for a in result.artifacts]
    return tag("details", [tag("summary", head), tag("div", inside, class_="inside")], open=True)


def _note(item: NoteRead) -> Html | None:
    at = f"+{duration(item.at)}"

    def note(style: str, sentence: str, more: str = "") -> Html:
        words: list[Html] = [tag("p", sentence)]
        if more:
            words.append(tag("p", more, class_="said"))
        return _turn("", "", at, [tag("div", words, class_=f"note {style}")])

    match item.event:
        case MessageAdded(message=message):
            return note("warn", "The answer was asked for again:", message.text)
        case RunFinished(outcome="completed", output=output) if not isinstance(output, str):
            shown = to_json(output, indent=2, inf_nan_mode="null").decode()
            return _turn("", "output", at, [tag("pre", shown)])
        case RunStarted() | RunFinished(outcome="completed"):
            return None
        case event:
            line = note_of(event)
            return line and note(_CLASSES.get(line.tone, ""), line.text, line.more)


def _turn(kind: str, who: str, at: str, body: Sequence[Html], id: str | None = None) -> Html:
    gutter = [tag("b", who), at] if who else [at]
    content = [tag("div", gutter, class_="at"), tag("div", body, class_="body")]
    return tag("article", content, class_=f"turn {kind}".strip(), id=id)


def _parts(message: Message) -> list[Html]:
    shown: list[Html] = []
    for part in message.parts:
        match part:
            case Text(text=text):
                shown.append(tag("p", text, class_="said"))
            case Image() | Audio():
                shown.append(_media(part))
            case ToolResult(content=content, error=error):
                shown.append(tag("pre", content, class_="bad" if error else None))
            case Reasoning(text=text):
                shown.append(tag("p", text, class_="said thought"))
            case _:
                shown.append(tag("pre", f"{part.name}({_short(part.arguments)})"))
    return shown


def _media(part: Image | Audio) -> Html:
    return media("picture" if isinstance(part, Image) else "sound", part.media_type, part.blob)


def _folded(name: str, about: str, inside: Content) -> Html:
    head = [tag("span", name), tag("span", one_line(about, 80), class_="end")]
    return tag("details", [tag("summary", head), tag("div", inside, class_="inside")])


def _block(name: str, text: str, *, bad: bool = False) -> Html:
    return tag("div", [tag("h3", name), tag("pre", text, class_="bad" if bad else None)])


def _short(arguments: str) -> str:
    """All arguments on a line; cut short, it ends in an ellipsis."""
    fields = _fields(arguments)
    if fields is None:
        return one_line(arguments, _SHORT)
    return one_line(", ".join(f"{key}={_value(value)}" for key, value in fields.items()), _SHORT)


def _arguments(arguments: str) -> Iterator[Html]:
    """What the head of a call could not show whole, an argument at a time."""
    fields = _fields(arguments)
    if fields is None:
        yield _block("Arguments, as the model wrote them", arguments, bad=True)
        return
    if len(_short(arguments)) < _SHORT and "\\n" not in arguments:
        return
    for key, value in fields.items():
        yield _block(key, value if isinstance(value, str) else _value(value))


def _fields(arguments: str) -> dict[str, object] | None:
    """The arguments by name; None where they are not a JSON object."""
    try:
        given: object = from_json(arguments or "{}")
    except ValueError:
        return None
    return cast(dict[str, object], given) if isinstance(given, dict) else None


def _value(value: object) -> str:
    return to_json(value, inf_nan_mode="constants").decode()
