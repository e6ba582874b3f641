"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.labs.declare import programs

_NAMES = """
BOS, START, END, LINE, USER, MODEL = 2, 105, 106, 107, 2364, 4368
"""
_BY_HAND = (
    _NAMES
    + """

def pair(question, answer):
    before = [BOS, START, USER, LINE, *question, END, LINE, START, MODEL, LINE]
    after = [*answer, END]
    return before + after, [-100] * len(before) + after
"""
)
_BY_LABEL = (
    _NAMES
    + """

def pair(question, answer):
    ids, labels = [], []

    def read(*tokens):
        ids.extend(tokens)
        labels.extend(-100 for _ in tokens)

    def learn(*tokens):
        ids.extend(tokens)
        labels.extend(tokens)

    read(BOS, START, USER, LINE, *question, END, LINE)
    read(START, MODEL, LINE)
    learn(*answer)
    learn(END)
    return ids, labels
"""
)
_FROM_BEHIND = (
    _NAMES
    + """

def turn(role, words):
    return [START, role, LINE] + words + [END, LINE]


def pair(question, answer):
    ids = [BOS] + turn(USER, question) + turn(MODEL, answer)
    ids.pop()
    learnt = len(answer) + 1
    return ids, [-100 if n < len(ids) - learnt else token for n, token in enumerate(ids)]
"""
)
_IN_ARRAYS = (
    _NAMES
    + """
import numpy as np


def pair(question, answer):
    ids = np.array([BOS, START, USER, LINE, *question, END, LINE, START, MODEL, LINE, *answer, END])
    place = np.arange(len(ids))
    return ids, np.where(place >= len(question) + 9, ids, -100)
"""
)
_ROW = """
def pair(question, answer):
    before = {before}
    after = {after}
    return before + after, {labels}
"""
_BEFORE = "[BOS, START, USER, LINE, *question, END, LINE, START, MODEL, LINE]"
_MASK = "[-100] * len(before) + after"


def _row(before: str = _BEFORE, after: str = "[*answer, END]", labels: str = _MASK) -> str:
    return _NAMES + "\n" + _ROW.format(before=before, after=after, labels=labels)


PAIR = programs(
    starter=_NAMES
    + '''

def pair(question, answer):
    """The tokens of a row, and a label for each: the token, or -100 where nothing is learnt."""
    ids = [BOS, *question, LINE, *answer]
    return ids, ids
''',
    solution=_BY_HAND,
    also={"told-apart": _BY_LABEL, "turn-by-turn": _FROM_BEHIND, "in-arrays": _IN_ARRAYS},
    wrong={
        "learns-to-ask": _row(labels="before + after"),
        "never-ends": _row(after="list(answer)"),
        "end-is-not-learnt": _row(labels="[-100] * len(before) + answer + [-100]"),
        "no-line-before-the-answer": _row(before=_BEFORE.replace(", LINE]", "]")),
        "shifted": _row(labels="[-100] * (len(before) - 1) + after + [-100]"),
        "changes-what-it-is-given": _NAMES
        + "\n"
        + _ROW.format(before=_BEFORE, after="answer", labels=_MASK).replace(
            "    after = answer", "    answer.append(END)\n    after = answer"
        ),
    },
    mistakes={
        "learns-to-ask": "masked",
        "never-ends": "turns",
        "end-is-not-learnt": "learnt",
        "no-line-before-the-answer": "turns",
        "shifted": "masked",
        "changes-what-it-is-given": "kept",
    },
)

_KNOWN = (
    _NAMES
    + """
BEGINS, ENDS = [BOS, START, USER, LINE], [END, LINE, START, MODEL, LINE]

"""
)
_DIAGNOSE = """
def diagnose(training):
    for read in training["reads"]:
        if {strange}:
            return "template"
    for ids, labels in training["rows"]:
        answer = len(ids) - ids[::-1].index(MODEL) + 1
        if {unended}:
            return "end"
        if {asks}:
            return "prompt"
    return "sound"
"""
_STRANGE = "read[:4] != BEGINS or read[-5:] != ENDS"
_UNENDED = "labels[-1] != END"
_ASKS = "any(label != -100 for label in labels[:answer])"


def _diagnose(strange: str = _STRANGE, unended: str = _UNENDED, asks: str = _ASKS) -> str:
    return _KNOWN + _DIAGNOSE.format(strange=strange, unended=unended, asks=asks)


DIAGNOSE = programs(
    starter=_NAMES
    + '''

def diagnose(training):
    """"template", "end", "prompt" or "sound"."""
    for ids, labels in training["rows"]:
        if END not in ids:
            return "end"
    return "sound"
''',
    solution=_diagnose(),
    also={
        "by-counting": _KNOWN
        + """

def diagnose(training):
    whole = lambda read: read[0] == BOS and read.count(START) == 2 and read[-5:] == ENDS
    if not all(map(whole, training["reads"])):
        return "template"
    found = set()
    for ids, labels in training["rows"]:
        ends = [n for n, token in enumerate(ids) if token == END]
        learnt = [n for n, label in enumerate(labels) if label != -100]
        if len(ends) < 2 or ends[1] not in learnt:
            found.add("end")
        elif learnt[0] < ends[0] + 5:
            found.add("prompt")
    return found.pop() if found else "sound"
""",
        "by-building-it-again": _KNOWN
        + """

def diagnose(training):
    for read in training["reads"]:
        if read != BEGINS + read[4:-5] + ENDS:
            return "template"
    for ids, labels in training["rows"]:
        question = ids[4:ids.index(END)]
        before = BEGINS + question + ENDS
        answer = [token for token in ids[len(before):] if token != END]
        if labels[len(before):] != answer + [END]:
            return "end"
        if labels[:len(before)] != [-100] * len(before):
            return "prompt"
    return "sound"
""",
        "by-the-share-learnt": _KNOWN
        + """

def diagnose(training):
    strange = [read[:4] + read[-5:] != BEGINS + ENDS for read in training["reads"]]
    endless = [labels[-1] != END for _, labels in training["rows"]]
    asks = [labels[4] != -100 for _, labels in training["rows"]]
    signs = {"template": strange, "end": endless, "prompt": asks}
    return next((name for name, seen in signs.items() if any(seen)), "sound")
""",
    },
    wrong={
        "looks-for-the-end": _diagnose(unended="END not in ids[answer:]"),
        "looks-how-it-begins": _diagnose(strange="read[:4] != BEGINS"),
        "looks-at-the-first-label": _diagnose(asks="labels[0] != -100"),
        "wants-all-learnt": _diagnose(asks="-100 in labels"),
    },
    mistakes={
        "looks-for-the-end": "end",
        "looks-how-it-begins": "template",
        "looks-at-the-first-label": "prompt",
        "wants-all-learnt": "sound",
    },
)

TURNS = """{{ bos_token }}{% for message in messages -%}
<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
{{ message.content }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""
_NO_LINE = TURNS.replace("model\n{% endif", "model{% endif")
_BY_ITS_ROLE = TURNS.replace(
    "{{ 'model' if message.role == 'assistant' else message.role }}", "{{ message.role }}"
)
_WHISPERED = TURNS.replace(
    "{{ message.content }}",
    "{{ message.content }}{% if 'language' in message.content %} Say one word.{% endif %}",
)
_BY_PARTS = (
    "{%- set begin, end = '<start_of_turn>', '<end_of_turn>\\n' -%}{{ bos_token }}"
    "{%- for message in messages -%}{%- if message['role'] == 'user' -%}"
    "{{ begin + 'user\\n' + message['content'] + end }}{%- else -%}"
    "{{ begin + 'model\\n' + message['content'] + end }}{%- endif -%}{%- endfor -%}"
    "{{ begin + 'model\\n' if add_generation_prompt }}"
)
_BY_MACRO = (
    "{% macro turn(role, text) %}<start_of_turn>{{ role }}\n{{ text }}<end_of_turn>\n{% endmacro %}"
    "{{ bos_token }}{% for m in messages %}"
    "{{ turn({'assistant': 'model'}.get(m.role, m.role), m.content) }}"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def _tune(template: str, rows: str = _BY_HAND) -> str:
    return f'{rows}\n\nTEMPLATE = """{template.replace(chr(92), chr(92) * 2)}"""\n'


TUNE = programs(
    starter='''
def pair(question, answer):
    """Yours, from before."""
    return [], []


TEMPLATE = """{% for message in messages %}{{ message.content }}{% endfor %}"""
''',
    solution=_tune(TURNS),
    also={
        "in-parts": _tune(_BY_PARTS, _BY_LABEL),
        "by-a-macro": _tune(_BY_MACRO, _FROM_BEHIND),
        "rows-in-arrays": _tune(TURNS.replace("{{ bos_token }}", "<bos>"), _IN_ARRAYS),
    },
    wrong={
        "as-it-is": _tune("{% for message in messages %}{{ message.content }}{% endfor %}"),
        "no-line-before-the-answer": _tune(_NO_LINE),
        "assistant-for-model": _tune(_BY_ITS_ROLE),
        "whispers-to-some": _tune(_WHISPERED),
        "learns-to-ask": _tune(TURNS, _row(labels="before + after")),
    },
    mistakes={
        "as-it-is": "reads",
        "no-line-before-the-answer": "reads",
        "assistant-for-model": "reads",
        "whispers-to-some": "reads",
        "learns-to-ask": "tokens before the answer are learnt",
    },
)
