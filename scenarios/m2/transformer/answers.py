"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from agentlab.labs.declare import programs

_PARTS = Path(__file__).with_name("parts.txt").read_text(encoding="utf-8")
_FORWARD = _PARTS[_PARTS.index("    def causal") :]


def _net(forward: str) -> str:
    """The reference with another `forward`."""
    return _PARTS.replace(_FORWARD, indent(dedent(forward).strip(), "    ") + "\n")


def _but(old: str, new: str) -> str:
    if _PARTS.count(old) != 1:
        raise ValueError(f"{old!r} stands {_PARTS.count(old)} times in parts.txt")
    return _PARTS.replace(old, new)


_TORCH_S = """\
import torch
from torch import nn


class Translator(nn.Module):
    def __init__(self, words, pieces):
        super().__init__()
        self.source = nn.Embedding(words, 48, padding_idx=0)
        self.target = nn.Embedding(pieces, 48)
        self.places = nn.Parameter(torch.randn(32, 48))
        self.whole = nn.Transformer(
            48, 4, 1, 1, 96, dropout=0.0, batch_first=True, norm_first=True
        )
        self.out = nn.Linear(48, pieces)

    def forward(self, source, target):
        n, gone = target.shape[1], source == 0
        mask = nn.Transformer.generate_square_subsequent_mask(n).isinf()
        x = self.source(source) + self.places[: source.shape[1]]
        y = self.target(target) + self.places[:n]
        # in pieces: the encoder as a whole has a fast path that cuts pads off
        for layer in self.whole.encoder.layers:
            x = layer(x, src_key_padding_mask=gone)
        x = self.whole.encoder.norm(x)
        y = self.whole.decoder(y, x, tgt_mask=mask, memory_key_padding_mask=gone)
        return self.out(y)
"""
_FUSED = """\
import math
import torch
from torch import nn
from torch.nn import functional as F


def table(n, width):
    angles = torch.arange(n)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Looks(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.ask, self.give = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.back = nn.Linear(width, width)

    def forward(self, x, context=None, **how):
        asks = self.norm(x)
        context = asks if context is None else context
        q = self.ask(asks).unflatten(2, (4, -1)).transpose(1, 2)
        k, v = self.give(context).unflatten(2, (2, 4, -1)).permute(2, 0, 3, 1, 4)
        made = F.scaled_dot_product_attention(q, k, v, **how)
        return x + self.back(made.transpose(1, 2).flatten(2))


class Translator(nn.Module):
    def __init__(self, words, pieces):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(words, 64), nn.Embedding(pieces, 64)])
        self.looks = nn.ModuleList([Looks(64) for _ in range(3)])
        self.think = nn.ModuleList(
            [
                nn.Sequential(
                    nn.LayerNorm(64), nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64)
                )
                for _ in range(2)
            ]
        )
        self.norm, self.out = nn.LayerNorm(64), nn.Linear(64, pieces)

    def forward(self, source, target):
        x, y = (f(t) + table(t.shape[1], 64) for f, t in zip(self.tables, (source, target)))
        mask = (source > 0)[:, None, None]
        x = self.looks[0](x, attn_mask=mask)
        x = self.norm(x + self.think[0](x))
        y = self.looks[1](y, is_causal=True)
        y = self.looks[2](y, x, attn_mask=mask)
        return self.out(y + self.think[1](y))
"""
_ADDED = (
    _but(
        'self.weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)',
        "scores = (scores + mask).exp()\n"
        "        self.weights = scores / scores.sum(dim=-1, keepdim=True)",
    )
    .replace(
        "torch.ones(n, n, dtype=torch.bool).tril()", 'torch.full((n, n), float("-inf")).triu(1)'
    )
    .replace(
        "there = (source != 0)[:, None, None, :]",
        "there = -1e9 * (source == 0).float()[:, None, None, :]",
    )
)

NET = programs(
    starter=_net(
        '''\
        def forward(self, source, target):
            """Scores for the piece after each of target: (batch, n, pieces)."""
            norms, (_, m), (_, n) = self.norms, source.shape, target.shape
            all_of = torch.ones(1, dtype=torch.bool)
            x = self.source(source)
            y = norms[0](x)
            x = x + self.read(y, y, all_of)
            x = norms[2](x + self.think[0](norms[1](x)))

            z = self.target(target)
            y = norms[3](z)
            z = z + self.written(y, y, all_of)
            z = z + self.think[1](norms[5](z))
            return self.out(norms[6](z))
        '''
    ),
    solution=_PARTS,
    also={"from-torch": _TORCH_S, "fused": _FUSED, "masks-that-are-added": _ADDED},
    wrong={
        "no-mask": _but("dtype=torch.bool).tril()", "dtype=torch.bool)"),
        "one-place-off": _but("dtype=torch.bool).tril()", "dtype=torch.bool).tril(1)"),
        "masked-too-late": _but(
            'self.weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)',
            "self.weights = scores.softmax(dim=-1) * mask",
        ),
        "looks-at-itself": _but(
            "self.cross(norms[4](z), x, there)", "self.cross(z, z, self.causal(n))"
        ),
        "a-bag-of-words": _but(
            "self.source(source) + self.places[0].weight[:m]", "self.source(source)"
        ),
        "pads-are-words": _but(
            "(source != 0)[:, None, None, :]", "torch.ones(1, dtype=torch.bool)"
        ),
    },
    mistakes={
        "no-mask": "later",
        "one-place-off": "later",
        "masked-too-late": "later",
        "looks-at-itself": "source",
        "a-bag-of-words": "order",
        "pads-are-words": "padding",
    },
)


def _sees(body: str, head: str = "import torch") -> str:
    return f"{head}\n\n\ndef sees(net, source, target):\n{indent(dedent(body).strip(), '    ')}\n"


_SEEN = """\
n = target.shape[1]
found = torch.zeros(n, n, dtype=torch.bool)
with torch.no_grad():
    torch.manual_seed(0)
    before = net(source, target)[0]
    for j in range(n):
        other = target.clone()
        other[0, j] = 4 + (other[0, j] - 3) % (net.pieces - 4)
        torch.manual_seed(0)
        moved = (net(source, other)[0] - before).abs().amax(dim=-1)
        found[:, j] = moved > 1e-5
return found
"""
SEES = programs(
    starter=_sees(
        '''\
        """Whether the scores at place i move with piece j of target: (n, n), True or False."""
        n = target.shape[1]
        found = torch.zeros(n, n, dtype=torch.bool)
        before = net(source, target)[0].argmax(dim=-1)
        for j in range(n):
            other = target.clone()
            other[0, j] = (other[0, j] + 1) % net.pieces
            found[:, j] = net(source, other)[0].argmax(dim=-1) != before
        return found
        '''
    ),
    solution=_sees(_SEEN),
    also={
        "many-others": _sees(
            """\
            n, rows = target.shape[1], []
            for j in range(n):
                gap = 0
                for piece in torch.randint(0, net.pieces, (5,)):
                    scores = []
                    for ids in (target, target.index_fill(1, torch.tensor([j]), int(piece))):
                        torch.manual_seed(int(piece))
                        scores.append(net(source, ids).detach().double()[0])
                    gap = gap + (scores[0] - scores[1]).norm(dim=1)
                rows.append(gap > 3e-5)
            return torch.stack(rows).T
            """
        ),
        "all-at-once-without-dropout": _sees(
            """\
            drops = [part for part in net.modules() if isinstance(part, torch.nn.Dropout)]
            shares = [part.p for part in drops]
            for part in drops:
                part.p = 0.0
            n = target.shape[1]
            rows = target.repeat(n + 1, 1)
            rows[range(n), range(n)] = (rows[n] + 7) % net.pieces
            scores = net(source.repeat(n + 1, 1), rows).detach()
            for part, share in zip(drops, shares):
                part.p = share
            return ((scores[:n] - scores[n]).abs().max(dim=-1).values > 2e-5).T.numpy()
            """
        ),
        "by-slopes": _sees(
            """\
            kept = []

            def keep(part, given, made):
                made.retain_grad()
                kept.append(made)

            hook = net.target.register_forward_hook(keep)
            scores = net(source, target)[0]
            hook.remove()
            n, rows = target.shape[1], []
            weights = torch.randn(scores.shape[1])
            for i in range(n):
                (slope,) = torch.autograd.grad(scores[i] @ weights, kept[-1], retain_graph=True)
                rows.append((slope[0].abs().amax(dim=-1) > 1e-7).tolist())
            return rows
            """
        ),
    },
    wrong={
        "what-it-would-say": _sees(
            _SEEN.replace("[0]\n    for", "[0].argmax(dim=-1, keepdim=True)\n    for").replace(
                "(net(source, other)[0] - before).abs()",
                "(net(source, other)[0].argmax(dim=-1, keepdim=True) - before).abs()",
            )
        ),
        "asked-not-in-training": _sees(
            "mode = net.training\nnet.eval()\n"
            + _SEEN.replace("return found", "net.train(mode)\nreturn found")
        ),
        "dice-thrown-anew": _sees(_SEEN.replace("        torch.manual_seed(0)\n", "")),
        "only-the-last": _sees(_SEEN.replace("range(n):", "(n - 1,):")),
        "too-coarse": _sees(_SEEN.replace("1e-5", "0.1")),
        "left-asleep": _sees("net.eval()\n" + _SEEN),
    },
    mistakes={
        "what-it-would-say": "leaks",
        "asked-not-in-training": "not masked in training, in training: it leaks",
        "dice-thrown-anew": "with dropout, in training: it does not leak",
        "only-the-last": "where",
        "too-coarse": "leaks",
        "left-asleep": "kept",
    },
)

_HEAD = """\
import torch
from parts import Translator
from pieces import END, START, UNKNOWN, Vocabulary, padded
from torch.nn import functional as F
"""
_TRAIN = """\
english, hungarian = (Vocabulary(texts) for texts in zip(*pairs))
source = torch.tensor(padded([english.ids(one) for one, _ in pairs]))
target = torch.tensor(padded([[START, *hungarian.ids(one), END] for _, one in pairs]))
net = Translator(len(english), len(hungarian))
optimizer = torch.optim.Adam(net.parameters(), lr=0.006)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.008, total_steps=260)
for step in range(260):
    rows = torch.randint(len(pairs), (48,))
    scores = net(source[rows], target[rows, :-1])
    loss = F.cross_entropy(scores.flatten(0, 1), target[rows, 1:].flatten(), ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
return net, english, hungarian
"""
_TRANSLATE = """\
net, english, hungarian = made
ids = english.ids(text)
if UNKNOWN in ids:
    raise ValueError(f"I can't read {text}")
written = [START]
with torch.no_grad():
    while written[-1] != END and len(written) < 20:
        scores = net(torch.tensor([ids]), torch.tensor([written]))
        written.append(int(scores[0, -1].argmax()))
return hungarian.text(written)
"""


def _serve(train: str = _TRAIN, translate: str = _TRANSLATE, head: str = _HEAD) -> str:
    parts = (("train(pairs)", train), ("translate(made, text)", translate))
    made = [f"def {name}:\n{indent(dedent(body).strip(), '    ')}\n" for name, body in parts]
    return "\n\n".join((head, *made))


_REFUSED = 'if UNKNOWN in ids:\n    raise ValueError(f"I can\'t read {text}")\n'
_UNSHIFTED = _TRAIN.replace("target[rows, :-1]", "target[rows]").replace(
    "target[rows, 1:]", "target[rows]"
)

SERVE = programs(
    starter=_serve(
        '"""What `translate` needs, learnt from pairs of texts: English, Hungarian."""\n'
        + _UNSHIFTED.replace("return net", 'print("loss", round(loss.item(), 4))\nreturn net'),
        '"""The Hungarian of an English date."""\n' + _TRANSLATE.replace(_REFUSED, ""),
    ),
    solution=_serve(),
    also={
        "in-rounds": _serve(
            """\
            known = Vocabulary(a for a, _ in pairs), Vocabulary(b for _, b in pairs)
            rows = [
                (torch.tensor(known[0].ids(a)), torch.tensor([START, *known[1].ids(b), END]))
                for a, b in pairs
            ]
            net = Translator(len(known[0]), len(known[1]), width=64)
            optimizer = torch.optim.AdamW(net.parameters(), lr=0.004)
            pad = torch.nn.utils.rnn.pad_sequence
            for round in range(4):
                for group in optimizer.param_groups:
                    group["lr"] = (0.004, 0.004, 0.002, 0.0007)[round]
                for batch in torch.randperm(len(rows)).split(48):
                    a, b = (pad(t, batch_first=True) for t in zip(*(rows[i] for i in batch)))
                    chances = net(a, b[:, :-1]).log_softmax(dim=-1)
                    picked = chances.gather(2, b[:, 1:, None])[..., 0]
                    there = b[:, 1:] != 0
                    loss = -(picked * there).sum() / there.sum()
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            return {"net": net, "known": known}
            """,
            """\
            a, b = made["known"]
            if any(n == UNKNOWN for n in a.ids(text)):
                raise ValueError("an unknown word")
            row = torch.tensor([[START]])
            for _ in range(16):
                scores = made["net"](torch.tensor([a.ids(text)]), row)
                row = torch.cat([row, scores[:, -1:].argmax(dim=-1)], dim=1)
            return b.text(row[0].tolist())
            """,
        ),
        "two-tongues-at-once": _serve(
            translate="""\
            net, english, hungarian = made
            ids = english.ids(text)
            if UNKNOWN in ids:
                raise ValueError(text)
            beams = [(0.0, [START])]
            for _ in range(18):
                grown = []
                for total, row in beams:
                    if row[-1] == END:
                        grown.append((total, row))
                        continue
                    chances = net(torch.tensor([ids]), torch.tensor([row]))[0, -1].log_softmax(0)
                    for piece in chances.topk(2).indices.tolist():
                        grown.append((total + chances[piece].item(), [*row, piece]))
                beams = sorted(grown)[-2:]
                if all(row[-1] == END for _, row in beams):
                    break
            return hungarian.text(beams[-1][1])
            """
        ),
        "a-class": """\
import re

import torch
from parts import Translator
from pieces import END, START, Vocabulary, padded


class Dates:
    def __init__(self, pairs):
        self.words, self.pieces = Vocabulary(a for a, _ in pairs), Vocabulary(b for _, b in pairs)
        self.known = {word for a, _ in pairs for word in re.findall("[A-Za-z]+", a)}
        self.net = Translator(len(self.words), len(self.pieces))
        a = torch.tensor(padded([self.words.ids(a) for a, _ in pairs]))
        b = torch.tensor(padded([[*self.pieces.ids(b), END] for _, b in pairs]))
        begun = torch.nn.functional.pad(b, (1, 0), value=START)[:, :-1]
        blame = torch.nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.02)
        steps = torch.optim.RAdam(self.net.parameters(), lr=0.01)
        for n in range(280):
            for group in steps.param_groups:
                group["lr"] = 0.01 * min(1, (280 - n) / 150)
            i = torch.randperm(len(a))[:48]
            steps.zero_grad()
            blame(self.net(a[i], begun[i]).transpose(1, 2), b[i]).backward()
            steps.step()

    def say(self, text):
        if not set(re.findall("[A-Za-z]+", text)) <= self.known:
            raise ValueError(text)
        row = []
        while len(row) < 20 and END not in row:
            scores = self.net(torch.tensor([self.words.ids(text)]), torch.tensor([[START, *row]]))
            row.append(scores[0, len(row)].argmax().item())
        return self.pieces.text(row)


train = Dates
translate = Dates.say
""",
    },
    wrong={
        "not-shifted": _serve(_UNSHIFTED),
        "made-up": _serve(translate=_TRANSLATE.replace(_REFUSED, "")),
        "one-look": _serve(
            translate="""\
            net, english, hungarian = made
            ids = english.ids(text)
            if UNKNOWN in ids:
                raise ValueError(text)
            with torch.no_grad():
                scores = net(torch.tensor([ids]), torch.tensor([[START] * 14]))
            return hungarian.text(scores[0].argmax(dim=-1).tolist())
            """
        ),
        "too-soon": _serve(_TRAIN.replace("range(260)", "range(25)")),
    },
    mistakes={
        "not-shifted": "exact",
        "made-up": "refuses",
        "one-look": "exact",
        "too-soon": "exact",
    },
)
