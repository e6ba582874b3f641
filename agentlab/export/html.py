"""A run as one page to share: opens from disk, needs no network, and runs nothing.

The page has no script, and says so to the browser: its Content-Security-Policy forbids everything
but the style it holds (by hash), and pictures and sounds inside it. Everything that a model, a tool
or a file said is escaped, and control characters show as pictures of themselves.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from agentlab.described import OUTCOMES
from agentlab.display import one_line
from agentlab.events import ModelReplied, RunFailed, RunFinished, ToolFinished
from agentlab.export.html_lanes import lanes
from agentlab.export.html_style import STYLE
from agentlab.export.html_tags import Html, tag
from agentlab.export.html_turns import turns
from agentlab.export.reading import Reading, duration, reading
from agentlab.messages import Usage
from agentlab.trace import Trace

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page(trace: Trace) -> str:
    """The page of a run, whole."""
    header, read = trace.header, reading(trace)
    title = f"{one_line(header.agent, 60)}: {one_line(read.asked, 90)}"
    head = tag(
        "head",
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", title),
            tag("style", Html(STYLE)),
        ],
    )
    main = tag(
        "main",
        [
            tag(
                "section",
                [tag("h2", "Timeline", id="timeline"), lanes(read)],
                aria_labelledby="timeline",
            ),
            tag(
                "section",
                [tag("h2", "Conversation", id="conversation"), *turns(trace, read)],
                aria_labelledby="conversation",
            ),
        ],
    )
    body = tag(
        "body",
        [
            tag("a", "Skip to the conversation", href="#conversation", class_="skip"),
            tag("div", [_top(trace, read), main, _foot(trace)], class_="page"),
        ],
    )
    return f"<!doctype html>\n{tag('html', [head, body], lang='en').html}\n"


def _top(trace: Trace, read: Reading) -> Html:
    header = trace.header
    over = [tag("b", header.agent), tag("span", ["run ", tag("code", header.run)]), _badge(trace)]
    if header.parent:
        how = "forked from" if header.parent.call_id is None else "called by"
        over.append(tag("span", [f"{how} ", tag("code", header.parent.run)]))
    title = one_line(read.asked, 200) or one_line(header.agent, 200)
    labels = [tag("li", [f"{key} ", tag("b", value)]) for key, value in header.labels.items()]
    tools = [tag("li", ["tool ", tag("b", tool.name)]) for tool in header.tools]
    parts = [
        tag("p", over, class_="over"),
        tag("h1", title),
        tag("dl", _facts(trace, read.length), class_="facts"),
    ]
    if labels or tools:
        chips = tag("ul", [*labels, *tools], class_="chips", aria_label="labels and tools")
        parts.append(chips)
    return tag("header", parts)


def _badge(trace: Trace) -> Html:
    end = trace.events[-1] if trace.events else None
    match end:
        case RunFinished(outcome="completed"):
            return tag("span", "✓ completed", class_="badge good")
        case RunFinished(outcome=outcome):
            return tag("span", OUTCOMES[outcome], class_="badge warn")
        case RunFailed(error=error):
            return tag("span", f"✗ failed: {error}", class_="badge bad")
        case _:
            return tag("span", "broken off", class_="badge warn")


def _facts(trace: Trace, length: float) -> Iterator[Html]:
    header, events = trace.header, trace.events
    replies = [event.reply for event in events if isinstance(event, ModelReplied)]
    results = [event.result for event in events if isinstance(event, ToolFinished)]
    usage = sum((reply.usage for reply in replies), Usage())
    failed = sum(result.error is not None for result in results)
    yield _fact("Model", header.backend.name, header.backend.model)
    yield _fact("Started", *_when(header.created))
    yield _fact("Took", duration(length))
    yield _fact("Replies", f"{len(replies):,}")
    yield _fact("Tool calls", f"{len(results):,}", f"{failed:,} failed" if failed else "")
    cached = f", {usage.cached_tokens:,} cached" if usage.cached_tokens else ""
    cost = f", ${usage.cost:,.4f}" if usage.cost else ""
    spent = f"{usage.input_tokens:,} in{cached}{cost}"
    yield _fact("Tokens", f"{usage.output_tokens:,} out", spent)


def _fact(name: str, value: str, more: str = "") -> Html:
    content: Sequence[Html | str] = [value, tag("small", more)] if more else [value]
    return tag("div", [tag("dt", name), tag("dd", content)])


def _when(seconds: float) -> tuple[str, str]:
    try:
        at = datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):  # a stranger's file may say anything
        return "unknown", ""
    return at.strftime("%-d %b %Y"), at.strftime("%H:%M:%S UTC")


def _foot(trace: Trace) -> Html:
    header = trace.header
    origin = f"Made by AgentLab {one_line(header.agentlab, 40)} from the trace of run {header.run}."
    torn = f" {trace.torn:,} bytes of the file could not be read." if trace.torn else ""
    return tag("footer", tag("p", origin + torn))
