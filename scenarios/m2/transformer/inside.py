"""What the lab runs in the sandbox, beside the learner's program; what it finds is judged outside.

Ids are lists of rows, filled up with 0; a target begins with 1 and ends with 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch  # noqa: TID253 - it runs in the sandbox only
from torch import nn  # noqa: TID253
from torch.nn import functional  # noqa: TID253

_ROUNDS, _ROWS, _RATE = 240, 40, 0.008
_LONGEST = 16
_MOVED = 1e-5
"""Scores that differ by more have been moved; by rounding they differ by about 1e-6."""


def net(make: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What reaches which score of a fresh net; if that is as it should be, what it learns."""
    cast(Any, torch).manual_seed(given["seed"])
    words, pieces = given["words"], given["pieces"]
    found = _reached(make(words, pieces).eval(), words, pieces)
    if any(found.values()):
        return found
    made, source, target = (
        make(words, pieces),
        *map(torch.tensor, (given["source"], given["target"])),
    )
    fit(made, source, target)
    made.eval()
    with torch.no_grad():
        fresh, wanted = torch.tensor(given["fresh"]), torch.tensor(given["wanted"])
        found["written"] = cast(Any, written(made, fresh)).tolist()
        found["nats"] = float(loss(made, fresh, wanted)) / len(fresh)
        found["moves"] = _moves(made, fresh[:1], found["written"][0], words)
    return found


def fit(made: Any, source: torch.Tensor, target: torch.Tensor, rounds: int = _ROUNDS) -> None:
    """Train by Adam: of each piece of a target, the net is shown those before it."""
    optimizer: Any = torch.optim.Adam(made.parameters(), lr=_RATE, betas=(0.9, 0.98))
    made.train()
    for n in range(rounds):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, (n + 1) / 30, 2 * (rounds - n) / rounds)
        rows = torch.randint(len(source), (_ROWS,))
        optimizer.zero_grad()
        blame: Any = loss(made, source[rows], target[rows]) / (target[rows, 1:] != 0).sum()
        blame.backward()
        nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()


def loss(made: Any, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The nats of some targets, all their pieces together."""
    scores = made(source, target[:, :-1]).flatten(0, 1)
    return functional.cross_entropy(
        scores, target[:, 1:].flatten(), ignore_index=0, reduction="sum"
    )


def written(made: Any, source: torch.Tensor) -> torch.Tensor:
    """What a net writes by itself, piece after piece, always the likeliest: (rows, 16)."""
    target = torch.ones(len(source), 1, dtype=torch.long)
    for _ in range(_LONGEST):
        target = torch.cat([target, made(source, target)[:, -1:].argmax(dim=-1)], dim=1)
    return target[:, 1:]


def _moves(made: Any, source: torch.Tensor, row: list[int], words: int) -> list[list[float]]:
    """How much each piece written hangs on each piece read: (pieces, words), from 0 to 1.

    A piece read is put in place of by four others; what counts is how far chances move.
    """
    end = row.index(2) + 1 if 2 in row else len(row)
    target = torch.tensor([[1, *row[: end - 1]]])
    before = made(source, target)[0].softmax(dim=-1)
    columns: list[torch.Tensor] = []
    for at in range(int((source != 0).sum())):
        others = source.repeat(4, 1)
        others[:, at] = torch.randint(4, words, (4,))
        after = made(others, target.repeat(4, 1)).softmax(dim=-1)
        columns.append((after - before).abs().sum(dim=-1).mean(dim=0) / 2)
    return cast(list[list[float]], cast(Any, torch.stack(columns, dim=1)).tolist())


def _reached(made: Any, words: int, pieces: int) -> dict[str, Any]:
    """What is wrong with what a net looks at, by the name of the check; None where nothing is."""
    with torch.no_grad():
        source, target = torch.randint(4, words, (1, 7)), torch.randint(4, pieces, (1, 6))
        source[0, 3] = 4 + (source[0, 1] - 3) % (words - 4)  # else to exchange them changes nothing
        scores = made(source, target)
        shape = [1, 6, pieces]
        if list(scores.shape) != shape:
            return {"shape": f"(1, 7) and (1, 6) give {tuple(scores.shape)}, not {tuple(shape)}"}
        later = moved(lambda ids: made(source, ids), target, pieces)
        read = moved(lambda ids: made(ids, target), source, words)
        swapped = source.clone()
        swapped[0, [1, 3]] = source[0, [3, 1]]
        filled = functional.pad(source, (0, 3))
        return {
            "shape": None,
            "later": _first(later & ~_lower(6), "place {} sees place {} of the target"),
            "earlier": _first(~later & _lower(6), "place {} does not see place {} of the target"),
            "source": _first(~read, "place {} does not see place {} of the source"),
            "order": None
            if _apart(made(swapped, target), scores)
            else "two words of the source exchanged: not a score moves",
            "padding": "three pads behind the source move the scores"
            if _apart(made(filled, target), scores)
            else None,
        }


def moved(scored: Callable[[torch.Tensor], torch.Tensor], ids: torch.Tensor, size: int) -> Any:
    """Which rows of scores move with which id: (rows, ids)."""
    before = scored(ids)[0]
    columns: list[torch.Tensor] = []
    for at in range(ids.shape[1]):
        others = ids.clone()
        others[0, at] = 4 + (ids[0, at] - 3) % (size - 4)
        columns.append((scored(others)[0] - before).abs().amax(dim=-1) > _MOVED)
    return torch.stack(columns, dim=1)


def _lower(n: int) -> torch.Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def _apart(one: torch.Tensor, other: torch.Tensor) -> bool:
    gap = float((one - other).abs().max())
    return not gap <= _MOVED


def _first(wrong: torch.Tensor, says: str) -> str | None:
    at: list[list[int]] = cast(Any, wrong.nonzero()).tolist()
    return says.format(*at[0]) if at else None


class Reader(nn.Module):
    """A net that may see what it must not. Its weights are drawn, and never trained.

    Attributes:
        target: the embedding of the pieces of the target, of which there are `pieces`.
    """

    def __init__(self, like: dict[str, Any], width: int = 32) -> None:
        super().__init__()
        self.pieces = 40
        self.source, self.target = nn.Embedding(self.pieces, width), nn.Embedding(40, width)
        self.places = nn.Embedding(64, width)
        self.layers = nn.ModuleList([_Layer(like, width) for _ in range(like["layers"])])
        self.out = nn.Linear(width, self.pieces)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Scores for the piece after each of target: (batch, n, pieces)."""
        x = self.source(source) + self.places.weight[: source.shape[1]]
        y = self.target(target) + self.places.weight[: target.shape[1]]
        for layer in self.layers:
            y = layer(y, x)
        return cast(torch.Tensor, self.out(y))


class _Layer(nn.Module):
    def __init__(self, like: dict[str, Any], width: int) -> None:
        super().__init__()
        self.like = like
        self.parts = nn.ModuleList([nn.Linear(width, width) for _ in range(6)])
        self.taps = nn.Conv1d(width, width, 3)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(like["dropout"])

    def forward(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """What is added to y, (batch, n, width), out of itself and of x."""
        like, z = self.like, self.norm(y)
        ahead = like["ahead"] if self.training or not like["only"] else 0
        heads = [(0 if n < like["held"] else ahead) for n in range(4)]
        y = y + self.drop(self._looked(z, z, self.parts[:3], heads, like["behind"]))
        y = y + self.drop(self._looked(self.norm(y), x, self.parts[3:], None, 0))
        if like["taps"]:
            sides = (2, 0) if like["taps"] < 0 else (1, 1)
            y = y + self.taps(functional.pad(y.transpose(1, 2), sides)).transpose(1, 2)
        return y + like["pooled"] * y.mean(dim=1, keepdim=True)

    def _looked(
        self, x: torch.Tensor, other: torch.Tensor, parts: Any, heads: Any, behind: int
    ) -> torch.Tensor:
        q, k, v = (
            part(rows).unflatten(-1, (4, -1)).transpose(1, 2)
            for part, rows in zip(parts, (x, other, other), strict=True)
        )
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        if heads is None:
            return (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(-2)
        away = torch.arange(len(x[0])) - torch.arange(len(x[0]))[:, None]
        seen = torch.stack([(away <= ahead) & (away >= -behind) for ahead in heads])
        if self.like["late"]:
            weights = scores.softmax(dim=-1) * seen
        else:
            weights = scores if self.like["low"] else scores.masked_fill(~seen, float("-inf"))
            weights = (weights + ~seen * self.like["low"]).softmax(dim=-1)
        return (weights @ v).transpose(1, 2).flatten(-2)


def seen(sees: Any, given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the learner's function says of each net, and whether it left it as it was."""
    found: list[dict[str, Any]] = []
    for like in given:
        cast(Any, torch).manual_seed(like["seed"])
        made = Reader(like).train(like["training"])
        n = like["places"]
        source, target = torch.randint(4, 40, (1, n + 2)), torch.randint(4, 40, (1, n))
        was = {name: part.clone() for name, part in made.state_dict().items()}
        modes = [(type(part), part.training, getattr(part, "p", 0)) for part in made.modules()]
        said = torch.as_tensor(sees(made, source.clone(), target.clone()))
        kept = modes == [(type(p), p.training, getattr(p, "p", 0)) for p in made.modules()]
        now = made.state_dict()
        kept = kept and all(torch.equal(was[name], now[name]) for name in was)
        if list(said.shape) != [n, n]:
            raise TypeError(f"of {n} places it returned {tuple(said.shape)}, not ({n}, {n})")
        found.append({"said": cast(Any, said.bool().int()).tolist(), "kept": kept})
    return found


def served(translate: Any, made: Any, texts: Sequence[str]) -> list[str | None]:
    """What each text is in Hungarian; None where it is refused."""
    return [_served(translate, made, text) for text in texts]


def _served(translate: Any, made: Any, text: str) -> str | None:
    try:
        said = translate(made, text)
    except ValueError:
        return None
    if not isinstance(said, str):
        raise TypeError(f"translate returns a text, not {type(said).__name__}")
    return said
