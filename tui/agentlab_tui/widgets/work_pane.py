"""The learner's work on a step: a quiz, or an answer and its run. Everything typed is saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from agentlab.errors import AgentLabError
from agentlab.labs.answers import AgentAnswer, Answer, QuizAnswer
from agentlab.labs.attempt import Attempt
from agentlab.labs.runner import judge, reported
from agentlab.labs.toml_text import answer_text, starter_text
from agentlab.labs.values import AgentStep, CodeStep, ForkStep, Lab, QuizStep, Step
from agentlab_tui.answers import (
    Runnable,
    file_of,
    form_values,
    is_own,
    language_of,
    parse_choice,
    parse_own,
    passed_with,
    with_form,
)
from agentlab_tui.lab_progress import PassedWith
from agentlab_tui.live_run import Job, Whose
from agentlab_tui.progress import ProgressError
from agentlab_tui.services import Services
from agentlab_tui.widgets.agent_form import AgentForm
from agentlab_tui.widgets.answer_area import AnswerArea
from agentlab_tui.widgets.answer_editor import AnswerEditor
from agentlab_tui.widgets.quiz import Quiz
from agentlab_tui.widgets.run_pane import RunPane


class WorkPane(Vertical):
    """Shows one step's work; its screen decides which part is in front."""

    @dataclass
    class Passed(Message):
        """A step was passed with the learner's own answer, on what counts."""

        step: str
        passed_with: PassedWith

    @dataclass
    class Tried(Message):
        """A step was tried or watched, and is not passed by that."""

        step: str
        practised: bool
        """The learner's own answer passed on the practice cases."""

    class RunWanted(Message):
        """Try the answer on the practice cases."""

    @dataclass
    class FrontWanted(Message):
        """Bring this part to the front."""

        pane: str

    def __init__(self, services: Services, lab_id: str, lab: Lab) -> None:
        super().__init__(id="work")
        self._services = services
        self._lab_id = lab_id
        self._lab = lab
        self._step: Step = lab.steps[0]

    def compose(self) -> ComposeResult:
        """All parts; the screen's style hides those a step does not need."""
        yield Quiz()
        yield AnswerEditor()
        yield RunPane(self._services)

    @property
    def is_running(self) -> bool:
        """Whether an answer is being tried."""
        return self.query_one(RunPane).is_running

    @property
    def last_trace(self) -> Path | None:
        """The trace of the last case that ran here."""
        return self.query_one(RunPane).last_trace

    async def show(self, step: Step) -> None:
        """Show a step, with the answer it had."""
        self._step = step
        passed_at = self._services.progress.lab(self._lab_id).passed.get(step.id)
        match step:
            case QuizStep():
                quiz, chosen = self.query_one(Quiz), self._choice(step)
                await quiz.show(step, chosen)
                if passed_at is not None:
                    verdict = judge(step.checks[0], Attempt(answer=QuizAnswer(chosen=chosen)))
                    if verdict.passed:  # else it was chosen otherwise since
                        quiz.judge(verdict)
            case AgentStep() | CodeStep() | ForkStep():
                self._load(step)
                await self.query_one(RunPane).prepare(
                    step.checks, "r runs this step on the model", passed_at
                )
            case _:
                pass

    def toggle_form(self) -> None:
        """The agent as a form, or as text again. What one changes is in the other."""
        step, editor = self._step, self.query_one(AnswerEditor)
        if not isinstance(step, AgentStep):
            return
        if editor.has_class("-form"):
            editor.remove_class("-form")
        elif (answer := self._agent()) is not None:
            editor.query_one(AgentForm).show(form_values(answer), step.tools)
            editor.add_class("-form")

    @on(AgentForm.Changed)
    def _put_together(self, event: AgentForm.Changed) -> None:
        event.stop()
        answer = self._agent()
        if answer is not None:
            self.query_one(AnswerEditor).replace(answer_text(with_form(answer, event.values)))

    def _agent(self) -> AgentAnswer | None:
        """The agent in the editor; None, and a complaint, where it is none."""
        step, editor = self._step, self.query_one(AnswerEditor)
        try:
            answer = parse_own(step, editor.text) if isinstance(step, AgentStep) else None
        except AgentLabError as error:
            editor.complain(str(error))
            return None
        return answer if isinstance(answer, AgentAnswer) else None

    def edit(self) -> None:
        """Into the editor."""
        if isinstance(self._step, Runnable):
            self.query_one(AnswerEditor).focus_text()

    @property
    def is_own(self) -> bool:
        """Whether the editor holds something of the learner's own."""
        step = self._step
        return isinstance(step, Runnable) and is_own(step, self.query_one(AnswerEditor).text)

    @property
    def has_earlier(self) -> bool:
        """Whether the learner wrote something else before."""
        text = self.query_one(AnswerEditor).text
        return any(version != text for version in self._versions())

    async def run(self, *, practice: bool, ask: bool = False) -> None:
        """Try what is in the editor: the learner's own answer, or the starter as it stands.

        Args:
            ask: let the learner decide on every call.
        """
        step, editor = self._step, self.query_one(AnswerEditor)
        if not isinstance(step, Runnable) or self.is_running:
            return
        self._say_whose(step, editor.text)
        try:
            answer = parse_own(step, editor.text)
        except AgentLabError as error:
            editor.complain(str(error))
            self.post_message(self.FrontWanted("answer"))
            return
        if self.is_own:
            self._keep(editor.text)
        await self._try(step, answer, "own" if self.is_own else "starter", practice, ask)

    async def show_solution(self, *, ask: bool = False) -> None:
        """Show the lab's own solution at work."""
        step = self._step
        if isinstance(step, Runnable) and not self.is_running:
            await self._try(step, step.solution, "reference", practice=True, ask=ask)

    def reset(self) -> None:
        """Back to the starter. What was written is kept, and `go_back` leads to it."""
        step, editor = self._step, self.query_one(AnswerEditor)
        if isinstance(step, Runnable) and self.is_own and self._keep(editor.text):
            self._put(step, starter_text(step))

    def go_back(self) -> None:
        """To the version before the one in the editor; behind the oldest, to the newest again."""
        step, text = self._step, self.query_one(AnswerEditor).text
        versions = self._versions()
        if not isinstance(step, Runnable) or not versions or (self.is_own and not self._keep(text)):
            return
        versions = self._versions()
        place = versions.index(text) + 1 if text in versions else 0
        self._put(step, versions[place % len(versions)])

    def _put(self, step: Runnable, text: str) -> None:
        editor = self.query_one(AnswerEditor)
        editor.load(text, language_of(step))
        self._say_whose(step, text)
        if problem := self._save(text):
            editor.complain(problem)

    def _versions(self) -> tuple[str, ...]:
        if not isinstance(self._step, Runnable):
            return ()
        return self._services.progress.versions(self._lab_id, file_of(self._step))

    def _keep(self, text: str) -> bool:
        """Keep a version; where that can't be done, say so, and let nothing take its place."""
        try:
            self._services.progress.keep_version(self._lab_id, file_of(self._step), text)
        except ProgressError as error:
            self.query_one(AnswerEditor).complain(str(error))
            return False
        return True

    async def _try(
        self, step: Runnable, answer: Answer, whose: Whose, practice: bool, ask: bool
    ) -> None:
        self.post_message(self.FrontWanted("run"))
        await self.query_one(RunPane).start(
            Job(
                lab=self._lab,
                step=step,
                answer=answer,
                backend=self._services.backend or self._lab.backend,
                runs=self._services.runs,
                practice=practice,
                whose=whose,
                ask=ask,
            )
        )

    def stop(self) -> None:
        """Stop the run."""
        self.query_one(RunPane).stop()

    @on(RunPane.Done)
    def _judge_run(self, event: RunPane.Done) -> None:
        job, report = event.job, event.report
        if event.how != "done" or report is None:
            return
        own = report.passed and job.whose == "own"
        if own and not job.practice:
            done = passed_with(job.answer, report.checks, job.backend)
            self.post_message(self.Passed(job.step.id, done))
        else:
            self.post_message(self.Tried(job.step.id, practised=own))

    @on(Quiz.Handed)
    def _judge_choice(self, event: Quiz.Handed) -> None:
        step = self._step
        if isinstance(step, QuizStep):
            answer = QuizAnswer(chosen=event.letters)
            verdict = judge(step.checks[0], Attempt(answer=answer))
            self.query_one(Quiz).judge(verdict)
            if verdict.passed:
                done = passed_with(answer, [reported(step.checks[0], verdict)])
                self.post_message(self.Passed(step.id, done))
            else:
                self.post_message(self.Tried(step.id, practised=False))

    @on(Quiz.Chosen)
    def _keep_choice(self, event: Quiz.Chosen) -> None:
        if problem := self._save(answer_text(QuizAnswer(chosen=event.letters))):
            self.notify(problem, severity="error", markup=False)

    @on(AnswerEditor.Edited)
    def _keep_text(self, event: AnswerEditor.Edited) -> None:
        if isinstance(self._step, Runnable):
            self._say_whose(self._step, event.text)
            if problem := self._save(event.text):
                self.query_one(AnswerEditor).complain(problem)

    @on(AnswerArea.RunWanted)
    def _run_from_editor(self) -> None:
        self.post_message(self.RunWanted())

    def _save(self, text: str) -> str:
        try:
            self._services.progress.save_text(self._lab_id, file_of(self._step), text)
        except ProgressError as error:
            return str(error)
        return ""

    def _load(self, step: Runnable) -> None:
        editor = self.query_one(AnswerEditor)
        language = language_of(step)
        try:
            text = self._services.progress.read_text(self._lab_id, file_of(step))
        except ProgressError as error:
            editor.load(starter_text(step), language)
            editor.complain(str(error))
            return
        editor.load(starter_text(step) if text is None else text, language)
        self._say_whose(step, editor.text)

    def _say_whose(self, step: Runnable, text: str) -> None:
        own = "your answer, saved as you type" if is_own(step, text) else ""
        editor = self.query_one(AnswerEditor)
        editor.name_it(own or "the starter: r runs it, e makes it yours")
        editor.complain("")

    def _choice(self, step: QuizStep) -> tuple[str, ...]:
        try:
            text = self._services.progress.read_text(self._lab_id, file_of(step))
            return parse_choice(text or "").chosen
        except AgentLabError:  # e.g. edited by hand; choosing again mends it
            return ()
