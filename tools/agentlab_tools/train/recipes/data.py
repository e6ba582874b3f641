"""What to learn from: conversations and texts, from files, databases and runs.

    chats("chats.jsonl")                        one conversation a line
    chats("runs")                               a folder of traces: the runs that passed
    chats("mine.duckdb", "SELECT messages, tools FROM chats")
    texts("book.txt")    texts("folder")        texts("mine.duckdb", "SELECT body FROM articles")

A conversation has the format of `agentlab export --to chat`:

    {"messages": [{"role": "user", "content": "What is 6 * 7?"},
                  {"role": "assistant", "content": "42"}],
     "tools": [{"type": "function", "function": {"name": …, "parameters": {…}}}]}

An assistant's turn with `"weight": 0` is read and not learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from agentlab.backend import ToolSpec
from agentlab.backends.llamacpp.grammar import json_text
from agentlab.errors import ConfigError, MissingExtra
from agentlab.messages import Message, Part, Text, ToolCall, ToolResult

Json = dict[str, Any]

_TEXTS = (".txt", ".md")


@dataclass(frozen=True)
class Chat:
    """A conversation, and which of its turns to learn from."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    learnt: frozenset[int] = frozenset()
    """Indices of the assistant's messages that the model should learn to say."""


def chats(data: str, sql: str | None = None) -> list[Chat]:
    """Conversations, in the order they are stored.

    Args:
        data: a JSONL file, a folder of traces, or a DuckDB file.
        sql: for a folder of traces: a query whose first column is the ids of runs. For DuckDB: a
            query for the column `messages`, and `tools` where there are any, as JSON.

    Raises:
        ConfigError: there is no such data, or it is not as described.
        TraceError: no run in the folder passed.
    """
    found = [chat for where, row in _rows(data, sql) if (chat := chat_of(row, where)).learnt]
    if not found:
        raise ConfigError(f"{data} holds no conversation with an assistant's turn to learn from")
    return found


def texts(data: str, sql: str | None = None) -> list[str]:
    """Texts, in the order they are stored.

    Args:
        data: a text file, a folder of them, JSONL with `text`, or a DuckDB file.
        sql: for DuckDB: a query whose first column is texts.

    Raises:
        ConfigError: there is no such data, or nothing in it.
    """
    path = Path(data).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _TEXTS)
        found = [file.read_text(errors="replace") for file in files]
    elif path.suffix in _TEXTS:
        found = [_read(path)]
    else:
        found = [str(row.get("text", next(iter(row.values()), ""))) for _, row in _rows(data, sql)]
    found = [text for text in found if text.strip()]
    if not found:
        raise ConfigError(f"there is no text in {data}")
    return found


def pairs(data: str, sql: str | None = None) -> list[tuple[Chat, Chat]]:
    """Conversations with two last answers: (the one preferred, the other).

    Rows hold `messages` (up to the question), `chosen` and `rejected` (answers as text), and
    perhaps `tools`.

    Raises:
        ConfigError: as `chats`.
    """
    found: list[tuple[Chat, Chat]] = []
    for where, row in _rows(data, sql):
        asked = _json(row.get("messages"))
        if not isinstance(asked, list) or not all(k in row for k in ("chosen", "rejected")):
            raise ConfigError(f"{where}: a preference has messages, chosen and rejected")
        both = (
            chat_of(
                {**row, "messages": [*asked, {"role": "assistant", "content": row[key]}]}, where
            )
            for key in ("chosen", "rejected")
        )
        better, worse = both
        found.append((_last_only(better), _last_only(worse)))
    if not found:
        raise ConfigError(f"there is no preference in {data}")
    return found


def _last_only(chat: Chat) -> Chat:
    return Chat(chat.messages, chat.tools, frozenset({len(chat.messages) - 1}))


def _rows(data: str, sql: str | None) -> Iterator[tuple[str, Json]]:
    """Rows, and where each stands, for people."""
    path = Path(data).expanduser()
    if path.suffix == ".duckdb":
        yield from _database(path, sql)
    elif path.is_dir():
        yield from _parsed(path.name, _runs(path, sql))
    else:
        yield from _parsed(path.name, _read(path).splitlines())


def _parsed(name: str, lines: Iterable[str]) -> Iterator[tuple[str, Json]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except ValueError:
            raise ConfigError(f"{name}:{number} is not JSON") from None
        if not isinstance(row, dict):
            raise ConfigError(f"{name}:{number} is no JSON object")
        yield f"{name}:{number}", cast(Json, row)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error


def _runs(folder: Path, sql: str | None) -> Iterator[str]:
    """The runs that passed, as chat lines: what went wrong is nothing to learn from."""
    from agentlab.export.chat import NotAnExample, lines  # noqa: PLC0415 only for runs
    from agentlab.export.select import Selection  # noqa: PLC0415
    from agentlab.trace import Trace  # noqa: PLC0415

    for path in Selection(passed=True, sql=sql).paths(folder):
        try:
            yield from lines(Trace.load(path))
        except NotAnExample:
            continue


def _database(path: Path, sql: str | None) -> Iterator[tuple[str, Json]]:
    try:
        import duckdb  # noqa: PLC0415 heavy
    except ImportError as error:
        raise MissingExtra("duckdb", "tools") from error
    if sql is None:
        raise ConfigError(f"say which rows of {path} to learn from: --set sql='SELECT …'")
    if not path.is_file():
        raise ConfigError(f"there is no database at {path}")
    try:
        with duckdb.connect(str(path), read_only=True) as db:
            found = db.execute(sql)
            columns = [column[0] for column in found.description]
            rows = found.fetchall()
    except duckdb.Error as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}") from error
    for number, row in enumerate(rows, 1):
        yield f"{path.name}, row {number}", dict(zip(columns, row, strict=True))


def chat_of(row: Json, where: str = "a conversation") -> Chat:
    """A conversation from its JSON.

    Raises:
        ConfigError: it is not in the format above; the message begins with `where`.
    """
    turns: Any = _json(row.get("messages"))
    declared: Any = _json(row.get("tools"))
    if not isinstance(turns, list):
        raise ConfigError(f"{where} has no list of messages")
    try:
        messages = tuple(_message(turn) for turn in cast(list[Json], turns))
        tools = tuple(
            ToolSpec.model_validate(tool.get("function", tool))
            for tool in cast(list[Json], declared or [])
        )
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        raise ConfigError(f"{where} is not a conversation: {error!r:.200}") from None
    learnt = frozenset(
        index
        for index, turn in enumerate(cast(list[Json], turns))
        if turn.get("role") == "assistant" and turn.get("weight", 1)
    )
    return Chat(messages, tools, learnt)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _message(turn: Json) -> Message:
    role, content = turn["role"], turn.get("content")
    if isinstance(content, list):
        content = "".join(part["text"] for part in cast(list[Json], content))
    if role == "tool":
        result = ToolResult(call_id=turn.get("tool_call_id", ""), content=content or "")
        return Message(role="tool", parts=(result,))
    parts: list[Part] = [Text(text=content)] if content else []
    parts += [_call(call) for call in turn.get("tool_calls") or ()]
    return Message(role=role, parts=tuple(parts))


def _call(call: Json) -> ToolCall:
    function = call.get("function", call)
    arguments = function.get("arguments", "{}")
    text = arguments if isinstance(arguments, str) else json_text(arguments)
    return ToolCall(id=call.get("id", ""), name=function["name"], arguments=text)
