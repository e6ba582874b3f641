"""Labs line by line, without a screen: for screen readers, and for terminals that can do little.

Nothing is drawn, nothing moves, no colour carries a meaning: every answer is a line of words. What
is typed and passed is kept where the screen keeps it, so one can change between the two.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.display import safe
from agentlab.errors import AgentLabError

if TYPE_CHECKING:
    from agentlab.labs.answers import Answer
    from agentlab.labs.runner import Grader, LabReport
    from agentlab.labs.values import Lab, Step
    from agentlab_tui.catalog import LabEntry
    from agentlab_tui.lab_progress import PassedWith

HELP = """\
labs            list the labs            open m5/tool-use  open one
read            read this step again     next, back        go to another step
edit            write your answer        run, grade        try it; grade counts
solution        the lab's own at work    hint              the next hint
reset           back to the starter      earlier           what you wrote before
choose a c      answer a quiz            help, quit"""


class PlainText:
    """Asks for a command, does it, and says what came of it, until `quit`.

    Args:
        home: where progress is kept.
        labs: folders of labs, besides those that come along.
        write, ask: where lines go to and come from.
    """

    def __init__(
        self,
        *,
        home: Path,
        runs: Path,
        labs: tuple[Path, ...],
        backend: str | None,
        write: Callable[[str], None] = click.echo,
        ask: Callable[[str], str] = input,
    ) -> None:
        from agentlab_tui.progress import ProgressStore

        self._store = ProgressStore(home / "progress")
        self._runs, self._roots, self._backend = runs, labs, backend
        self._write, self._ask = write, ask
        self._entries: tuple[LabEntry, ...] = ()
        self._id = ""
        self._lab: Lab | None = None
        self._here = 0
        self._hints = 0

    def run(self) -> None:
        """Begin. Ends with `quit`, or where there are no more lines."""
        self._labs()
        self._write("Type help for the commands.")
        while True:
            try:
                words = self._ask("> ").split()
            except (EOFError, KeyboardInterrupt):
                return
            if words[:1] in (["quit"], ["exit"], ["q"]):
                return
            if words:
                try:
                    self._do(words[0].lower(), words[1:])
                except AgentLabError as error:
                    self._write(f"Problem: {safe(str(error))}")
                except KeyboardInterrupt:
                    self._write("Stopped. The trace is kept.")

    def _do(self, word: str, rest: list[str]) -> None:
        match word:
            case "labs":
                self._labs()
            case "open" if rest:
                self._open(rest[0])
            case "help":
                self._write(HELP)
            case _ if self._lab is None:
                self._write("Open a lab first, for example: open m5/tool-use")
            case "read":
                self._read()
            case "next" | "n":
                self._go(1)
            case "back" | "b":
                self._go(-1)
            case "hint":
                self._hint()
            case "edit":
                self._edit()
            case "run" | "grade" | "solution" | "reference":
                self._try(practice=word != "grade", solution=word in ("solution", "reference"))
            case "reset":
                self._reset()
            case "earlier":
                self._earlier()
            case "choose":
                self._choose(tuple(rest))
            case _:
                self._write(f"There is no command {word}. Type help for those there are.")

    def _labs(self) -> None:
        from agentlab.labs.course import lab_roots
        from agentlab_tui.catalog import in_order, labs_in
        from agentlab_tui.standing import standings

        self._entries = in_order(labs_in((*self._roots, *lab_roots())))
        progress = {entry.id: self._store.lab(entry.id) for entry in self._entries}
        for id, standing in standings(self._entries, progress).items():
            (entry,) = (entry for entry in self._entries if entry.id == id)
            minutes = f", {entry.lab.minutes} minutes" if entry.lab else ""
            state = {"passed": "passed", "seen": "begun", "open": "open"}[standing.mark]
            following = ", next for you" if standing.is_next else ""
            self._write(f"{id}: {safe(entry.title)}{minutes}, {state}{following}.")

    def _open(self, id: str) -> None:
        entry = next((entry for entry in self._entries if entry.id == id), None)
        if entry is None or entry.lab is None:
            self._write(safe(entry.problem) if entry else f"There is no lab {id}.")
            return
        self._id, self._lab = id, entry.lab
        ids = [step.id for step in self._steps]
        last = self._store.lab(id).last
        self._here = ids.index(last) if last in ids else 0
        if self._here == 0:
            self._write(safe(entry.lab.lesson.intro))
        self._read()

    @property
    def _steps(self) -> tuple[Step, ...]:
        assert self._lab is not None
        return tuple(self._lab.steps)

    @property
    def _step(self) -> Step:
        return self._steps[self._here]

    def _read(self) -> None:
        from agentlab.labs.values import QuizStep

        assert self._lab is not None
        step = self._step
        mark = {"passed": "passed", "seen": "tried", "open": "open"}[
            self._store.lab(self._id).mark(step.id)
        ]
        self._write(
            f"Step {self._here + 1} of {len(self._steps)}: {safe(step.title)}. "
            f"Kind: {step.kind}. {mark.capitalize()}."
        )
        self._write(safe(self._lab.lesson.steps[step.id]))
        if isinstance(step, QuizStep):
            self._write(f"Question: {safe(step.question)}")
            for letter, text in step.options.items():
                self._write(f"{letter}: {safe(text)}")

    def _go(self, by: int) -> None:
        import time

        if by > 0 and self._step.kind == "read":
            self._store.set_passed(self._id, self._step.id, time.time())
        if not 0 <= self._here + by < len(self._steps):
            self._write("That was the last step." if by > 0 else "This is the first step.")
            return
        self._here, self._hints = self._here + by, 0
        self._store.set_last(self._id, self._step.id)
        self._read()

    def _hint(self) -> None:
        hints = self._step.hints
        if self._hints >= len(hints):
            self._write("There are no more hints.")
            return
        self._hints += 1
        self._write(f"Hint {self._hints} of {len(hints)}: {safe(hints[self._hints - 1])}")

    def _edit(self) -> None:
        from agentlab.labs.toml_text import starter_text
        from agentlab.labs.values import RunStep
        from agentlab_tui.answers import file_of

        step = self._step
        if not isinstance(step, RunStep):
            self._write("There is nothing to write in this step.")
            return
        name = file_of(step)
        text = self._store.read_text(self._id, name)
        edited = click.edit(text or starter_text(step), extension=Path(name).suffix)
        path = self._store.answer_path(self._id, name)
        if edited is None:
            self._write(f"Nothing was changed. Your answer is the file {shlex.quote(str(path))}")
        else:
            self._store.save_text(self._id, name, edited)
            self._write(f"Saved in {shlex.quote(str(path))}")

    def _reset(self) -> None:
        from agentlab.labs.toml_text import starter_text
        from agentlab.labs.values import RunStep
        from agentlab_tui.answers import file_of, is_own

        step = self._step
        text = self._store.read_text(self._id, file_of(step))
        if not isinstance(step, RunStep) or text is None or not is_own(step, text):
            self._write("There is nothing of yours to reset here.")
            return
        self._store.keep_version(self._id, file_of(step), text)
        self._store.save_text(self._id, file_of(step), starter_text(step))
        self._write("The starter is back. What you wrote is kept: earlier leads to it.")

    def _earlier(self) -> None:
        from agentlab.labs.values import RunStep
        from agentlab_tui.answers import file_of, is_own

        step, name = self._step, file_of(self._step)
        text = self._store.read_text(self._id, name)
        if isinstance(step, RunStep) and text is not None and is_own(step, text):
            self._store.keep_version(self._id, name, text)
        versions = self._store.versions(self._id, name)
        others = [version for version in versions if version != text]
        if not others:
            self._write("There is nothing else that you wrote before.")
            return
        place = versions.index(text) + 1 if text in versions else 0
        restored = versions[place % len(versions)]
        self._store.save_text(self._id, name, restored)
        self._write(f"This is your answer now:\n{safe(restored)}")

    def _answer(self, *, solution: bool) -> tuple[Answer, bool] | None:
        """The answer to try, and whether it is the learner's own."""
        from agentlab.labs.toml_text import starter_text
        from agentlab.labs.values import RunStep
        from agentlab_tui.answers import file_of, is_own, parse_own

        step = self._step
        if not isinstance(step, RunStep):
            self._write("There is nothing to run in this step.")
            return None
        if solution:
            if self._store.lab(self._id).mark(step.id) == "open":
                self._write("Try the step yourself first: run tries what you have.")
                return None
            self._write("This runs the lab's own solution, not yours.")
            return step.solution, False
        text = self._store.read_text(self._id, file_of(step))
        if text is None or not is_own(step, text):
            self._write("This runs the starter, as it is.")
            return parse_own(step, starter_text(step)), False
        self._store.keep_version(self._id, file_of(step), text)
        return parse_own(step, text), True

    def _try(self, *, practice: bool, solution: bool) -> None:
        from agentlab.labs.runner import (
            GRADING_SEED,
            PRACTICE_SEED,
            Grader,
        )
        from agentlab.places.models import open_backend
        from agentlab_tui.answers import passed_with

        assert self._lab is not None
        answer = self._answer(solution=solution)
        if answer is None:
            return
        self._write("Opening the model. Ctrl-C stops.")
        model = open_backend(self._backend or self._lab.backend)
        grader = Grader(
            lab=self._lab,
            backend=model,
            runs=self._runs,
            seed=PRACTICE_SEED if practice else GRADING_SEED,
            practice=practice,
        )

        async def work() -> LabReport:
            try:
                return await self._grade(grader, answer[0])
            finally:
                await model.aclose()

        report = asyncio.run(work())
        name = self._backend or self._lab.backend
        kept = passed_with(answer[0], report.steps[0].checks, name) if report.passed else None
        self._keep(kept if answer[1] else None, practice=practice)

    async def _grade(self, grader: Grader, answer: Answer) -> LabReport:
        from agentlab.labs.outcomes import Outcomes
        from agentlab.labs.runner import LabFinished

        outcomes = Outcomes(self._runs)
        report: LabReport | None = None
        async for event in grader.lab_events({self._step.id: answer}):
            outcomes.see(event)
            for line in _said(event):
                self._write(line)
            if isinstance(event, LabFinished):
                report = event.report
        assert report is not None, "a lab's events end with its report"
        return report

    def _keep(self, passed: PassedWith | None, *, practice: bool) -> None:
        import time

        if passed and not practice:
            self._store.set_passed(self._id, self._step.id, time.time(), passed)
            self._write("You passed this step.")
            return
        self._store.set_seen(self._id, self._step.id, time.time())
        if passed:
            self._write("Practice passed. Type grade for the cases that count.")

    def _choose(self, letters: tuple[str, ...]) -> None:
        from agentlab.labs.answers import QuizAnswer
        from agentlab.labs.attempt import Attempt
        from agentlab.labs.runner import judge, reported
        from agentlab.labs.values import QuizStep
        from agentlab_tui.answers import passed_with

        step = self._step
        if not isinstance(step, QuizStep):
            self._write("This step has no question to choose from.")
            return
        answer = QuizAnswer(chosen=letters)
        verdict = judge(step.checks[0], Attempt(answer=answer))
        self._write(f"{'Right' if verdict.passed else 'Wrong'}: {safe(verdict.reason)}")
        kept = passed_with(answer, [reported(step.checks[0], verdict)]) if verdict.passed else None
        self._keep(kept, practice=False)


def _said(event: object) -> Iterator[str]:
    from agentlab.described import call_text
    from agentlab.events import ToolFinished, ToolStarted
    from agentlab.labs.runner import (
        AgentEvent,
        CaseFinished,
        CaseStarted,
        CheckDone,
    )

    match event:
        case CaseStarted(number=number, of=of):
            yield f"Case {number} of {of}: {safe(event.title)}"
        case AgentEvent(event=ToolStarted(call=call)):
            yield f"It calls {safe(call_text(call))}"
        case AgentEvent(event=ToolFinished(result=result)):
            error = f"error, {result.error}: " if result.error else ""
            yield f"The tool answers: {error}{safe(result.content)}"
        case CaseFinished(run=run):
            yield f"It says: {safe(run.failure or run.output or 'nothing')}"
        case CheckDone(check=check, verdict=verdict):
            state = "Passed" if verdict.passed else "Failed"
            yield f"{state}: {safe(check.says)}. {safe(verdict.reason)}"
        case _:
            pass
