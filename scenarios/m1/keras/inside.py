"""What the lab runs in the sandbox, beside the learner's program; what it finds is judged outside.

It runs on whichever backend Keras has. Arrays are NumPy's: pictures (n, 196) from 0 to 1, as
float32, and digits (n,).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import keras as _keras
import numpy as np  # noqa: TID253
from numpy.typing import NDArray  # noqa: TID253

keras: Any = _keras
Array: TypeAlias = NDArray[Any]

MOST = 2.0
"""How far from the mean a learner's layer lets a point be, in spreads."""
_FEW = 16
_FILE = "net.keras"
ROWS, _WIDTH = 400, 12
ROUNDS = 20
"""So many a scripted net may be trained for."""
LOSSES = (2.3, 2.0, 1.5, 1.2, 1.3, 1.0, 0.8, 0.9, 0.95, 1.1)
"""Of a scripted net, on what is held back, after so many rounds; after that it only rises."""
_HELD = 0.2


def layer(make: Any, again: Callable[[], Any], given: dict[str, Array]) -> dict[str, Any]:
    """What a layer makes of pictures, and what is left of it in another process.

    Args:
        make: the learner's layer.
        again: runs the program anew, as a new process does.
        given: `x`, `y` to learn from; `fresh` to be asked about.
    """
    x, few = given["x"], given["x"][:_FEW]
    standard = make(MOST)
    net = _net(standard, 0.3, 0.01)
    standard.adapt(x)
    wanted = np.clip((few - x.mean(axis=0)) / x.std(), -MOST, MOST)
    found: dict[str, Any] = {"off": _gap(keras.ops.convert_to_numpy(standard(few)), wanted)}
    net.fit(x, given["y"], batch_size=50, epochs=2, verbose=0)
    found["moved"] = _gap(keras.ops.convert_to_numpy(standard(few)), wanted)
    scores = net.predict(given["fresh"], verbose=0)
    net.save(_FILE)
    other = make(0.5)
    _net(other, 0.5)
    other.adapt(0.5 * given["fresh"] + 0.3)
    again()
    try:
        loaded = keras.models.load_model(_FILE)
    except Exception as error:  # noqa: BLE001 - whatever the learner's classes raise
        found["loads"] = _short(error)
        return found
    found["loads"] = None
    after = loaded.predict(given["fresh"], verbose=0)
    found["saved"] = _gap(after, scores)
    found["guesses"] = after.argmax(axis=1).tolist()
    return found


def _short(error: Exception) -> str:
    """The line of an error of Keras that says what is wrong; it tells its whole config, too."""
    lines = str(error).splitlines() or [""]
    last = next((line for line in lines if line.startswith("Exception encountered: ")), lines[0])
    return f"{type(error).__name__}: {last.removeprefix('Exception encountered: ')}"[:160]


def _net(first: Any, dropped: float, rate: float = 0.003) -> Any:
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((196,)),
            first,
            layers.Dense(64, activation="relu"),
            layers.Dropout(dropped),
            layers.Dense(10),
        ]
    )
    _compiled(net, rate)
    return net


def _compiled(net: Any, rate: float, **more: Any) -> None:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], **more)


def _gap(one: Any, other: Any) -> float | None:
    """The largest difference; None where a number is none."""
    gap = float(np.abs(np.asarray(one) - np.asarray(other)).max())
    return gap if np.isfinite(gap) else None


def watch(make: Any, given: dict[str, Array]) -> dict[str, Any]:
    """What a callback saw of two nets whose neurons die on a timetable, and when it ended them."""
    x, y = given["x"][:256], given["y"][:256]
    found: dict[str, Any] = {"seen": [], "there": []}
    for net, killed in ((_deep(), (0.0, 0.4, 0.65)), (_forked(), (0.45, 0.2, 0.7))):
        killer = Killer(x, killed)
        seen = make(x)
        net.fit(x, y, batch_size=64, epochs=5, verbose=0, callbacks=[killer, seen])
        found["seen"].append([float(share) for share in seen.shares])
        found["there"].append(killer.there)
    return found


def _deep() -> Any:
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((196,)),
            layers.Dense(40, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(30, activation="relu"),
            layers.Dense(10),
        ]
    )
    _compiled(net, 0.003)
    return net


def _forked() -> Any:
    """Some of its neurons are no ReLUs, and what is dead in one arm says nothing of the other."""
    layers = keras.layers
    start = keras.Input((196,))
    one = layers.Dense(24, activation="relu")(start)
    other = layers.Dense(50, activation="tanh")(start)
    both = layers.Dropout(0.3)(layers.Concatenate()([one, other]))
    net = keras.Model(start, layers.Dense(10)(layers.Dense(16, activation="relu")(both)))
    _compiled(net, 0.003)
    return net


class Killer(keras.callbacks.Callback):
    """After each round, leaves a known share of all ReLUs dead, and revives those that were.

    A dead one here is silent for every picture by a hair: with the sums that dropout makes, a good
    many would speak.
    """

    def __init__(self, x: Array, shares: tuple[float, ...]) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.there: list[float] = []
        """The share that was dead after each round."""
        self._x, self._shares = x, shares

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Set the bias of each ReLU by the sums that it gets."""
        net = self.model
        share = self._shares[min(epoch, len(self._shares) - 1)]
        dead = total = 0
        for part in net.layers:
            if getattr(part, "activation", None) is not keras.activations.relu:
                continue
            kernel, bias = part.get_weights()
            sums = _before(net, part, self._x) @ kernel
            doomed = np.arange(len(bias)) < round(share * len(bias))
            highest, lowest = sums.max(axis=0), sums.min(axis=0)
            moved = cast(Array, np.where(doomed, -highest - 0.05, -0.9 * highest - 0.1 * lowest))
            part.set_weights([kernel, moved.astype(np.float32)])
            dead, total = dead + int(doomed.sum()), total + len(doomed)
        self.there.append(dead / total)


def _before(net: Any, part: Any, x: Array) -> Array:
    """What a layer gets when the net is asked about pictures."""
    made = keras.Model(net.inputs[0], part.input)(x, training=False)
    return np.asarray(keras.ops.convert_to_numpy(made))


class Log:
    """Which rows a net learnt from, in order, and which it was tried on.

    Keras looks through every list that is a model's own, each time it grows.
    """

    def __init__(self) -> None:
        self.learnt: list[int] = []
        self.tried: set[int] = set()


class Scripted(keras.Model):
    """A net that writes down which rows it learns from and is tried on; its losses are LOSSES.

    Rows are known by their first number. `at` is a weight: how many rows it has learnt from.
    """

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.out = keras.layers.Dense(10)
        self.at = self.add_weight(shape=(), initializer="zeros", trainable=False, name="at")
        self.log = Log()
        self._lost = keras.metrics.Mean(name="loss")
        self._right = keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    @property
    def metrics(self) -> list[Any]:
        """The loss by the script, and the share that is right."""
        return [self._lost, self._right]

    def call(self, x: Any, training: bool = False) -> Any:
        """Ten scores."""
        return self.out(x)

    def train_step(self, data: Any) -> Any:
        """Learn nothing, and count it."""
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        rows = _rows(x)
        self.log.learnt += rows
        self.at.assign(self.at + len(rows))
        return self._logs(x, y, 2.0)

    def test_step(self, data: Any) -> Any:
        """Write it down, and say what the script says."""
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        self.log.tried |= set(_rows(x))
        n = round(self.rounds)
        late = max(0, n - len(LOSSES) + 1)
        return self._logs(x, y, LOSSES[min(n, len(LOSSES) - 1)] + 0.1 * late)

    def _logs(self, x: Any, y: Any, loss: float) -> Any:
        self._lost.update_state(loss)
        self._right.update_state(y, self(x))
        return self.get_metrics_result()

    @property
    def rounds(self) -> float:
        """How many rounds of four fifths of the rows its weights stand for."""
        return float(keras.ops.convert_to_numpy(self.at)) / ((1 - _HELD) * ROWS)


def _rows(x: Any) -> list[int]:
    return np.rint(keras.ops.convert_to_numpy(x)[:, 0] * ROWS).astype(int).tolist()


def stop(train: Any) -> dict[str, Any]:
    """How a scripted net was trained on rows that lie in the order of their digits."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=(ROWS, _WIDTH)).astype(np.float32)
    x[:, 0] = np.arange(ROWS) / ROWS
    y = np.sort(np.arange(ROWS) % 10)
    net = Scripted()
    net.compile(run_eagerly=True)
    net(x[:1])
    train(net, x, y, ROUNDS)
    held, trained = net.log.tried, set(net.log.learnt)
    return {
        "held": len(held),
        "digits": len({int(y[row]) for row in held}),
        "both": len(trained & held),
        "trained": len(trained),
        "rounds": round(len(net.log.learnt) / ((1 - _HELD) * ROWS), 1),
        "kept": round(net.rounds, 1),
    }


def reads(train: Any, given: dict[str, Array], rounds: int) -> dict[str, Any]:
    """What is said of a real net, trained on digits that lie in order, and what it guesses."""
    order = np.argsort(given["y"], kind="stable")
    x, y = given["x"][order], given["y"][order]
    scale = keras.layers.Rescaling(1 / float(x.std()), -float(x.mean()) / float(x.std()))
    net = _net(scale, 0.0, 0.01)
    said = float(train(net, x, y, rounds))
    guesses = net.predict(given["fresh"], verbose=0).argmax(axis=1).tolist()
    return {"said": said, "guesses": guesses}
