"""What labs were written against before 0.2: `from agentlab.labs import Lab, …`."""

from agentlab.labs import *  # noqa: F403 - the same names
from agentlab.labs import Lab as Lab

__all__ = ["Lab"]
