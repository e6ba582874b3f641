"""A case of the benchmark as an agent has it: functions are tools, and the first reply is all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import RootModel

from agentlab.agent import Agent
from agentlab.backend import Settings
from agentlab.errors import ToolError
from agentlab.evaluate.dataset import Sample
from agentlab.labs.answers import AgentAnswer
from agentlab.limits import Limits
from agentlab.messages import Message
from agentlab.tooling import Tool, ToolContext

ANSWER = AgentAnswer(
    settings=Settings(temperature=0, max_tokens=512), limits=Limits(steps=1, tool_calls=0)
)
"""The agent that is asked, unless another is described: greedy, and without instructions."""

_TYPES = {
    "integer": "integer",
    "number": "number",
    "float": "number",
    "string": "string",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "tuple": "array",
    "dict": "object",
    "object": "object",
    "any": "string",
}
"""The benchmark's words for types, and those of JSON Schema that it is itself asked with."""


def suited(agent: Agent[str], sample: Sample) -> tuple[Agent[str], tuple[Message, ...]]:
    """The agent with the functions of a case, and what was said before its question."""
    facts = sample.case.facts
    before = tuple(Message.model_validate(_message(*said)) for said in facts["before"])
    tools = [tool_of(function) for function in facts["functions"]]
    return agent.with_(tools=tools, limits=ANSWER.limits), before


def tool_of(function: Mapping[str, Any]) -> Tool[Any]:
    """A function of the benchmark as a tool, which a run never comes to call."""
    words = schema_of(function["parameters"])

    class Arguments(RootModel[dict[str, Any]]):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return words

    async def run(_given: RootModel[dict[str, Any]], _context: ToolContext) -> NoReturn:
        raise ToolError("functions of the benchmark are called on paper only")

    return Tool(
        name=name_of(function["name"]),
        description=str(function.get("description", "")),
        arguments=Arguments,
        run=run,
    )


def name_of(function: str) -> str:
    """The name that services allow: those of the benchmark have dots."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", function)


def schema_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema, of what the benchmark says about a value."""
    words = {key: value for key, value in described.items() if key != "optional"}
    words["type"] = _TYPES.get(str(described.get("type")), "string")
    if isinstance(described.get("properties"), Mapping):
        words["properties"] = {
            name: schema_of(value) for name, value in described["properties"].items()
        }
    if isinstance(described.get("items"), Mapping):
        words["items"] = schema_of(described["items"])
    return words


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"kind": "text", "text": text}]}
