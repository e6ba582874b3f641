"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _functions(head: str, *parts: tuple[str, str]) -> str:
    made = [f"def {name}:\n{indent(dedent(body).strip(), '    ')}\n" for name, body in parts]
    return "\n\n".join((dedent(head).strip() + "\n", *made))


_GPT = """\
rows = net.rows(ids)
n = ids.shape[1]
seen = torch.ones(n, n).tril().bool().expand(len(ids), n, n)
for block in net.writes:
    rows = block(rows, seen)
return net.scores(rows)
"""
_BERT = """\
rows = net.rows(ids)
n = ids.shape[1]
seen = (ids != 0)[:, None, :].expand(len(ids), n, n)
for block in net.reads:
    rows = block(rows, seen)
return net.scores(rows)
"""
_T5 = """\
m, n = source.shape[1], ids.shape[1]
word = (source != 0)[:, None, :]
memory = net.rows(source)
for block in net.reads:
    memory = block(memory, word.expand(len(source), m, m))
rows = net.rows(ids)
seen = torch.ones(n, n).tril().bool().expand(len(ids), n, n)
for block in net.writes:
    rows = block(rows, seen, memory, word.expand(len(ids), n, m))
return net.scores(rows)
"""


def _wiring(gpt: str = _GPT, bert: str = _BERT, t5: str = _T5, inner: str = "96") -> str:
    return _functions(
        f'import torch\n\nINNER = {{"gpt": 128, "bert": 128, "t5": {inner}}}',
        ("gpt(net, ids)", gpt),
        ("bert(net, ids)", bert),
        ("t5(net, source, ids)", t5),
    )


_STARTER_T5 = '''\
"""The decoder's scores beside what the encoder has read, source: (texts, m)."""
m, n = source.shape[1], ids.shape[1]
memory = net.rows(source)
for block in net.reads:
    memory = block(memory, torch.ones(len(source), m, m).bool())
rows = net.rows(ids)
for block in net.writes:
    rows = block(rows, torch.ones(len(ids), n, n).bool())
return net.scores(rows)
'''
_EVERYTHING = "torch.ones(len(ids), n, n).bool()"

WIRE = programs(
    starter=_wiring(
        '"""A score for every word at every place: (texts, n) to (texts, n, words)."""\n'
        + _GPT.replace("torch.ones(n, n).tril().bool().expand(len(ids), n, n)", _EVERYTHING),
        '"""The same for an encoder."""\n'
        + _BERT.replace("(ids != 0)[:, None, :].expand(len(ids), n, n)", _EVERYTHING),
        _STARTER_T5,
        "128",
    ),
    solution=_wiring(),
    also={
        "by-comparing-places": _wiring(
            """\
places = torch.arange(ids.shape[1])
seen = (places[None, :] <= places[:, None])[None].repeat(len(ids), 1, 1)
rows = net.rows(ids)
for block in net.writes:
    rows = block(rows, seen)
return net.scores(rows)
""",
            """\
rows, words = net.rows(ids), ids.ne(0)
for block in net.reads:
    rows = block(rows, words.unsqueeze(1).repeat(1, ids.shape[1], 1))
return net.scores(rows)
""",
        ),
        "masks-word-by-word": _wiring(
            """\
texts, n = ids.shape
seen = torch.zeros(texts, n, n, dtype=torch.bool)
for i in range(n):
    seen[:, i, : i + 1] = True
rows = net.rows(ids)
for block in net.writes:
    rows = block(rows, seen)
return net.scores(rows)
""",
            """\
made = torch.zeros(*ids.shape, net.words.num_embeddings)
for text, row in zip(made, ids):
    words = row[row != 0][None]
    rows = net.rows(words)
    for block in net.reads:
        rows = block(rows, torch.ones(1, words.shape[1], words.shape[1]).bool())
    text[: words.shape[1]] = net.scores(rows)[0]
return made
""",
        ),
        "padding-hidden-everywhere": _wiring(
            _GPT.replace(
                "for block", "seen = seen & ((ids != 0)[:, None] | torch.eye(n).bool())\nfor block"
            ),
            t5=_T5.replace("word.expand(len(ids), n, m)", "word.repeat(1, n, 1)"),
            inner="95",
        ),
    },
    wrong={
        "looks-ahead": _wiring(_GPT.replace(".tril()", "")),
        "looks-back-only": _wiring(bert=_GPT.replace("writes", "reads")),
        "reads-padding": _wiring(bert=_BERT.replace("(ids != 0)", "(ids >= 0)")),
        "never-looks-at-what-it-read": _wiring(
            t5=_T5.replace("seen, memory, word.expand(len(ids), n, m)", "seen")
        ),
        "padding-in-memory": _wiring(
            t5=_T5.replace(
                "memory, word.expand(len(ids), n, m)",
                "memory, torch.ones(len(ids), n, m).bool()",
            )
        ),
        "as-wide-as-the-others": _wiring(inner="128"),
    },
    mistakes={
        "looks-ahead": "a word sees those after it",
        "looks-back-only": "a word does not see those after it",
        "reads-padding": "padding changes the scores",
        "never-looks-at-what-it-read": "does not depend on what was read",
        "padding-in-memory": "padding changes the scores",
        "as-wide-as-the-others": "t5 has",
    },
)


def _asked(gpt: str = 'return [*after, "|", *before, "_"]', t5: str = "") -> str:
    return _functions(
        "",
        ("gpt(before, after)", gpt),
        ("t5(before, after)", t5 or 'return [*before, "_", *after]'),
    ).lstrip()


FILL = programs(
    starter=_asked(
        '"""What the decoder is given, a list of words, before it goes on with the gap."""\n'
        'return [">", *before]',
        '"""What the encoder is given, a list of words."""\nreturn [*before, *after]',
    ),
    solution=_asked(),
    also={
        "with-a-mark-as-well": _asked('return [*before, "_", *after, "|", *before, ">"]'),
        "other-marks": _asked(t5='return [">", *before, "|", "_", *after]'),
        "after-first": _asked(t5='return [*after, "|", *before]'),
    },
    wrong={
        "from-the-left": _asked('return [">", *before]'),
        "from-the-right": _asked('return [*after, "|"]'),
        "half-a-sentence": _asked(t5='return [*before, "_"]'),
    },
    mistakes={"from-the-left": "gpt", "from-the-right": "gpt", "half-a-sentence": "t5"},
)


def _probes(blind: str, torn: str) -> str:
    return _functions("", ("blind()", f"return {blind}"), ("torn()", f"return {torn}")).lstrip()


_BLIND = '[], ["runs"], ["run"]'
_TORN = '[], ["slept"]'

CANNOT = programs(
    starter=_functions(
        "",
        (
            "blind()",
            '"""Before a gap, and two texts after it."""\nreturn ["two"], ["sleep"], ["sleep"]',
        ),
        ("torn()", '"""Before and after a gap."""\nreturn ["this", "dog"], ["here"]'),
    ).lstrip(),
    solution=_probes(_BLIND, _TORN),
    also={
        "a-noun-decides": _probes('[], ["dog", "ran"], ["dogs", "ran"]', _TORN),
        "a-verb-decides": _probes(
            '[], ["dogs", "sleep"], ["dog", "sleeps"]', '[], ["ate", "here"]'
        ),
        "nothing-before": _probes('[], ["king", "fell"], ["fell"]', '[], ["waited", "today"]'),
    },
    wrong={
        "twice-the-same": _probes('[], ["dogs", "ran"], ["dogs", "ran"]', _TORN),
        "the-left-side-decides": _probes(_BLIND, '["these"], ["slept"]'),
        "either-will-do": _probes('["this"], ["slept"], ["ran"]', _TORN),
    },
    mistakes={
        "twice-the-same": "both texts after the gap are the same",
        "the-left-side-decides": "torn",
        "either-will-do": "fits before both",
    },
)


def _route(body: str) -> str:
    return _functions("import numpy as np", ("route(known, labels, fresh)", body))


_MEANS = """\
tools = np.unique(labels)
means = np.stack([known[labels == tool].mean(axis=0) for tool in tools])
means /= np.linalg.norm(means, axis=1, keepdims=True)
return tools[(fresh @ means.T).argmax(axis=1)]
"""

ROUTE = programs(
    starter=_route(
        '''\
"""The number of a tool for each fresh request.

known and fresh are vectors of requests, (n, 384) and (m, 384), labels the tools of the known.
"""
middle = known.mean(axis=0)
return [labels[(known @ (one - middle)).argmin()] for one in fresh]
'''
    ),
    solution=_route(_MEANS),
    also={
        "the-nearest": _route("return labels[(fresh @ known.T).argmax(axis=1)]"),
        "least-squares": _route(
            """\
wanted = np.eye(labels.max() + 1)[labels]
gram = known @ known.T + 0.05 * np.eye(len(known))
return (fresh @ known.T @ np.linalg.solve(gram, wanted)).argmax(axis=1)
"""
        ),
        "one-by-one": _route(
            """\
routes = []
for one in fresh:
    near = {}
    for vector, tool in zip(known, labels):
        near.setdefault(int(tool), []).append(float(vector @ one))
    routes.append(max(near, key=lambda tool: sorted(near[tool])[-1]))
return routes
"""
        ),
    },
    wrong={
        "sums": _route(
            """\
sums = np.stack([known[labels == tool].sum(axis=0) for tool in range(labels.max() + 1)])
return (fresh @ sums.T).argmax(axis=1)
"""
        ),
        "the-vote-of-fifteen": _route(
            """\
near = np.argsort(-(fresh @ known.T), axis=1)[:, :15]
return [np.bincount(labels[row]).argmax() for row in near]
"""
        ),
        "the-longest-overlap": _route(
            "return labels[np.abs(fresh[:, None] - known[None]).min(axis=2).argmin(axis=1)]"
        ),
    },
    mistakes={"sums": "right", "the-vote-of-fifteen": "right", "the-longest-overlap": "right"},
)
