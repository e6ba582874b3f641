"""Answers to `leash`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_WHOLE = """\
import torch


def loss(now, old, before, drawn, rewards, beta, clip=0.2):
    lead = (rewards - rewards.mean())[:, None]
    taken = drawn[..., None]
    ratio = (now.gather(2, taken) - old.gather(2, taken))[..., 0].exp()
    gain = torch.minimum(ratio * lead, ratio.clamp(1 - clip, 1 + clip) * lead)
    leash = (now.exp() * (now - before)).sum(dim=-1)
    return (beta * leash - gain).mean()
"""


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_GAIN = "torch.minimum(ratio * lead, ratio.clamp(1 - clip, 1 + clip) * lead)"
_KL = "(now.exp() * (now - before)).sum(dim=-1)"

LEASH = programs(
    starter=_but(
        (f"    gain = {_GAIN}\n", "    gain = ratio * lead\n"),
        (f"    leash = {_KL}\n", "    leash = 0\n"),
    ),
    solution=_WHOLE,
    also={
        "case-by-case": _but(
            (
                _GAIN,
                "torch.where(\n"
                "        lead > 0, ratio.clamp(max=1 + clip) * lead, "
                "ratio.clamp(min=1 - clip) * lead\n"
                "    )",
            )
        ),
        "pytorchs-own-leash": _but(
            (
                _KL,
                "torch.nn.functional.kl_div(\n"
                '        before, now, log_target=True, reduction="none"\n'
                "    ).sum(dim=-1)",
            )
        ),
        "note-by-note": """\
import torch


def loss(now, old, before, drawn, rewards, beta, clip=0.2):
    mean = sum(float(reward) for reward in rewards) / len(rewards)
    total, count = 0.0, 0
    for row, keys in enumerate(drawn.tolist()):
        lead = float(rewards[row]) - mean
        for at, key in enumerate(keys):
            ratio = torch.exp(now[row, at, key] - old[row, at, key])
            most = 1 + clip if lead > 0 else float("inf")
            least = 1 - clip if lead < 0 else 0.0
            leash = (now[row, at].exp() * (now[row, at] - before[row, at])).sum()
            total = total - ratio.clamp(least, most) * lead + beta * leash
            count += 1
    return total / count
""",
        "as-a-loss-from-the-start": _but(
            (
                f"    gain = {_GAIN}\n",
                "    loss = torch.maximum(-lead * ratio, -lead * ratio.clip(1 - clip, 1 + clip))\n",
            ),
            ("(beta * leash - gain).mean()", "loss.mean() + beta * leash.mean()"),
        ),
    },
    wrong={
        "clipped-and-nothing-else": _but((_GAIN, "ratio.clamp(1 - clip, 1 + clip) * lead")),
        "the-greater-of-both": _but(("torch.minimum", "torch.maximum")),
        "on-yesterdays-leash": _but(("(now - before)", "(now - old)")),
        "the-other-way-round": _but((_KL, "(before.exp() * (before - now)).sum(dim=-1)")),
        "the-whole-reward": _but(("(rewards - rewards.mean())", "rewards")),
        "a-mean-over-keys": _but(("(now - before)).sum(", "(now - before)).mean(")),
        "of-what-was-drawn": _but((_KL, "(now - before).gather(2, taken)[..., 0]")),
    },
    mistakes={
        "clipped-and-nothing-else": "clipped",
        "the-greater-of-both": "clipped",
        "on-yesterdays-leash": "leash",
        "the-other-way-round": "leash",
        "the-whole-reward": "lead",
        "a-mean-over-keys": "leash",
        "of-what-was-drawn": "leash",
    },
)
