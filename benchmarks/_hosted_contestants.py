"""The same agent in several frameworks, each as a function that runs it once.

Every one has the same instructions, question and tool, and asks the model `stub-N` at an address,
which answers with N tool calls and then a text. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

QUESTION = "What is 6 * 7 + 12? Use the calculator for every step, and check the result."
INSTRUCTIONS = "You are a careful assistant. Work step by step, and use the tools you have."

Run = Callable[[int], Awaitable[object]]
"""One agent from its question to its answer, over that many steps with a call."""


def calculator(expression: str) -> str:
    """Compute an expression."""
    return str(len(expression) + 38)


def bare(url: str) -> Run:
    """The least that can be done with the SDK."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=url)
    parameters = {
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
    }
    function = {"name": "calculator", "description": "Compute.", "parameters": parameters}
    tools: Any = [{"type": "function", "function": function}]

    async def run(steps: int) -> object:
        messages: list[Any] = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": QUESTION},
        ]
        while True:
            answer = await client.chat.completions.create(
                model=f"stub-{steps}", messages=messages, tools=tools
            )
            message = answer.choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return message.content
            for call in message.tool_calls:
                assert call.type == "function"
                result = calculator(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

    return run


def ours(url: str, runs: str | None) -> Run:
    """An AgentLab agent: validation, limits, events and, with `runs`, a trace on disk."""
    from agentlab import Agent, Limits, tool
    from agentlab.backends import connect

    made = tool(calculator)
    agents: dict[int, Any] = {}

    async def run(steps: int) -> object:
        if steps not in agents:
            agents[steps] = Agent(
                backend=connect(f"openai:stub-{steps}", base_url=url, api_key="none"),
                instructions=INSTRUCTIONS,
                tools=[made],
                limits=Limits(steps=steps + 1),
                runs=Path(runs) if runs else None,
            )
        return (await agents[steps].run(QUESTION)).output

    return run


def pydantic_ai(url: str) -> Run:
    """The same agent in pydantic-ai."""
    sdk: Any = import_module("pydantic_ai")
    models: Any = import_module("pydantic_ai.models.openai")
    providers: Any = import_module("pydantic_ai.providers.openai")
    provider = providers.OpenAIProvider(base_url=url, api_key="none")
    agents: dict[int, Any] = {}

    async def run(steps: int) -> object:
        if steps not in agents:
            model = models.OpenAIChatModel(f"stub-{steps}", provider=provider)
            agents[steps] = sdk.Agent(model, instructions=INSTRUCTIONS, tools=[calculator])
        limits = sdk.UsageLimits(request_limit=None)
        return (await agents[steps].run(QUESTION, usage_limits=limits)).output

    return run


def openai_agents(url: str) -> Run:
    """The same agent in openai-agents, its tracing off."""
    from openai import AsyncOpenAI

    sdk: Any = import_module("agents")
    sdk.set_tracing_disabled(True)
    client = AsyncOpenAI(api_key="none", base_url=url)
    made = sdk.function_tool(calculator)
    agents: dict[int, Any] = {}

    async def run(steps: int) -> object:
        if steps not in agents:
            agents[steps] = sdk.Agent(
                name="careful",
                instructions=INSTRUCTIONS,
                tools=[made],
                model=sdk.OpenAIChatCompletionsModel(f"stub-{steps}", openai_client=client),
            )
        result = await sdk.Runner.run(agents[steps], QUESTION, max_turns=steps + 1)
        return result.final_output

    return run


def langgraph(url: str) -> Run:
    """The same agent in langgraph, without a checkpointer."""
    chat: Any = import_module("langchain_openai")
    prebuilt: Any = import_module("langgraph.prebuilt")
    warnings.simplefilter("ignore")  # it recommends another package for the same graph
    graphs: dict[int, Any] = {}

    async def run(steps: int) -> object:
        if steps not in graphs:
            model = chat.ChatOpenAI(
                model=f"stub-{steps}", base_url=url, api_key="none", max_retries=0
            )
            graphs[steps] = prebuilt.create_react_agent(model, [calculator], prompt=INSTRUCTIONS)
        config = {"recursion_limit": 3 * steps + 10}
        told = await graphs[steps].ainvoke({"messages": [("user", QUESTION)]}, config)
        return told["messages"][-1].content

    return run
