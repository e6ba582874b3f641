"""`leash`: small probes, and what the loss and its slopes are, worked out without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

ROWS, NOTES, KEYS = 6, 5, 7
CLIP = 0.2
_NEAR = 2e-3
"""Of the largest slope, how far off another may be; PyTorch reckons in 32 bits."""


@dataclass(frozen=True)
class Probe:
    """One call of the learner's loss.

    Attributes:
        check: what it is for.
        now, old, before: log-probabilities (rows, notes, keys).
        drawn: the keys that were taken (rows, notes).
    """

    check: str
    name: str
    now: Array
    old: Array
    before: Array
    drawn: Array
    rewards: Array
    beta: float

    def given(self) -> dict[str, Any]:
        """As it goes into the sandbox."""
        names = ("now", "old", "before", "drawn", "rewards")
        return {name: getattr(self, name).tolist() for name in names} | {"beta": self.beta}

    def loss(self) -> tuple[float, Array]:
        """The loss, and its slope by each number of `now`."""
        import numpy as np

        rows, notes, _ = self.now.shape
        taken = _at(self.drawn)
        ratio = np.exp(self.now[taken] - self.old[taken])
        lead = np.broadcast_to((self.rewards - self.rewards.mean())[:, None], ratio.shape)
        kept = np.clip(ratio, 1 - CLIP, 1 + CLIP)
        gain = np.minimum(ratio * lead, kept * lead)
        chances = np.exp(self.now)
        leash = (chances * (self.now - self.before)).sum(axis=2)
        slopes = self.beta * chances * (self.now - self.before + 1)
        free = ratio * lead <= kept * lead
        slopes[taken] -= np.where(free, ratio * lead, 0)
        return float((self.beta * leash - gain).mean()), slopes / (rows * notes)


def drawn(seed: int) -> list[Probe]:
    """Four kinds of question, with numbers of their own each time."""
    import numpy as np

    dice = np.random.default_rng(seed)
    now, other, before = (_chances(dice) for _ in range(3))
    keys = dice.integers(KEYS, size=(ROWS, NOTES))
    rewards = dice.normal(size=ROWS) * 2 + dice.choice((-3, 3))
    flat = np.full(ROWS, float(rewards[0]))
    old = _apart(now, keys, dice)
    beta = round(float(dice.uniform(0.1, 0.5)), 3)
    return [
        Probe("lead", "nothing changed yet, no leash", now, now, before, keys, rewards, 0.0),
        Probe("clipped", "some changed much, no leash", now, old, before, keys, rewards, 0.0),
        Probe("leash", "all pieces alike, on a leash", now, now, before, keys, flat, beta),
        Probe("leash", "the same, after some change", now, other, before, keys, flat, beta),
        Probe("whole", "all at once", now, old, before, keys, rewards, beta),
    ]


def _chances(dice: Any) -> Array:
    import numpy as np

    scores = dice.normal(size=(ROWS, NOTES, KEYS)) * 1.5
    return scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))


def _apart(now: Array, keys: Array, dice: Any) -> Array:
    """What was before, so that drawn keys became more and less likely, by far and by little."""
    import numpy as np

    shift = np.tile((0.5, -0.5, 0.1, -0.1, 0.9), (ROWS, 1)) + dice.uniform(-0.05, 0.05, keys.shape)
    old = now.copy()
    old[_at(keys)] -= shift
    return old


def _at(keys: Array) -> tuple[Any, ...]:
    """Where the drawn keys stand."""
    import numpy as np

    grid: Any = np.indices(keys.shape)
    return grid[0], grid[1], keys


def judged(probes: list[Probe], said: Any) -> tuple[str, dict[str, Any]]:
    """(what to show, what is wrong by check) of a loss and its slopes for each probe."""
    import numpy as np

    found: dict[str, Any] = dict.fromkeys(("lead", "clipped", "leash", "whole"))
    if not isinstance(said, list) or len(cast(list[Any], said)) != len(probes):
        raise ToolError("what came out of it can't be read")
    lines: list[str] = []
    for probe, one in zip(probes, cast(list[Any], said), strict=True):
        wanted, slopes = probe.loss()
        try:
            loss, made = float(one["loss"]), np.array(one["slopes"], dtype=float)
        except (TypeError, ValueError, KeyError) as error:
            raise ToolError("loss(…) must return one number that hangs on `now`") from error
        if made.shape != slopes.shape:
            raise ToolError(f"the slopes by `now` are {made.shape}, not {slopes.shape}")
        lines.append(f"{probe.name}: {loss:.4f}")
        why = _off(probe, made, slopes)
        if why is None and not abs(loss - wanted) <= _NEAR * max(0.1, abs(wanted)):
            why = f"the loss is {loss:.4f}, {wanted:.4f} is right; its slopes are right"
        if why and not found[probe.check]:
            found[probe.check] = f"{probe.name}: {why}"
    return "\n".join(lines), found


def _off(probe: Probe, made: Array, slopes: Array) -> str | None:
    import numpy as np

    off = np.abs(made - slopes)
    if off.max() <= _NEAR * np.abs(slopes).max():
        return None
    row, note, key = (int(n) for n in np.unravel_index(off.argmax(), off.shape))
    where = f"of piece {row}, note {note}, key {key}, the slope is {made[row, note, key]:.4f}"
    ratio = np.exp(probe.now[row, note, key] - probe.old[row, note, key])
    lead = probe.rewards[row] - probe.rewards.mean()
    about = f"ratio {ratio:.2f}, lead {lead:+.2f}" if probe.drawn[row, note] == key else "not drawn"
    return f"{where}, {slopes[row, note, key]:.4f} is right ({about})"
