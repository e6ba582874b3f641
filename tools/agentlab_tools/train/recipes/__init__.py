"""Ways to train a model, each one file to be read from top to bottom.

    pretrain.py         a small model from nothing but text
    full_finetune.py    every weight of a model that exists
    lora.py             a few added weights, the rest frozen
    qlora.py            the same, with the frozen ones kept in few bits
    distill.py          a small model learns from a larger one's whole opinion
    dpo.py              of two answers, the one people preferred
    diffusion.py        a net that draws what a prompt says, from noise
    rlhf.py             a reward model from preferences, then a policy that earns reward

What they share is no more than reading data (data.py), turning it into tokens (examples.py) and the
arithmetic of a step (steps.py).
"""
