"""Labs: what they are made of, and how they are found, run and graded.

A scenario's own `scenario.py` needs no more than `from agentlab.scenario import …`.
"""

from agentlab.plugins.equipment import Equipment
from agentlab.scenario.answers import (
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
from agentlab.scenario.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.scenario.values import (
    AgentStep,
    CodeStep,
    ForkStep,
    QuizStep,
    ReadStep,
    Scenario,
    Step,
)

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
    "QuizAnswer",
    "QuizStep",
    "ReadAnswer",
    "ReadStep",
    "Scenario",
    "Step",
    "Then",
    "Try",
    "Verdict",
]
