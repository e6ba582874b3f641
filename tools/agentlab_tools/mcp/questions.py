"""A tool's questions to the person behind an MCP client, while its call is under way.

Until 2025-11-25 a server asks in the middle of a call. Since 2026-07-28 there is no such way: the
call is answered with the question, and made again with the person's answer. The tool does not
notice; it waits here meanwhile, under a name that only this client was told.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from agentlab.approval import Filled, Form

_KEY = "form"
_MOST_OPEN = 64
_Result = Any
Told = Callable[[Any, Form], Awaitable[Filled]]


def can_ask(context: Any) -> bool:
    """Whether the client of this request can show forms."""
    from mcp import types

    capability = types.ClientCapabilities(elicitation=types.ElicitationCapability())
    return bool(context.session.check_client_capability(capability))


class OpenCall:
    """A call that is being made, across as many requests as it takes to answer its questions.

    Attributes:
        context: of the request that is under way.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.task: asyncio.Task[_Result]
        self._asked: asyncio.Queue[tuple[Form, asyncio.Future[Filled]]] = asyncio.Queue()
        self._answer: asyncio.Future[Filled] | None = None

    async def fill(self, form: Form) -> Filled:
        """Have the person fill in a form; the tool waits."""
        from mcp.shared.exceptions import NoBackChannelError

        with suppress(NoBackChannelError):
            return _filled(
                await self.context.session.elicit_form(
                    form.message, form.fields, self.context.request_id
                )
            )
        answer: asyncio.Future[Filled] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((form, answer))
        return await answer

    async def question(self) -> Form | None:
        """Wait for what the tool asks next; None once it is done."""
        asking = asyncio.create_task(self._asked.get())
        try:
            await asyncio.wait({self.task, asking}, return_when=asyncio.FIRST_COMPLETED)
            if self.task.done():
                return None
            form, self._answer = asking.result()
            return form
        finally:
            asking.cancel()

    def answered(self, filled: Filled) -> None:
        """Hand over what the person said."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(filled)


class OpenCalls:
    """The calls whose questions wait for an answer; too many, and the oldest are given up."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, OpenCall] = OrderedDict()

    def again(self, context: Any, asked: Any) -> OpenCall | None:
        """The call that goes on with this request, with what the person said; None for a new one.

        Raises:
            MCPError: there is no such call any more.
        """
        from mcp import types
        from mcp.shared.exceptions import MCPError

        if asked.request_state is None:
            return None
        call = self._open.pop(asked.request_state, None)
        if call is None or call.task.done():
            raise MCPError(types.INVALID_PARAMS, "This call is not under way any more")
        call.context = context
        answers: dict[str, Any] = dict(asked.input_responses or {})
        call.answered(_filled(answers.get(_KEY)))
        return call

    async def end(self, call: OpenCall) -> Any:
        """The result of the call, or the question that has to be answered first."""
        from mcp import types

        try:
            form = await call.question()
        except asyncio.CancelledError:  # by the client, and so is the tool
            call.task.cancel()
            with suppress(asyncio.CancelledError):
                await call.task
            raise
        if form is None:
            return call.task.result()
        state = secrets.token_urlsafe(24)
        self._open[state] = call
        while len(self._open) > _MOST_OPEN:
            _, oldest = self._open.popitem(last=False)
            oldest.answered(None)
        asks = types.ElicitRequest(
            params=types.ElicitRequestFormParams(message=form.message, requested_schema=form.fields)
        )
        return types.InputRequiredResult(input_requests={_KEY: asks}, request_state=state)


def _filled(said: Any) -> Filled:
    if getattr(said, "action", "") != "accept":
        return None
    return dict(said.content or {})
