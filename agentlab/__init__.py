"""AgentLab: a typed agent loop whose every run is a trace one can show, replay and fork.

    from agentlab import Agent

    def area(width: float, height: float) -> float:
        '''The area of a rectangle, in square metres.'''
        return width * height

    agent = Agent(backend="local:agent", tools=[area])
    print(agent.run_sync("How large is a rectangle 12 wide and 30 high?").text)

Names are loaded when first used, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentlab.agent import Agent
    from agentlab.agent.result import Pending, Result
    from agentlab.agent.run import Run
    from agentlab.agent.shown import live
    from agentlab.approval import Decision, Policy
    from agentlab.backend import Backend, Reply, Settings, ToolSpec
    from agentlab.backends import connect
    from agentlab.limits import Limits
    from agentlab.messages import Audio, Blob, Image, Message, Text, ToolCall, ToolResult, Usage
    from agentlab.tooling import Tool, ToolContext, tool
    from agentlab.trace import Trace

_HOMES = {
    "Agent": "agent",
    "Audio": "messages",
    "Backend": "backend",
    "Blob": "messages",
    "Decision": "approval",
    "Image": "messages",
    "Limits": "limits",
    "Message": "messages",
    "Pending": "agent.result",
    "Policy": "approval",
    "Reply": "backend",
    "Result": "agent.result",
    "Run": "agent.run",
    "Settings": "backend",
    "Text": "messages",
    "Tool": "tooling",
    "ToolCall": "messages",
    "ToolContext": "tooling",
    "ToolResult": "messages",
    "ToolSpec": "backend",
    "Trace": "trace",
    "Usage": "messages",
    "connect": "backends",
    "live": "agent.shown",
    "tool": "tooling",
}

__all__ = [
    "Agent",
    "Audio",
    "Backend",
    "Blob",
    "Decision",
    "Image",
    "Limits",
    "Message",
    "Pending",
    "Policy",
    "Reply",
    "Result",
    "Run",
    "Settings",
    "Text",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolResult",
    "ToolSpec",
    "Trace",
    "Usage",
    "connect",
    "live",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'agentlab' has no attribute {name!r}")
    return getattr(import_module(f"agentlab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
