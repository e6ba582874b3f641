"""The page of a run: all of it there, nothing in it runs, and it needs nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest
from exported import CLOCKS, MENDED, PNG, call, ran, said, shown, trace_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import events as any_event

from agentlab.backend import Reply
from agentlab.events import (
    HandedOff,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunStarted,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.export.html import page
from agentlab.export.reading import NoteRead, reading
from agentlab.messages import (
    Artifact,
    Blob,
    Message,
    Reasoning,
    ToolCall,
    ToolResult,
    Value,
)
from agentlab.trace import Record

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</title></style></pre><iframe src=https://evil.example>",
    "<!-- --><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "]]>&lt;script&gt;&#60;script&#62;",
    "\x1b[2J\x1b]0;title\x07 \u202etxt.exe \x00",
)
TAGS = set(
    "html head meta title style body a div header main section article footer p span b small code "
    "pre h1 h2 h3 dl dt dd ul ol li details summary svg rect figure figcaption img".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name class id href src alt loading open aria-label "
    "aria-labelledby aria-hidden x y width height rx viewbox preserveaspectratio".split()
)


class Reader(HTMLParser):
    """What a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def read(html: str) -> Reader:
    """Parse a page, and hold it to what every page must be."""
    reader = Reader(html)
    for tag, attributes in reader.tags:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES
        assert re.match(r"^#[a-z0-9-]+$", attributes.get("href") or "#a")
        assert re.match(
            r"^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$",
            attributes.get("src") or "data:image/png;base64,",
        )
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = {(a["href"] or "")[1:] for _, a in reader.tags if "href" in a}
    assert links <= set(ids)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    return reader


def test_everything_that_happened_is_on_the_page(runs: Path):
    reader = read(page(ran(runs, *MENDED)))
    for words in (
        "What is 6 / 2?",
        "Divide.",
        "Let me see.",
        "First try.",
        "cannot divide by zero",
        "6 / 2 = 3",
        "m9/dividing",
        "local:smollm2",
        "✓ completed",
        "tool_error",
    ):
        assert words in reader.text
    sources = [a["src"] for tag, a in reader.tags if tag == "img"]
    assert sources == ["data:image/png;base64," + base64.b64encode(PNG).decode()]


def test_an_event_that_no_part_of_the_page_knows_stands_between_its_turns(runs: Path):
    """A new kind of event is described in one place, and shows here as well."""

    class Rated(Value):
        kind: Literal["rated"] = "rated"

    trace = trace_of([RunStarted(messages=(Message.user("?"),))], runs)
    rated = Record.model_construct(seq=1, at=3.0, event=Rated())  # pyright: ignore[reportArgumentType]
    items = reading(replace(trace, records=(*trace.records, rated))).items
    assert items[-1] == NoteRead(2.0, rated.event)


def test_calls_fold_without_a_script(runs: Path):
    reader = read(page(ran(runs, *MENDED)))
    names = [tag for tag, _ in reader.tags]
    assert names.count("details") == names.count("summary") >= 4


def test_the_policy_forbids_all_but_the_pages_own_style(runs: Path):
    html = page(ran(runs, *MENDED))
    (policy,) = [a["content"] for _, a in read(html).tags if a.get("http-equiv")]
    assert policy is not None
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "media-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert html.index("Content-Security-Policy") < html.index("<style>")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_said_cannot_become_markup(tmp_path: Path, attack: str):
    made = ToolCall(id=attack, name=attack, arguments=attack)
    artifact = Artifact(name=attack, media_type="image/png", blob=Blob.of(PNG))
    other = Artifact(name=attack, media_type=attack, blob=Blob.of(b"<svg onload=alert(1)>"))
    result = ToolResult(call_id=attack, content=attack, artifacts=(artifact, other))
    events = [
        RunStarted(messages=(Message.system(attack), Message.user(attack), shown(attack))),
        ModelReplied(reply=Reply(message=Message.assistant(Reasoning(text=attack), attack, made))),
        ToolStarted(call=made),
        ToolFinished(result=result),
        MessageAdded(message=Message.user(attack)),
        HandedOff(agent=attack, instructions=attack),
        UnknownEvent(data={"kind": attack}),
        RunFailed(error=attack, message=attack),
    ]
    trace = trace_of(events, tmp_path)
    reader = read(page(trace))
    assert {tag for tag, _ in reader.tags} <= TAGS
    assert len([tag for tag, _ in reader.tags if tag == "img"]) == 2
    if attack.isprintable():
        assert reader.text.count(attack) >= 8


def test_a_picture_that_is_a_program_is_not_shown(runs: Path):
    svg = Artifact(name="x.svg", media_type="image/svg+xml", blob=Blob.of(b"<svg/>"))
    made = call(a=1, b=1)
    events = [
        ModelReplied(reply=said(made)),
        ToolFinished(result=ToolResult(call_id=made.id, content="", artifacts=(svg,))),
    ]
    reader = read(page(trace_of(events, runs)))
    assert "x.svg" in reader.text
    assert "img" not in [tag for tag, _ in reader.tags]


@given(
    st.lists(any_event, max_size=6),
    CLOCKS,
)
def test_any_trace_makes_a_page(events: list[Any], clocks: list[float]):
    read(page(trace_of(events, Path("nowhere"), clocks)))


def test_a_missing_picture_is_said_and_the_rest_is_there(runs: Path):
    trace = ran(runs, *MENDED)
    for blob in (runs / "blobs").iterdir():
        blob.unlink()
    reader = read(page(type(trace).load(trace.path)))
    assert "can't be read" in reader.text
    assert "6 / 2 = 3" in reader.text


def test_deeply_nested_and_huge_arguments_are_shown_as_written(tmp_path: Path):
    for arguments in ("[" * 5000, '{"a":' * 3000, '{"n": ' + "9" * 5000 + "}"):
        made = ToolCall(id="1", name="t", arguments=arguments)
        reader = read(page(trace_of([ModelReplied(reply=said(made))], tmp_path)))
        assert arguments[:20] in reader.text


def test_a_page_grows_in_line_with_its_run(runs: Path):
    def size(steps: int) -> int:
        replies = [said(call(a=n, b=1)) for n in range(steps)]
        return len(page(ran(runs, *replies, said("done"))))

    ten, twenty, forty = size(10), size(20), size(40)
    assert abs((forty - twenty) - 2 * (twenty - ten)) < 0.2 * forty


def test_a_long_timeline_folds(runs: Path):
    replies = [said(call(a=n, b=1)) for n in range(30)]
    reader = read(page(ran(runs, *replies, said("done"))))
    assert "21 more" in reader.text
