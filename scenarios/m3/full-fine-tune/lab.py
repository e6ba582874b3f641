"""m3/full-fine-tune: what training all weights takes, and what a model forgets by it."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import shapes
from .forgetting import compare, evenings
from .judging import (
    COUNTED,
    NEAR,
    miscounted,
    misjudged,
    no_answers,
    no_tickets,
    surprised,
)
from .tools import foretell, sandbox

lab = Lab(
    id="m3/full-fine-tune",
    title="Sixteen bytes a weight, and more",
    teaches=(
        "what full fine-tuning keeps in memory",
        "foretelling a training's peak by counting",
        "measuring what a training made a model forget",
    ),
    minutes=25,
    tools=(foretell, compare),
    equip=sandbox,
    steps=(
        ReadStep(id="all-of-it"),
        code_step(
            "memory",
            answers.MEMORY,
            Drawn(shapes, practice=1, graded=1),
            runs_on="foretell",
            hints=(
                "Begin with the weights: which matrices of a layer are narrower than the starter "
                "has them, and what else has weights?",
                "Keys and values are width * groups // heads wide. There are two norms a layer "
                "and one at the end. AdamW keeps two averages of every weight.",
                "activations: 4 * texts * length * (layers * (8 * width + 4 * inner + 2 * kv) + "
                "vocabulary). work: as listed, bytes.",
            ),
            checks=(
                every("weights", "the weights are counted", miscounted("weights", COUNTED)),
                every("gradients", "so are the gradients", miscounted("gradients", COUNTED)),
                every("optimizer", "and what AdamW remembers", miscounted("optimizer", COUNTED)),
                every(
                    "activations",
                    f"what is kept for the way back, within {NEAR:.0%}",
                    miscounted("activations", NEAR),
                ),
                every("whole", f"what the process takes at most, within {NEAR:.0%}", surprised),
            ),
        ),
        quiz(
            "which-part",
            "What would help?",
            "SmolLM2, two texts of 64 tokens: you need half the memory. What brings you there?",
            wrong(
                "One text at a time.",
                "That halves the activations and the logits. Here both are a tenth of the whole.",
            ),
            right(
                "Training few weights and leaving the rest as they are.",
                "Gradients and averages go with what is trained: three quarters of the sixteen "
                "bytes. That is what a LoRA saves.",
            ),
            wrong(
                "Weights in 16 bits, all else as it is.",
                "That saves two of the sixteen bytes, and small steps get lost in rounding.",
            ),
            hints=("Which of the parts is the largest?",),
        ),
        code_step(
            "forget",
            answers.FORGET,
            Drawn(evenings, practice=1, graded=1),
            runs_on="compare",
            hints=(
                "Look at the answers, not at the two numbers: what did each model say before, and "
                "what does it say now?",
                "What a model never knew it can't forget. And a ticket is no answer, whatever "
                "stands in it.",
                "serve: count the plain answers that are right and the orders that became "
                "tickets; take the model whose smaller count is largest.",
            ),
            checks=(
                every("lost", "what was lost is named, and nothing else", misjudged),
                every("tickets", "the agent you serve writes tickets", no_tickets),
                every("answers", "and answers a plain question without one", no_answers),
            ),
        ),
    ),
)
