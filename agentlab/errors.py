"""Every error a user of AgentLab can meet, and what each one means.

    AgentLabError               the root: one clear line saying what is wrong and what to do
    ├── ConfigError             something asked for is not there or does not fit
    │   ├── MissingExtra        an optional part is not installed
    │   ├── ModelNotFound       no model under that name or path
    │   └── ModelUnreadable     a model file is there, but it is not a whole GGUF
    ├── BackendError            a model could not answer
    │   └── ContextOverflow     the conversation is longer than the model's context
    ├── RunError                a run ended without the output it was asked for
    │   └── OutputInvalid       the model's output never matched the output type
    ├── TraceError              a trace cannot be written or read
    │   └── TraceVersionError   a trace was written by a newer AgentLab
    └── ScenarioError           a scenario folder is not as it should be

    ToolError                   raised *inside a tool*: its text goes back to the model as data

Anything else that escapes is a bug in AgentLab, and is shown with its traceback.
"""

from __future__ import annotations


class AgentLabError(Exception):
    """The root of all errors whose message is meant for a person."""


class ConfigError(AgentLabError):
    """Something asked for is not there, or does not fit with the rest."""


class MissingExtra(ConfigError):
    """An optional part of AgentLab is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: pip install 'agentlab-kit[{extra}]'")


class ModelNotFound(ConfigError):
    """No model answers to that name, path or address."""


class ModelUnreadable(ConfigError):
    """A model file is there, but it is truncated or not a GGUF."""


class BackendError(AgentLabError):
    """A model could not answer."""


class ContextOverflow(BackendError):
    """The conversation no longer fits the model's context window."""


class RunError(AgentLabError):
    """A run ended without the output it was asked for."""


class OutputInvalid(RunError):
    """The model's output did not match the output type, even after repair."""


class TraceError(AgentLabError):
    """A trace cannot be written or read."""


class TraceVersionError(TraceError):
    """A trace was written in a format this version does not know."""


class ScenarioError(AgentLabError):
    """A scenario folder is missing or is not as it should be."""


class ToolError(Exception):
    """Raise this inside a tool to tell the model what went wrong, in your own words."""
