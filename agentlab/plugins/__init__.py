"""What other packages add, found by entry point. `docs/plugins.md` has an example of each.

`GROUPS` is the whole surface: the groups in which a package's `pyproject.toml` can name things, and
what AgentLab takes each for. Nothing of a package is imported before it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping

GROUPS: Mapping[str, str] = {
    "agentlab.tools": "a `Tool`, under its name",
    "agentlab.toolsets": "opens tools for what a user names, as in -t NAME:WHAT",
    "agentlab.equipment": "opens what the tool of that name needs, anew for every run",
    "agentlab.origins": "finds what brought tools to a run, by the run's labels",
    "agentlab.backends": "a `Scheme`, or the function that opens a model named NAME:…",
    "agentlab.commands": "a click command: agentlab NAME",
    "agentlab.recipes": "a training recipe: agentlab train NAME",
    "agentlab.doctor": "looks at the machine for agentlab doctor",
    "agentlab.labs": "a package that holds a folder of labs",
}
