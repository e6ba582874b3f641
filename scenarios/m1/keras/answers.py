"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _methods(**bodies: str) -> str:
    """Methods of a class, by their heads' names below."""
    return "\n".join(
        f"    def {_HEADS[name]}:\n{indent(dedent(body).strip(), ' ' * 8)}\n"
        for name, body in bodies.items()
    )


_HEADS = {
    "init": "__init__(self, most=3.0, **named)",
    "init_kept": "__init__(self, most=3.0, mean=0.0, spread=1.0, **named)",
    "build": "build(self, shape)",
    "adapt": "adapt(self, x)",
    "call": "call(self, x)",
    "config": "get_config(self)",
    "save": "save_own_variables(self, store)",
    "load": "load_own_variables(self, store)",
}
_REGISTERED = "@keras.saving.register_keras_serializable()\n"
_INIT = "super().__init__(**named)\nself.most = most"
_CALL = "return keras.ops.clip((x - self.mean) / self.spread, -self.most, self.most)"
_CONFIG = 'return {**super().get_config(), "most": self.most}'
_BUILD = """
self.mean = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False)
self.spread = self.add_weight(shape=(), initializer="ones", trainable=False)
"""
_ASSIGN = "self.mean.assign(x.mean(axis=0))\nself.spread.assign(x.std())"
_SET = "self.mean, self.spread = x.mean(axis=0), x.std()"
_PLAIN = f"{_INIT}\nself.mean, self.spread = 0.0, 1.0"


def _layer(methods: str, registered: str = _REGISTERED, about: str = "") -> str:
    told = f'    """{about}"""\n\n' if about else ""
    return f"import keras\n\n\n{registered}class Standard(keras.layers.Layer):\n{told}{methods}"


LAYER = programs(
    starter=_layer(
        _methods(init=_PLAIN, adapt=_SET, call=_CALL, config=_CONFIG),
        about="Pictures set off by the mean of those it was adapted to, in spreads, cut at most.",
    ),
    solution=_layer(_methods(init=_INIT, build=_BUILD, adapt=_ASSIGN, call=_CALL, config=_CONFIG)),
    also={
        "remembered-by-keras-itself": _layer(
            _methods(
                init=_INIT,
                build=_BUILD.replace("shape[1:]", "(shape[-1],)"),
                adapt="self.set_weights([x.mean(axis=0), x.std()])",
                call="""
                off = keras.ops.divide(keras.ops.subtract(x, self.mean), self.spread)
                return keras.ops.minimum(keras.ops.maximum(off, -self.most), self.most)
                """,
            ),
            registered='@keras.saving.register_keras_serializable(package="digits")\n',
        ),
        "numbers-in-its-config": _layer(
            _methods(
                init_kept=f"{_INIT}\nself.adapted(mean, spread)",
                adapt="self.adapted(x.mean(axis=0), x.std())",
                call=_CALL,
                config="""
                more = {"most": self.most, "mean": self.mean.tolist(), "spread": float(self.spread)}
                return {**super().get_config(), **more}
                """,
            )
            + "\n    def adapted(self, mean, spread):\n"
            '        self.mean = np.asarray(mean, dtype="float32")\n'
            "        self.spread = np.float32(spread)\n"
        ).replace("import keras\n", "import keras\nimport numpy as np\n"),
        "stored-by-hand": _layer(
            _methods(
                init=_PLAIN,
                adapt=_SET,
                call=_CALL,
                config=_CONFIG,
                save='store["mean"] = self.mean\nstore["spread"] = self.spread',
                load='self.mean, self.spread = store["mean"][()], store["spread"][()]',
            )
        ),
    },
    wrong={
        "an-argument-forgotten": _layer(
            _methods(
                init=_INIT,
                build=_BUILD,
                adapt=_ASSIGN,
                call=_CALL,
                config="return super().get_config()",
            )
        ),
        "a-mean-that-learns": _layer(
            _methods(
                init=_INIT,
                build=_BUILD.replace(", trainable=False", ""),
                adapt=_ASSIGN,
                call=_CALL,
                config=_CONFIG,
            )
        ),
    },
    mistakes={
        "an-argument-forgotten": "it gives other scores",
        "a-mean-that-learns": "moved its numbers",
    },
)

_RELUS = (
    "[one.output for one in self.model.layers "
    'if getattr(one, "activation", None) is keras.activations.relu]'
)
_TOLD = (
    "After each round, the share of all ReLUs that give 0 for every picture; "
    "ends a training in which\n    more than half do.\n    "
)


def _watch(
    count: str,
    start: str = f"given = {_RELUS}\nself.inner = keras.Model(self.model.inputs, given)",
    end: str = "if self.shares[-1] > 0.5:\n    self.model.stop_training = True",
    about: str = "",
) -> str:
    told = f'    """{about}"""\n\n' if about else ""
    begun = (
        f"    def on_train_begin(self, logs=None):\n{indent(start, ' ' * 8)}\n\n" if start else ""
    )
    body = indent("\n".join(part for part in (dedent(count).strip(), end) if part), " " * 8)
    return (
        "import keras\nimport numpy as np\n\n\nclass Dead(keras.callbacks.Callback):\n"
        f"{told}    def __init__(self, pictures):\n        super().__init__()\n"
        "        self.pictures = pictures\n        self.shares = []\n\n"
        f"{begun}    def on_epoch_end(self, epoch, logs=None):\n{body}\n"
    )


_COUNT = """
dead = [(out == 0).all(axis=0) for out in self.inner.predict(self.pictures, verbose=0)]
self.shares.append(np.concatenate(dead).mean())
"""
_FIRST = _COUNT.replace("self.pictures", "self.pictures[:1]")

WATCH = programs(
    starter=_watch(_FIRST, end="", about=_TOLD),
    solution=_watch(_COUNT),
    also={
        "the-largest-it-gives": _watch(
            """
            most = None
            for at in range(0, len(self.pictures), 100):
                outs = self.inner(self.pictures[at : at + 100], training=False)
                now = [keras.ops.convert_to_numpy(keras.ops.max(out, axis=0)) for out in outs]
                now = np.concatenate(now)
                most = now if most is None else np.maximum(most, now)
            self.shares.append(float(np.mean(most <= 0)))
            """,
        ),
        "made-anew-each-time": _watch(
            f"""
            given = {_RELUS}
            dead = total = 0
            for out in given:
                part = keras.Model(self.model.inputs, out)
                made = keras.ops.convert_to_numpy(part(self.pictures))
                dead += int((np.count_nonzero(made, axis=0) == 0).sum())
                total += made.shape[1]
            self.shares.append(dead / total)
            """,
            start="",
            end="self.model.stop_training = dead > total / 2",
        ),
        "sums-by-hand": _watch(
            """
            dead = []
            for layer, before in zip(self.relus, self.before):
                heard = keras.Model(self.model.inputs, before).predict(self.pictures, verbose=0)
                kernel, bias = layer.get_weights()
                dead += list((heard @ kernel + bias).max(axis=0) <= 0)
            self.shares.append(sum(dead) / len(dead))
            """,
            start="""\
layers = self.model.layers
self.relus = [l for l in layers if l.get_config().get("activation") == "relu"]
self.before = [layer.input for layer in self.relus]""",
        ),
    },
    wrong={
        "as-it-trains": _watch(
            _COUNT.replace(
                "self.inner.predict(self.pictures, verbose=0)",
                "map(keras.ops.convert_to_numpy, self.inner(self.pictures, training=True))",
            )
        ),
        "only-looks-on": _watch(_COUNT, end=""),
    },
    mistakes={
        "as-it-trains": "and it says",
        "only-looks-on": "went on",
    },
)


def _train(
    split: str = "order = np.random.default_rng(0).permutation(len(x))\n"
    "x, y = x[order], y[order]\nedge = len(x) * 4 // 5",
    fit: str = "net.fit(x[:edge], y[:edge], validation_data=(x[edge:], y[edge:]), **how)",
    stop: str = "patience=3, restore_best_weights=True",
    say: str = 'return net.evaluate(x[edge:], y[edge:], verbose=0, return_dict=True)["accuracy"]',
    about: str = "",
) -> str:
    told = f'"""{about}"""\n' if about else ""
    body = (
        f"{told}{split}\nending = keras.callbacks.EarlyStopping({stop})\n"
        f"how = dict(epochs=rounds, batch_size=50, callbacks=[ending], verbose=0)\n{fit}\n{say}"
    ).replace("\n\n", "\n")
    head = "import keras\nimport numpy as np\n\n\ndef train(net, x, y, rounds):\n"
    return head + indent(body, " " * 4)


_LAST_FIT = "seen = net.fit(x, y, validation_split=0.2, **how).history"
_LAST_SAY = 'return seen["accuracy"][-1]'
_BEST_SAY = 'return seen["val_accuracy"][int(np.argmin(seen["val_loss"]))]'
LAST_ROWS = _train("", _LAST_FIT, say=_BEST_SAY)
"""The starter, but with the weights of its best round, and what it read rightly then."""
SHOWN_BEFORE = _train(fit="net.fit(x, y, validation_data=(x[edge:], y[edge:]), **how)")
"""What is held back was learnt from, too."""

TRAIN = programs(
    starter=_train(
        "",
        _LAST_FIT,
        "patience=3",
        _LAST_SAY,
        "Train the net, so many rounds at most; the share of digits that it reads rightly.",
    ),
    solution=_train(),
    also={
        "shuffled-and-split-by-keras": _train(
            "order = np.random.permutation(len(x))\nx, y = x[order], y[order]",
            _LAST_FIT,
            say=_BEST_SAY,
        ),
        "every-fifth": _train(
            "held = np.arange(len(x)) % 5 == 4",
            "net.fit(x[~held], y[~held], validation_data=(x[held], y[held]), **how)",
            say="guesses = net.predict(x[held], verbose=0).argmax(axis=1)\n"
            "return float((guesses == y[held]).mean())",
        ),
        "round-by-round": """
import numpy as np


def train(net, x, y, rounds):
    order = np.random.default_rng(7).permutation(len(x))
    held, rest = np.split(order, [len(x) // 5])
    best, waited = None, 0
    for _ in range(rounds):
        net.fit(x[rest], y[rest], epochs=1, batch_size=64, verbose=0)
        now = net.evaluate(x[held], y[held], verbose=0, return_dict=True)
        if best is None or now["loss"] < best[0]["loss"]:
            best, waited = (now, net.get_weights()), 0
        else:
            waited += 1
        if waited == 3:
            break
    net.set_weights(best[1])
    return best[0]["accuracy"]
""",
    },
    wrong={
        "the-last-weights": _train(stop="patience=3"),
        "what-it-learnt": _train(
            fit="seen = net.fit(x[:edge], y[:edge], validation_data=(x[edge:], y[edge:]), **how)"
            ".history",
            say=_LAST_SAY,
        ),
    },
    mistakes={
        "the-last-weights": "of round 9",
        "what-it-learnt": "the agent says",
    },
)
