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
from agentlab.labs.runner import judge
from agentlab.labs.values import AgentStep, CodeStep, ForkStep, Lab, QuizStep, Step
from agentlab_tui.answers import (
    Runnable,
    file_of,
    form_values,
    is_own,
    parse_choice,
    parse_own,
    starter_text,
    with_form,
)
from agentlab_tui.live_run import Job, Whose
from agentlab_tui.progress import ProgressError
from agentlab_tui.services import Services
from agentlab_tui.toml_text import answer_text
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
        match step:
            case QuizStep():
                await self.query_one(Quiz).show(step, self._choice(step))
            case AgentStep() | CodeStep() | ForkStep():
                self._load(step)
                await self.query_one(RunPane).prepare(step.checks, "r runs this step on the model")
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

    async def run(self, *, practice: bool, whose: Whose | None = None, ask: bool = False) -> None:
        """Try an answer: the learner's own, or the reference as long as there is none.

        Args:
            ask: let the learner decide on every call.
            whose: try this one instead; `starter` is what is in the editor, changed or not.
        """
        step, editor = self._step, self.query_one(AnswerEditor)
        if not isinstance(step, Runnable) or self.is_running:
            return
        answer: Answer = step.solution
        own = is_own(step, editor.text)
        if whose is None or (whose == "starter" and own):
            whose = "own" if own else "reference"
        self._say_whose(step, editor.text)
        if whose != "reference":
            try:
                answer = parse_own(step, editor.text)
            except AgentLabError as error:
                editor.complain(str(error))
                self.post_message(self.FrontWanted("answer"))
                return
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
            self.post_message(self.Passed(job.step.id))
        else:
            self.post_message(self.Tried(job.step.id, practised=own))

    @on(Quiz.Handed)
    def _judge_choice(self, event: Quiz.Handed) -> None:
        step = self._step
        if isinstance(step, QuizStep):
            attempt = Attempt(answer=QuizAnswer(chosen=event.letters))
            verdict = judge(step.checks[0], attempt)
            self.query_one(Quiz).judge(verdict)
            done = self.Passed(step.id) if verdict.passed else self.Tried(step.id, practised=False)
            self.post_message(done)

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
        language = "python" if isinstance(step, CodeStep) else "toml"
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
        editor.name_it(own or "the starter: e edits it, and makes it yours")
        editor.complain("")

    def _choice(self, step: QuizStep) -> tuple[str, ...]:
        try:
            text = self._services.progress.read_text(self._lab_id, file_of(step))
            return parse_choice(text or "").chosen
        except AgentLabError:  # e.g. edited by hand; choosing again mends it
            return ()
