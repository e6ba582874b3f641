"""What a lab is about, beside the roadmap."""

from __future__ import annotations

from textual.content import Content

from agentlab.display import one_line, safe
from agentlab_tui.catalog import LabEntry
from agentlab_tui.progress import LabProgress
from agentlab_tui.widgets.step_bar import MARKS

_KINDS = {"read": "read", "quiz": "quiz", "agent": "agent", "code": "program"}


def lab_card(entry: LabEntry, progress: LabProgress) -> Content:
    """The card of a lab, or what is wrong with it."""
    if entry.lab is None:
        return Content.assemble(
            (f"{entry.id}\n", "bold"),
            ("this lab can't be opened\n\n", "$error"),
            safe(entry.problem),
        )
    scenario = entry.lab.scenario
    begun = progress.passed or progress.seen or progress.last
    lines = [
        Content.styled(one_line(scenario.title), "bold $primary"),
        Content.styled(f"{entry.id}  ·  {scenario.minutes} min", "$quiet"),
    ]
    if scenario.teaches:
        lines += [Content(""), Content.styled("Afterwards you can", "bold")]
        lines += [Content.assemble(("· ", "$accent"), safe(t)) for t in scenario.teaches]
    lines += [Content(""), Content.styled("Steps", "bold")]
    for step in scenario.steps:
        sign, style = MARKS[progress.mark(step.id)]
        kind = (f"  {_KINDS[step.kind]}", "$quiet")
        lines.append(Content.assemble((f"{sign} ", style), one_line(step.title), kind))
    if scenario.prerequisites:
        before = ", ".join(scenario.prerequisites)
        lines += [Content(""), Content.assemble(("First  ", "bold"), safe(before))]
    lines += [Content(""), Content.assemble(("Model  ", "bold"), one_line(scenario.backend))]
    word = "go on" if begun else "begin"
    lines += [Content(""), Content.assemble(("Enter", "bold $accent"), f" to {word}")]
    return Content("\n").join(lines)
