"""Every error a user of AgentLab can meet, and what each one means.

    AgentLabError               the root: one clear line saying what is wrong and what to do
    ├── ConfigError             something asked for is not there or does not fit
    │   ├── Refused             a value was written with a field it does not have, or can't hold
    │   ├── MissingExtra        an optional part is not installed
    │   ├── ModelNotFound       no model under that name or path
    │   ├── ModelUnreadable     a model file is there, but it is not a whole GGUF
    │   ├── RuntimeBroken       the installed llama.cpp does not work on this processor
    │   └── MissingKey          a hosted service needs an API key, and none was given
    ├── BackendError            a model could not answer
    │   ├── ContextOverflow     the conversation is longer than the model's context
    │   ├── AuthError           the service does not accept the key, or not for this
    │   ├── QuotaExhausted      the account behind the key has no credit left
    │   ├── BadRequest          the service refuses the request as it stands
    │   ├── RateLimited         too many requests in too short a time
    │   ├── ServiceUnavailable  the service is down, overloaded, unreachable or too slow
    │   └── StreamBroken        the answer broke off half-way, or could not be understood
    ├── RunError                a run ended without the output it was asked for
    │   └── OutputInvalid       the model's output never matched the output type
    ├── TraceError              a trace cannot be written or read
    │   └── TraceVersionError   a trace was written by a newer AgentLab
    ├── LabError           a lab folder is not as it should be
    └── …                       tools add their own, e.g. the sandbox its SandboxUnavailable

    ToolError                   raised *inside a tool*: its text goes back to the model as data

Anything else that escapes is a bug in AgentLab, and is shown with its traceback.
"""

from __future__ import annotations

from pathlib import Path


class AgentLabError(Exception):
    """The root of all errors whose message is meant for a person."""


class ConfigError(AgentLabError):
    """Something asked for is not there, or does not fit with the rest."""


class Refused(ConfigError, ValueError):
    """A value was made with a field it does not have, or with one that does not fit."""


class MissingExtra(ConfigError):
    """An optional part of AgentLab is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: {install_command(extra)}")


def install_command(extra: str) -> str:
    """What installs an optional part: from the index, or in a checkout with its own set-up."""
    return f"make setup WITH={extra}" if in_checkout() else f"pip install 'agentlab-kit[{extra}]'"


def in_checkout() -> bool:
    """Whether this is a checkout with its own set-up, and not an installed package."""
    return (Path(__file__).parent.parent / "scripts" / "setup.py").is_file()


class ModelNotFound(ConfigError):
    """No model answers to that name, path or address."""


class ModelUnreadable(ConfigError):
    """A model file is there, but it is truncated or not a GGUF."""


class RuntimeBroken(ConfigError):
    """The llama.cpp that is installed crashes, hangs or computes wrongly on this processor."""


class MissingKey(ConfigError):
    """A hosted service needs an API key, and none was given."""


class BackendError(AgentLabError):
    """A model could not answer."""


class ContextOverflow(BackendError):
    """The conversation no longer fits the model's context window."""


class AuthError(BackendError):
    """The service does not accept the key, or the key may not do this."""


class QuotaExhausted(BackendError):
    """The account behind the key has no credit left; waiting does not help."""


class BadRequest(BackendError):
    """The service refuses the request as it stands; sending it again does not help."""


class RateLimited(BackendError):
    """Too many requests in too short a time. `retry_after` is the wait asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServiceUnavailable(BackendError):
    """The service is down, overloaded, unreachable or too slow. `retry_after` as it asked for."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StreamBroken(BackendError):
    """The answer broke off half-way, or something in it could not be understood."""


class RunError(AgentLabError):
    """A run ended without the output it was asked for."""


class OutputInvalid(RunError):
    """The model's output did not match the output type, even after repair."""


class TraceError(AgentLabError):
    """A trace cannot be written or read."""


class TraceVersionError(TraceError):
    """A trace was written in a format this version does not know."""


class LabError(AgentLabError):
    """A lab folder is missing or is not as it should be."""


class ToolError(Exception):
    """Raise this inside a tool to tell the model what went wrong, in your own words."""
