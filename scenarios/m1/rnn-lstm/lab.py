"""m1/rnn-lstm: a state that is handed on, the blame that gets lost, and how to keep it."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every, share
from agentlab.labs.declare import Drawn, agent_step, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import lines, steps, trainings, walks
from .judging import (
    REMEMBERED,
    changed,
    first_word,
    misclipped,
    misled,
    misread,
    remembers,
)
from .tools import remember, sandbox

lab = Lab(
    id="m1/rnn-lstm",
    title="A hundred steps ago",
    teaches=(
        "the hidden state of an RNN and the gated cell of an LSTM",
        "gradients that vanish, that explode, and what clipping keeps",
        "training a memory, and finding out whether it is one",
    ),
    minutes=25,
    tools=(run_python, remember),
    equip=sandbox,
    steps=(
        ReadStep(id="handed-on"),
        code_step(
            "step",
            answers.STEP,
            Drawn(steps, practice=2, graded=2),
            hints=(
                "What is in w that the RNN does not use? And which cell does the LSTM show?",
                "The state is made from the new cell, and w has a bias. Nothing that was given "
                "may be changed.",
                "c = sigmoid(f) * c + sigmoid(i) * np.tanh(g), then sigmoid(o) * np.tanh(c). And "
                'w["b"] is added in both.',
            ),
            checks=(
                every("rnn", "an RNN's state, after 30 steps", misread("rnn")),
                every("lstm", "an LSTM's state and cell, after 30 steps", misread("lstm")),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "back",
            answers.BACK,
            Drawn(walks, practice=3, graded=3),
            hints=(
                "A slope passes each thing that was done on the way. What did the RNN do between "
                "the product and the new state?",
                "tanh has the slope 1 - tanh². The cell gets blame from the next cell, and from "
                "the state that it was shown as. And clip takes one length for all.",
                "by_c + by_h * o * (1 - t**2). And norm = the root of the sum of all squares of "
                "all arrays; multiply all by limit / norm if norm > limit.",
            ),
            checks=(
                every("rnn", "an RNN's slopes, 1 to 200 steps back", misled("rnn")),
                every("lstm", "an LSTM's slopes, 1 to 200 steps back", misled("lstm")),
                every("clipped", "shorter if too long, and the same direction", misclipped),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "remember",
            answers.REMEMBER,
            Drawn(trainings, practice=1, graded=1),
            runs_on="remember",
            hints=(
                "Look at the blame that it prints: from the last step to the first. What is a "
                "net to learn of the first symbol from a slope like that?",
                "At which length would the first symbol get some blame? The third argument of "
                "draw may be another one in each round.",
                "Begin with lines of 5, and make them longer over the 250 rounds: 5, 10, 15, 25, "
                "40, 60, 100.",
            ),
            checks=(
                remembers(
                    "remembers", f"right about {REMEMBERED:.0%} of lines of 7, of 100, of 303"
                ),
            ),
        ),
        agent_step(
            "look-back",
            answers.LOOK,
            Drawn(lines, practice=3, graded=5),
            hints=(
                "Run the starter: what does it say in place of the word?",
                "Show it: [[examples]] with a line as user, and its first word as answer.",
                'Four short lines, one of each colour: user = "green hum tick tick knock" and '
                'answer = "green".',
            ),
            checks=(
                share(
                    "first",
                    "three in five answers are the first word, and nothing else",
                    first_word,
                    0.6,
                ),
            ),
        ),
        quiz(
            "memory",
            "Was it a memory?",
            (
                "Someone trains a network on lines of 100 and tries it on fresh lines of 100: all "
                "right. It is to watch a log whose lines have any length. What do you say?"
            ),
            wrong(
                "It works. The lines it was tried on were fresh.",
                "Fresh, but all of one length. Of five RNNs that ended on lines of 100, two were "
                "right about all of those, and about none of 101.",
            ),
            right(
                "Try it on lines of 99, of 101 and of 303 first.",
                "It may have learnt to have the answer ready at step 100, and not to keep it.",
            ),
            wrong(
                "Train it longer, until the loss is lower.",
                "The loss is that of lines of 100. It can be nought, and say nothing of others.",
            ),
            hints=("What do all the lines that it has ever seen have in common?",),
        ),
    ),
)
