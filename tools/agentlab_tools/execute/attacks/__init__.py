"""The attack suite: what code in a sandbox might try, as data, and what runs it.

`agentlab sandbox check` runs it against the sandbox of this machine; the tests also run each
attack without one, to see that it would work.
"""

from agentlab_tools.execute.attacks.channel import CHANNEL
from agentlab_tools.execute.attacks.controls import control
from agentlab_tools.execute.attacks.host import FILES, NETWORK
from agentlab_tools.execute.attacks.kept import KEPT
from agentlab_tools.execute.attacks.limits import ENDINGS, OUTPUT, RESOURCES
from agentlab_tools.execute.attacks.model import Attack, Evidence
from agentlab_tools.execute.attacks.processes import PROCESSES
from agentlab_tools.execute.attacks.runner import Verdict, run
from agentlab_tools.execute.attacks.targets import Range

ATTACKS: tuple[Attack, ...] = (
    *FILES,
    *NETWORK,
    *PROCESSES,
    *RESOURCES,
    *KEPT,
    *OUTPUT,
    *ENDINGS,
    *CHANNEL,
)

__all__ = ["ATTACKS", "Attack", "Evidence", "Range", "Verdict", "control", "run"]
