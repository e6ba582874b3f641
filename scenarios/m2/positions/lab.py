"""m2/positions: where a token stands, how a model is told, and how far that carries."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import conversations, lines, sinusoids, turned
from .judging import (
    changed,
    forgotten,
    missed,
    misturned,
    reaches,
    said,
    unlike,
)
from .tools import far, forget, sandbox, turn

lab = Lab(
    id="m2/positions",
    title="Where it stands",
    teaches=(
        "why attention knows no order, and what tells it",
        "sinusoidal, learnt and rotary positions, and lengths beyond training",
        "forgetting part of a model's memory, and closing the gap",
    ),
    minutes=25,
    tools=(turn, far, forget),
    equip=sandbox,
    steps=(
        ReadStep(id="a-bag"),
        code_step(
            "sinusoid",
            answers.SINUSOID,
            Drawn(sinusoids, practice=1, graded=1),
            runs_on="turn",
            hints=(
                "How many angles are there for a width of 8, and what is the exponent of the "
                "last one?",
                "Pair i turns by p · base^(-2i/width). To move is to turn each pair by the angle "
                "of `by`.",
                "np.arange(0, width, 2) / width. With sines in front: np.block([[c, -s], [s, c]]), "
                "c and s diagonal.",
            ),
            checks=(
                every("alike", "rows are as much alike as their distance says", said("alike")),
                every("moves", "one matrix moves every row", said("moves")),
            ),
        ),
        code_step(
            "rotate",
            answers.ROTATE,
            Drawn(turned, practice=2, graded=2),
            runs_on="turn",
            hints=(
                "The starter counts tokens from 0. Where does a token stand that comes after a "
                "cached text?",
                "positions[:, None] times the pace of each pair. Halves: x[..., :half] and "
                "x[..., half:] are the pairs' ends.",
                "Reordering: weight.reshape(heads, -1, 2, width_in), and the second and third "
                "axis exchanged.",
            ),
            checks=(
                every("turn", "lengths stay, and only distance counts", misturned),
                every("header", "base and pairs are those of the file", missed),
                every("model", "it turns as llama.cpp does, in both orders", unlike),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "lengths",
            answers.LENGTHS,
            Drawn(lines, practice=1, graded=1),
            runs_on="far",
            hints=(
                "Run the starter: what does it know of place 40, which no line ever had?",
                "Which kinds know distances, and not places? Try each of them, at 128.",
                'Net("rotary", rng), or Net("bias", rng) with a larger lr.',
            ),
            checks=(reaches("reaches", "right at 32 and 64 (95 %), and at 128 (75 %)"),),
        ),
        code_step(
            "room",
            answers.ROOM,
            Drawn(conversations, practice=1, graded=1),
            runs_on="forget",
            hints=(
                "Run the starter, and read what it says. Which message told it the name?",
                "Keep the first message and the newest tokens. Where must the newest go, so that "
                "no place is left empty?",
                "[(0, told, 0), (late, count, told - late)], with late = count - size + told.",
            ),
            checks=(
                every("fits", "what is kept fits, place after place", said("why")),
                every("first", "it knows what it was told first", forgotten(0, "name")),
                every("last", "it knows what it was told last", forgotten(1, "colour")),
            ),
        ),
        quiz(
            "which",
            "A file that talks for a while",
            (
                "A model was converted from another format. It answers short questions as before, "
                "and talks nonsense after some thousand tokens. No number of its weights differs. "
                "What do you look at first?"
            ),
            wrong(
                "Whether its questions and keys are turned at all.",
                "Not turned, the first 40 tokens cost it 6.21 nats each already, in place of 4.66.",
            ),
            right(
                "The base of its turns, in the header.",
                "Near tokens differ little by a wrong base, far ones much: see the table.",
            ),
            wrong(
                "Whether its cache begins at the right place.",
                "Moved by 100,000 places, it read the same text at the same cost.",
            ),
            hints=("Which fault grows with the distance of two tokens?",),
        ),
    ),
)
