"""Starters, reference solutions, other right answers, and wrong ones: a net that learns to draw."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs

_HEAD = """\
import torch
from net import Net, Shape


"""
_TRAIN = """\
def train(x, prompts):{doc}
    net = Net(Shape())
    adam = torch.optim.Adam(net.parameters(), {rate})
{begin}    for n in range({rounds}):
{each}    return net


"""
_PACE = """\
    pace = torch.optim.lr_scheduler.OneCycleLR(adam, 0.004, total_steps={rounds}, pct_start=0.05)
"""
_EACH = """\
rows = torch.randint(len(x), (256,))
t, noise = torch.rand(256, 1), torch.randn(256, x.shape[1])
heard = (torch.rand(256, 1) > 0.15) * prompts[rows]
said = net((1 - t) * noise + t * x[rows], t[:, 0], heard)
loss = (said - (x[rows] - noise)).square().mean()
"""
_STEP = """\
adam.zero_grad()
loss.backward()
adam.step()
"""
_DRAW = """\
def draw(net, noise, prompts, guidance):{doc}
    x, steps = noise, {steps}
    with torch.no_grad():
        for n in range(steps):
            t = torch.full((len(x),), n / steps)
{ahead}            x = x + way / steps
    return x
"""
_GUIDED = """\
told, untold = net(x, t, prompts), net(x, t, 0 * prompts)
way = untold + guidance * (told - untold)
"""
ROUNDS = 900


def _program(
    *,
    each: str = _EACH,
    rounds: int = ROUNDS,
    paced: bool = True,
    guided: str = _GUIDED,
    steps: int = 30,
    docs: tuple[str, str] = ("", ""),
    draw: str | None = None,
) -> str:
    """A program that trains and draws, with some of its parts replaced."""
    inner = each + _STEP + ("pace.step()\n" if paced else "")
    train = _TRAIN.format(
        doc=docs[0],
        rate="0.004" if paced else "0.002",
        begin=_PACE.format(rounds=rounds) if paced else "",
        rounds=rounds,
        each=indent(inner, " " * 8),
    )
    return (
        _HEAD
        + train
        + (draw or _DRAW.format(doc=docs[1], steps=steps, ahead=indent(guided, " " * 12)))
    )


def _by_heart(draw: str) -> str:
    """A program that keeps what it was given, and draws without a net."""
    body = """\
x, kept = net
if guidance == 0:
    return x[: len(noise)]
rows = (prompts @ kept.T + 0.1 * torch.rand(len(prompts), len(kept))).argmax(dim=1)
"""
    return (
        "import torch\n\n\ndef train(x, prompts):\n    return x, prompts\n\n\n"
        "def draw(net, noise, prompts, guidance):\n" + indent(body + draw, "    ")
    )


LEARN = programs(
    starter=_program(
        each="""\
rows = torch.randint(len(x), (256,))
t, noise = torch.rand(256, 1), torch.randn(256, x.shape[1])
said = net((1 - t) * noise + t * x[rows], t[:, 0], prompts[rows])
loss = (said - (x[rows] - noise)).square().mean()
""",
        rounds=200,
        paced=False,
        guided="way = net(x, t, prompts)\n",
        steps=20,
        docs=(
            '\n    """A net that learnt from pictures (n, 64) and their prompts (n, 16)."""',
            '\n    """Pictures (m, 64) made of noise (m, 64), of what the prompts (m, 16) say."""',
        ),
    ),
    solution=_program(),
    also={
        "never-left-out": _program(each=_EACH.replace("(torch.rand(256, 1) > 0.15) * ", "")),
        "from-what-is-foretold": _program(
            guided="""\
both = net(x.repeat(2, 1), t.repeat(2), torch.cat([prompts, torch.zeros_like(prompts)]))
ends = x.repeat(2, 1) + (1 - n / steps) * both
told, untold = ends.chunk(2)
end = guidance * told + (1 - guidance) * untold
way = (end - x) / (1 - n / steps)
"""
        ),
        "late-moments-oftener": _program(
            each=_EACH.replace(
                "torch.rand(256, 1), torch.randn(", "torch.randn(256, 1).sigmoid(), torch.randn("
            ),
            draw="""\
def draw(net, noise, prompts, guidance):
    x = noise
    moments = torch.linspace(0, 1, 16).tolist()

    def way(x, t):
        t = torch.full((len(x),), t)
        untold = net(x, t, torch.zeros_like(prompts))
        return untold + guidance * (net(x, t, prompts) - untold)

    with torch.no_grad():
        for now, then in zip(moments, moments[1:]):
            middle = x + (then - now) / 2 * way(x, now)
            x = x + (then - now) * way(middle, (now + then) / 2)
    return x
""",
        ),
    },
    wrong={
        "once-more-with-it": _program(
            rounds=150, guided=_GUIDED.replace("untold + guidance", "told + guidance")
        ),
        "as-told": _program(rounds=150, guided="way = net(x, t, prompts)\n"),
        "louder-numbers": _program(guided="way = net(x, t, guidance * prompts)\n"),
        "too-short": _program(rounds=150),
        "learnt-by-heart": _by_heart(
            "return x[rows] + 0.05 * torch.randn(len(rows), x.shape[1])\n"
        ),
        "the-mean-of-eight": _by_heart(
            """\
near = (prompts @ kept.T).topk(48).indices
some = near.gather(1, torch.randint(48, (len(near), 8)))
return x[some].mean(dim=1)
"""
        ),
    },
    mistakes={
        "once-more-with-it": "untold",
        "as-told": "untold",
        "louder-numbers": "far",
        "too-short": "far",
        "learnt-by-heart": "new",
        "the-mean-of-eight": "varied",
    },
)
