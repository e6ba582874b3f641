"""`agentlab doctor`: what works on this machine, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import click

from agentlab.display import safe_json
from agentlab.places.findings import findings
from agentlab.terminal.options import runs_option


@click.command()
@runs_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--deep",
    is_flag=True,
    help="Prove again that local models compute correctly on this processor.",
)
def doctor(runs: Path, as_json: bool, deep: bool) -> int:
    """Look at this machine. Exits with 1 if something the first lab needs is missing."""
    all_findings = list(findings(runs, deep=deep))
    if as_json:
        from pydantic_core import to_json

        click.echo(
            safe_json(to_json([vars(finding) for finding in all_findings], indent=2).decode())
        )
    else:
        marks = {"ok": ("✔", "green"), "note": ("·", "yellow"), "missing": ("✘", "red")}
        width = max(len(finding.what) for finding in all_findings)
        for finding in all_findings:
            mark, colour = marks[finding.state]
            remedy = f"\n  {' ' * width}  → {finding.remedy}" if finding.remedy else ""
            what = finding.what.ljust(width)
            click.echo(f"{click.style(mark, fg=colour)} {what}  {finding.found}{remedy}")
    return 1 if any(finding.state == "missing" for finding in all_findings) else 0
