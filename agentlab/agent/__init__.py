"""An agent and its runs: the loop, and all that it takes to drive it.

Read from the top: `agent` (what one runs), `sync` (the same from plain code),
`run` (one run, driven to its end), `loop` (the loop itself), `calls` (the calls of one
reply), `state` (what a run needs), `result` (what it came to), `profile` (what decides
how it goes on), `taken` (what may be given in place of its values), `transcript` (the fold of its
events).
"""

from agentlab.agent.agent import Agent
from agentlab.agent.sync import sync

__all__ = ["Agent", "sync"]
