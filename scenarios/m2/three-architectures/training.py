"""The three nets, trained on gaps by what a program says each is given; and how they fill them.

A net is trained once for a set of lessons, which takes some seconds, and kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ToolError

from .sentences import END, GAP, SLOTS, START, WORDS, Gapped, gapped, ids

if TYPE_CHECKING:
    from torch import Tensor

    from .nets import Net

ROUNDS, TEXTS, RATE = 350, 64, 0.006
SEED = 5
_LONGEST = 16
_KEPT = 24
Lesson = tuple[list[list[int]], list[int]]
"""What a net reads, and what it has to say at each place; -1 where nothing is asked."""
_trained: OrderedDict[str, Net] = OrderedDict()


def lessons() -> list[Gapped]:
    """The gaps that every net learns from: the same for all three."""
    rng = Random(SEED)  # noqa: S311 - the seed is the point
    return [gapped(rng) for _ in range(ROUNDS * TEXTS)]


def written(prompt: Sequence[str], gap: Sequence[str]) -> Lesson:
    """A lesson of `gpt`: to go on from a prompt with what is missing."""
    answer = ids([*gap, END])
    given = ids(prompt)
    return [[*given, *answer[:-1]]], [-1] * (len(given) - 1) + answer


def answered(source: Sequence[str], gap: Sequence[str]) -> Lesson:
    """A lesson of `t5`: to write what is missing beside what was read."""
    return [ids(source), ids([START, *gap])], ids([*gap, END])


def hidden(gap: Gapped, hide: Sequence[bool]) -> Lesson:
    """A lesson of `bert`: to say which words are hidden. After the last comes a full stop."""
    before, missing, after = gap
    slots = [*missing, *[END] * (SLOTS - len(missing))]
    shown = [GAP if gone else word for word, gone in zip(slots, hide, strict=True)]
    asked = [n if gone else -1 for n, gone in zip(ids(slots), hide, strict=True)]
    return [ids([*before, *shown, *after])], [-1] * len(before) + asked + [-1] * len(after)


def trained(kind: str, given: Sequence[Lesson], tell: Callable[[str], None]) -> Net:
    """A net that has learnt from lessons.

    Raises:
        ToolError: a lesson is too long for it.
    """
    if max(len(part) for parts, _ in given for part in parts) > _LONGEST:
        raise ToolError(f"a net reads {_LONGEST} words at most")
    name = sha256(repr((kind, given)).encode()).hexdigest()
    if name not in _trained:
        tell(f"{kind} learns from {len(given):,} gaps\n")
        _trained[name] = _train(kind, given)
        while len(_trained) > _KEPT:
            _trained.popitem(last=False)
    return _trained[name]


def _train(kind: str, given: Sequence[Lesson]) -> Net:
    import torch
    from torch.nn.functional import cross_entropy

    from . import forward
    from .nets import Net

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with cast(Any, torch.random).fork_rng():
            cast(Any, torch).manual_seed(SEED)
            net = Net(len(WORDS), *forward.BLOCKS[kind], forward.INNER[kind])
        optimizer = torch.optim.Adam(net.parameters())
        for step in range(ROUNDS):
            batch = given[step * TEXTS : (step + 1) * TEXTS]
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / 20) * (1.02 - step / ROUNDS)
            asked = _padded([one[1] for one in batch], -1)
            parts = [_padded(list(part)) for part in zip(*(one[0] for one in batch), strict=True)]
            scores = getattr(forward, kind)(net, *parts)
            loss = cross_entropy(scores.flatten(0, 1), asked.flatten(), ignore_index=-1)
            optimizer.zero_grad()
            cast(Any, loss).backward()
            cast(Any, optimizer).step()
    finally:
        torch.set_num_threads(threads)
    return net


def _padded(rows: Sequence[Sequence[int]], by: int = 0) -> Tensor:
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[by] * (longest - len(row))] for row in rows])


@dataclass(frozen=True)
class Filled:
    """What a net puts into gaps.

    Attributes:
        fills: the words of each.
        rows: places evaluated for each, on average, with what can be kept kept.
    """

    fills: Sequence[list[str]]
    rows: float


def go_on(net: Net, prompts: Sequence[Sequence[str]]) -> Filled:
    """How a decoder goes on. With keys and values kept, each word is evaluated once."""
    fills = [_go_on(net, prompt) for prompt in prompts]
    rows = [len(prompt) + len(fill) for prompt, fill in zip(prompts, fills, strict=True)]
    return Filled(fills, sum(rows) / len(rows))


def _go_on(net: Net, prompt: Sequence[str]) -> list[str]:
    from . import forward

    return _until_end(lambda fill: forward.gpt(net, _padded([ids([*prompt, *fill])])))


def answer(net: Net, sources: Sequence[Sequence[str]]) -> Filled:
    """What a decoder writes beside an encoder, which reads once."""
    fills = [_answer(net, source) for source in sources]
    rows = [len(source) + 1 + len(fill) for source, fill in zip(sources, fills, strict=True)]
    return Filled(fills, sum(rows) / len(rows))


def _answer(net: Net, source: Sequence[str]) -> list[str]:
    from . import forward

    read = _padded([ids(source)])
    return _until_end(lambda fill: forward.t5(net, read, _padded([ids([START, *fill])])))


def _until_end(scores: Callable[[list[str]], Tensor]) -> list[str]:
    import torch

    fill: list[str] = []
    with torch.no_grad():
        while len(fill) <= SLOTS:
            word = WORDS[int(scores(fill)[0, -1].argmax())]
            if word == END:
                break
            fill.append(word)
    return fill


def fill_in(
    net: Net, gaps: Sequence[tuple[Sequence[str], Sequence[str]]], *, at_once: bool
) -> Filled:
    """What an encoder puts into three places, all in one pass or the surest of them in each."""
    found = [_fill_in(net, before, after, at_once) for before, after in gaps]
    return Filled([fill for fill, _ in found], sum(rows for _, rows in found) / len(found))


def _fill_in(
    net: Net, before: Sequence[str], after: Sequence[str], at_once: bool
) -> tuple[list[str], int]:
    import torch

    from . import forward

    slots, rows = [GAP] * SLOTS, 0
    while GAP in slots:
        given = [*before, *slots, *after]
        rows += len(given)
        with torch.no_grad():
            scores = forward.bert(net, _padded([ids(given)]))[0]
        chances = scores[len(before) : len(before) + SLOTS].softmax(dim=-1)
        chances[:, ids([GAP])] = 0
        open_ones = [at for at, word in enumerate(slots) if word == GAP]
        surest = max(open_ones, key=lambda at: float(chances[at].max()))
        for at in open_ones if at_once else [surest]:
            slots[at] = WORDS[int(chances[at].argmax())]
    return [word for word in slots if word != END], rows


def reference(kind: str) -> Callable[[Gapped, Random], Lesson]:
    """How the judge asks each net; `left` is a decoder that is given what stands before alone."""
    makers: Mapping[str, Callable[[Gapped, Random], Lesson]] = {
        "left": lambda gap, _: written(before_only(gap[0]), gap[1]),
        "gpt": lambda gap, _: written(turned(gap[0], gap[2]), gap[1]),
        "t5": lambda gap, _: answered(marked(gap[0], gap[2]), gap[1]),
        "bert": lambda gap, rng: hidden(gap, some(rng)),
    }
    return makers[kind]


def before_only(before: Sequence[str]) -> list[str]:
    """What stands before a gap, for a decoder."""
    return [START, *before]


def turned(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What stands after a gap first, then what stands before it, for a decoder."""
    return [*after, "|", *before, GAP]


def marked(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """A sentence with a mark where the gap is, for an encoder."""
    return [*before, GAP, *after]


def some(rng: Random) -> list[bool]:
    """Some of the three places, one at least."""
    count = rng.choice((1, 2, 3))
    places = rng.sample(range(SLOTS), count)
    return [at in places for at in range(SLOTS)]


def taught(name: str, tell: Callable[[str], None]) -> Net:
    """A net that was taught as the judge does, by a name of `reference`."""
    rng, maker = Random(SEED), reference(name)  # noqa: S311 - the seed is the point
    kind = "gpt" if name == "left" else name
    return trained(kind, [maker(gap, rng) for gap in lessons()], tell)
