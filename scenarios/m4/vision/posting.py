"""The step on the wire: parts from inside are posted to a server here, and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext

from . import contents, served
from .wire import NAMES, body

if TYPE_CHECKING:
    from .looking import Run


async def posted(run: Run, seed: int, context: ToolContext) -> tuple[str, Mapping[str, Any]]:
    """Four messages over four protocols."""
    drawn = contents.messages(seed)
    made = await run({"messages": [contents.told(one) for one in drawn], "names": NAMES}, _PARTS)
    said = cast(Any, made.get("parts"))
    try:
        table = {name: [said[name][n] for n in range(len(drawn))] for name in NAMES}
    except (KeyError, IndexError, TypeError):
        raise ToolError("what parts returned can't be read") from None
    lines, wrong = list[str](), dict[str, str]()
    with served.serving() as url:
        for name in NAMES:
            for number, message in enumerate(drawn):
                request = body(name, table[name][number])
                status, text = await asyncio.to_thread(served.send, url, name, request)
                lines.append(f"{name} {number + 1}: {status} {text}")
                if found := contents.complaint(message, request, name):
                    check, why = found
                    wrong.setdefault(check, f"{name}, message {number + 1}: {why}")
    for number, message in enumerate(drawn):
        for place, one in enumerate(part for part in message if not isinstance(part, str)):
            if number < 3:
                name = f"message-{number + 1}-{place + 1}.png"
                context.attach(name, contents.thumbnail(one.data), "image/png")
    return "\n".join(lines), {"wrong": wrong}


_PARTS = """_left['parts'] = {_name: [parts(_name, [
        {**_one, 'picture': _base64.b64decode(_one['picture'])} if 'picture' in _one else dict(_one)
        for _one in _message]) for _message in _given['messages']]
    for _name in _given['names']}"""
