"""The timeline of the page: a bar for each reply and call, to scale, that links to its turn."""

from __future__ import annotations

from agentlab.display import one_line
from agentlab.export.html_tags import Html, tag
from agentlab.export.reading import CallRead, Reading, ReplyRead, duration

FEW = 40
"""Bars shown at once; more are folded away."""


def lanes(read: Reading) -> Html:
    """All bars."""
    rows: list[Html] = []
    for reply in read.replies:
        rows.append(_reply(reply, read.length))
        rows += [_call(reply, call, read.length) for call in reply.calls]
    if not rows:
        return tag("p", "The model never replied.", class_="foot")
    if len(rows) <= FEW:
        return tag("ol", rows, class_="lanes")
    more = tag("summary", tag("span", f"{len(rows) - FEW:,} more", class_="grow"))
    rest = tag("details", [more, tag("ol", rows[FEW:], class_="lanes")])
    return tag("div", [tag("ol", rows[:FEW], class_="lanes"), rest], class_="body")


def _reply(reply: ReplyRead, length: float) -> Html:
    took = reply.replied - reply.asked
    return _row(f"reply {reply.number}", reply.number, (reply.asked, took), length, "model")


def _call(reply: ReplyRead, call: CallRead, length: float) -> Html:
    begun = reply.replied if call.begun is None else call.begun
    took = max((call.done or begun) - begun, 0.0)
    kind = "bad" if call.failed else "tool"
    return _row(one_line(call.call.name, 40), reply.number, (begun, took), length, kind)


def _row(what: str, number: int, span: tuple[float, float], length: float, kind: str) -> Html:
    begun, took = span
    scale = 1000 / length if length > 0 else 0.0
    width = max(took * scale, 4.0)
    bar = tag(
        "svg",
        [
            tag("rect", x="0", y="4", width="1000", height="3", rx="1.5", class_="rail"),
            tag(
                "rect",
                x=f"{min(begun * scale, 1000 - width):.1f}",
                y="0",
                width=f"{width:.1f}",
                height="11",
                class_=f"fill-{kind}",
            ),
        ],
        viewBox="0 0 1000 11",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    classes = "is-tool is-bad" if kind == "bad" else f"is-{kind}"
    label = [tag("span", what, class_="what"), bar, tag("span", duration(took), class_="took")]
    return tag("li", tag("a", label, href=f"#reply-{number}"), class_=classes)
