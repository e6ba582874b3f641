"""Labs: what they are made of, and how they are found, run and graded.

A scenario's own `scenario.py` needs no more than `from agentlab.scenario import …`.
"""

from agentlab.scenario.answers import AgentAnswer, Example, QuizAnswer, ReadAnswer
from agentlab.scenario.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.scenario.values import AgentStep, QuizStep, ReadStep, Scenario, Step

__all__ = [
    "AgentAnswer",
    "AgentStep",
    "Attempt",
    "Case",
    "CaseRun",
    "Check",
    "Example",
    "QuizAnswer",
    "QuizStep",
    "ReadAnswer",
    "ReadStep",
    "Scenario",
    "Step",
    "Verdict",
]
