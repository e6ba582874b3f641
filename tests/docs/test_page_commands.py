"""The commands that the pages show are run as they stand, page by page, on the local model."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_worlds import NOT_RUN, WORLDS, Home
from doc_pages import PAGES, Block, blocks

from agentlab.cli.main import Commands
from agentlab.errors import AgentLabError

_COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ |[^#|]+\| )*agentlab(?= |$)")


@dataclass(frozen=True)
class Told:
    """A line of a page that runs `agentlab`."""

    block: Block
    line: str

    @property
    def words(self) -> list[str]:
        """Its arguments, without what comes before and after it."""
        said = _COMMAND.sub("", self.line).replace(" …", "")
        said = re.split(r" {3,}(?=[a-z])| {2,}#", said)[0]
        return shlex.split(said, comments=True)

    @property
    def piped(self) -> bool:
        return "| agentlab" in self.line

    @property
    def why_not(self) -> str | None:
        """Why it is not run here."""
        said = " ".join(self.words)
        found = (other for start, other in NOT_RUN.items() if re.match(start, said))
        return next((other.why for other in found), None)


def _told(page: Path) -> Iterator[Told]:
    for block in blocks(page):
        for line in block.code.splitlines():
            if _COMMAND.match(line) and "──>" not in line and "agentlab." not in line:
                yield Told(block, line)


_PAGES = [page for page in PAGES if any(not told.why_not for told in _told(page))]


@pytest.mark.slow
@pytest.mark.timeout(1500)  # real models, on a machine that may be busy
@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_they_say(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")  # a reader has a shell, a build server may have none
    monkeypatch.chdir(tmp_path)
    world = WORLDS.get(page.stem, WORLDS["any"])
    home = Home(tmp_path)
    for block in blocks(page):
        if name := re.match(r"# (\w+\.toml)\n", block.code):  # a file that the page shows
            (tmp_path / name[1]).write_text(block.code)
    with world(home):
        for told in {told.line.partition("  ")[0]: told for told in _told(page)}.values():
            if told.why_not is None:
                _run(told, home)


def _run(told: Told, home: Home) -> None:
    words = [home.named(word) for word in told.words]
    typed = home.typed(words, told.piped)
    done = CliRunner().invoke(
        Commands(name="agentlab"), words, input=typed, prog_name="agentlab", catch_exceptions=True
    )
    said = f"{told.block}: agentlab {shlex.join(words)}\n{done.output}\n{done.exception!r}"
    assert not isinstance(done.exception, AgentLabError), said
    expected = home.exits(words)
    assert done.exit_code in expected, said
    shown = home.shows(words)
    for part in shown:
        assert re.search(part, done.output), f"{said}\ndoes not show {part}"


def test_what_is_not_run_here_is_run_by_a_test_that_is_there():
    said = [" ".join(told.words) for page in PAGES for told in _told(page)]
    for start, other in NOT_RUN.items():
        assert any(re.match(start, line) for line in said), f"no page shows {start} any more"
        assert other.lost() == []


def test_the_commands_of_a_page_that_are_not_ours_exist():
    """`make …` in the pages names targets of the Makefile."""
    root = PAGES[0].parent
    made = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for block in blocks(page):
            for target in re.findall(r"^make ([a-z-]+)", block.code, re.MULTILINE):
                assert target in made
    assert subprocess.run(["make", "-n", "help"], cwd=root, check=True, capture_output=True)
