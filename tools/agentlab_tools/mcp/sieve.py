"""What stands between a server's messages and the SDK: mends what can be, names what can't.

The SDK takes a message whole or not at all, so one tool without a name would lose all the others,
and one part of a new kind a whole answer. Here each tool and each part is looked at by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, cast

from agentlab.display import one_line
from agentlab.messages import clean

_ANY: dict[str, Any] = {"type": "object"}
_UNREADABLE = -32700
_ID = re.compile(r'"id"\s*:\s*(\d+|"[^"\\]{1,64}")')


class Sieve:
    """Looks at every message of one connection.

    Args:
        note: is told, in one line each, what was left out or could not be read.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._noise = 0
        self._asked: dict[str, str] = {}

    def sent(self, message: Any) -> None:
        """Remember what was asked; the answers do not say what they are answers to."""
        root = message.message
        request, method = getattr(root, "id", None), getattr(root, "method", None)
        if request is not None and method:
            self._asked[str(request)] = method

    def came(self, item: Any) -> Any:
        """The message to pass on, in place of the one that came."""
        if isinstance(item, Exception):
            return self._reread(item)
        root = item.message
        if hasattr(root, "method"):  # asked or told by the server, by numbers of its own
            return item
        method = self._asked.pop(str(getattr(root, "id", "")), "")
        result = getattr(root, "result", None)
        if isinstance(result, dict):
            if method == "tools/list":
                self._mend_list(cast(dict[str, Any], result))
            elif method == "tools/call":
                self._mend_answer(cast(dict[str, Any], result))
        return item

    # Lines that the SDK can't read

    def _reread(self, problem: Exception) -> Any:
        line = _line_of(problem)
        if (message := _message_of(line)) is not None:
            return self.came(message)
        if (id := _ID.search(line)) and '"jsonrpc"' in line:
            request: Any = json.loads(id[1])
            if str(request) in self._asked:  # somebody waits for this
                del self._asked[str(request)]
                return _refusal(request, f"its answer can't be read: {one_line(line, 120)}")
        self._noise += bool(line.strip())
        if line.strip() and self._noise == 1:
            self._note(f"writes to stdout what is no message: {one_line(line, 120)!r}")
        return problem

    # Lists of tools

    def _mend_list(self, result: dict[str, Any]) -> None:
        if not result.get("nextCursor") or not isinstance(result["nextCursor"], str):
            result.pop("nextCursor", None)
        listed = result.get("tools")
        if not isinstance(listed, list):
            self._note("lists its tools in a form that is no list")
            listed = cast(list[Any], [])
        mended = (self._mend_tool(one) for one in cast(list[Any], listed))
        result["tools"] = [one for one in mended if one is not None]

    def _mend_tool(self, given: Any) -> dict[str, Any] | None:
        if not isinstance(given, dict) or not isinstance(cast(Any, given).get("name"), str):
            self._note("lists a tool without a name, which is left out")
            return None
        tool = cast(dict[str, Any], given)
        name = clean(tool["name"])
        execution = tool.get("execution")
        if isinstance(execution, dict) and "required" in cast(Any, execution).values():
            self._note(f"lists {one_line(name, 60)!r}, which needs tasks and is left out")
            return None
        words = {
            key: clean(tool[key])
            for key in ("title", "description")
            if isinstance(tool.get(key), str)
        }
        # what is not used here, an output schema among it, can't be wrong either
        return {
            "name": name,
            **words,
            "inputSchema": self._mend_schema(name, tool.get("inputSchema")),
        }

    def _mend_schema(self, name: str, given: Any) -> dict[str, Any]:
        if given is None:
            return _ANY
        if not isinstance(given, dict):
            return self._any(name, "it is no object")
        schema = {key: one for key, one in cast(dict[str, Any], given).items() if one is not None}
        kind: Any = schema.get("type", "object")
        if "object" not in (cast(list[Any], kind) if isinstance(kind, list) else [kind]):
            return self._any(
                name, f"its type is {one_line(as_json(schema['type']), 40)}, and not object"
            )
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not all(
            isinstance(one, dict | bool) for one in cast(dict[str, Any], properties).values()
        ):
            return self._any(name, "its properties are no schemas")
        if not isinstance(required, list) or not all(
            isinstance(one, str) for one in cast(list[Any], required)
        ):
            return self._any(name, "its `required` is no list of names")
        if not isinstance(schema.get("$schema", ""), str):
            del schema["$schema"]
        return {**schema, "type": "object"}

    def _any(self, name: str, why: str) -> dict[str, Any]:
        self._note(bad_schema(name, why))
        return _ANY

    # Answers

    def _mend_answer(self, result: dict[str, Any]) -> None:
        if result.get("resultType", "complete") != "complete":
            return  # a question of the server's, which the SDK answers
        content = result.get("content")
        if content is None and "task" in result:
            text = "the server made a task of the call, which can't be followed from here"
            content, result["isError"] = [{"type": "text", "text": text}], True
        if content is None:
            content = result.get("toolResult", [])
        if isinstance(content, str | dict):
            content = [cast(Any, content)]
        if not isinstance(content, list):
            content = [{"type": "text", "text": as_json(cast(object, content))}]
        parts: list[Any] = [self._mend_part(one) for one in cast(list[Any], content)]
        structured = result.get("structuredContent")
        if structured is not None and not isinstance(structured, dict):  # in no draft before 2026
            del result["structuredContent"]
            parts.append({"type": "text", "text": as_json(structured)})
        result["content"] = parts
        if "isError" in result and not isinstance(result["isError"], bool):
            result["isError"] = str(result["isError"]).lower() not in ("", "0", "false", "none")
        if not isinstance(result.get("_meta", {}), dict):
            del result["_meta"]

    def _mend_part(self, part: Any) -> Any:
        if isinstance(part, str):
            return {"type": "text", "text": part}
        if self._parts_known.is_part(part):
            return part
        kind = cast(Mapping[str, Any], part).get("type") if isinstance(part, Mapping) else None
        label = f"[something of the kind {one_line(str(kind), 40)!r}]\n" if kind else ""
        return {"type": "text", "text": label + as_json(cast(object, part))}

    @cached_property
    def _parts_known(self) -> _Parts:
        return _Parts()


class _Parts:
    """Knows the kinds of content that the SDK takes, in every version of the protocol it speaks."""

    def __init__(self) -> None:
        from mcp.types import CallToolResult
        from mcp_types.methods import validate_server_result

        self._model: Any = CallToolResult
        self._validate: Any = validate_server_result

    def is_part(self, part: Any) -> bool:
        """Whether the SDK takes this as part of an answer."""
        answer = {"content": [part]}
        try:
            self._validate("tools/call", "2025-11-25", answer)
            self._model.model_validate(answer, by_name=False)
        except ValueError:
            return False
        return True


def bad_schema(name: str, why: str) -> str:
    """The line that says a tool is offered without its schema."""
    return (
        f"describes the arguments of {one_line(name, 60)!r} by a schema that can't be used "
        f"({why}); any are passed on, for the server to judge"
    )


def as_json(value: object) -> str:
    """A value as JSON, in the characters it is written in."""
    return clean(json.dumps(value, ensure_ascii=False))


def _line_of(problem: Exception) -> str:
    """The text that could not be read, of a pydantic error."""
    try:
        errors = cast(Any, problem).errors(include_url=False)
    except AttributeError:
        return ""
    for error in errors:
        value: Any = error["input"]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, str) and error["type"] == "json_invalid":
            return value
        if isinstance(value, dict) and "jsonrpc" in value:  # read, and no message all the same
            return as_json(cast(object, value))
    return ""


def _message_of(line: str) -> Any:
    """A message that only a strict reader refuses, such as one with half of a surrogate pair."""
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    try:
        message = json.loads(line.strip().lstrip("\ufeff"))
        if not isinstance(message, dict):
            return None
        return SessionMessage(jsonrpc_message_adapter.validate_python(_cleaned(message)))
    except (ValueError, RecursionError):
        return None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in cast(list[Any], value)]
    if isinstance(value, dict):
        return {clean(key): _cleaned(one) for key, one in cast(dict[str, Any], value).items()}
    return value


def _refusal(asked: Any, why: str) -> Any:
    from mcp.shared.message import SessionMessage
    from mcp.types import ErrorData, JSONRPCError

    error = ErrorData(code=_UNREADABLE, message=why)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=asked, error=error))
