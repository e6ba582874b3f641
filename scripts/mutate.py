"""Mutation tests of the core: break a line, and some test must fail. `make mutate` runs this.

    mutate.py [--minutes N] [PATTERN …]      e.g. 'agentlab.agent.loop*'

mutmut is configured in pyproject.toml. It keeps its verdicts in `mutants/`, so that a run that was
stopped, or ran out of its minutes, continues where it was; a function that has changed is tried
again, and so is what survived. It prints the score of each file and what survived, and exits with 1
if a folder is below its least score.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "mutants"
KILLED = {1, 3, -24, 24, 36, 152, 255}
"""Exit codes of pytest, and of a mutant that never ended, by which mutmut counts one as seen."""
UNTRIED = (None, 2)
LEAST = {"agentlab/agent": 0.95, "agentlab/trace": 0.95, "agentlab/replay": 0.95}
"""The least share of mutants, by folder, that some test must see."""


@dataclass
class File:
    """What became of one file's mutants."""

    name: str
    seen: int
    survived: list[str]
    untried: int

    @property
    def tried(self) -> int:
        """All that came to a verdict."""
        return self.seen + len(self.survived)


def main() -> int:
    """Run, report, and say whether enough was seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="stop after so many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    parser.add_argument("--report", action="store_true", help="only what is known so far")
    parser.add_argument("patterns", nargs="*", help="mutants to try, by name; default: all")
    given = parser.parse_args()
    if not given.report:
        forget_copies()
        run(given.minutes * 60, given.jobs, given.patterns)
    return report()


def forget_copies() -> None:
    """Remove what mutmut would keep however old, or half written, it is.

    What was seen stays seen. What survived is tried again: mutmut does not notice that a test
    written since then would see it.
    """
    for copy in (FOLDER / "agentlab").rglob("*.py"):
        copy.unlink()
    for meta in FOLDER.rglob("*.meta"):
        try:
            known = json.loads(meta.read_text())
        except ValueError:
            meta.unlink()
            continue
        codes: dict[str, int | None] = known["exit_code_by_key"]
        known["exit_code_by_key"] = {k: c if c in KILLED else None for k, c in codes.items()}
        meta.write_text(json.dumps(known))
    shutil.rmtree(FOLDER / "tests", ignore_errors=True)


def run(seconds: float, jobs: int, patterns: list[str]) -> None:
    """Run mutmut in a session of its own, since a mutant may stop whatever shares its terminal."""
    tried = subprocess.Popen(
        [Path(sys.executable).with_name("mutmut"), "run", "--max-children", str(jobs), *patterns],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        tried.wait(seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(tried.pid, signal.SIGKILL)
        tried.wait()
        print("\nstopped; the same command continues from here")


def files() -> Iterator[File]:
    """Each file of the core, with the verdicts on its mutants."""
    for meta in sorted(FOLDER.rglob("*.meta")):
        codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        if codes:
            yield File(
                name=str(meta.relative_to(FOLDER).with_suffix("")),
                seen=sum(code in KILLED for code in codes.values()),
                survived=[k for k, c in codes.items() if c not in KILLED and c not in UNTRIED],
                untried=sum(code in UNTRIED for code in codes.values()),
            )


def report() -> int:
    """Print the scores; 1 where a folder's is too low."""
    folders: dict[str, list[File]] = {}
    for file in files():
        folders.setdefault(str(Path(file.name).parent), []).append(file)
        left = f"  ({file.untried} not tried)" if file.untried else ""
        print(_line(file.name, file.seen, file.tried) + left)
        for name in file.survived:
            print(f"    mutmut show {name}")
    low = False
    for folder, within in folders.items():
        seen, tried = sum(f.seen for f in within), sum(f.tried for f in within)
        print(_line(folder, seen, tried))
        low = low or (tried > 0 and seen < LEAST.get(folder, 0) * tried)
    return 1 if low else 0


def _line(name: str, seen: int, tried: int) -> str:
    return f"{name:<34}{seen:>5} of {tried:>4}" + (f"{seen / tried:>8.1%}" if tried else "")


if __name__ == "__main__":
    sys.exit(main())
