"""LlamaIndex's tools as ours.

A tool that is async stays so; a plain one runs on a thread of its own. An output that is marked as
an error is the tool's failure, in its own words; what is no text in it is attached.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from llama_index.core.base.llms.types import AudioBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.types import AsyncBaseTool, BaseTool, ToolOutput
from pydantic import BaseModel, RootModel

from agentlab.errors import ConfigError, ToolError
from agentlab.tooling import Tool, ToolContext
from agentlab.tooling.capture import captured
from agentlab.tooling.threads import in_thread


def tool_from(theirs: BaseTool, *, name: str | None, timeout: float | None, ask: bool) -> Tool[Any]:
    """A LlamaIndex tool as one of ours; see `as_tool`."""
    if not isinstance(cast(object, theirs), BaseTool):
        raise ConfigError(
            f"as_tool takes a LlamaIndex tool, such as a FunctionTool; {theirs!r:.60} is "
            f"{type(theirs).__name__}"
        )
    return Tool(
        name=name or theirs.metadata.get_name(),
        description=theirs.metadata.description,
        arguments=_arguments(theirs),
        run=_runner(theirs),
        timeout=timeout,
        ask=ask,
    )


def _arguments(theirs: BaseTool) -> type[BaseModel]:
    schema = theirs.metadata.fn_schema or _anything()
    if not schema.__pydantic_complete__ and isinstance(theirs, FunctionTool):
        # under `from __future__ import annotations` LlamaIndex leaves types as names
        known: dict[str, Any] = getattr(theirs.real_fn, "__globals__", {})
        schema.model_rebuild(_types_namespace=known, raise_errors=False)
    if not schema.__pydantic_complete__:
        raise ConfigError(
            f"tool {theirs.metadata.get_name()}: its annotations can't be read: declare the types "
            "it names where its module can see them"
        )
    return schema


def _anything() -> type[BaseModel]:
    """What LlamaIndex takes where a tool declares nothing: one text."""

    class Arguments(BaseModel):
        input: str

    return Arguments


def _runner(theirs: BaseTool) -> Any:
    async def run(arguments: BaseModel, context: ToolContext) -> str:
        if isinstance(arguments, RootModel):
            given = cast(dict[str, Any], cast(Any, arguments).root)
        else:  # as they are: a plain function is handed what its annotations say
            given = {name: getattr(arguments, name) for name in arguments.model_fields_set}

        def plainly() -> ToolOutput:
            with captured(context.emit):
                return _called(theirs)(**given)

        if _is_async(theirs):
            with captured(context.emit):
                output = await cast(AsyncBaseTool, theirs).acall(**given)
        else:
            output = await in_thread(plainly)
        parts = [_part(block, context, n) for n, block in enumerate(output.blocks, 1)]
        text = "\n".join(filter(None, parts))
        if output.is_error:
            raise ToolError(text or f"{theirs.metadata.get_name()} failed, and does not say why")
        return text or "done"

    return run


def _called(theirs: BaseTool) -> Callable[..., ToolOutput]:
    return theirs.call if isinstance(theirs, AsyncBaseTool) else theirs.__call__


def _is_async(theirs: BaseTool) -> bool:
    if isinstance(theirs, FunctionTool):
        # where a plain function was given, theirs runs on the loop's own threads
        return iscoroutinefunction(theirs.real_fn)
    return isinstance(theirs, AsyncBaseTool)


def _part(block: Any, context: ToolContext, number: int) -> str:
    match block:
        case TextBlock():
            return block.text
        case ImageBlock() if isinstance(block.image, bytes):
            media_type = block.image_mimetype or "image/png"
            return _attached(context, "image", number, media_type, block.resolve_image().read())
        case AudioBlock() if isinstance(block.audio, bytes):
            media_type = f"audio/{block.format or 'wav'}"
            return _attached(context, "audio", number, media_type, block.resolve_audio().read())
        case _:
            return f"[a block of {block.block_type!r}, which can't be shown]"


def _attached(context: ToolContext, kind: str, number: int, media_type: str, data: bytes) -> str:
    name = f"{kind}-{number}.{media_type.rpartition('/')[2]}"
    context.attach(name, data, media_type)
    return f"[{name} attached]"
