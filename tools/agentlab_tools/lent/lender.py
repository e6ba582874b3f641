"""The host's side: serves what code in a sandbox asks for, and keeps what was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agentlab.backend import Backend, Reply, Settings, ToolSpec
from agentlab.backends import connect
from agentlab.errors import AgentLabError, BackendError, ConfigError
from agentlab.messages import Message
from agentlab_tools.execute import Sandbox, printed_by
from agentlab_tools.execute.host_calls import HostCalls
from agentlab_tools.knowledge.retrieve import Found

INSIDE = Path(__file__).with_name("inside.txt")
"""Python for the sandbox, where it is `lent.py`."""

_LONGEST_REPLY = 160
_MOST_PASSAGES = 10

_messages = TypeAdapter(list[Message])
_tools = TypeAdapter(list[ToolSpec])

Search = Callable[[str, int], list[Found]]
"""A question and a number of passages, to those that fit best; called on a thread."""

_known: dict[str, Reply] = {}
"""At temperature 0 a model answers the same each time, so it is asked once in a process."""


@dataclass(frozen=True)
class Asked:
    """A request that a model answered.

    Attributes:
        messages: all that it read.
        tools: the names of those it could call.
    """

    model: str
    messages: tuple[Message, ...]
    reply: Reply
    tools: tuple[str, ...] = ()


@dataclass
class Lender:
    """Runs code, and answers it meanwhile. Make one with `lending`.

    Attributes:
        models: those that may be asked; each is opened when it is asked first.
        most: requests that the code may make in all.
        asked: what models were asked, in order.
        searched: the questions that were searched for, in order.
        backends: those models that are open, by name.
    """

    sandbox: Sandbox
    models: Sequence[str]
    search: Search
    most: int
    asked: list[Asked] = field(default_factory=list[Asked])
    searched: list[str] = field(default_factory=list[str])
    backends: dict[str, Backend] = field(default_factory=dict[str, Backend])

    def __post_init__(self) -> None:
        self._host = HostCalls(self.sandbox, self._told, ending=".json")

    async def run(self, code: str) -> str:
        """What a program prints, all that it asked for answered.

        Raises:
            ToolError: it did not end well.
        """
        return await self._host.during(lambda: printed_by(self.sandbox, code))

    async def answer(
        self,
        model: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: Mapping[str, Any] | None = None,
    ) -> Reply:
        """What a model answers the host itself; it is not counted.

        Raises:
            ConfigError: the model is not lent.
            BackendError: it could not answer.
        """
        if model not in self.models:
            raise ConfigError(f"no model {model!r} is lent here; there is {', '.join(self.models)}")
        shortest = min(settings.max_tokens or _LONGEST_REPLY, _LONGEST_REPLY)
        bound = settings.model_copy(update={"max_tokens": shortest})
        asked = [one.model_dump(mode="json") for one in (*messages, *tools, bound)]
        key = json.dumps([model, asked, output], sort_keys=True)
        if key not in _known or bound.temperature != 0:
            if model not in self.backends:
                self.backends[model] = connect(model, threads=1, n_ctx=2048)
            stream = self.backends[model].stream(
                messages, tools=tools, settings=bound, output=output
            )
            said = [one async for one in stream][-1]
            if not isinstance(said, Reply):
                raise BackendError(f"{model} ended without a reply")
            _known[key] = said
        return _known[key]

    async def close(self) -> None:
        """Free the models."""
        for backend in self.backends.values():
            await backend.aclose()
        self.backends.clear()

    async def _told(self, data: bytes) -> bytes:
        """The answer to a request, or what is wrong with it."""
        try:
            if self._host.served > self.most:
                raise ConfigError(f"more than {self.most} requests")
            told: dict[str, object] = {"is": await self._answered(json.loads(data))}
        except ValidationError as error:
            told = {"error": f"a request that can't be read: {error.errors()[0]['msg']}"}
        except (AgentLabError, ValueError, LookupError, TypeError, RecursionError) as error:
            told = {"error": (str(error).splitlines() or [type(error).__name__])[0]}
        return json.dumps(told).encode()

    async def _answered(self, told: dict[str, Any]) -> object:
        if "search" in told:
            return await self._found(str(told["search"]), int(told["k"]))
        messages = _messages.validate_python(told["messages"])
        tools = _tools.validate_python(told["tools"])
        settings = Settings.model_validate(told["settings"])
        model = str(told["model"])
        reply = await self.answer(model, messages, tools, settings, told["output"])
        names = tuple(tool.name for tool in tools)
        self.asked.append(Asked(model, tuple(messages), reply, names))
        return reply.model_dump(mode="json")

    async def _found(self, question: str, k: int) -> object:
        if not 1 <= k <= _MOST_PASSAGES:
            raise ConfigError(f"a search gives 1 to {_MOST_PASSAGES} passages")
        found = await asyncio.to_thread(self.search, question, k)
        self.searched.append(question)
        return [
            {
                "id": one.chunk.id,
                "text": one.chunk.text,
                "source": asdict(one.source),
                "score": one.score,
                "quote": asdict(one.quote),
            }
            for one in found
        ]


@asynccontextmanager
async def lending(
    sandbox: Sandbox, *, models: Sequence[str], search: Search, most: int
) -> AsyncGenerator[Lender]:
    """Lend models and an index to the code of a sandbox.

    Args:
        sandbox: with `agentlab` and `agentlab_tools` among its packages.
        models: by the names that `connect` takes.
        most: requests that the code may make, searches included.
    """
    await sandbox.write_file("lent.py", INSIDE.read_text(encoding="utf-8"))
    lender = Lender(sandbox, models, search, most)
    try:
        yield lender
    finally:
        await lender.close()
