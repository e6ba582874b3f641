"""Reading a text for an answer: whether it stands there at all."""

from agentlab_tools.knowledge.read.reader import Reading, read
from agentlab_tools.knowledge.read.verdict import (
    calibration,
    covered,
    kind,
    named,
    of_kind,
    own,
    probability,
    worth,
)

__all__ = [
    "Reading",
    "calibration",
    "covered",
    "kind",
    "named",
    "of_kind",
    "own",
    "probability",
    "read",
    "worth",
]
