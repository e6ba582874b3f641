"""m1/neural-net: neurons and layers on real digits, what dies in them, and an answer to nothing."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import nets, patients, strangers, trainings
from .judging import (
    DEAD,
    FOOLED,
    READ,
    RIGHT,
    accurate,
    fooled,
    lifeless,
    miscounted,
    misgiven,
    misled,
    misweighed,
    shallow,
    unread,
)
from .tools import learn, sandbox

lab = Lab(
    id="m1/neural-net",
    title="An answer to everything",
    teaches=(
        "a net as layers of sums and bends",
        "dead ReLUs and saturated sigmoids, counted",
        "training a net on digits, and when not to believe it",
    ),
    minutes=25,
    tools=(run_python, learn),
    equip=sandbox,
    steps=(
        ReadStep(id="neurons"),
        code_step(
            "forward",
            answers.FORWARD,
            Drawn(nets, practice=2, graded=2),
            hints=(
                "Between two layers something bends. After the last one, scores become chances.",
                "np.maximum(x, 0), or 1 / (1 + np.exp(-x)), for all layers but the last. There: "
                "softmax, for each row by itself.",
                "x = np.exp(x - x.max(axis=1, keepdims=True)), then x / x.sum(axis=1, "
                "keepdims=True).",
            ),
            checks=(every("layers", "every layer gives what it should", misgiven),),
        ),
        code_step(
            "count",
            answers.COUNT,
            Drawn(patients, practice=1, graded=2),
            hints=(
                "Which axis has the pictures, and which the neurons? Dead is a neuron that gives 0 "
                "for all of them.",
                "The slope of a sigmoid that gives s is s * (1 - s). It is small at both ends.",
                "(out.max(axis=0) == 0).sum() for ReLUs, and (out * (1 - out) < 0.0025).mean() for "
                "sigmoids.",
            ),
            checks=(
                every("dead", "the dead ReLUs of every hidden layer", miscounted),
                every("saturated", "the saturated share of every hidden layer", misweighed),
            ),
        ),
        code_step(
            "train",
            answers.TRAIN,
            Drawn(trainings, practice=2, graded=2),
            runs_on="learn",
            hints=(
                "If all weights are 0, what tells one neuron from another? What is the slope of a "
                "ReLU at 0?",
                "Begin by chance, so that sums are neither tiny nor huge: with 196 points, weights "
                "of about 0.1.",
                'rng.normal(size=(a, b)) * np.sqrt(2 / a), and step = 1.0 if bend == "relu" else '
                "2.0.",
            ),
            checks=(
                every("hidden", "there is a hidden layer", shallow),
                accurate("right", f"{RIGHT:.0%} of fresh digits are right"),
                every("alive", f"{DEAD:.0%} at most are dead, or saturated", lifeless),
            ),
        ),
        code_step(
            "doubt",
            answers.DOUBT,
            Drawn(strangers, practice=1, graded=1),
            runs_on="learn",
            hints=(
                "Don't ask the net how sure it is. What do you have that shows how digits look?",
                "x has 2,000 real ones. How far is a picture from the nearest of them, and how far "
                "are those from each other?",
                "np.sqrt(((self.x - picture) ** 2).sum(axis=1).min()) is below 3.2 for nearly all "
                "digits. Return None if it is above.",
            ),
            checks=(
                every("read", f"{READ:.0%} of fresh digits are read as what they are", unread),
                every("none", f"{FOOLED:.0%} at most of what is no digit gets one", fooled),
                every("said", "the agent names the digit, or says that there is none", misled),
            ),
        ),
        quiz(
            "how-sure",
            "How sure is 99 %?",
            "The net gave an inverted picture 99 % for one digit. What did that number say?",
            wrong(
                "It is a digit, and 99 in 100 such pictures are this one.",
                "It was never shown such a picture, so it knows nothing of how often it is right.",
            ),
            right(
                "If it is one of the ten, then by these weights it is this one.",
                "Softmax shares out 100 % among ten answers. There is no eleventh.",
            ),
            right(
                "The scores lie far apart, which large sums always make them.",
                "An inverted picture has six times the ink. Larger inputs make larger scores, and "
                "softmax makes of a lead of 7 a chance of 99 %.",
            ),
            wrong(
                "The net was trained too little to doubt.",
                "Longer training makes it surer, about everything: of nothing else was it ever "
                "told the loss.",
            ),
            hints=("Two are right. Add up the ten chances.",),
        ),
    ),
)
