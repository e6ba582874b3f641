"""The lab's sandbox; and agents whose tools are the methods of the learner's class in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydantic import ConfigDict, create_model

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.limits import Limits
from agentlab.messages import ToolCall, ToolResult
from agentlab.tooling import Tool, ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe

MODEL = "local:agent"
_STORES = 2
_STEADY = Settings(temperature=0, max_tokens=60)


@tool(timeout=900)
async def serve(code: str, context: ToolContext) -> str:
    """Take a program with a class `Store` first; then let agents use what it makes.

    The last line of what is returned is for the grader: what was called, what came back, and what
    was answered.
    """
    opened: Sandbox = context.deps
    if opened not in _ready:
        await _told(opened, code)
        _ready[opened] = True
        return "ready"
    methods = json.loads(await _told(opened, _INSPECT.format(stores=_STORES)))
    model = connect(
        MODEL, threads=1, n_ctx=2048
    )  # another beside it gains little, and loses much if busy
    try:
        found: list[dict[str, Any]] = []
        for store, text in json.loads(code):
            found.append(await _asked(_agent(opened, model, store, methods), methods, text))
    finally:
        await model.aclose()
    lines = [
        f"{one['asked']} → {', '.join(one['shown']) or 'no call'} → {one['answer']}"
        for one in found
    ]
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


def _agent(opened: Sandbox, model: Backend, store: int, methods: Sequence[Any]) -> Agent[Any]:
    called: list[str] = []
    tools = [_method(opened, store, method, called) for method in methods]
    return Agent(backend=model, tools=tools, settings=_STEADY, limits=Limits(steps=3))


def _method(opened: Sandbox, store: int, method: dict[str, Any], called: list[str]) -> Tool[Any]:
    """A method of one of the objects in the sandbox, as a tool.

    One call answers a question. After an error the model tries it with other numbers, of which
    nobody has asked to take any.
    """
    kinds: dict[str, type] = {"int": int, "float": float, "bool": bool}
    fields: dict[str, Any] = {
        name: (kinds.get(kind, str), ... if required else default)
        for name, kind, required, default in method["takes"]
    }
    arguments = create_model(method["name"], __config__=ConfigDict(extra="forbid"), **fields)

    async def run(given: Any, _: ToolContext) -> str:
        if called:
            raise ToolError("answer now: there is one call for each question")
        called.append(method["name"])
        code = _CALL.format(store=store, name=method["name"], given=given.model_dump())
        return await _told(opened, code)

    return Tool(name=method["name"], description=method["about"], arguments=arguments, run=run)


async def _asked(agent: Agent[Any], methods: Sequence[Any], text: str) -> dict[str, Any]:
    result = await agent.run(text)
    parts = [part for message in result.messages for part in message.parts]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    back = [part for part in parts if isinstance(part, ToolResult)]
    numbers, others = _split(calls[:1], methods)
    return {
        "asked": text,
        "sent": numbers,
        "item": next(iter([*others, *map(str, numbers)]), ""),
        "shown": [f"{call.name}({call.arguments})" for call in calls],
        "results": [[one.content, one.error] for one in back],
        "answer": result.text,
    }


def _split(calls: Sequence[ToolCall], methods: Sequence[Any]) -> tuple[list[int], list[str]]:
    """The whole numbers that were sent, as numbers or as text, and all else.

    What a method declares as text is no number, though it may be made of digits: the model has
    been seen to put 1 of an item "60".
    """
    numbers: list[int] = []
    others: list[str] = []
    for call in calls:
        kinds = {
            name: kind
            for method in methods
            if method["name"] == call.name
            for name, kind, *_ in method["takes"]
        }
        typed = "int" in kinds.values()
        for name, text in _arguments(call).items():
            if text.isdecimal() and not (typed and kinds.get(name) == "str"):
                numbers.append(int(text))
            else:
                others.append(text)
    return numbers, others


def _arguments(call: ToolCall) -> dict[str, str]:
    try:
        sent: object = json.loads(call.arguments)
    except ValueError:  # cut off by the limit of tokens
        return {}
    items = cast(dict[str, object], sent).items() if isinstance(sent, dict) else ()
    return {name: str(value) for name, value in items}


async def _told(opened: Sandbox, code: str) -> str:
    """What some code prints; its error, if it has one, is the tool's."""
    result = await opened.run_python(code)
    if result.error is not None:
        raise ToolError(result.error.strip().splitlines()[-1])
    return result.stdout.strip()


_INSPECT = """import inspect, json
def _about(method):
    takes = []
    for name, taken in inspect.signature(method).parameters.items():
        kind = taken.annotation
        kind = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
        required = taken.default is inspect.Parameter.empty
        takes.append([name, kind, required, None if required else taken.default])
    return dict(name=method.__name__, about=inspect.getdoc(method) or '', takes=takes)

_stores = [Store() for _ in range({stores})]
_methods = [m for n, m in inspect.getmembers(_stores[0], inspect.ismethod) if n[:1] != '_']
_methods.sort(key=lambda m: m.__func__.__code__.co_firstlineno)
print(json.dumps([_about(method) for method in _methods]))"""
_CALL = """print(_stores[{store}].{name}(**{given!r}))"""
_ready: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
