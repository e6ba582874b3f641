"""Labs: what they are made of, and how they are found, run and graded.

A scenario's own `scenario.py` needs no more than `from agentlab.scenario import …`.
"""

from agentlab.equipment import Equipment
from agentlab.scenario.answers import AgentAnswer, CodeAnswer, Example, QuizAnswer, ReadAnswer, Try
from agentlab.scenario.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.scenario.values import (
    AgentStep,
    CodeStep,
    QuizStep,
    ReadStep,
    Scenario,
    Step,
)

__all__ = [
    "AgentAnswer",
    "AgentStep",
    "Attempt",
    "Case",
    "CaseRun",
    "Check",
    "CodeAnswer",
    "CodeStep",
    "Equipment",
    "Example",
    "QuizAnswer",
    "QuizStep",
    "ReadAnswer",
    "ReadStep",
    "Scenario",
    "Step",
    "Try",
    "Verdict",
]
