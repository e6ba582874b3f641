"""The reference solution of this lab, what a learner starts from, and what must be rejected."""

from __future__ import annotations

from agentlab.labs.declare import programs

_SOLUTION = '''
from collections import Counter


def most_frequent_pair(text):
    """The two neighbouring letters that are most frequent; of equals, the first by the alphabet."""
    counted = Counter(a + b for a, b in zip(text, text[1:]))
    return min(counted, key=lambda pair: (-counted[pair], pair))
'''

FIND = programs(
    starter='''
def most_frequent_pair(text):
    """The two neighbouring letters that are most frequent; of equals, the first by the alphabet."""
    return text[:2]
''',
    solution=_SOLUTION,
    wrong={
        "every-other-pair": _SOLUTION.replace("zip(text, text[1:])", "zip(text[::2], text[1::2])"),
        "least-frequent": _SOLUTION.replace("-counted[pair]", "counted[pair]"),
    },
)
