"""m3/qlora: a base in four bits, an adapter in sixteen, and what that takes, by the byte."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import of
from .judging import (
    bulky,
    confused,
    cut,
    far_off,
    heavy,
    hoarded,
    miscounted,
    misjudged,
    moved,
    strange,
    too_large,
    unmade,
    untrained,
)
from .tools import bench, keep, pass_through, serve, train_by_name

lab = Lab(
    id="m3/qlora",
    title="Four bits below, sixteen beside",
    teaches=(
        "keeping weights in four bits by NF4, their scales in eight",
        "an adapter on a frozen base whose slopes go through and leave nothing behind",
        "counting what a training takes, for Llama 3, Mistral and Phi-3 by name",
    ),
    minutes=25,
    tools=(keep, pass_through, train_by_name, serve),
    equip=bench,
    steps=(
        ReadStep(id="what-it-takes"),
        code_step(
            "pack",
            answers.PACK,
            Drawn(of("pack", "three matrices"), practice=1, graded=1),
            runs_on="keep",
            hints=(
                "Which part of the starter costs most? What does a byte hold that is worth two "
                "weights?",
                "Find the nearest level by np.searchsorted in the middles between levels. Two "
                "codes a byte: codes[0::2] << 4 | codes[1::2].",
                "A group's scales: np.ceil(scales / most * 255) as uint8, most a float32. Fill the "
                "last group up with zeros, and divide by no zero.",
            ),
            checks=(
                every("bytes", "about 4.13 bits a weight, all in all", heavy),
                every("near", "as near as NF4 in blocks of 64", far_off),
            ),
        ),
        code_step(
            "layer",
            answers.LAYER,
            Drawn(of("layer", "a layer, there and back"), practice=1, graded=1),
            runs_on="pass_through",
            hints=(
                "x @ w keeps w until the way back. What could be kept in its place, to make w "
                "anew?",
                "A torch.autograd.Function: forward saves codes and scales, backward unpacks them "
                "again and returns slope @ weights.",
                "class Product(torch.autograd.Function); ctx.save_for_backward(codes, scales); "
                "Product.apply(x, codes, scales, shape).",
            ),
            checks=(
                every("held", "it holds 4.25 bits a weight, and the adapter", bulky),
                every("learns", "it learns A and B, of 16 bits, and nothing else", strange),
                every("start", "untrained, it is the frozen layer", moved),
                every("makes", "it makes what base and adapter make", unmade),
                every("slopes", "slopes reach A, B and the layers before", cut),
                every("left", "no weights wait for the way back", hoarded),
            ),
        ),
        code_step(
            "names",
            answers.NAMES,
            Drawn(of("names", "three published models, three small ones"), practice=1, graded=1),
            runs_on="train_by_name",
            hints=(
                "Which matrices stay in 16 bits, and how many numbers have k and v where heads "
                "share them?",
                "Phi-3 has q, k and v in one matrix, and gate and up in one. Its adapter has one A "
                "for all of them.",
                "depth * (linear * 4.25 / 8 + 16 * learnt) + 2 * 2 * vocab * hidden, where learnt "
                "is the sum of rank * (out + in).",
            ),
            checks=(
                every("needs", "bytes within 1 %, of any family", miscounted),
                every("jobs", "the recipe that rounds least of what fits", misjudged),
                every("trained", "each family trains, is written, and served", untrained),
            ),
        ),
        code_step(
            "serve",
            answers.SERVE,
            Drawn(of("serve", "four orders"), practice=1, graded=1),
            runs_on="serve",
            hints=(
                "The adapter has 9.8 MB, if it stays beside. What is left for the base?",
                "The packaged file is a Q4_1. Where does rounding take a weight that was moved by "
                "less than half a step?",
                "Leave the adapter beside, in 16 bits, and take a base of 95 MB or less: Q4_0.",
            ),
            checks=(
                every("fits", "all that is served fits", too_large),
                every("calls", "the agent calls with the right numbers", confused),
            ),
        ),
        quiz(
            "gone",
            "Where did it go?",
            "Merged and written as Q4_1, the agent no longer calls. What happened to the adapter?",
            wrong(
                "Q4_1 has too few bits for an agent.",
                "With the adapter beside it, the same Q4_1 calls with every number right.",
            ),
            right(
                "The base lay on the levels of Q4_1 already, and rounding took most weights back.",
                "Yes. Each was moved by less than half a step. Q4_0 has other levels, so that "
                "moved weights fall to both sides, and part of the change is left.",
            ),
            wrong(
                "Merging adds up B and A wrongly.",
                "The merged file is the same in all four tries; written as Q4_0, it calls.",
            ),
            hints=("What kind is the packaged file?",),
        ),
    ),
)
