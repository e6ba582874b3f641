"""A run in a notebook: as it goes, and once it has ended.

result = await live(agent.run("How large is a field of 12 by 30 metres?"))
result                                        # the last line of a cell: its turns
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any, Final

from agentlab.agent.profile import Output
from agentlab.agent.result import Result
from agentlab.agent.run import Run
from agentlab.agent.table import html
from agentlab.attached import attached_to
from agentlab.backend import TextDelta
from agentlab.described import Line, lines_of
from agentlab.errors import MissingExtra
from agentlab.messages import Artifact

PAUSE: Final = 0.05
"""Seconds between two pictures of a run that goes on: a browser need not draw every token."""


async def live(run: Run[Output]) -> Result[Output]:
    """Run it, and show what happens under the cell of a notebook.

    Raises:
        MissingExtra: IPython is not here, so there is nowhere to show it.
        AgentLabError: the run failed; what is shown says how far it came.
    """
    try:
        ipython: Any = import_module("IPython.display")
    except ImportError:
        raise MissingExtra("IPython, which shows a run in a notebook,", "notebook") from None
    place = ipython.display(ipython.HTML(""), display_id=True)
    rows: list[Line | Artifact] = []
    saying, drawn = "", 0.0
    async for event in run:
        if isinstance(event, TextDelta):
            saying += event.text
        elif written := lines_of(event, None):
            rows, saying = [*rows, *written, *attached_to(event)], ""
        if place is not None and time.monotonic() - drawn >= PAUSE:
            place.update(ipython.HTML(html(rows, saying)))
            drawn = time.monotonic()
    if place is not None:
        place.update(ipython.HTML(html(rows)))
    return run.result()
