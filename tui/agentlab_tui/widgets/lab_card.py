"""What a lab is about, beside the roadmap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from agentlab.display import one_line, safe
from agentlab_tui.catalog import LabEntry
from agentlab_tui.widgets.marks import MARKS

if TYPE_CHECKING:
    from agentlab_tui.lab_progress import LabProgress
    from agentlab_tui.standing import Standing

_KINDS = {"read": "read", "quiz": "quiz", "agent": "agent", "code": "program", "fork": "mend a run"}


def lab_card(entry: LabEntry, progress: LabProgress, standings: Mapping[str, Standing]) -> Content:
    """The card of a lab, or what is wrong with it."""
    if entry.lab is None:
        return Content.assemble(
            (f"{entry.id}\n", "bold"),
            ("this lab can't be opened\n\n", "$error"),
            safe(entry.problem),
        )
    lab, standing = entry.lab, standings[entry.id]
    begun = progress.passed or progress.seen or progress.last
    lines = [
        Content.styled(one_line(lab.title), "bold $primary"),
        Content.styled(f"{entry.id}  ·  {lab.minutes} min", "$quiet"),
        Content(""),
        _button(standing, begun=bool(begun)),
    ]
    if lab.teaches:
        lines += [Content(""), Content.styled("What it teaches", "bold")]
        lines += [Content.assemble(("· ", "$accent"), safe(t)) for t in lab.teaches]
    lines += [Content(""), Content.styled("Steps", "bold")]
    for step in lab.steps:
        sign, style = MARKS[progress.mark(step.id)]
        kind = (f"  {_KINDS[step.kind]}", "$quiet")
        lines.append(Content.assemble((f"{sign} ", style), one_line(step.title), kind))
    lines += _others("Builds on", lab.prerequisites, standings)
    lines += _others("Leads to", standing.unlocks, standings)
    lines += [Content(""), Content.assemble(("Model  ", "bold"), one_line(lab.backend))]
    return Content("\n").join(lines)


def _button(standing: Standing, *, begun: bool) -> Content:
    if standing.mark == "passed":
        words, note = "to look again", "passed"
    elif begun:
        words, note = "to go on", f"{standing.done} of {standing.of} steps passed"
    else:
        words, note = "to begin", ""
    if standing.waits_for and not begun:
        note = "better after what it builds on"
    below = note and f"\n{note}"  # beside it, a narrow card would break it in two
    return Content.assemble((" Enter ", "bold reverse $accent"), f" {words}", (below, "$quiet"))


def _others(
    head: str, ids: tuple[str, ...] | list[str], standings: Mapping[str, Standing]
) -> list[Content]:
    if not ids:
        return []
    rows = [Content(""), Content.styled(head, "bold")]
    for id in ids:
        standing = standings.get(id)
        sign, style = MARKS[standing.mark] if standing else ("·", "$quiet")
        missing = ("", "") if standing else ("  not installed", "$quiet")
        rows.append(Content.assemble((f"{sign} ", style), one_line(id), missing))
    return rows
