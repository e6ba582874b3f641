"""Labs: what they are made of, and how they are found, run and graded.

A lab's own `lab.py` needs no more than `from agentlab.labs import …`.
"""

from agentlab.labs.answers import (
    AgentAnswer,
    Call,
    CodeAnswer,
    Example,
    ForkAnswer,
    QuizAnswer,
    ReadAnswer,
    Then,
    Try,
)
from agentlab.labs.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.labs.values import (
    AgentStep,
    CodeStep,
    ForkStep,
    Lab,
    QuizStep,
    ReadStep,
    Step,
)
from agentlab.plugins.equipment import Equipment

__all__ = [
    "AgentAnswer",
    "AgentStep",
    "Attempt",
    "Call",
    "Case",
    "CaseRun",
    "Check",
    "CodeAnswer",
    "CodeStep",
    "Equipment",
    "Example",
    "ForkAnswer",
    "ForkStep",
    "Lab",
    "QuizAnswer",
    "QuizStep",
    "ReadAnswer",
    "ReadStep",
    "Step",
    "Then",
    "Try",
    "Verdict",
]
