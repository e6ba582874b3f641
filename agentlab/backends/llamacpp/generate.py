"""Writing one reply, token by token, in the thread that owns the context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentlab.backend import Delta, Stop, TokenInfo
from agentlab.backends.llamacpp.context import Cancelled, Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.parser import PYTHON_TAG, Parser
from agentlab.backends.llamacpp.repetition import Repetition
from agentlab.backends.llamacpp.sampling import Sampler


@dataclass(frozen=True)
class Written:
    """How a reply came out. The message is the parser's."""

    stop: Stop
    ids: tuple[int, ...]
    infos: tuple[TokenInfo, ...]


def write(
    context: Context,
    sampler: Sampler,
    parser: Parser,
    *,
    shown: frozenset[int],
    limit: int,
    room: int,
    emit: Callable[[Sequence[Delta]], None],
    cancelled: Callable[[], bool],
) -> Written:
    """Write until the model ends its turn, or something ends it.

    Args:
        context: has read the prompt.
        sampler: chooses the tokens.
        parser: reads them; what it makes of them goes to `emit` at once.
        shown: control tokens that are part of what is read.
        limit: the most tokens to write.
        room: how many tokens the context holds.
        emit: gets the deltas of each token.
        cancelled: asked before each token.

    Raises:
        Cancelled: somebody asked to stop.
    """
    model = context.model
    circles = Repetition()
    ids: list[int] = []
    infos: list[TokenInfo] = []
    stop: Stop = "length"
    while len(ids) < limit:
        if cancelled():
            raise Cancelled
        token, info = sampler.next(context)
        ids.append(token)
        if info is not None:
            infos.append(info)
        if token in model.ends:
            stop = "end"
            break
        if not model.is_control(token) or token in shown:
            deltas = parser.feed(model.piece(token))
            if deltas:
                emit(deltas)
        if parser.stopped:
            stop = "stop_sequence"
            break
        if circles.add(token) or parser.said_again:
            stop = "repetition"
            break
        if len(context.ids) >= room:
            break
        if len(ids) < limit:
            context.append(token)
    deltas = parser.finish()
    if deltas:
        emit(deltas)
    if stop == "end" and parser.message.tool_calls:
        stop = "tool_calls"
    return Written(stop, tuple(ids), tuple(infos))


def shown_controls(model: Model, marks: Sequence[str]) -> frozenset[int]:
    """Control tokens that a reader of calls needs to see: those that are part of its marks."""
    return frozenset(
        token
        for text, token in model.controls.items()
        if text == PYTHON_TAG or (text and any(text in mark for mark in marks))
    )
