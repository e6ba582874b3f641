"""Evaluations in the terminal: intervals drawn to scale, and a mark for each sample."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentlab.display import counted, one_line, safe
from agentlab.evaluate.report import Report
from agentlab.evaluate.statistics import Comparison, Interval
from agentlab.terminal.intervals import NARROW, WIDTH, bounds_of, interval_bar
from agentlab.trace.results import Results

_MARKS = "·▁▂▃▄▅▆▇█"


def print_report(console: Console, results: Results, report: Report) -> None:
    """One evaluation."""
    about = results.header.about
    samples, done = len(report.samples), report.done
    console.print(Text(results.header.name, "bold"))
    backend = about.get("backend")
    model = str(backend.get("name", "")) if isinstance(backend, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    quantity = (
        f"{samples} of {counted(about.get('samples', samples), 'sample')}, {counted(done, 'run')}"
    )
    tokens = f"{counted(report.usage.total_tokens, 'token')}, {report.seconds:,.1f} s"
    cost = f", ${report.usage.cost:,.4f}" if report.usage.cost else ""
    heading = (
        f"{one_line(str(about.get('task', '')))}  {one_line(model)}  {quantity}, {tokens}{cost}"
    )
    console.print(Text(heading, "dim"), soft_wrap=True)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scorer")
    table.add_column("mean", justify="right")
    table.add_column("95 % interval")
    table.add_column(Text.assemble("0", " " * (WIDTH - 2), "1"), no_wrap=True)
    for name, interval in report.scores.items():
        table.add_row(
            Text(one_line(name, 40)),
            f"{interval.mean:.3f}",
            bounds_of(interval.low, interval.high, interval.n),
            interval_bar(interval.mean, interval.low, interval.high, 0, 1),
        )
    console.print(table)
    console.print()
    console.print(sample_strip(report.samples))
    _print_wrong(console, results, report)


def print_comparison(
    console: Console, names: tuple[str, str], differences: Mapping[str, Comparison]
) -> None:
    """Two evaluations: how much the second is better."""
    console.print(Text(f"{names[1]} less {names[0]}", "bold"))
    n = max(c.difference.n for c in differences.values())
    console.print(Text(f"{n} samples, paired", "dim"))
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scorer", overflow="fold")
    table.add_column("mean", justify="right")
    table.add_column("95 % interval", no_wrap=True)
    half = " " * (NARROW // 2 - 1)
    table.add_column(f"-{half}0{half}+", no_wrap=True)
    table.add_column("+ / -", justify="right", no_wrap=True)
    table.add_column("p", no_wrap=True)
    for name, c in differences.items():
        table.add_row(
            Text(one_line(name, 40)),
            f"{c.difference.mean:+.3f}",
            bounds_of(c.difference.low, c.difference.high, c.difference.n, sign="+"),
            interval_bar(c.difference.mean, c.difference.low, c.difference.high, -1, 1, NARROW),
            f"{c.better} / {c.worse}",
            "< 0.001" if c.p < 0.001 else f"{c.p:.3f}",
        )
    console.print(table)
    tests = {"mcnemar": "McNemar's test", "sign": "sign test"}
    used = ", ".join(sorted({tests[c.test] for c in differences.values()}))
    console.print(Text(f"\np: exact {used}, two-sided", "dim"))


def print_categories(console: Console, rows: Mapping[str, tuple[Report, Interval]]) -> None:
    """A benchmark: a row for each of its categories."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("category", no_wrap=True)
    table.add_column("right", justify="right")
    table.add_column("95 % interval")
    table.add_column(Text.assemble("0", " " * (NARROW - 2), "1"), no_wrap=True)
    table.add_column("cases", justify="right")
    for category, (report, score) in rows.items():
        failed = f" ({len(report.failed)} failed)" if report.failed else ""
        table.add_row(
            category,
            f"{score.mean:.3f}",
            bounds_of(score.low, score.high, score.n),
            interval_bar(score.mean, score.low, score.high, 0, 1, NARROW),
            Text(f"{score.n}{failed}", "red" if failed else ""),
        )
    console.print(table)
    console.print()
    for report, _ in rows.values():
        console.print(Text(f"agentlab eval show {report.name}", "dim"), soft_wrap=True)


def sample_strip(samples: Mapping[str, float]) -> Text:
    """A mark for each sample, in the data's order: the fuller, the better."""
    text = Text("samples  ", "dim")
    for value in samples.values():
        style = "green" if value == 1 else "red" if value == 0 else "yellow"
        text.append(_MARKS[round(value * (len(_MARKS) - 1))], style)
    return text


def _print_wrong(console: Console, results: Results, report: Report) -> None:
    if report.failed:
        console.print()
        count = len(report.failed)
        again = "the same command asks again"
        console.print(Text(f"{count} failed, and count as wrong; {again}:", "red"))
        for result in report.failed[:3]:
            console.print(Text(f"  {one_line(result.sample, 30)}: {one_line(result.error or '')}"))
    wrong = [r for r in results.results if not r.passed and r.error is None]
    if not wrong:
        return
    console.print()
    for result in wrong[:3]:
        reasons = [score.reason for score in result.scores.values() if not score.passed]
        why = one_line(safe(reasons[0]) if reasons else "", 90)
        line = f"✘ {one_line(result.sample, 30)}  {why}"
        console.print(Text.assemble((line, ""), (f"  agentlab show {result.run}", "dim")))
    if len(wrong) > 3:
        console.print(Text(f"… and {len(wrong) - 3} more", "dim"))
