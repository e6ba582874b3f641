"""An agent and its runs: the loop, and all that it takes to drive it.

Read from the top: `agent` (what one runs), `run` (one run, driven to its end), `loop` (the loop
itself), `calls` (the calls of one reply), `state` (what a run needs at hand), `profile` (what
decides how it goes on), `transcript` (the fold of its events).
"""

from agentlab.agent.agent import Agent, sync

__all__ = ["Agent", "sync"]
