"""What labs were written against before 0.2: `from agentlab.scenario import Scenario, …`."""

from agentlab.labs import *  # noqa: F403 - the same names
from agentlab.labs import Lab as Scenario

__all__ = ["Scenario"]
