"""m5/rlhf: a reward model of comparisons, a composer that follows it, and how far it may."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from .answers_leash import LEASH
from .answers_optimise import OPTIMISE
from .answers_reward import REWARD
from .answers_stop import STOP
from .cases import seeds
from .following import ALIKE, GAIN, NEAR, OWN
from .judging import noted
from .listening import ANSWERED, COMPARED, HONEST, QUESTIONS, TASTE
from .stopping import GRADED, KEPT, WORSE
from .tools import desk, work

lab = Lab(
    id="m5/rlhf",
    title="The perfect drone",
    teaches=(
        "a reward model of people's comparisons, and what its scores mean",
        "PPO's loss with a leash, and what each part of it is for",
        "how a reward is hacked, and who notices",
    ),
    minutes=25,
    tools=(work,),
    equip=desk,
    steps=(
        ReadStep(id="preferred"),
        code_step(
            "reward",
            REWARD,
            Drawn(seeds("reward", f"{COMPARED} comparisons, and fresh ones"), practice=1, graded=1),
            runs_on="work",
            hints=(
                "What does the starter's loss gain by making all its weights twice as large?",
                "A lead of s is a chance of 1 / (1 + exp(-s)). The loss is the mean of -log of the "
                "chance of what was voted.",
                "functional.softplus(-sign * (lead @ weights)).mean() + 0.01 * (weights**2).sum()",
            ),
            checks=(
                every("alone", "a piece's score is its own", noted("alone")),
                every("taste", f"{TASTE:.0%} of clear pairs come out right", noted("taste")),
                every("honest", f"a fresh vote costs {HONEST} nats at most", noted("honest")),
                every(
                    "agent",
                    f"the agent says what people prefer, {ANSWERED} times of {QUESTIONS}",
                    noted("agent"),
                ),
            ),
        ),
        code_step(
            "leash",
            LEASH,
            Drawn(seeds("leash", "five probes of the loss and its slopes"), practice=1, graded=1),
            runs_on="work",
            hints=(
                "With a lead above 0 and a ratio of 1.6, what should pull at that note? And with a "
                "ratio of 0.5?",
                "Take the smaller of ratio · lead and clamped ratio · lead. The leash sums over "
                "all keys, drawn or not.",
                "torch.minimum(ratio * lead, ratio.clamp(1 - clip, 1 + clip) * lead), and "
                "(now.exp() * (now - before)).sum(dim=-1)",
            ),
            checks=(
                every("lead", "what beats the mean becomes likelier", noted("lead")),
                every("clipped", "no note is pulled too far, and all come back", noted("clipped")),
                every("leash", "the leash is the distance in nats", noted("leash")),
                every("whole", "all of it together is right", noted("whole")),
            ),
        ),
        code_step(
            "optimise",
            OPTIMISE,
            Drawn(seeds("optimise", "a composer, trained as you prefer"), practice=1, graded=1),
            runs_on="work",
            hints=(
                "Listen to what the starter makes. What would your prefer say of a piece that "
                "never moves?",
                "Put the leash on: some nats a piece, not hundreds. And let prefer hear parallels, "
                "leaps, clashes, and chords that come again.",
                "beta = 0.2 with 50 steps; in prefer, points for steps, chords that differ, and "
                "against parallel fifths.",
            ),
            checks=(
                every("ear", f"the ear gives {GAIN} points more", noted("ear")),
                every("near", f"{NEAR:.0f} nats a piece at most", noted("near")),
                every(
                    "many", f"two pieces share {ALIKE:.0%} of their chords at most", noted("many")
                ),
                every("own", f"you prefer {OWN:.0%} of the new pieces", noted("own")),
            ),
        ),
        code_step(
            "stop",
            STOP,
            Drawn(seeds("stop", f"{GRADED} recorded runs"), practice=1, graded=1),
            runs_on="work",
            hints=(
                "Print `ear` of the runs in runs.json beside `reward`, `others`, `kl` and `votes`. "
                "Which of them turns when the ear does?",
                "The others rise with the reward. At how many nats is the ear at its best, in run "
                "after run?",
                "Stop at the last step that is at most 7 nats away.",
            ),
            checks=(
                every("never", f"no run ends {WORSE} points worse than it began", noted("never")),
                every("kept", f"{KEPT:.0%} of what could be gained is", noted("kept")),
            ),
        ),
        quiz(
            "best-of-16",
            "What did the distance buy?",
            (
                "Train nothing. Let the composer as it is write 16 pieces, and keep the one with "
                "the highest score, by the same three reward models. What comes of it?"
            ),
            wrong(
                "Next to nothing: to choose makes no composer better.",
                "The pieces that are heard are what counts, and 15 of 16 are not heard.",
            ),
            right(
                "More by the ear than from any of those leashes, at most 1.8 nats away.",
                "2.2 to 2.3 points, three times of three; no leash had more than 2.0. But each "
                "piece that is heard then costs 16.",
            ),
            wrong(
                "It is hacked as surely: the highest score is where the model is most wrong.",
                "Of 16 pieces that the composer itself writes, hardly one is so odd. The best of "
                "64 has 2.7 points.",
            ),
            wrong(
                "The same piece again and again.",
                "Two of them share 1.2 % of their chords; two of the composer's, 0.6 %.",
            ),
            hints=("How many nats does it take to say which of 16 was chosen?",),
        ),
    ),
)
