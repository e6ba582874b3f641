"""m1/keras: a layer that survives being saved, a callback of one's own, and an honest training."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import layers, trainings, wards
from .judging import (
    HONEST,
    RIGHT,
    dishonest,
    lost,
    miscounted,
    misset,
    moved,
    unended,
    unheld,
    unkept,
    unread,
)
from .tools import sandbox, try_keras

LEARNT = every("right", f"{RIGHT:.0%} of fresh digits are right", unread)

lab = Lab(
    id="m1/keras",
    title="What fit() does not say",
    teaches=(
        "a layer of one's own in Keras, saved and loaded whole",
        "callbacks: one of one's own, and the one that ends a training in time",
        "which of the numbers of a training to pass on",
    ),
    minutes=25,
    tools=(try_keras,),
    equip=sandbox,
    steps=(
        ReadStep(id="short"),
        code_step(
            "layer",
            answers.LAYER,
            Drawn(layers, practice=1, graded=1),
            runs_on="try_keras",
            hints=(
                "Print layer.weights after adapt, and layer.get_config(). What is in neither does "
                "not reach the file.",
                "Numbers that are learnt without slopes are weights with trainable=False. Make "
                "them in build(self, shape), and assign them in adapt.",
                'self.add_weight(shape=shape[1:], initializer="zeros", trainable=False), and '
                '{**super().get_config(), "most": self.most}.',
            ),
            checks=(
                every("set", "it gives (x - mean) / spread, cut at ±most", misset),
                every("still", "training the net around it leaves it alone", moved),
                every("saved", "loaded in a new process, each score is the same bits", lost),
                LEARNT,
            ),
        ),
        code_step(
            "watch",
            answers.WATCH,
            Drawn(wards, practice=1, graded=1),
            runs_on="try_keras",
            hints=(
                "Dead is what gives 0 for every picture. And who tells fit to stop?",
                "A model can be made of parts of another: keras.Model(inputs, [outputs]). Its "
                "predict has dropout off.",
                "(out == 0).all(axis=0) for each output, all of them in one np.concatenate; "
                "self.model.stop_training = True.",
            ),
            checks=(
                every("shares", "after each round, the share of its dead ReLUs", miscounted),
                every("ended", "it ends when more than half are dead, and only then", unended),
            ),
        ),
        code_step(
            "train",
            answers.TRAIN,
            Drawn(trainings, practice=1, graded=1),
            runs_on="try_keras",
            hints=(
                "Which rows does validation_split take? Whose accuracy is in the history, and with "
                "which weights?",
                "Shuffle the rows yourself, before you split. EarlyStopping can restore its best "
                "weights. Ask the net at the end about what you held back.",
                "EarlyStopping(patience=3, restore_best_weights=True), and return "
                'net.evaluate(…, return_dict=True)["accuracy"] of the held rows.',
            ),
            checks=(
                every("held", "a fifth is held back, of all digits, and not learnt from", unheld),
                every("best", "it ends in time, with the weights of its best round", unkept),
                LEARNT,
                every("said", f"what the agent says is true to {HONEST:.0%}", dishonest),
            ),
        ),
        quiz(
            "number",
            "Which number do you pass on?",
            "The log of a last round says accuracy 0.78 and val_accuracy 0.86; dropout was on. Why "
            "is the first one lower?",
            wrong(
                "The rows held back are easier.",
                "They were drawn at random, and fresh ones are read as rightly as they are.",
            ),
            right(
                "It is of a net with half of it silent, and of weights from all through the round.",
                "Asked about the same rows afterwards, with dropout off, it reads 91.5 % of them.",
            ),
            wrong(
                "The net has learnt too little yet to be good at what it learns from.",
                "It is good at it: 91.5 %, five points better than on fresh ones. Only the log "
                "doesn't say so.",
            ),
            hints=(
                "Both are counted by fit. When is each one counted, and of which net?",
                "What does dropout do while fit counts the first, and what while it counts the "
                "second?",
                "Compare the third column of the table with the first.",
            ),
        ),
    ),
)
