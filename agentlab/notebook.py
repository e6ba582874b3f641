"""A lab in a notebook: answers kept by cells that begin with `%%answer`, graded as anywhere else.

    from agentlab.notebook import Notebook

    book = Notebook("m3/embeddings")

Such a notebook is made by `agentlab export-lab`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from agentlab.agent.table import html
from agentlab.described import lines_of
from agentlab.display import one_line, safe
from agentlab.errors import AgentLabError, LabError
from agentlab.events import ToolFinished
from agentlab.folders import runs_folder
from agentlab.labs.answers import Answer, parse_answer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.lab_notebook import MAGIC
from agentlab.labs.outcomes import Outcomes
from agentlab.labs.runner import (
    AgentEvent,
    CaseFinished,
    CaseStarted,
    CheckDone,
    Grader,
    LabEvent,
    LabFinished,
)
from agentlab.labs.values import ForkStep, Lab, ReadStep, answer_type
from agentlab.messages import Artifact
from agentlab.places.home import lab_folders
from agentlab.places.models import open_backend
from agentlab.trace import Trace

_LONG = 160


class Notebook:
    """A lab, and the answers that this notebook's cells have given so far."""

    def __init__(self, lab: str, labs: str | None = None, backend: str | None = None) -> None:
        """Open a lab; in a notebook, `%%answer STEP` keeps a cell as its answer from now on.

        Args:
            lab: its id, or its folder.
            labs: another folder of labs, besides those that are found by themselves.
            backend: the model, in place of the one that the lab names.

        Raises:
            LabError: there is no such lab.
        """
        folders = () if labs is None else (Path(labs),)
        self.lab: Lab = load(find_folder(lab, (*lab_folders(folders), *lab_roots())))
        self._backend = backend or self.lab.backend
        self._answers: dict[str, Answer] = {}
        _define(self)

    def answer(self, step: str, text: str) -> None:
        """Keep the answer to a step: a program, or TOML.

        Raises:
            LabError: there is no such step, or the text is no answer to it.
        """
        of = self.lab.step(step)
        # Gone first, so that what is checked is never another answer than the one that is shown
        self._answers.pop(step, None)
        self._answers[step] = parse_answer(text, answer_type(of), f"the answer {step}")

    def show(self, step: str) -> None:
        """Print the recorded run that a step takes up, its events numbered."""
        with _in_one_line():
            of = self.lab.step(step)
            if not isinstance(of, ForkStep):
                raise LabError(f"the step {step} has no recorded run")
            for record in Trace.load(of.run).records:
                for number, line in enumerate(lines_of(record.event, _LONG)):
                    print(f"{'' if number else record.seq:>3} {line.mark} {line.text}")

    async def check(self, step: str) -> None:
        """Try the answer to a step on the cases that count, and print what the checks say."""
        with _in_one_line():
            await self._try(step, practice=False)

    async def practice(self, step: str) -> None:
        """Try the answer to a step on a few cases."""
        with _in_one_line():
            await self._try(step, practice=True)

    async def _try(self, step: str, *, practice: bool) -> None:
        if isinstance(self.lab.step(step), ReadStep):
            raise LabError(f"the step {step} is there to be read: nothing is checked")
        if step not in self._answers:
            raise LabError(f"no answer to {step} yet: run the cell that begins with {MAGIC} {step}")
        model = open_backend(self._backend)
        runs = runs_folder()
        grader = Grader(lab=self.lab, backend=model, runs=runs, practice=practice)
        outcomes = Outcomes(runs)
        try:
            async for event in grader.lab_events({step: self._answers[step]}):
                outcomes.see(event)
                for line in _lines(event):
                    print(line)
                if isinstance(event, AgentEvent) and isinstance(event.event, ToolFinished):
                    _display(event.event.result.artifacts)
        finally:
            await model.aclose()


@contextmanager
def _in_one_line() -> Generator[None]:
    """What is wrong with an answer, without the traceback that a notebook puts above it."""
    try:
        yield
    except AgentLabError as error:
        print(f"agentlab: {safe(str(error))}")


def _lines(event: LabEvent) -> Iterator[str]:
    match event:
        case CaseStarted(number=number, of=of):
            yield f"{number}/{of} {one_line(event.title, _LONG)}"
        case CaseFinished(run=run):
            yield f"    {one_line(run.failure or run.output or 'no output', _LONG)}"
        case CheckDone(check=check, verdict=verdict):
            yield f"{'✔' if verdict.passed else '✘'} {check.says}"
            yield f"  {one_line(verdict.reason, 1000)}"
        case LabFinished(report=report):
            yield "passed" if report.passed else "not passed yet"
        case _:
            pass


def _display(files: Sequence[Artifact]) -> None:
    """Name what a tool made, and show pictures and sounds where this runs in a notebook."""
    for file in files:
        print(f"    + {one_line(file.name)} ({one_line(file.media_type)})")
    if files and _shell() is not None:
        shown: Any = import_module("IPython.display")
        shown.display(shown.HTML(html(files)))


def _shell() -> Any:
    """The notebook that this runs in; None elsewhere."""
    try:
        ipython: Any = import_module("IPython")
    except ImportError:
        return None
    return ipython.get_ipython()


def _define(book: Notebook) -> None:
    """Define `%%answer` in the notebook that this runs in; elsewhere there is nothing to do."""
    shell = _shell()
    if shell is None:
        return

    def answer(line: str, cell: str) -> None:
        with _in_one_line():
            book.answer(line.strip(), cell)

    shell.register_magic_function(answer, "cell")
