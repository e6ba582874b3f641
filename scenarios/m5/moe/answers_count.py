"""Starters, reference solutions, other right answers, and wrong ones: what experts weigh."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers import function

_PARTS = """\
width, head, layers = model["width"], model["head"], model["layers"]
expert = 3 * width * model["hidden"]
attention = 2 * width * head * (model["heads"] + model["kv_heads"])
layer = attention + model["experts"] * width + 2 * width + model["shared"] * expert
base = layers * layer + 2 * model["vocabulary"] * width + width
n, k = model["experts"], model["chosen"]
"""
_TOTAL = "total = base + layers * n * expert\n"
_ACTIVE = "active = base + layers * k * expert\n"
_READ = "read = base + layers * n * (1 - (1 - k / n) ** tokens) * expert\n"
_RETURN = "return total, active, read\n"


def _count(body: str) -> str:
    return function("count(model, tokens)", body)


def _but(parts: str = _PARTS, total: str = _TOTAL, active: str = _ACTIVE, read: str = _READ) -> str:
    return _count(parts + total + active + read + _RETURN)


COUNT = programs(
    starter=_count(
        '''\
        """Weights in all, weights that a token uses, weights that `tokens` tokens have to read."""
        expert = 3 * model["width"] * model["hidden"]
        total = model["layers"] * model["experts"] * expert
        active = model["layers"] * model["chosen"] * expert
        return total, active, active * tokens
        '''
    ),
    solution=_but(),
    also={
        "layer-by-layer": _count(
            """\
            w = model["width"]
            expert = sum([w * model["hidden"], w * model["hidden"], model["hidden"] * w])
            always = [model["vocabulary"] * w, w, w * model["vocabulary"]]
            per_layer = []
            for _ in range(model["layers"]):
                q = w * model["heads"] * model["head"]
                kv = w * model["kv_heads"] * model["head"]
                always += [q, kv, kv, q, w, w, model["experts"] * w]
                always += [expert] * model["shared"]
                per_layer.append(model["experts"])
            missed = 1.0
            for _ in range(tokens):
                missed *= (model["experts"] - model["chosen"]) / model["experts"]
            base = sum(always)
            return (
                base + sum(per_layer) * expert,
                base + len(per_layer) * model["chosen"] * expert,
                base + sum(n * (1 - missed) for n in per_layer) * expert,
            )
            """
        ),
        "from-the-total-down": _count(
            """\
            m = type("Model", (), model)
            expert = m.width * m.hidden * 3
            attention = (m.heads * 2 + m.kv_heads * 2) * m.head * m.width
            small = m.width * (m.experts + 2)
            total = m.vocabulary * m.width * 2 + m.width
            total += m.layers * (attention + small + (m.experts + m.shared) * expert)
            idle = m.layers * (m.experts - m.chosen) * expert
            asleep = m.layers * m.experts * (1 - m.chosen / m.experts) ** tokens * expert
            return total, total - idle, total - asleep
            """
        ),
        "one-function-each": (
            function("expert(m)", 'return 3 * m["width"] * m["hidden"]')
            + "\n\n"
            + function(
                "weights(m, experts)",
                """\
                attention = 2 * m["head"] * (m["heads"] + m["kv_heads"])
                row = attention + m["experts"] + 2
                return m["layers"] * (m["width"] * row + (experts + m["shared"]) * expert(m)) + (
                    m["width"] * (2 * m["vocabulary"] + 1)
                )
                """,
            )
            + "\n\n"
            + _count(
                """\
                n, k = model["experts"], model["chosen"]
                met = n - n * ((n - k) / n) ** tokens
                return tuple(weights(model, some) for some in (n, k, met))
                """
            )
        ),
    },
    wrong={
        "eight-times-the-whole": _but(total="total = n * (base + layers * expert)\n"),
        "two-matrices": _but(_PARTS.replace("3 * width", "2 * width")),
        "the-shared-sleep": _but(
            active="active = base + layers * (k - model['shared']) * expert\n"
        ),
        "every-token-its-own": _but(
            read="read = base + layers * min(n, k * tokens) * expert\n",
        ),
        "as-many-as-one-token": _but(read="read = active\n"),
        "drawn-one-by-one": _but(
            read="read = base + layers * n * (1 - (1 - 1 / n) ** (k * tokens)) * expert\n"
        ),
        "no-fewer-keys": _but(
            _PARTS.replace('(model["heads"] + model["kv_heads"])', '2 * model["heads"]')
        ),
    },
    mistakes={
        "eight-times-the-whole": "total",
        "two-matrices": "total",
        "the-shared-sleep": "active",
        "every-token-its-own": "read",
        "as-many-as-one-token": "read",
        "drawn-one-by-one": "read",
        "no-fewer-keys": "total",
    },
)
