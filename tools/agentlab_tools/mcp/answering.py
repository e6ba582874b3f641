"""What a server may ask of us while it works on a call: a form, a model's words, our folders.

A form goes to whoever answers for the person in the run that made the call (`Form`), and what they
fill in is checked against the form's schema before it is sent. A model writes for a server only
where the server's description names one, on the account of that run. Folders are those of the
description. A server that asks out of turn, when no call is under way, gets nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from agentlab.approval import Filler, Form
from agentlab.backend import Backend, Reply, Settings
from agentlab.display import one_line
from agentlab.errors import AgentLabError
from agentlab.messages import Blob, Image, Message, Text
from agentlab.tooling import ToolContext
from agentlab_tools.mcp.judge import BadSchema, Judge
from agentlab_tools.mcp.servers import McpServer

_LONGEST = 4096
_MOST_WRITTEN = 20
_CALL: ContextVar[ToolContext | None] = ContextVar("the call that is under way", default=None)


class Answering:
    """Answers one server's questions.

    Args:
        fill: who fills in forms, in place of whoever answers for the person in the run.
        model: who writes for the server, in place of the model its description names.
    """

    def __init__(self, server: McpServer, fill: Filler | None, model: Backend | None) -> None:
        self._server = server
        self._fill = fill
        self._model = model
        self._opened: Backend | None = None
        self._calls: list[ToolContext] = []
        self._written = 0

    def callbacks(self) -> dict[str, Any]:
        """What the SDK's client is told of; it tells the server."""
        offered: dict[str, Any] = {"elicitation_callback": self.fill_in}
        if self._model is not None or self._server.model:
            offered["sampling_callback"] = self.write
        if self._server.roots:
            offered["list_roots_callback"] = self.folders
        return offered

    @contextmanager
    def during(self, context: ToolContext) -> Generator[None]:
        """A call is under way, and may be asked about."""
        self._calls.append(context)
        before = _CALL.set(context)
        try:
            yield
        finally:
            _CALL.reset(before)
            self._calls.remove(context)
            if not self._calls:
                self._written = 0

    async def aclose(self) -> None:
        """Close the model that was opened here."""
        if self._opened is not None:
            await self._opened.aclose()

    def _call(self) -> ToolContext | None:
        """Whose call it is about: that of this task, or the only one there can be."""
        if (call := _CALL.get()) is not None and call in self._calls:
            return call
        alike = {id(one.run.meter) if one.run else 0 for one in self._calls}
        return self._calls[-1] if len(alike) == 1 else None

    async def fill_in(self, _context: Any, asked: Any) -> Any:
        """Answers `elicitation/create`."""
        from mcp import types

        fields = getattr(asked, "requested_schema", None)
        if fields is None:  # an address to open in a browser, which is nobody's place to do here
            return types.ElicitResult(action="decline")
        call = self._call()
        fill = self._fill or (call.fill if call else None)
        if fill is None:
            return types.ElicitResult(action="cancel")
        schema = dict(fields)
        try:
            judge = Judge(schema)
        except BadSchema as error:
            return types.ErrorData(code=types.INVALID_PARAMS, message=f"a bad form: {error}")
        filled = await fill(Form(message=asked.message, fields=schema, asker=self._server.name))
        if filled is None:
            return types.ElicitResult(action="decline")
        if problem := judge.problem(dict(filled)):
            if call is not None:
                call.emit(f"what was filled in does not fit the form: {one_line(problem, 200)}\n")
            return types.ElicitResult(action="cancel")
        return types.ElicitResult(action="accept", content=dict(filled))

    async def write(self, _context: Any, asked: Any) -> Any:
        """Answers `sampling/createMessage`."""
        from mcp import types

        def refused(why: str) -> Any:
            return types.ErrorData(code=types.INVALID_REQUEST, message=why)

        call = self._call()
        if call is None:
            return refused("no call of a tool is under way")
        meter = call.run.meter if call.run else None
        if meter is not None and meter.spent():
            return refused("the run has spent its budget")
        self._written += 1
        if self._written > _MOST_WRITTEN:
            return refused(f"more than {_MOST_WRITTEN} texts for one call are too many")
        try:
            messages = list(map(_message, asked.messages))
            if asked.system_prompt:
                messages.insert(0, Message.system(asked.system_prompt))
            settings = Settings(
                temperature=asked.temperature,
                max_tokens=min(asked.max_tokens, _LONGEST),
                stop=tuple(asked.stop_sequences or ()),
            )
            backend = self._backend()
            reply = await _reply(backend, messages, settings)
        except (AgentLabError, ValueError) as error:
            return refused(one_line(str(error), 300))
        if meter is not None:
            meter.charge(reply.usage)
        call.emit(f"{self._server.name} had {backend.identity.model} write for it\n")
        reason = {"length": "maxTokens", "stop_sequence": "stopSequence"}.get(reply.stop, "endTurn")
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=reply.message.text),
            model=backend.identity.model,
            stop_reason=reason,
        )

    def _backend(self) -> Backend:
        if self._model is not None:
            return self._model
        if self._opened is None:
            from agentlab.backends import connect  # heavy, and only needed here

            self._opened = connect(self._server.model)
        return self._opened

    async def folders(self, _context: Any) -> Any:
        """Answers `roots/list`."""
        from mcp import types
        from pydantic import FileUrl

        paths = [folder.expanduser().resolve() for folder in self._server.roots]
        roots = [types.Root(uri=FileUrl(path.as_uri()), name=path.name) for path in paths]
        return types.ListRootsResult(roots=roots)


async def _reply(backend: Backend, messages: list[Message], settings: Settings) -> Reply:
    async for item in backend.stream(messages, settings=settings):
        if isinstance(item, Reply):
            return item
    raise AssertionError("a backend ends with a reply")


def _message(said: Any) -> Message:
    """A message of theirs as one of ours.

    Raises:
        ValueError: it holds what we can't hand to a model.
    """
    parts: list[Text | Image] = []
    for part in said.content_as_list:
        if part.type == "text":
            parts.append(Text(text=part.text))
        elif part.type == "image" and said.role == "user":
            blob = Blob.of(base64.b64decode(part.data, validate=True))
            parts.append(Image(media_type=part.mime_type, blob=blob))
        else:
            raise ValueError(f"a message of the kind {part.type} can't be handed on")
    return Message.user(*parts) if said.role == "user" else Message.assistant(*parts)
