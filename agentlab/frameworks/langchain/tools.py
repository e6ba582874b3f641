"""LangChain's tools as ours.

A tool that is async stays so; a plain one runs on a thread of its own, like our own plain tools. A
`ToolException` (raised or handled by the tool itself) is the tool's failure, in its own words. What
a tool hands on beside its text - its `artifact`, pictures among its content - is attached.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import Any, cast

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import Tool as SingleTool
from pydantic import BaseModel, RootModel
from pydantic_core import to_json

from agentlab.errors import ConfigError, ToolError
from agentlab.tooling import Tool, ToolContext
from agentlab.tooling.capture import captured
from agentlab.tooling.threads import in_thread
from agentlab.tooling.written import as_text


def tool_from(theirs: BaseTool, *, name: str | None, timeout: float | None, ask: bool) -> Tool[Any]:
    """A LangChain tool as one of ours; see `as_tool`."""
    if not isinstance(cast(object, theirs), BaseTool):
        raise ConfigError(
            f"as_tool takes a LangChain tool, as its @tool makes one; {theirs!r:.60} is "
            f"{type(theirs).__name__}"
        )
    return Tool(
        name=name or theirs.name,
        description=theirs.description,
        arguments=_arguments(theirs),
        run=_runner(theirs),
        timeout=timeout,
        ask=ask,
    )


def _arguments(theirs: BaseTool) -> type[BaseModel]:
    schema = theirs.tool_call_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema
    if isinstance(schema, dict):
        from agentlab_tools.mcp.convert import arguments_from

        return arguments_from(schema)[0]
    # a class of pydantic 1: shown to the model by its schema, and judged by LangChain at the call
    shown: dict[str, Any] = cast(Any, schema).schema()

    class Arguments(RootModel[dict[str, Any]]):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return shown

    return Arguments


def _runner(theirs: BaseTool) -> Any:
    async def run(arguments: BaseModel, context: ToolContext) -> str:
        given = arguments.model_dump(by_alias=True, exclude_unset=True)
        call = {"type": "tool_call", "id": context.call_id, "name": theirs.name, "args": given}

        def plainly() -> Any:
            with captured(context.emit):
                return theirs.invoke(call)

        try:
            if _is_async(theirs):
                with captured(context.emit):
                    answer = await theirs.ainvoke(call)
            else:
                answer = await in_thread(plainly)
        except ToolException as error:
            raise ToolError(str(error) or f"{theirs.name} failed, and does not say why") from error
        return _text(answer, theirs.name, context)

    return run


def _is_async(theirs: BaseTool) -> bool:
    if isinstance(theirs, StructuredTool | SingleTool):
        return theirs.coroutine is not None
    return type(theirs)._arun is not BaseTool._arun  # pyright: ignore[reportPrivateUsage]


def _text(answer: Any, name: str, context: ToolContext) -> str:
    if not isinstance(answer, ToolMessage):
        kind = type(answer).__name__
        raise ToolError(f"{name} returned {kind}, which only an agent of LangGraph can use")
    parts = [_part(block, context, n) for n, block in enumerate(_blocks(answer), 1)]
    text = "\n".join(filter(None, parts))
    if answer.artifact is not None:
        _attach(answer.artifact, context)
    if answer.status == "error":
        raise ToolError(text)
    return text


def _blocks(answer: ToolMessage) -> list[dict[str, Any]]:
    if isinstance(answer.content, str):
        return [{"type": "text", "text": answer.content}]
    return cast(list[dict[str, Any]], answer.content_blocks)


def _part(block: dict[str, Any], context: ToolContext, number: int) -> str:
    encoded, kind = block.get("base64"), block["type"]
    if encoded is not None:
        media_type = block.get("mime_type") or "application/octet-stream"
        ending = media_type.rpartition("/")[2].split("+")[0]
        name = f"{kind}-{number}.{ending}"
        context.attach(name, base64.b64decode(encoded), media_type)
        return f"[{name} attached]"
    return str(block["text"]) if "text" in block else as_text(block)


def _attach(artifact: Any, context: ToolContext) -> None:
    match artifact:
        case bytes():
            context.attach("artifact.bin", artifact, "application/octet-stream")
        case str():
            context.attach("artifact.txt", artifact.encode(), "text/plain")
        case _:
            # what JSON has no word for is kept as Python shows it
            data = to_json(artifact, indent=2, fallback=partial(repr))
            context.attach("artifact.json", data, "application/json")
