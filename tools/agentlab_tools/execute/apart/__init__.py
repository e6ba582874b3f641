"""Code and the tests that judge it, each in an interpreter of its own."""

from agentlab_tools.execute.apart.judge import Judged, judged

__all__ = ["Judged", "judged"]
