"""m1/pytorch: a module that knows its parts, five mistakes that raise no error, a model's layer."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import layers, loops, modules
from .judging import (
    RIGHT,
    confused,
    forgotten,
    guesses,
    hoarded,
    leftover,
    misshapen,
    off,
    softened,
    swayed,
    unknown,
    unmoved,
    unpaired,
)
from .tools import sandbox, try_net

LEARNT = every("right", f"{RIGHT:.0%} of fresh digits are right", guesses)

lab = Lab(
    id="m1/pytorch",
    title="Wrong without an error",
    teaches=(
        "what a module of PyTorch trains, saves and moves, and what it overlooks",
        "five mistakes of a training loop, and how to see each of them",
        "a layer of a real model, rebuilt from its weights",
    ),
    minutes=25,
    tools=(try_net,),
    equip=sandbox,
    steps=(
        ReadStep(id="four-things"),
        code_step(
            "net",
            answers.NET,
            Drawn(modules, practice=1, graded=1),
            runs_on="try_net",
            hints=(
                "Print net.state_dict().keys(). What of the starter is in it, and what is missing?",
                "A module looks into its own attributes only, not into a list. And a tensor that "
                "is no parameter needs to be registered.",
                'nn.ModuleList([…]) for the layers, self.register_buffer("mean", '
                "pictures.mean(dim=0)) for the mean, and the same for the spread.",
            ),
            checks=(
                every("shape", "ten scores for each picture", misshapen),
                every("known", "all weights that make the scores are its parameters", unknown),
                every("saved", "saved and loaded into another, it is the same net", forgotten),
                every("moved", "it goes to another device as a whole", unmoved),
                every("alone", "a picture's scores do not depend on its neighbours", swayed),
                LEARNT,
            ),
        ),
        code_step(
            "loop",
            answers.LOOP,
            Drawn(loops, practice=1, graded=1),
            runs_on="try_net",
            hints=(
                "Each check is about one mistake. Which line decides which label meets a picture? "
                "Which one, whether dropout is on?",
                "cross_entropy takes scores, not chances. backward() adds to grad. A loss is a "
                "tensor with all that made it behind it.",
                "One loader of TensorDataset(x, y); net.train() in fit, net.eval() in predict; "
                "optimizer.zero_grad(); loss.item().",
            ),
            checks=(
                every("pairs", "each picture meets its own label", unpaired),
                every("fresh", "a step goes by the slopes of its own batch", leftover),
                every("scores", "the loss is the surprise at the label", softened),
                every("freed", "the loss of each step is returned, and nothing behind it", hoarded),
                every("modes", "it trains when it trains, and not when it is asked", confused),
                LEARNT,
            ),
        ),
        code_step(
            "half",
            answers.HALF,
            Drawn(layers, practice=1, graded=1),
            runs_on="try_net",
            hints=(
                "The error names keys that are missing and keys that are not expected. The names "
                "of attributes make the keys.",
                "Attributes ffn_norm, ffn_gate, ffn_up, ffn_down; linear layers without a bias; "
                "nn.RMSNorm with this model's epsilon.",
                "x + down(F.silu(gate(rows)) * up(rows)), where rows = norm(x).",
            ),
            checks=(every("same", "in three layers it makes what the model makes", off),),
        ),
        quiz(
            "seen",
            "Which of them would you have seen?",
            "You are handed a training loop that somebody else wrote. What tells you most?",
            wrong(
                "Its accuracy on fresh data: a mistake makes it worse.",
                "Four of six cost less than five points, one cost none, and one had the better "
                "number. A good number is no proof of a right loop.",
            ),
            right(
                "What goes through it: a net of your own that writes down what it gets.",
                "That is how the checks here saw every one of them: rows, slopes, modes, and what "
                "stays in memory.",
            ),
            wrong(
                "The loss: if it falls, the loop is right.",
                "It fell with five of the six.",
            ),
            hints=("How did the checks find out?",),
        ),
    ),
)
