"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _attend(body: str) -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"import numpy as np\n\n\ndef attend(q, k, v):\n{text}\n"


_SHARED = (
    "shared = q.shape[-3] // k.shape[-3]\n"
    "k, v = np.repeat(k, shared, axis=-3), np.repeat(v, shared, axis=-3)\n"
)
_SCORES = "scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
_MASK = (
    "n, m = scores.shape[-2:]\n"
    "seen = np.tri(n, m, m - n, dtype=bool)\n"
    "scores = np.where(seen, scores, -np.inf)\n"
)
_SOFT = (
    "weights = np.exp(scores - scores.max(axis=-1, keepdims=True))\n"
    "weights = weights / weights.sum(axis=-1, keepdims=True)\n"
)
_MADE = "return weights @ v, weights\n"
_WHOLE = _SHARED + _SCORES + _MASK + _SOFT + _MADE

ATTEND = programs(
    starter=_attend(
        '''\
"""What is made, (…, heads, n, size), and the weights, (…, heads, n, m).

q is (…, heads, n, size), k and v are (…, groups, m, size).
"""
scores = q @ np.swapaxes(k, -1, -2)
weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
return weights @ v, weights
'''
    ),
    solution=_attend(_WHOLE),
    also={
        "einsum-in-groups": _attend(
            """\
*lead, heads, n, size = q.shape
groups, m = k.shape[-3:-1]
q = q.reshape(*lead, groups, heads // groups, n, size)
scores = np.einsum("...ghns,...gms->...ghnm", q, k) * size**-0.5
later = np.arange(m) > np.arange(m - n, m)[:, None]
scores = scores + np.where(later, -1e30, 0)
scores = scores - scores.max(axis=-1, keepdims=True)
weights = np.exp(scores)
weights = weights / weights.sum(axis=-1, keepdims=True)
made = np.einsum("...ghnm,...gms->...ghns", weights, v)
return made.reshape(*lead, heads, n, size), weights.reshape(*lead, heads, n, m)
"""
        ),
        "token-by-token": _attend(
            """\
if q.ndim > 3:
    pairs = [attend(*one) for one in zip(q, k, v)]
    return tuple(np.stack(part) for part in zip(*pairs))
heads, n, size = q.shape
groups, m, _ = k.shape
weights = np.zeros((heads, n, m))
made = np.zeros(q.shape)
for head in range(heads):
    group = head * groups // heads
    for i in range(n):
        upto = m - n + i + 1
        scores = k[group, :upto] @ q[head, i] / size**0.5
        parts = np.exp(scores - scores.max())
        weights[head, i, :upto] = parts / parts.sum()
        made[head, i] = weights[head, i, :upto] @ v[group, :upto]
return made, weights
"""
        ),
        "key-by-key": _attend(
            """\
shared, (n, size), m = q.shape[-3] // k.shape[-3], q.shape[-2:], k.shape[-2]
most = np.full(q.shape[:-1], -np.inf)
total, made = np.zeros(most.shape), np.zeros(q.shape)
every = []
for j in range(m):
    key, value = (np.repeat(a[..., j, :], shared, axis=-2)[..., None, :] for a in (k, v))
    score = (q * key).sum(axis=-1) / np.sqrt(size)
    score = np.where(np.arange(m - n, m) >= j, score, -np.inf)
    every.append(score)
    now = np.maximum(most, score)
    keep, new = np.exp(most - now), np.exp(score - now)
    total = total * keep + new
    made = made * keep[..., None] + new[..., None] * value
    most = now
weights = np.exp(np.stack(every, axis=-1) - most[..., None]) / total[..., None]
return made / total[..., None], weights
"""
        ),
    },
    wrong={
        "not-scaled": _attend(_WHOLE.replace(" / np.sqrt(q.shape[-1])", "")),
        "masked-too-late": _attend(
            _SHARED
            + _SCORES
            + _SOFT
            + "n, m = scores.shape[-2:]\nweights = weights * np.tri(n, m, m - n)\n"
            + _MADE
        ),
        "sees-the-next": _attend(_WHOLE.replace("m - n, dtype", "m - n + 1, dtype")),
        "over-the-questions": _attend(_WHOLE.replace("axis=-1, keepdims", "axis=-2, keepdims")),
        "keys-dealt-round": _attend(
            _WHOLE.replace(
                _SHARED,
                "shared = q.shape[-3] // k.shape[-3]\n"
                "k, v = (np.concatenate([a] * shared, axis=-3) for a in (k, v))\n",
            )
        ),
        "too-large-for-exp": _attend(_WHOLE.replace(" - scores.max(axis=-1, keepdims=True)", "")),
        "mask-from-the-start": _attend(_WHOLE.replace("np.tri(n, m, m - n,", "np.tri(n, m, 0,")),
    },
    mistakes={
        "not-scaled": "a key for every head",
        "masked-too-late": "a key for every head",
        "sees-the-next": "a key for every head",
        "over-the-questions": "a key for every head",
        "keys-dealt-round": "nine heads that share three keys",
        "too-large-for-exp": "large scores: the weights: there are numbers in it that are none",
        "mask-from-the-start": "only the last two tokens ask",
    },
)

_LINE = """\
half = rng.integers(1000, TOKENS, size=25)
n = len(half)
weights = read([*half, *half]).weights
"""
_TWO = """\
i = np.arange(1, 2 * n)
back = weights[:, :, i, i - 1].mean(axis=-1)
i = np.arange(n, 2 * n)
copies = weights[:, :, i, i - n + 1].mean(axis=-1)
"""


def _look(body: str, head: str = "import numpy as np\nfrom model import TOKENS, read") -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"{head}\n\n\ndef look(rng):\n{text}\n"


LOOK = programs(
    starter=_look(
        '''\
"""How much each head looks back one, and how much it copies: two arrays, (30, 9)."""
ids = rng.integers(1000, TOKENS, size=50)
weights = read(ids).weights
i = np.arange(1, len(ids))
back = weights[:, :, i, i - 1].mean(axis=-1)
return back, weights.max(axis=-1).mean(axis=-1)
'''
    ),
    solution=_look(_LINE + _TWO + "return back, copies\n"),
    also={
        "diagonals": _look(
            """\
half = rng.permutation(np.arange(2000, 40000))[:20]
weights = read(np.tile(half, 2)).weights
back = np.diagonal(weights, -1, axis1=2, axis2=3).mean(axis=-1)
copies = np.diagonal(weights[:, :, 20:], 1, axis1=2, axis2=3).mean(axis=-1)
return back, copies
"""
        ),
        "where-it-looks-most": _look(
            """\
back, copies = np.zeros((30, 9)), np.zeros((30, 9))
for _ in range(2):
    half = rng.integers(500, TOKENS, size=30)
    most = read([*half, *half]).weights
    for i in range(1, 60):
        back += most[:, :, i].argmax(axis=-1) == i - 1
        if i >= 30:
            copies += most[:, :, i].argmax(axis=-1) == i - 29
back += read([*half, *half]).weights[:, :, range(1, 60), range(59)].mean(axis=-1)
return back, copies
"""
        ),
        "three-times-said": _look(
            """\
half = list(rng.integers(1000, TOKENS, size=18))
ids = half * 3
weights = read(ids).weights
back, copies = [], []
for i, token in enumerate(ids[1:], 1):
    back.append(weights[:, :, i, i - 1])
    after = [j + 1 for j in range(i - 1) if ids[j] == token]
    if after:
        copies.append(weights[:, :, i, after].sum(axis=-1))
return np.mean(back, axis=0), np.mean(copies, axis=0)
"""
        ),
    },
    wrong={
        "the-same-token": _look(
            (_LINE + _TWO).replace("i - n + 1]", "i - n]") + "return back, copies\n"
        ),
        "looked-at-most": _look(_LINE + _TWO + "return back, weights.max(axis=-1).mean(axis=-1)\n"),
        "said-once": _look(
            _LINE.replace("[*half, *half]", "rng.integers(1000, TOKENS, size=50)")
            + _TWO
            + "return back, copies\n"
        ),
        "columns-that-look": _look(
            (_LINE + _TWO).replace("i, i - 1]", "i - 1, i]") + "return back, copies\n"
        ),
    },
    mistakes={
        "the-same-token": "copy",
        "looked-at-most": "copy",
        "said-once": "copy",
        "columns-that-look": "back",
    },
)

_COST = '''\
import numpy as np
from model import HEADS, TOKENS, plain, read


def cost(ids, head, first=0):
    """What a reading costs more with a head off, in nats a token, from a place on."""
    more = read(ids, off=[head]).losses - read(ids).losses
    return more[first:].mean()


def drawn(rng, n=24):
    half = list(rng.integers(1000, TOKENS, size=n))
    return half + half
'''


def _dearest(body: str, helpers: str = _COST) -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"{helpers}\n\ndef dearest(rng):\n{text}\n"


_BACK = """\
ids = drawn(rng)
weights = read(ids).weights
back = np.diagonal(weights, -1, axis1=2, axis2=3).mean(axis=-1)
heads = [divmod(int(n), HEADS) for n in np.argsort(-back, axis=None)[:5]]
head = max(heads, key=lambda one: cost(ids, one, 24))
"""
_FRESH = """\
again = np.mean([cost(drawn(rng), head, 24) for _ in range(2)])
return head, again, np.mean([cost(ids, head) for ids in plain[:3]])
"""

DEAREST = programs(
    starter=_dearest(
        '''\
"""A head; what switching it off costs on what is said again, and on ordinary text."""
ids = drawn(rng)
weights = read(ids).weights
copies = np.diagonal(weights[:, :, 24:], 1, axis1=2, axis2=3).mean(axis=-1)
head = divmod(int(copies.argmax()), HEADS)
return head, cost(ids, head, 24), cost(plain[0], head)
'''
    ),
    solution=_dearest(_BACK + _FRESH),
    also={
        "by-layer": _dearest(
            """\
ids = drawn(rng)
whole = read(ids)
copies = np.diagonal(whole.weights[:, :, 24:], 1, axis1=2, axis2=3).mean(axis=-1)
first = next(layer for layer in range(30) if copies[layer].max() > 0.45)
below = [(first - 1, head) for head in range(9)]
lost = [read(ids, [head]).losses[24:].mean() for head in below]
head = below[int(np.argmax(lost))]
repeated = drawn(rng)
text = [read(ids, [head]).losses.mean() - read(ids).losses.mean() for ids in plain[2:5]]
return head, cost(repeated, head, 24), np.mean(text)
"""
        ),
        "where-most-looks-back": _dearest(
            """\
lines = [drawn(rng, 20) for _ in range(3)]
weights = read(lines[0]).weights
head = np.unravel_index(weights[10:, :, range(1, 40), range(39)].mean(-1).argmax(), (20, 9))
head = (head[0] + 10, head[1])
total = [0, 0]
for line, text in zip(lines, plain):
    for n, ids in enumerate((line, text)):
        on, off = read(ids).losses, read(ids, {head}).losses
        start = 20 if n == 0 else 0
        total[n] += (off[start:].mean() - on[start:].mean()) / 3
return head, *total
"""
        ),
        "by-halves": _dearest(
            """\
ids = drawn(rng)

def lost(heads):
    return read(ids, off=heads).losses[24:].mean()

heads = [(layer, head) for layer in range(12, 18) for head in range(9)]
while len(heads) > 1:
    parts = [heads[: len(heads) // 2], heads[len(heads) // 2 :]]
    heads = max(parts, key=lost)
(head,) = heads
return head, cost(drawn(rng), head, 24), np.mean([cost(one, head) for one in plain[3:6]])
"""
        ),
    },
    wrong={
        "the-best-copier": _dearest(
            """\
ids = drawn(rng)
weights = read(ids).weights
copies = np.diagonal(weights[:, :, 24:], 1, axis1=2, axis2=3).mean(axis=-1)
head = divmod(int(copies.argmax()), HEADS)
"""
            + _FRESH
        ),
        "the-first-half-too": _dearest(_BACK + _FRESH.replace("head, 24)", "head)")),
        "without-a-baseline": _dearest(
            _BACK + _FRESH.replace("cost(ids, head)", "read(ids, [head]).losses.mean()")
        ),
    },
    mistakes={
        "the-best-copier": "dear",
        "the-first-half-too": "again",
        "without-a-baseline": "plain",
    },
)


def _split(
    body: str, head: str = "import numpy as np\nfrom model import HEADS, TOKENS, read"
) -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"{head}\n\n\ndef split(rng):\n{text}\n"


_SCORED = """\
half = list(rng.integers(1000, TOKENS, size=30))
weights = read(half + half).weights
copies = np.diagonal(weights[:, :, 30:], 1, axis1=2, axis2=3).mean(axis=-1)
order = [divmod(int(n), HEADS) for n in np.argsort(-copies, axis=None)]
"""
_SPARE = """\
spare = []
for layer, _ in needed:
    free = [one for one in order if one[0] == layer and one not in needed + spare]
    spare.append(free[-1])
return needed, spare
"""

SPLIT = programs(
    starter=_split(
        '''\
"""Eight heads that an agent needs, and eight of the same layers that it does not."""
half = list(rng.integers(1000, TOKENS, size=30))
weights = read(half + half).weights
first = weights[:, :, 1:, 0].mean(axis=-1)
order = [divmod(int(n), HEADS) for n in np.argsort(-first, axis=None)]
needed = order[:8]
spare = []
for layer, _ in needed:
    free = [one for one in order if one[0] == layer and one not in needed + spare]
    spare.append(free[-1])
return needed, spare
'''
    ),
    solution=_split(_SCORED + "needed = order[:8]\n" + _SPARE),
    also={
        "by-chance": _split(
            _SCORED
            + """\
needed = order[:8]
spare = []
for layer, _ in needed:
    free = [h for h in range(9) if (layer, h) not in needed + spare and copies[layer, h] < 0.1]
    spare.append((layer, int(rng.choice(free))))
return needed, spare
"""
        ),
        "three-lines": _split(
            """\
copies = 0
for _ in range(3):
    ids = list(rng.integers(1000, TOKENS, size=20)) * 2
    seen = read(ids).weights
    copies = copies + sum(seen[:, :, i, i - 19] for i in range(20, 40))
needed = sorted(np.ndindex(30, 9), key=lambda head: -copies[head])[:8]
spare = []
for layer in sorted({layer for layer, _ in needed}):
    count = sum(one == layer for one, _ in needed)
    heads = [int(h) for h in np.argsort(copies[layer]) if (layer, h) not in needed]
    spare += [(layer, h) for h in heads[:count]]
return needed, spare
"""
        ),
        "in-plain-python": _split(
            """\
half = [int(n) for n in rng.choice(40000, 24, replace=False) + 2000]
ids = half * 2
seen = read(ids).weights.tolist()
score = {
    (layer, head): sum(seen[layer][head][i][ids.index(ids[i]) + 1] for i in range(24, 48))
    for layer in range(30)
    for head in range(9)
}
needed = sorted(score, key=score.get)[-8:]
taken = set(needed)
spare = []
for layer, _ in needed:
    least = min((one for one in score if one[0] == layer and one not in taken), key=score.get)
    taken.add(least)
    spare.append(least)
return needed, spare
"""
        ),
    },
    wrong={
        "those-that-look-back": _split(
            _SCORED.replace(
                "copies = np.diagonal(weights[:, :, 30:], 1,",
                "copies = np.diagonal(weights, -1,",
            )
            + "needed = order[:8]\n"
            + _SPARE
        ),
        "of-other-layers": _split(_SCORED + "return order[:8], order[-8:]\n"),
        "the-same-token": _split(
            _SCORED.replace("weights[:, :, 30:], 1,", "weights[:, :, 30:], 0,")
            + "needed = order[:8]\n"
            + _SPARE
        ),
    },
    mistakes={
        "those-that-look-back": "needed",
        "of-other-layers": "not from the layers",
        "the-same-token": "it knows what to copy",
    },
)
