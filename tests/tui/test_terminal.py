"""The app in a real terminal: bytes go in and out, and the screen is read as a person would."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from terminal import Terminal, agentlab

from agentlab.trace import Trace, runs_in
from agentlab.trace.results import passed_runs

pytestmark = pytest.mark.slow

APP = Path(__file__).parent / "terminal_app.py"
Open = Callable[..., Terminal]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens terminals, and closes them in the end."""
    found: list[Terminal] = []

    def open(*arguments: object, **options: object) -> Terminal:
        found.append(Terminal(*arguments, **options))  # pyright: ignore
        return found[-1]

    yield open
    for terminal in found:
        terminal.close()


def tiny(home: Path, *arguments: str) -> list[str]:
    """The app with the tiny lab, on a scripted model."""
    return agentlab(home, *arguments, script=APP)


def _open_tiny(terminal: Terminal) -> None:
    terminal.sees("Prerequisites")
    terminal.keys("/")
    terminal.sees("Search labs")
    terminal.keys(*"tiny", "enter")
    terminal.sees("of 1 passed")
    for _ in range(20):  # on a busy machine the list may get the keys a moment later
        terminal.keys("enter")
        with suppress(AssertionError):
            terminal.sees("Step 1 of 3", seconds=3)
            return
    terminal.sees("Step 1 of 3")


def test_the_first_walkthrough_from_an_empty_home_to_the_first_lab_passed(
    opened: Open, tmp_path: Path
) -> None:
    """The real model and lab: read, watch, answer in one's own words, be graded, look back."""
    home = tmp_path / "home"
    terminal = opened(agentlab(home))
    terminal.sees("Roadmap", "The frontier", "0 of")
    terminal.keys("/")
    terminal.sees("Search labs")
    terminal.keys(*"cannot count", "enter")
    terminal.sees("A model that cannot count", "m5/tool-use")
    terminal.keys("enter")
    terminal.sees("Step 1 of 5", "What a tool call is")
    terminal.keys("n")
    terminal.sees("Step 2 of 5", "Sums it cannot do")
    terminal.keys("r")
    terminal.sees("the starter, as it is", "of 2 checks", seconds=200)
    terminal.keys("w")
    terminal.sees("the lab's solution, not yours", "✔ 2 of 2 checks", seconds=200)
    _answer(home)  # as one writes it in an editor of one's own, beside the app
    terminal.keys("escape")
    terminal.sees("Roadmap")
    terminal.keys("enter")
    terminal.sees("Step 2 of 5", "your answer, saved as you type")
    terminal.keys("g")
    terminal.sees("your answer · graded", "✔ 2 of 2 checks", seconds=280)
    terminal.keys("t")
    terminal.sees("calculator(", "completed")
    terminal.keys("q")
    assert terminal.ends() == 0
    assert b"Traceback" not in terminal.written
    progress = json.loads((home / "progress" / "m5" / "tool-use" / "progress.json").read_text())
    assert {"what-a-call-is", "sums"} <= set(progress["passed"])
    assert sum(passed_runs(home / "runs").values()) >= 7
    assert all(Trace.load(path).torn == 0 for path in runs_in(home / "runs"))


def _answer(home: Path) -> None:
    from agentlab.labs.answers import AgentAnswer
    from agentlab.labs.course import lab_roots
    from agentlab.labs.find import find_folder, load
    from agentlab.labs.toml_text import answer_text
    from agentlab_tui.progress import ProgressStore

    lab = load(find_folder("m5/tool-use", lab_roots()))
    solution = lab.step("sums").solution
    assert isinstance(solution, AgentAnswer)
    text = "# mine\n" + answer_text(solution)
    ProgressStore(home / "progress").save_text("m5/tool-use", "sums.toml", text)


def test_from_the_roadmap_to_green_checks_at_any_size_and_out_again(
    opened: Open, tmp_path: Path
) -> None:
    terminal = opened(tiny(tmp_path / "home"))
    terminal.sees("Roadmap", "Prerequisites", "LLM engineering")
    _open_tiny(terminal)
    terminal.sees("it does not calculate")
    terminal.keys("n")
    terminal.sees("Step 2 of 3", "An agent that adds", "tools you may give: add")
    terminal.keys("r")
    terminal.sees("the starter, as it is", "0 of 2 checks")
    terminal.keys("w")
    terminal.sees("the lab's solution, not yours", "✔ the sums are right", "✔ 2 of 2 checks")
    terminal.keys("t")
    terminal.sees("add(a=6, b=3)", "completed")
    terminal.resize(80, 24)
    terminal.keys("escape")
    terminal.sees("1 Lesson", "2 Answer", "3 Run")
    terminal.resize(20, 5)
    terminal.keys("h", "n", "p")
    terminal.resize(120, 36)
    terminal.keys("w")
    terminal.sees("case 1 of 2")
    terminal.keys("s")
    terminal.sees("stopped")
    terminal.keys("q")
    assert terminal.ends() == 0
    assert b"Traceback" not in terminal.written
    assert len(list((tmp_path / "home" / "runs").glob("*.jsonl"))) >= 3


def test_a_terminal_without_colour_and_utf_8_says_so_and_works(
    opened: Open, tmp_path: Path
) -> None:
    terminal = opened(
        tiny(tmp_path / "home"),
        environment={"NO_COLOR": "1", "PYTHONIOENCODING": "iso-8859-1", "TERM": "xterm"},
    )
    terminal.sees("Roadmap", "not UTF-8", "LC_ALL=C.UTF-8")
    assert b"\\u" not in terminal.written
    _open_tiny(terminal)
    terminal.sees("it does not calculate")
    terminal.keys("q")
    assert terminal.ends() == 0
    assert b"Traceback" not in terminal.written


def test_a_megabyte_pasted_is_refused_in_words_and_the_app_answers(
    opened: Open, tmp_path: Path
) -> None:
    terminal = opened(tiny(tmp_path / "home"))
    _open_tiny(terminal)
    terminal.keys("n")
    terminal.sees("Step 2 of 3")
    terminal.keys("e")
    terminal.sees("Leave editor")
    terminal.paste(("# " + "y" * 98 + "\n") * 10_000)
    terminal.sees("That is 1,0", "200,000", seconds=120)
    terminal.keys("escape")
    terminal.sees("Grade")
    terminal.keys("h")
    terminal.sees("hint 1 of 3")
    terminal.keys("q")
    assert terminal.ends() == 0


def test_a_closed_terminal_loses_nothing_typed(opened: Open, tmp_path: Path) -> None:
    home = tmp_path / "home"
    terminal = opened(tiny(home))
    _open_tiny(terminal)
    terminal.keys("n")
    terminal.sees("Step 2 of 3")
    terminal.keys("e")
    terminal.sees("Leave editor")
    terminal.keys(*"# mine")
    terminal.sees("# mine")
    os.kill(terminal.pid, 9)
    assert terminal.ends() == -9
    assert (home / "progress" / "m9" / "tiny" / "adder.toml").read_text().startswith("# mine")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for what is said of a file in it."""
    with TemporaryDirectory(prefix="home-") as folder:
        yield Path(folder)


def test_on_a_full_disk_it_is_said_and_the_app_lives(opened: Open, short: Path) -> None:
    """No file can grow: the limit on file sizes stands for a disk without a byte left."""
    terminal = opened(["bash", "-c", 'ulimit -f 0; exec "$@"', "_", *tiny(short)])
    _open_tiny(terminal)
    terminal.keys("n")
    terminal.sees("Step 2 of 3")
    terminal.keys("e")
    terminal.sees("Leave editor")
    terminal.keys("#")
    terminal.sees("AGENTLAB_HOME")  # the last word of what is said, wherever its lines are broken
    terminal.keys("escape")
    terminal.sees("Grade")
    terminal.keys("r")
    terminal.sees("can't be written")
    terminal.keys("q")
    assert terminal.ends() == 0
    assert b"Traceback" not in terminal.written


def test_agentlab_alone_opens_the_screen_on_a_terminal(opened: Open, tmp_path: Path) -> None:
    terminal = opened(agentlab(tmp_path / "home"))
    terminal.sees("Roadmap", "Playground")
    terminal.keys("q")
    assert terminal.ends() == 0


def test_agentlab_alone_in_a_pipe_prints_help() -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "agentlab"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Usage: agentlab" in done.stdout
    assert "doctor" in done.stdout
