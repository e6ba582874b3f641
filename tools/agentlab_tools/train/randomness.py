"""Chance that can be repeated: seeds, states that fit into a checkpoint, and shuffled data.

Whatever generators a process has loaded are meant: Python's own, NumPy's global one, and torch's,
on the processor and on every GPU. States are plain JSON, never pickles.
"""

from __future__ import annotations

import base64
import random
import sys
from typing import Any


def seed_all(seed: int) -> None:
    """Seed every generator this process has loaded."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(seed)  # and every GPU's


def random_states() -> dict[str, Any]:
    """The state of every generator this process has loaded, as JSON."""
    version, inner, gauss = random.getstate()
    states: dict[str, Any] = {"python": [version, list(inner), gauss]}
    if (numpy := sys.modules.get("numpy")) is not None:
        name, keys, position, has_gauss, cached = numpy.random.get_state()
        states["numpy"] = [name, keys.tolist(), position, has_gauss, cached]
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = _text(torch.get_rng_state())
        if torch.cuda.is_available():
            states["cuda"] = [_text(state) for state in torch.cuda.get_rng_state_all()]
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Go on where the generators stood; those that are not loaded here are passed over."""
    if python := states.get("python"):
        version, inner, gauss = python
        random.setstate((version, tuple(inner), gauss))
    if (numpy := sys.modules.get("numpy")) is not None and (state := states.get("numpy")):
        numpy.random.set_state(tuple(state))
    if (torch := sys.modules.get("torch")) is not None and (state := states.get("torch")):
        torch.set_rng_state(_tensor(torch, state))
        gpus = states.get("cuda", [])
        if torch.cuda.is_available() and len(gpus) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([_tensor(torch, gpu) for gpu in gpus])


class Shuffled:
    """Indices of a data set in a shuffled order that depends on the seed and the place alone.

    Every epoch has an order of its own. As nothing is carried from one batch to the next, a job
    that is resumed at step 120 sees what it would have seen.
    """

    def __init__(self, size: int, seed: int) -> None:
        if size < 1:
            raise ValueError("there is no data to shuffle")
        self._size = size
        self._seed = seed
        self._epoch = -1
        self._order: list[int] = []

    def batch(self, step: int, count: int) -> list[int]:
        """The `count` indices of a step; steps count from 1, and go on into the next epoch."""
        first = (step - 1) * count
        return [self._at(place) for place in range(first, first + count)]

    def _at(self, place: int) -> int:
        epoch, within = divmod(place, self._size)
        if epoch != self._epoch:
            self._order = list(range(self._size))
            random.Random(f"{self._seed} {epoch}").shuffle(self._order)  # noqa: S311 - not a secret
            self._epoch = epoch
        return self._order[within]


def _text(state: Any) -> str:
    return base64.b64encode(state.cpu().numpy().tobytes()).decode()


def _tensor(torch: Any, text: str) -> Any:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
