"""What lies in the folder where a page's commands are run, and which of them are not, with why."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
from click.testing import CliRunner

from agentlab.cli.main import Commands

NOT_RUN: Mapping[str, str] = {
    # the whole line, without `agentlab`, begins so
    r"$|tui$|tui --web": "draws on a terminal or in a browser: tests/tui presses its keys",
    r"check-lab m5/tool-use": "proves for minutes; `check-lab mine/letters` is run here",
    r"check-lab mine/letters --labs OTHER": "on another machine; tests/labs unpacks and proves one",
    r"export last --to otel": "needs a collector: tests/export sends to one on loopback",
    r"mcp |mcp$|chat -t .?mcp:": "serves until it is stopped, or needs a server: tests/mcp_tools",
    r"sandbox check": "attacks for minutes: tests/execute runs every attack",
    r"train (lora|dpo|tool-calling)|quantize|chat -b job:": "trains for minutes: tests/train does",
    r"train pretrain .*--on ray": "needs a cluster: tests/train starts one",
    r"chat -t fetch_page|chat -t web_search": "needs the internet: tests/web has a site here",
    r"resume last --allow call_1": "needs a run that waits: tests/replay resumes one",
}
# Fewer cases and shorter labs than the page has, for the suite's time; nothing else is changed
_SHORTER = {
    "m5/tool-use": "m5/first-agent",
    "m5/tool-use:sums": "m5/first-agent:a-calculator",
    "36": "2",
    "20": "2",
    "steps=300": "steps=3",
}
_AGENT = """\
instructions = "Use the calculator for every sum."
tools = ["calculator"]
settings = { temperature = 0, max_tokens = 48, repeat_penalty = 1.0 }

[[examples]]
user = "What is 3 * 4?"
tool = "calculator"
arguments = { expression = "3 * 4" }
result = "12"
answer = "The answer is 12."

[[examples]]
user = "What is 250 * 16?"
tool = "calculator"
arguments = { expression = "250 * 16" }
result = "4000"
answer = "The answer is 4000."
"""
_TABLE = r"scorer +mean +95 % interval"
_SHOWS: Mapping[str, tuple[str, ...]] = {
    "list": ("m5/tool-use",),
    "run m5/first-agent --learner": ("passed, 3 of 3 checks",),
    "run m5/first-agent": ("→ calculator", "passed, 3 of 3 checks"),
    "run mine/letters": ("→ count_letter", r"\d of \d"),
    "new-lab": ("check-lab mine/",),
    "check-lab mine/letters": (
        r"✔ count / solution: accepted: [56] of 6 counted rightly, 5 needed",
        r"✔ count / starter: rejected: \d of 6 counted rightly, 5 needed; e\.g\. '",
        r"✔ count / from-memory: rejected",
        r"✔ count / examples-without-calls: rejected",
        r"✔ why / solution: accepted: Yes\. To the tool the word is letters",
    ),
    "show last": ("calculator|count_letter|said",),
    "traces --sql SELECT name, error": (r"calculator",),
    "replay last --verify": (r"(\d+) of \1 events came again",),
    "diff": ("calculator",),
    "chat --json": (r'"output": ?\{', r'"outcome": ?"completed"'),
    "completion install": ("New shells complete agentlab",),
    "index docs": ("1 file read",),
    "search": (r"docs/exact\.md:\d",),
    "ask": (r"\[1\] docs/exact\.md:\d+", "trace: agentlab show"),
    "eval run": (_TABLE, r"\d\.\d{3} … \d\.\d{3}"),
    "eval list": (r"name +runs",),
    "eval compare": ("numeric",),
    "sandbox bash": ("usr",),
    "sandbox python": (">>> 2",),
    "train pretrain --settings": ("steps", "300"),
    "train pretrain --data": (r"step 3/3|done",),
    "train": ("pretrain", "lora", "dpo"),
    "jobs --sql": ("pretrain",),
    "tui --text": ("m5/first-agent",),
    "stats": ("tokens",),
}


class Home:
    """The folder, and what the commands of a page are called there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def named(self, word: str) -> str:
        """A word of a command as it stands on this machine."""
        word = _SHORTER.get(word, word).replace("documents:INDEX", "documents:home/index")
        if re.fullmatch(r"NAME-[12]", word):  # of the same questions: here the same one twice
            return self._evaluations()[-1]
        if word == "20261124-1015":  # the beginning of some run's id
            return sorted((self.folder / "home" / "runs").glob("*.jsonl"))[0].stem
        return word

    def exits(self, words: list[str]) -> set[int]:
        """What it may come to: two runs may differ, and a small model may fail."""
        return {0, 1} if words[0] in ("diff", "eval", "chat", "fork", "grep") else {0}

    def shows(self, words: list[str]) -> tuple[str, ...]:
        """Patterns that must be found in what it prints."""
        said = " ".join(words)
        return next((shown for start, shown in _SHOWS.items() if said.startswith(start)), ())

    def typed(self, words: list[str], piped: bool) -> str:
        """What is typed or piped in."""
        if words[0] == "sandbox":
            return "1 + 1\n"
        if words[:2] == ["tui", "--text"]:
            return "q\n"
        bare = words[0] == "chat" and not any(" " in word for word in words)
        return "What is 6 * 7?\n" if piped or bare else ""

    def _evaluations(self) -> list[str]:
        files = (self.folder / "home" / "runs" / "results").glob("*.jsonl")
        return [path.stem for path in sorted(files)]


@contextmanager
def _files(home: Home) -> Generator[None]:
    """What the pages name as the reader's own."""
    folder = home.folder
    (folder / "docs").mkdir()
    (folder / "docs" / "exact.md").write_text(
        "# Exact runs\n\nA run is exact when its cache was cleared before.\n\n"
        "Karen Spärck Jones proposed in 1972 to weight words by how few documents contain them.\n"
    )
    (folder / "sales.csv").write_text("day,region,amount\n2024-01-01,North,12.5\n")
    (folder / "people").mkdir()
    people = folder / "people" / "one.parquet"
    duckdb.execute(f"COPY (SELECT 'Ada' AS name) TO '{people}' (FORMAT parquet)")
    (folder / "letter.txt").write_text("Dear Ada, see you on Monday. Yours, Ben\n")
    (folder / "person.json").write_text(
        '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}},'
        ' "required": ["name"], "additionalProperties": false}'
    )
    (folder / "answers").mkdir()
    (folder / "answers" / "a-calculator.toml").write_text(_AGENT)
    (folder / "answers" / "who-did-it.toml").write_text('chosen = ["b"]\n')
    (folder / "sums.jsonl").write_text(
        '{"id": "easy", "input": "What is 17 * 23?", "expect": 391}\n'
    )
    (folder / "agent.toml").write_text(_AGENT)
    (folder / "book.txt").write_text(
        "It was a bright cold day, and the clocks were striking. " * 200
    )
    yield


@contextmanager
def _a_run(home: Home) -> Generator[None]:
    """Pages that look back begin with a run."""
    with _files(home):
        command = ["run", "m5/first-agent", "--step", "a-calculator"]
        assert CliRunner().invoke(Commands(name="agentlab"), command).exit_code == 0
        yield


WORLDS: Mapping[str, Callable[[Home], AbstractContextManager[None]]] = {
    "any": _files,
    "export": _a_run,
    "replay": _a_run,
}
