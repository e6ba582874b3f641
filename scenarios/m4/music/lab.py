"""m4/music: Bach's chorales as numbers, their rules, a net, and a composer that an agent calls."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from .answers_apart import APART
from .answers_compose import COMPOSE
from .answers_learn import LEARN
from .answers_parallels import PARALLELS
from .answers_tokens import TOKENS
from .cases import MELODIES, PIECES, TWINS, seeds
from .composing import ANSWERED, IN_KEY, QUESTIONS
from .composing import PARALLELS as FEW
from .judging import A_QUARTER, HELD, noted
from .learning import BETTER
from .tools import compose, desk, look, train

lab = Lab(
    id="m4/music",
    title="No fifths in a row",
    teaches=(
        "music as numbers and back, with nothing lost",
        "a split that no melody crosses, whatever key it is in",
        "a net that foretells chorales, and a rule built into what draws from it",
    ),
    minutes=25,
    tools=(look, train, compose),
    equip=desk,
    steps=(
        ReadStep(id="four-voices"),
        code_step(
            "tokens",
            TOKENS,
            Drawn(seeds("tokens", f"{PIECES} openings"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "What does the starter write for one note of a quarter, and what for two of an "
                "eighth each?",
                "Go from moment to moment: write only what begins, then how long it is until the "
                "next moment.",
                "tokens.append(400 + moment - now), and 100 * number + (pitch or 0) for each voice "
                "that begins something.",
            ),
            checks=(
                every("notes", "every note comes back where it was", noted("notes")),
                every("again", "a note struck again is two notes", noted("again")),
                every("rests", "rests end what was heard", noted("rests")),
                every("short", f"at most {A_QUARTER} numbers a quarter", noted("short")),
                every("order", "what comes first is written first", noted("order")),
            ),
        ),
        code_step(
            "parallels",
            PARALLELS,
            Drawn(seeds("parallels", "pairs of chords, and chorales"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "Which pairs of voices does the starter look at? And what is a fifth with an "
                "octave between?",
                "abs(a - c) % 12 is the same, whoever is above and however many octaves lie "
                "between. Both must move, and the same way.",
                "(b - a) * (d - c) > 0 and abs(a - c) % 12 == abs(b - d) % 12 in (0, 7), for all "
                "six pairs.",
            ),
            checks=(
                every("found", "every parallel is found", noted("found")),
                every("none", "nothing else is", noted("none")),
            ),
        ),
        code_step(
            "apart",
            APART,
            Drawn(seeds("apart", f"{MELODIES + TWINS} melodies"), practice=1, graded=2),
            runs_on="look",
            hints=(
                "A melody a third higher has other notes. What of it is the same?",
                "The steps. Who shares 12 of them in a row belongs together, and so does who "
                "shares 12 others with one of those.",
                "Keep families of (runs, numbers); a new melody joins all families with one of "
                "its runs into one. Then share out whole families.",
            ),
            checks=(
                every("sizes", f"{HELD[0]:.0%} to {HELD[1]:.0%} are held back", noted("sizes")),
                every("apart", "no melody is in both parts, in any key", noted("apart")),
            ),
        ),
        code_step(
            "learn",
            LEARN,
            Drawn(seeds("learn", "300 chorales, and others to foretell"), practice=1, graded=1),
            runs_on="train",
            hints=(
                "The starter's net looks at one number only. What would it have to see, to know "
                "the chord it is in?",
                "Two layers from parts, one after the other, and where in the bar each number "
                "stands: clock(piece) % 16. Then more rounds.",
                "x = self.notes(tokens) + self.beats(times % 16), then self.layers = "
                "nn.Sequential(Layer(width), Layer(width)); 160 rounds.",
            ),
            checks=(
                every("chances", "what it says are log-probabilities", noted("chances")),
                every(
                    "better",
                    f"chorales it never saw cost it {BETTER} nats a number less than counting",
                    noted("better"),
                ),
            ),
        ),
        code_step(
            "compose",
            COMPOSE,
            Drawn(seeds("compose", "six keys, what is none, and an agent"), practice=1, graded=1),
            runs_on="compose",
            hints=(
                "Print a piece that takes the likeliest number every time. Then draw by chance: "
                "np.exp(scores / heat).",
                "Before a voice's number is drawn, put -inf where it would make a fifth or an "
                "octave with a voice that has begun at this moment.",
                "Draw 20 pieces, cut each to 16 * bars, move it to the key, and keep one that can "
                "be sung and ends on the tonic.",
            ),
            checks=(
                every("form", "so many bars in each of four voices", noted("form")),
                every("sung", "voices go where Bach's go", noted("sung")),
                every(
                    "key", f"{IN_KEY:.0%} of the notes are in the key, the end too", noted("key")
                ),
                every("refused", "what is no key is refused", noted("refused")),
                every("parallels", f"{FEW} parallel at most, in 24 bars", noted("parallels")),
                every("alive", "its voices move, mostly by step", noted("alive")),
                every("own", "it copies neither Bach nor itself", noted("own")),
                every(
                    "agent",
                    f"the agent gets what it asked for, {ANSWERED} times of {QUESTIONS}",
                    noted("agent"),
                ),
            ),
        ),
        quiz(
            "loss",
            "What did the loss not say?",
            (
                "The net foretells chorales better than counting, and its pieces have more "
                "parallels than chorales whose notes were mixed. How can both be?"
            ),
            wrong(
                "It was trained too little: with a lower loss there would be none.",
                "From 400 to 900 rounds they went from 70 to 64 in 100 bars. At that pace it takes "
                "long.",
            ),
            right(
                "A rule that forbids one note in many costs few nats if it is broken.",
                "It gave 1.3 % of its chances to such notes. To know better would have saved it "
                "0.016 of 1.29 nats a number.",
            ),
            wrong(
                "It learnt the parallels from Bach, who wrote many.",
                "You counted: 60 in 353 chorales.",
            ),
            hints=("In how many places of a chorale would a parallel be possible?",),
        ),
    ),
)
