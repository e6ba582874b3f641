"""What programs run on in this lab: a sandbox, opened anew for every run."""

from __future__ import annotations

from agentlab_tools.execute.equipment import sandbox_with
from agentlab_tools.execute.tools import run_python

__all__ = ["run_python", "sandbox"]

# Without any packages; sandbox_with("numpy", timeout=10) has one
sandbox = sandbox_with(timeout=10)
