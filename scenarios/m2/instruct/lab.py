"""m2/instruct: a model that only continues text is taught to answer, by a mask and a template."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers, judging
from .cases import ASKED, patients, talks, unseen
from .patients import KINDS
from .tools import bench, run, tune

_SAYS = {
    "sound": "a training with nothing wrong is called sound",
    "template": "questions that are not read as they were learnt are found",
    "end": "rows that teach no end are found",
    "prompt": "rows that teach to ask are found",
}

lab = Lab(
    id="m2/instruct",
    title="Taught to answer",
    teaches=(
        "what a pretrained model does with a question",
        "learning the answer only, and its end: the mask",
        "finding out what went wrong, by tokens and losses",
        "that tuning teaches a form, and what it costs",
    ),
    minutes=25,
    tools=(run, tune),
    equip=bench,
    steps=(
        ReadStep(id="continues"),
        code_step(
            "pair",
            answers.PAIR,
            Drawn(unseen, practice=2, graded=3),
            runs_on="run",
            hints=(
                "What should the model be able to foretell when it answers, and what will it "
                "always be given?",
                "The tokens before the answer get -100 each. The answer's own tokens and the "
                "end of its turn are their own labels.",
                "before = [BOS, START, USER, LINE, *question, END, LINE, START, MODEL, LINE]; "
                "after = [*answer, END]",
            ),
            checks=(
                every("turns", "the tokens are the two turns", judging.misplaced),
                every("masked", "nothing before the answer is learnt", judging.unmasked),
                every("learnt", "the answer and its end are learnt", judging.unlearnt),
                every("kept", "the lists that are given stay as they are", judging.changed),
            ),
        ),
        code_step(
            "diagnose",
            answers.DIAGNOSE,
            Drawn(patients, practice=4, graded=12),
            runs_on="run",
            hints=(
                "A training may hold the right tokens and still not learn them. Which of the two "
                "lists says what is learnt?",
                "What is read: its first four tokens and its last five. What is learnt: the last "
                "label, and the labels of the question, from place 4 on.",
                "read[:4] + read[-5:] against the turns; labels[-1] != END; any label but -100 "
                "up to the line's end after MODEL",
            ),
            checks=tuple(every(kind, _SAYS[kind], judging.misdiagnosed(kind)) for kind in KINDS),
        ),
        code_step(
            "tune",
            answers.TUNE,
            Drawn(talks, practice=1, graded=1),
            runs_on="tune",
            hints=(
                "Put your pair in. Then write the template so that a question is read exactly as "
                "your rows begin.",
                "For every message: <start_of_turn>, the role, a line's end, the content, "
                "<end_of_turn>, a line's end. The assistant's role is model.",
                "After all messages, if add_generation_prompt: <start_of_turn>model and a line's "
                "end. The text begins with {{ bos_token }}.",
            ),
            checks=(
                every("reads", "what the model reads is what it learnt", judging.misread),
                every(
                    "ends",
                    f"{judging.ENDED} of {ASKED} answers are ended by the model",
                    judging.endless,
                ),
                every(
                    "right",
                    f"{judging.RIGHT} of {ASKED} are right, and nothing else is said",
                    judging.wrong,
                ),
            ),
        ),
        quiz(
            "what-it-learnt",
            "What has it learnt?",
            (
                "None of the 208 questions asks for a capital. All 24 answers end now; the right "
                "ones fell from 18 to 11. What have the pairs taught?"
            ),
            wrong(
                "Facts: whoever answers quizzes learns to know things.",
                "No pair asks for what is asked afterwards, and fewer answers are right now.",
            ),
            right(
                "A form: to say one thing after these marks, and to stop. What it says is older.",
                "It knew Lusaka from its pretraining, before any pair. The form made it no wiser.",
            ),
            wrong(
                "Nothing: it is the template that makes a model answer.",
                "Between the same marks the untuned model asked again and again.",
            ),
            hints=("What did it write for Zambia before the training, in its first line?",),
        ),
    ),
)
