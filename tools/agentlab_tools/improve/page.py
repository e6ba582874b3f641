"""An improvement as one page to show to a colleague: opens from disk, and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from agentlab.export.html_tags import Content, Html, joined, tag
from agentlab_tools.improve.findings import Change, Findings
from agentlab_tools.improve.goal import Goal

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6a7c; --line: #d9dee6;
  --good: #1f7a4d; --bad: #b3261e; --warn: #8a5a00; --page: #ffffff; --well: #f3f5f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ef; --soft: #93a0b4; --line: #2c3542;
  --good: #5fc48f; --bad: #ff9d95; --warn: #f0c05a; --page: #10151c; --well: #18202a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 3rem 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.1rem; margin: 2.4rem 0 .6rem; color: var(--soft); font-weight: 600; }
.lead, .foot { color: var(--soft); } .foot { font-size: .85rem; margin-top: 3rem;
  border-top: 1px solid var(--line); padding-top: 1rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .85rem; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
td.n, th.n { text-align: right; }
svg { display: block; width: 9rem; height: 1.2rem; }
svg rect.zero { fill: var(--line); } svg rect.span { fill: var(--soft); }
svg rect.mean { fill: var(--ink); }
code { font: .8rem ui-monospace, monospace; background: var(--well); padding: .1rem .3rem;
  border-radius: 4px; }
pre { background: var(--well); padding: .8rem 1rem; border-radius: 8px; white-space: pre-wrap;
  font: .8rem/1.5 ui-monospace, monospace; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_TONES = {"better": "good", "not shown": "warn", "worse": "bad", "nothing chosen": "warn"}


def page(goal: Goal, findings: Findings, where: str) -> str:
    """The whole document."""
    title = f"{findings.task}: {findings.verdict}"
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    body = [
        tag("h1", findings.claim, class_=_TONES[findings.verdict]),
        tag("p", f"{findings.task}, from {findings.backend}. {day}.", class_="lead"),
        *_tests(findings),
        *_flips(findings),
        tag("h2", "What it cost elsewhere"),
        *_elsewhere(findings),
        tag("h2", "How it came about"),
        *_rounds(goal, findings),
        _table(
            ("model", "on the questions for choosing", "trained on", "in"),
            [
                ("the first", f"{findings.began.mean:.3f}", "", ""),
                *(
                    (
                        f"{one.name}{' (chosen)' if one.name == findings.best else ''}",
                        f"{one.chosen_on.mean:.3f}",
                        f"{one.tokens:,} tokens",
                        f"{one.seconds:,.0f} s",
                    )
                    for one in findings.candidates
                ),
            ],
        ),
        tag(
            "p",
            f"Asked: {findings.usage.total_tokens:,} tokens in {findings.asking_seconds:,.0f} s. "
            f"Trained: {findings.training_seconds:,.0f} s.",
            class_="lead",
        ),
        tag("h2", "Look for yourself"),
        tag("pre", _commands(findings, where)),
        tag("p", _small_print(findings), class_="foot"),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(_STYLE)),
    ]
    return f"<!doctype html>{tag('html', [tag('head', head), tag('body', tag('main', body))]).html}"


def _tests(findings: Findings) -> list[Html]:
    changes = {"the task": findings.change} if findings.change else {}
    changes |= findings.also
    if not changes:
        return []
    rows = [
        (
            name,
            f"{change.before.mean:.3f}",
            f"{change.after.mean:.3f}",
            _interval(change),
            _drawn(change),
            f"{change.better} / {change.worse}",
            "< 0.001" if change.p < 0.001 else f"{change.p:.3f}",
        )
        for name, change in changes.items()
    ]
    heads = ("test", "before", "after", "difference, 95 %", "-1 … 1", "better / worse", "p")
    return [tag("h2", "Before and after, on the same questions"), _table(heads, rows)]


def _flips(findings: Findings) -> list[Html]:
    """Some questions on which the two differ."""
    if not findings.flips:
        return []
    rows = [
        (
            tag("span", "✔" if one.better else "✘", class_="good" if one.better else "bad"),
            one.question,
            one.before,
            one.after,
            tag("code", one.runs[1]),
        )
        for one in findings.flips
    ]
    heads = ("", "question", "before", "after", "run")
    return [tag("h2", "Some that changed"), _table(heads, rows, numbers=False)]


def _interval(change: Change) -> str:
    if change.low is None or change.high is None:
        return "all the same"
    return f"{change.low:+.3f} … {change.high:+.3f}"


def _drawn(change: Change) -> Html:
    """The interval on a scale from -1 to 1."""

    def at(value: float) -> float:
        return 100 * (min(max(value, -1.0), 1.0) + 1) / 2

    def bar(name: str, left: float, wide: float, top: int, high: int) -> Html:
        return tag(
            "rect",
            None,
            class_=name,
            x=f"{left:.1f}",
            width=f"{wide:.1f}",
            y=str(top),
            height=str(high),
        )

    parts = [bar("zero", 49.7, 0.6, 0, 16)]
    if change.low is not None and change.high is not None:
        left = at(change.low)
        parts.append(bar("span", left, max(at(change.high) - left, 0.5), 7, 2))
    parts.append(bar("mean", at(change.mean) - 1, 2, 4, 8))
    return tag("svg", parts, viewBox="0 0 100 16", preserveAspectRatio="none", aria_hidden="true")


def _elsewhere(findings: Findings) -> list[Html]:
    if findings.change is None:
        return [tag("p", "Nothing was chosen, so nothing changed.")]
    parts: list[Html] = []
    if findings.talk:
        rows = [
            (one.kind, f"{one.before:.2f}", f"{one.after:.2f}", f"{one.change:+.1%}")
            for one in findings.talk
        ]
        parts.append(_table(("plain talk", "perplexity before", "after", "change"), rows))
    costs = findings.costs
    text = "; ".join(costs) if costs else f"Nothing by more than {findings.bound:.0%}."
    return [*parts, tag("p", text, class_="bad" if costs else "good")]


def _rounds(goal: Goal, findings: Findings) -> Iterable[Html]:
    for number, one in enumerate(findings.rounds, 1):
        yield tag(
            "p",
            f"Round {number}: each of {one.questions} questions was tried {goal.tries} times a "
            f"round, from the second on at temperature {goal.temperature:g}. {one.right} of "
            f"{one.tried} tries were right, on {one.answered} questions; {one.chats} conversations "
            f"and {one.pairs} pairs of right and wrong were learnt from.",
        )


def _commands(findings: Findings, where: str) -> str:
    lines = [f"agentlab eval list --runs {where}/runs", f"agentlab traces --runs {where}/runs"]
    change, chosen = findings.change, findings.best
    if change is not None:
        names = f"{change.before.results} {change.after.results}"
        lines.append(f"agentlab eval compare {names} --runs {where}/runs")
    model = next((c.model for c in findings.candidates if c.name == chosen), None)
    return "\n".join([*lines, f"agentlab chat -b {model}"] if model else lines)


def _small_print(findings: Findings) -> str:
    return (
        "The intervals are bootstraps over questions, paired, at 95 %; p is of the exact test. The "
        "test's questions were asked of the first model and of the chosen one only; learning, "
        "choosing and testing have no question in common. “Better” is said where the whole "
        "interval of the difference is above 0, and of the rest that it is not worse by more than "
        f"{findings.bound:.0%} where the interval shows that."
    )


def _table(
    heads: tuple[str, ...], rows: Iterable[tuple[Content, ...]], *, numbers: bool = True
) -> Html:
    """The first column to the left; the others to the right, where they are numbers."""

    def line(name: str, cells: Iterable[Content]) -> Html:
        kind = "n" if numbers else None
        return tag(
            "tr", [tag(name, cell, class_=kind if n else None) for n, cell in enumerate(cells)]
        )

    head, lines = line("th", heads), [line("td", row) for row in rows]
    return tag("table", [tag("thead", head), tag("tbody", joined(lines))])
