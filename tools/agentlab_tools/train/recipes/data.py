"""What to learn from: conversations and texts, from files, databases and runs.

    chats("chats.jsonl")                        one conversation a line
    chats("runs")                               a folder of traces: the runs that passed
    chats("mine.duckdb", "SELECT messages, tools FROM chats")
    texts("book.txt")    texts("folder")        texts("mine.duckdb", "SELECT body FROM articles")

A conversation has the format of `agentlab export --to chat`:

    {"messages": [{"role": "user", "content": "What is 6 * 7?"},
                  {"role": "assistant", "content": "42"}],
     "tools": [{"type": "function", "function": {"name": …, "parameters": {…}}}]}

or one that others use, TRL's or ShareGPT's:

    {"prompt": "What is 6 * 7?", "completion": "42"}
    {"conversations": [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": "42"}]}

A preference has two answers, as text or as messages:

    {"prompt": "What is 6 * 7?", "chosen": "42", "rejected": "A number."}
    {"messages": [{"role": "user", "content": "What is 6 * 7?"}], "chosen": "42", "rejected": "67"}
    {"chosen": [{"role": "user", …}, {"role": "assistant", …}], "rejected": [{"role": …}, …]}

An assistant's turn with `"weight": 0` is read and not learnt from. A row that is none of these is
refused, and its line named: nothing is left out in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from agentlab.backend import ToolSpec
from agentlab.errors import ConfigError
from agentlab.messages import Message
from agentlab_tools.train.recipes.rows import Json, Say, rows_in, text_in
from agentlab_tools.train.recipes.turns import BadTurn, message_of, parsed, turns_of

_HALF = re.compile("[\ud800-\udfff]")
_TEXTS = (".txt", ".md")
_CHAT = (
    '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
    ' or {"prompt": "…", "completion": "…"}'
)
_PAIR = '{"prompt": "…", "chosen": "…", "rejected": "…"}'


@dataclass(frozen=True)
class Chat:
    """A conversation, and which of its turns to learn from."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    learnt: frozenset[int] = frozenset()
    """Indices of the assistant's messages that the model should learn to say."""


def _unheard(_: str) -> None:
    """For who does not ask what was assumed."""


def chats(data: str, sql: str | None = None, say: Say = _unheard) -> list[Chat]:
    """Conversations, in the order they are stored.

    Args:
        data: a JSONL file, a folder of traces, or a DuckDB file.
        sql: for a folder of traces: a query whose first column is the ids of runs. For DuckDB: a
            query for the columns of a row, lists as JSON.
        say: is told what was assumed of a file's encoding.

    Raises:
        ConfigError: there is no such data, or it is not as described.
        TraceError: no run in the folder passed.
    """
    learnable = [
        chat for where, row in rows_in(data, sql, say) if (chat := chat_of(row, where)).learnt
    ]
    if not learnable:
        raise ConfigError(f"{data} holds no conversation with an assistant's turn to learn from")
    return learnable


def texts(data: str, sql: str | None = None, say: Say = _unheard) -> list[str]:
    """Texts, in the order they are stored.

    Args:
        data: a text file, a folder of them, JSONL with `text`, or a DuckDB file.
        sql: for DuckDB: a query whose first column is texts.
        say: is told what was assumed of a file's encoding.

    Raises:
        ConfigError: there is no such data, a row has no text, or there is nothing in it.
    """
    path = Path(data).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _TEXTS)
        read = [text_in(file, say) for file in files]
    elif path.suffix.lower() in _TEXTS:
        read = [text_in(path, say)]
    elif path.suffix == ".duckdb":
        read = [_text(next(iter(row.values())), where) for where, row in rows_in(data, sql, say)]
    else:
        read = [_text(_only_text(row), where) for where, row in rows_in(data, sql, say)]
    read = [text for text in read if text.strip()]
    if not read:
        raise ConfigError(f"there is no text in {data}")
    return read


def _only_text(row: Json) -> Any:
    """A row's `text`, or the one text in it, whatever it is called."""
    if "text" in row:
        return row["text"]
    values = row.values()
    if any(value is None or (isinstance(value, float) and isnan(value)) for value in values):
        return None  # which may be the text that is missing
    texts = [value for value in values if isinstance(value, str)]
    return texts[0] if len(texts) == 1 else None


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f'{where} has no text: a row looks like {{"text": "…"}}')
    # half a character, which JSON can write and no tokenizer reads
    return value if value.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", value)


def pairs(data: str, sql: str | None = None, say: Say = _unheard) -> list[tuple[Chat, Chat]]:
    """Conversations with two last answers: (the one preferred, the other).

    Raises:
        ConfigError: as `chats`; or the two are the same.
    """
    read = [_pair(row, where) for where, row in rows_in(data, sql, say)]
    if not read:
        raise ConfigError(f"there is no preference in {data}")
    return read


def _pair(row: Json, where: str) -> tuple[Chat, Chat]:
    if not all(key in row for key in ("chosen", "rejected")):
        raise ConfigError(f"{where}: a preference has messages, chosen and rejected: {_PAIR}")
    try:
        prompt = _asked(row)
        better, worse = (_answered(prompt, row[key], key) for key in ("chosen", "rejected"))
        if better == worse:
            raise BadTurn("chosen and rejected are the same, so there is nothing to prefer")
    except BadTurn as error:
        raise ConfigError(f"{where} is no preference: {error}: a row looks like {_PAIR}") from None
    rest = {"tools": row.get("tools")}
    both = [chat_of({**rest, "messages": turns}, where) for turns in (better, worse)]
    return _last_only(both[0]), _last_only(both[1])


def _asked(row: Json) -> list[Json]:
    """What comes before the answers; empty where the answers hold it themselves."""
    for key in ("messages", "conversations", "prompt"):
        value = row.get(key)
        if key == "prompt" and isinstance(value, str) and not isinstance(parsed(value), list):
            return [{"role": "user", "content": value}]
        if value is not None:
            return turns_of(parsed(value))
    return []


def _answered(asked: list[Json], answer: Any, key: str) -> list[Json]:
    """A conversation up to and with one of the answers."""
    if isinstance(answer, str) and isinstance(parsed(answer), list) and not asked:
        answer = parsed(answer)  # a column of JSON
    if isinstance(answer, dict):
        answer = [cast(Json, answer)]
    if isinstance(answer, list):
        turns = turns_of(cast(list[Any], answer))
        # some write the whole conversation into each answer, and the question beside them again
        whole = turns if turns[0].get("role") in ("system", "user") else [*asked, *turns]
    elif isinstance(answer, str) and answer.strip():
        whole = [*asked, {"role": "assistant", "content": answer}]
    else:
        raise BadTurn(f"{key} has no text")
    last = whole[-1]
    if last.get("role") != "assistant" or not (last.get("content") or last.get("tool_calls")):
        raise BadTurn(f"{key} does not end with an answer of the assistant's")
    if len(whole) < 2:
        raise BadTurn("there is no prompt")
    return whole


def _last_only(chat: Chat) -> Chat:
    return Chat(chat.messages, chat.tools, frozenset({len(chat.messages) - 1}))


def chat_of(row: Json, where: str = "a conversation") -> Chat:
    """A conversation from its JSON.

    Raises:
        ConfigError: it is in no format above; the message begins with `where`.
    """
    if not any(row.get(key) is not None for key in ("messages", "conversations", "prompt")):
        raise ConfigError(f"{where} has no list of messages: a row looks like {_CHAT}")
    declared: Any = parsed(row.get("tools"))
    try:
        turns = _turns(row)
        messages = tuple(message_of(turn, number) for number, turn in enumerate(turns, 1))
        tools = tuple(
            ToolSpec.model_validate(tool.get("function", tool))
            for tool in cast(list[Json], declared or [])
        )
    except BadTurn as error:
        problem = f"{where} is not a conversation: {error}: a row looks like {_CHAT}"
        raise ConfigError(problem) from None
    except (AttributeError, TypeError, ValidationError):
        raise ConfigError(f"{where} has tools that are no list of functions") from None
    learnt = frozenset(
        index
        for index, turn in enumerate(turns)
        if turn.get("role") == "assistant" and turn.get("weight", 1)
    )
    return Chat(messages, tools, learnt)


def _turns(row: Json) -> list[Json]:
    for key in ("messages", "conversations"):
        if row.get(key) is not None:
            turns = turns_of(parsed(row[key]))
            system = row.get("system")
            if key == "conversations" and isinstance(system, str) and system:
                turns = [{"role": "system", "content": system}, *turns]
            return turns
    prompt, answer = _asked(row), row.get("completion")
    if answer is None:
        raise BadTurn("there is a prompt, and no completion")
    return _answered(prompt, answer, "completion")
