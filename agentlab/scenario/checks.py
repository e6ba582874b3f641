"""What labs were written against before 0.2; see `agentlab.labs.checks`."""

from agentlab.labs.checks import *  # noqa: F403 - the same names
