"""A conversation with an agent: its history, its open tools, and one turn after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, runtime_checkable

from agentlab.agent import Agent
from agentlab.agent.run import Run
from agentlab.approval import Policy
from agentlab.backend import Backend, Settings, ToolSpec
from agentlab.backends.llamacpp.seen import PromptToken
from agentlab.errors import ConfigError
from agentlab.limits import Limits
from agentlab.messages import Message
from agentlab.plugins.equipment import Equipment, equipment_for
from agentlab.plugins.tools import load_tools
from agentlab_tui.assembly import Assembly
from agentlab_tui.consent import Consent, Question
from agentlab_tui.feed import Opened
from agentlab_tui.live_agent import LiveAgent
from agentlab_tui.services import Services

TOP_TOKENS = 6
"""How many of the likeliest tokens are asked for at each step, where a model is a local one."""


@runtime_checkable
class ShowsPrompt(Protocol):
    """A backend that can show a conversation as its model reads it."""

    async def prompt(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec] = ()
    ) -> tuple[PromptToken, ...]:
        """See `agentlab.backends.llamacpp.backend.LlamaCpp.prompt`."""
        ...


class Talk:
    """One conversation. Tools keep what they hold (a sandbox its variables) from turn to turn."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stack = AsyncExitStack()
        self._open_for: tuple[str, ...] | None = None
        self._equipment = Equipment()
        self.history: tuple[Message, ...] = ()

    def say(self, text: str, assembly: Assembly) -> LiveAgent:
        """Begin a turn. The history is the caller's to move on, once the turn has ended."""
        history = self.history

        @asynccontextmanager
        async def start(tell: Callable[[Question | Opened], None]) -> AsyncGenerator[Run[Any]]:
            backend = self._services.engine.backend(assembly.backend)
            tell(Opened(backend.identity))
            agent = agent_of(assembly, backend, self._services)
            equipment = await self._equip(assembly.tools)
            yield agent.run(
                text,
                history=history,
                approver=Consent(tell),
                deps=equipment.deps,
                labels={"playground": "talk", **equipment.labels},
            )

        return LiveAgent(self._services.engine, start)

    async def prompt(self, draft: str, assembly: Assembly) -> tuple[PromptToken, ...]:
        """The conversation as the model would read it if this were said now.

        Without a draft: as it read it before its last reply.

        Raises:
            AgentLabError: the model can't be had, or is not one that shows this.
        """
        future = self._services.engine.submit(self._prompt(draft, assembly))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let go of what the tools held."""
        self._services.engine.submit(self._let_go())

    async def _prompt(self, draft: str, assembly: Assembly) -> tuple[PromptToken, ...]:
        backend = self._services.engine.backend(assembly.backend)
        if not isinstance(backend, ShowsPrompt):
            raise ConfigError(
                f"{backend.identity.name} does not show what its model reads: local models do"
            )
        agent = agent_of(assembly, backend, self._services)
        rest = [message for message in self.history if message.role != "system"]
        if not draft.strip():
            while rest and rest[-1].role == "assistant":
                rest.pop()
        drafted = [Message.user(draft)] if draft.strip() or not rest else []
        own = [Message.system(assembly.instructions)] if assembly.instructions else []
        return await backend.prompt([*own, *rest, *drafted], tools=agent.specs)

    async def _equip(self, tools: tuple[str, ...]) -> Equipment:
        if tools != self._open_for:
            await self._let_go()
            self._equipment = await self._stack.enter_async_context(equipment_for(tools))
            self._open_for = tools
        return self._equipment

    async def _let_go(self) -> None:
        stack, self._stack, self._open_for = self._stack, AsyncExitStack(), None
        self._equipment = Equipment()
        await stack.aclose()


def is_local(backend: Backend) -> bool:
    """Whether the model runs in this process, so that its tokens can be looked at."""
    return "gguf_sha256" in backend.identity.details


def agent_of(assembly: Assembly, backend: Backend, services: Services) -> Agent:
    """The agent that was put together.

    Raises:
        ConfigError: a tool is not to be had.
    """
    return Agent(
        name="playground",
        backend=backend,
        instructions=assembly.instructions,
        tools=load_tools(assembly.tools),
        settings=Settings(
            temperature=assembly.temperature, logprobs=TOP_TOKENS if is_local(backend) else 0
        ),
        limits=Limits(steps=assembly.steps, repeats=3),
        approval=Policy(ask=assembly.asks),
        runs=services.runs,
    )
