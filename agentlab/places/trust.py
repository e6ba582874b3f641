"""What a trace may choose for those who go on from it.

A trace of a person's own folder of runs says which model it ran on, and what needed no consent. One
that came from elsewhere is a stranger's: it chooses no server to talk to, and every call of a tool
is asked about. Everything that goes on from a trace, at the terminal or on the screen, asks here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError
from agentlab.places.models import open_backend, service_options, state_options
from agentlab.trace import Trace

if TYPE_CHECKING:
    from agentlab.agent import Agent
    from agentlab.backend import Backend


def is_own(trace: Trace, runs: Path) -> bool:
    """Whether a trace lies in a person's own folder of runs."""
    # `resolve` fails where links go round in a circle
    return os.path.realpath(trace.path.parent) == os.path.realpath(runs)


def model_name(trace: Trace, chosen: str | None, *, own: bool) -> str:
    """The model chosen, or else the run's own. A stranger's trace does not choose a server.

    Raises:
        ConfigError: the trace comes from outside, and names more than a model that comes along.
    """
    name = trace.header.backend.name
    if chosen is not None:
        return chosen
    if not own and not _comes_along(name):
        raise ConfigError(
            f"this trace comes from outside and asks to talk to {name}: choose that model yourself "
            "(--backend) if you mean it, or trust the trace (--trust)"
        )
    return name


def _comes_along(name: str) -> bool:
    # by its whole name: `local:smollm2+PATH` would open a file that the stranger chose
    from agentlab.backends.llamacpp.registry import MODELS

    return name in {f"local:{model}" for model in MODELS}


def model_of(trace: Trace, chosen: str | None, *, own: bool, restore: bool = False) -> Backend:
    """The model of `model_name`, opened as it was in the run where it is the run's own.

    Args:
        restore: it goes on from what an earlier process read; else it starts cold.

    Raises:
        ConfigError: as `model_name`, or the model is not to be had.
    """
    from agentlab.replay.rebuild import reconnect

    name = model_name(trace, chosen, own=own)
    if chosen is not None:
        return open_backend(chosen, restore=restore)
    if service_options(name):
        return open_backend(name)
    return reconnect(trace.header.backend, **state_options(name, restore=restore))


def agent_of(
    trace: Trace,
    model: Backend,
    *,
    own: bool,
    labs: tuple[Path, ...],
    changed_tools: bool = False,
) -> Agent[Any]:
    """The agent of a run. A stranger's trace does not choose what needs no consent."""
    from agentlab.approval import Policy
    from agentlab.replay.rebuild import rebuild

    agent = rebuild(trace, backend=model, labs=labs, changed_tools=changed_tools)
    return agent if own else agent.with_(approval=Policy(otherwise="ask"))
