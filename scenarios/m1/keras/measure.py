"""The numbers in the lesson, made again, by itself: `python measure.py`, or only some of its parts:
`python measure.py layer train`. With KERAS_BACKEND=tensorflow, on TensorFlow."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.digits import drawn

answers, cases, inside = map(importlib.import_module, ("answers", "cases", "inside"))
keras = inside.keras
DRAWS = 8


def programs(step: Any, **more: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the solution, the starter and the wrong answers define, each only when it is its turn:
    Keras loads what was registered last."""
    answered = {"solution": step.solution, "starter": step.starter, **step.wrong}
    for name, code in {**{name: one.code for name, one in answered.items()}, **more}.items():
        keras.saving.get_custom_objects().clear()
        yield name, _defined(code)


def _defined(code: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - the lab's own
    return space


def given(seed: int) -> tuple[dict[str, Any], Any]:
    """A draw; and the digits of its fresh pictures."""
    x, y, fresh, digits = drawn(seed, cases.KNOWN, cases.FRESH, "float32")
    keras.utils.set_random_seed(seed)
    return {"x": x, "y": y, "fresh": fresh}, digits


def told(name: str, rows: list[Mapping[str, float]]) -> None:
    """The mean of each number over the draws."""
    print(name, ", ".join(f"{key} {fmean(row[key] for row in rows):.3f}" for key in rows[0]))


def _right(net: Any, x: Any, digits: Any) -> float:
    return float((net.predict(x, verbose=0).argmax(axis=1) == digits).mean())


def layer() -> None:
    """What is left of a layer that was saved and loaded."""
    file = Path(tempfile.mkdtemp()) / "net.keras"
    for name, space in programs(answers.LAYER):
        rows: list[Mapping[str, float]] = []
        for seed in range(DRAWS):
            draw, digits = given(seed)
            standard = space["Standard"](inside.MOST)
            net = inside._net(standard, 0.3, 0.01)
            standard.adapt(draw["x"])
            net.fit(draw["x"], draw["y"], batch_size=50, epochs=2, verbose=0)
            net.save(file)
            try:
                loaded = keras.models.load_model(file)
            except TypeError as error:
                print(name, inside._short(error))
                break
            right = _right(net, draw["fresh"], digits)
            rows.append({"right": right, "loaded": _right(loaded, draw["fresh"], digits)})
        else:
            told(name, rows)


def watch() -> None:
    """How many ReLUs die as steps grow longer, and what is right then."""
    Dead = _defined(answers.WATCH.solution.code.replace("> 0.5", "> 2"))["Dead"]
    for rate in (0.003, 0.01, 0.03, 0.06):
        rows: list[Mapping[str, float]] = []
        for seed in range(DRAWS):
            draw, digits = given(seed)
            net = inside._deep()
            inside._compiled(net, rate)
            dead = Dead(draw["x"])
            net.fit(draw["x"], draw["y"], batch_size=64, epochs=8, verbose=0, callbacks=[dead])
            first, last = dead.shares[0], dead.shares[-1]
            right = _right(net, draw["fresh"], digits)
            rows.append({"dead after one": first, "after eight": last, "right": right})
        told(f"rate {rate}:", rows)


def numbers() -> None:
    """The four numbers of a training with dropout, after 4, 8 and 16 rounds."""
    for rounds in (4, 8, 16):
        rows: list[Mapping[str, float]] = []
        for seed in range(DRAWS):
            draw, digits = given(seed)
            net = inside._net(keras.layers.Rescaling(3.0, -0.4), 0.5)
            x, y = draw["x"], draw["y"]
            how = {"batch_size": 50, "epochs": rounds, "verbose": 0, "validation_split": 0.2}
            seen = net.fit(x, y, **how).history
            rows.append(
                {
                    "accuracy": seen["accuracy"][-1],
                    "val_accuracy": seen["val_accuracy"][-1],
                    "asked about what it learnt from": _right(net, x[:1200], y[:1200]),
                    "fresh": _right(net, draw["fresh"], digits),
                }
            )
        told(f"{rounds} rounds:", rows)


def train() -> None:
    """What is said and what is right, of a net without dropout, on digits in order."""
    more = {"last-rows": answers.LAST_ROWS, "shown-before": answers.SHOWN_BEFORE}
    for name, space in programs(answers.TRAIN, **more):
        rows: list[Mapping[str, float]] = []
        for seed in range(DRAWS):
            draw, digits = given(seed)
            counted = _Counted()
            found = inside.reads(counted.around(space["train"]), draw, 20)
            scores = counted.net.evaluate(draw["fresh"], digits, verbose=0, return_dict=True)
            right = float((np.array(found["guesses"]) == digits).mean())
            rows.append(
                {
                    "said": found["said"],
                    "right": right,
                    "loss": scores["loss"],
                    "rounds": counted.rounds,
                }
            )
        told(name, rows)


class _Counted:
    """Counts the rounds of a training."""

    net: Any
    rounds: int

    def around(self, train: Callable[..., Any]) -> Callable[..., Any]:
        """The same training, counted."""

        def counted(net: Any, *rest: Any) -> Any:
            self.net = net
            said = train(net, *rest)
            self.rounds = len(net.history.history["loss"])
            return said

        return counted


if __name__ == "__main__":
    for part in (layer, watch, numbers, train):
        if part.__name__ in (sys.argv[1:] or [part.__name__]):
            print(part.__name__)
            part()
