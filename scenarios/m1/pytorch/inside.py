"""What the lab runs in the sandbox, beside the learner's program; what it finds is judged outside.

given["x"], given["y"]     pictures (n, 196) from 0 to 1, and their digits (n,)
given["fresh"]             pictures whose digits are known outside only
"""

from __future__ import annotations

import gc
import weakref
from typing import Any, cast

import torch  # noqa: TID253 - it runs in the sandbox only
from torch import nn  # noqa: TID253
from torch.nn import functional  # noqa: TID253

_FEW = 16
_ROWS, _WIDTH = 160, 12
_SURE = 0.9


def module(make: Any, given: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What a module knows of itself: what it trains, saves and moves; and what it then guesses."""
    x, few = given["x"], given["x"][:_FEW]
    net = make(x)
    scores = net(few)
    mine = {id(part) for part in net.parameters()}
    leaves = _leaves(scores)
    found: dict[str, Any] = {
        "shape": list(scores.shape),
        "strangers": sum(leaf.numel() for leaf in leaves if id(leaf) not in mine),
        "known": sum(leaf.numel() for leaf in leaves if id(leaf) in mine),
    }
    _trained(net, x, given["y"])
    net.eval()
    with torch.no_grad():
        scores = net(few)
        found["alone"] = _gap(torch.cat([net(few[n : n + 1]) for n in range(_FEW)]), scores)
        found["guesses"] = net(given["fresh"]).argmax(dim=1).tolist()
        twin = make(0.5 * given["fresh"] + 0.3)
        told = twin.load_state_dict(net.state_dict(), strict=False)
        found["unknown"] = [*told.missing_keys, *told.unexpected_keys][:3]
        found["saved"] = _gap(twin.eval()(few), scores)
        try:
            found["moved"] = str(twin.to("meta")(few.to("meta")).device)
        except (RuntimeError, NotImplementedError, TypeError) as error:
            found["moved"] = str(error).splitlines()[0][:120]
    return found


def _trained(net: Any, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer: Any = torch.optim.Adam(net.parameters(), lr=0.003)
    for _ in range(4):
        order: Any = torch.randperm(len(x))
        for rows in order.split(64):
            optimizer.zero_grad()
            loss: Any = functional.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()


def _leaves(made: torch.Tensor) -> list[torch.Tensor]:
    """All weights that a tensor was made of, whoever keeps them."""
    todo: list[Any] = [made.grad_fn]
    found: dict[int, torch.Tensor] = {}
    seen: set[Any] = set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        todo += [before for before, _ in node.next_functions]
    return list(found.values())


def _gap(one: torch.Tensor, other: torch.Tensor) -> float | None:
    """The largest difference; None where a number is none."""
    gap = float((one - other).abs().max())
    return gap if torch.isfinite(one).all() and torch.isfinite(other).all() else None


class _Token:
    """Lives for as long as the graph that it was put into."""


class _Marked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, token: _Token) -> torch.Tensor:
        ctx.token = token
        return scores.clone()

    @staticmethod
    def backward(ctx: Any, *blame: Any) -> Any:
        return blame[0], None


class Watched(nn.Module):
    """One layer that writes down how it is used."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.layer = nn.Linear(_WIDTH, 10)
        with torch.no_grad():
            self.layer.weight.copy_(size * torch.randn(10, _WIDTH))
            self.layer.bias.zero_()
        self.modes: list[bool] = []
        self.blamed: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        """Of each pass: what came in, its scores, and the slope of the loss by them."""
        self.left: list[float] = []
        """Of each pass: how much of an earlier one was in the slope of the weights, at most."""
        self.tokens: list[weakref.ref[_Token]] = []
        self._fresh: torch.Tensor | None = None
        weight: Any = self.layer.weight
        weight.register_hook(self._alone)
        weight.register_post_accumulate_grad_hook(self._added)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The scores, and on the way back a look at what is blamed for what."""
        self.modes.append(self.training)
        scores: Any = self.layer(x)
        if not scores.requires_grad:
            return scores
        token = _Token()
        self.tokens.append(weakref.ref(token))
        scores = cast(Any, _Marked).apply(scores, token)
        kept: tuple[Any, Any] = x.detach().clone(), scores.detach().clone()

        def blamed(slope: torch.Tensor) -> None:
            self.blamed.append((*kept, slope.detach().clone()))

        scores.register_hook(blamed)
        return scores

    def _alone(self, slope: torch.Tensor) -> None:
        self._fresh = slope.detach().clone()

    def _added(self, weight: torch.Tensor) -> None:
        if self._fresh is not None and weight.grad is not None:
            self.left.append(float((weight.grad - self._fresh).abs().max()))


def loop(fit: Any, predict: Any, given: dict[str, torch.Tensor]) -> dict[str, Any]:
    """How a net is trained and asked, seen from within; and what one that was trained guesses."""
    x = torch.randn(_ROWS, _WIDTH)
    x[:, 0] = torch.arange(_ROWS) / _ROWS  # by which a row is known again
    y = torch.randint(10, (_ROWS,))
    gentle, sharp = Watched(0.01), Watched(2.0)
    gentle.eval()
    losses = fit(gentle, x, y, 2)
    passes, modes = len(gentle.modes), [*gentle.modes]
    gc.collect()
    found: dict[str, Any] = {
        "passes": passes,
        "losses": len(losses),
        "alive": sum(token() is not None for token in gentle.tokens),
        "finite": all(abs(float(torch.as_tensor(loss).detach())) < 1e6 for loss in losses),
        "training": sum(modes),
        "left": max(gentle.left, default=None),
        "rows": sum(len(rows) for rows, _, _ in gentle.blamed),
        "paired": sum(_paired(y, *blamed) for blamed in gentle.blamed),
    }
    del losses
    gentle.modes.clear()
    gentle.train()
    predict(gentle, x)
    found |= {"asked": len(gentle.modes), "asked_training": sum(gentle.modes)}
    fit(sharp, x, y, 1)
    likenesses = [_likeness(*blamed) for blamed in sharp.blamed]
    found["likeness"] = float(torch.cat(likenesses).mean()) if likenesses else None
    net = nn.Sequential(nn.Linear(196, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    fit(net, given["x"], given["y"], 4)
    net.train()
    asked: Any = [torch.as_tensor(predict(net, given["fresh"])) for _ in range(2)]
    found |= {"guesses": asked[0].tolist(), "changed": int((asked[0] != asked[1]).sum())}
    return found


def _paired(y: torch.Tensor, x: torch.Tensor, _: torch.Tensor, slope: torch.Tensor) -> int:
    """How many rows were blamed for the label that is theirs: while no score is sure of itself,
    the steepest way down is at the right one."""
    rows = (x[:, 0] * _ROWS).round().long()
    return int((slope.argmin(dim=1) == y[rows]).sum())


def _likeness(_: torch.Tensor, scores: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """How much a row's slope is like that of the surprise at some label, 1 being the same."""
    chances = scores.softmax(dim=1)
    wanted = chances[:, None, :] - torch.eye(10)
    like = functional.cosine_similarity(slope[:, None, :], wanted, dim=2).amax(dim=1)
    return like[chances.amax(dim=1) < _SURE]


def layer(make: Any, given: dict[str, torch.Tensor], epsilon: float) -> torch.Tensor:
    """What a layer's half makes of what comes to it, with the weights of the model in it."""
    x = given.pop("x")
    hidden, width = given["ffn_gate.weight"].shape
    half = make(width, hidden, epsilon)
    half.load_state_dict(given)
    with torch.no_grad():
        return torch.as_tensor(half.eval()(x))
