"""Starters, reference solutions, other right answers, and wrong ones: a layer that learns."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers import function

_GATE = """\
chances = (x @ gate.T).softmax(dim=1)
chance, best = chances.max(dim=1)
"""
_SORTED = """\
order = best.argsort()
rows, outs, at = x[order], [], 0
for number, count in enumerate(torch.bincount(best, minlength=len(gate)).tolist()):
    if count:
        part = rows[at : at + count]
        outs.append(torch.relu(part @ up[number] + bias[number]) @ down[number])
        at += count
y = torch.empty_like(x).index_copy(0, order, torch.cat(outs))
"""
_ONE_BY_ONE = """\
y = torch.zeros_like(x)
for number in range(len(gate)):
    mine = best == number
    if mine.any():
        y[mine] = torch.relu(x[mine] @ up[number] + bias[number]) @ down[number]
"""
_SWITCH = """\
share = torch.bincount(best, minlength=len(gate)) / len(x)
extra = 0.05 * len(gate) * (share * chances.mean(dim=0)).sum()
"""
_RETURN = "return y * chance[:, None], extra\n"


def _layer(body: str) -> str:
    return "import torch\n\n\n" + function("layer(x, gate, up, bias, down)", body)


def _balanced(extra: str) -> str:
    return _layer(_GATE + _SORTED + extra + _RETURN)


LEARN = programs(
    starter=_layer(
        '"""What each row\'s expert makes of it, times its chance; and what joins the loss."""\n'
        + _GATE
        + _ONE_BY_ONE
        + "return y * chance[:, None], 0.0\n"
    ),
    solution=_balanced(_SWITCH),
    also={
        "masks-and-squares": _layer(
            _GATE
            + """\
y = torch.zeros_like(x)
for number in range(len(gate)):
    mine = (best == number).nonzero()[:, 0]
    if len(mine):
        out = torch.relu(x[mine] @ up[number] + bias[number]) @ down[number]
        y = y.index_add(0, mine, out * chance[mine, None])
importance = chances.sum(dim=0)
extra = 0.05 * importance.var() / importance.mean() ** 2
return y, extra
"""
        ),
        "all-of-them-then-one": _layer(
            """\
            n = len(gate)
            logits = torch.nn.functional.linear(x, gate)
            chances = torch.softmax(logits, dim=-1)
            one_hot = torch.nn.functional.one_hot(chances.argmax(dim=-1), n).float()
            inner = torch.einsum("td,edh->teh", x, up) + bias
            outs = torch.einsum("teh,ehd->ted", torch.relu(inner), down)
            y = torch.einsum("te,ted->td", one_hot * chances, outs)
            density, proxy = one_hot.mean(dim=0), chances.mean(dim=0)
            return y, 0.05 * (density * proxy).mean() * n ** 2
            """
        ),
        "spread-as-entropy": _balanced(
            """\
mean = chances.mean(dim=0)
extra = 0.1 * (mean * mean.log()).sum()
"""
        ),
    },
    wrong={
        "counts-alone": _balanced(
            """\
share = torch.bincount(best, minlength=len(gate)) / len(x)
extra = len(gate) * (share ** 2).sum()
"""
        ),
        "turned-round": _balanced(_SWITCH.replace("0.05 *", "-0.05 *")),
        "each-row-for-itself": _balanced(
            "extra = 0.05 * (chances * chances.log()).sum(dim=1).mean()\n"
        ),
        "z-loss": _balanced("extra = 0.01 * (x @ gate.T).logsumexp(dim=1).square().mean()\n"),
        "chance-left-out": _layer(_GATE + _SORTED + _SWITCH + "return y, extra\n"),
        "left-in-order-of-experts": _layer(
            _GATE
            + _SORTED.replace(
                "torch.empty_like(x).index_copy(0, order, torch.cat(outs))", "torch.cat(outs)"
            )
            + _SWITCH
            + _RETURN
        ),
        "two-at-once": _layer(
            """\
            chances = (x @ gate.T).softmax(dim=1)
            kept, best = chances.topk(2, dim=1)
            y = 0
            for place in range(2):
                inner = torch.einsum("td,tdh->th", x, up[best[:, place]]) + bias[best[:, place]]
                out = torch.einsum("th,thd->td", torch.relu(inner), down[best[:, place]])
                y = y + kept[:, place, None] * out
            return y, 0.0
            """
        ),
    },
    mistakes={
        "counts-alone": "alive",
        "turned-round": "alive",
        "each-row-for-itself": "alive",
        "z-loss": "alive",
        "chance-left-out": "layer",
        "left-in-order-of-experts": "layer",
        "two-at-once": "layer",
    },
)
