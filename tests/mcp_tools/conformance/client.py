"""What the official conformance suite runs as a client: our connection, which calls what it finds.

python client.py ADDRESS
"""

from __future__ import annotations

import asyncio
import json
import sys

from agentlab.approval import Filled, Form
from agentlab.messages import ToolCall
from agentlab_tools.mcp import mcp_tools


async def main(address: str) -> None:
    """Connect, list, and call every tool with plausible arguments."""

    async def agree(form: Form) -> Filled:
        return form.defaults

    async with mcp_tools(address, fill=agree) as tools:
        for number, tool in enumerate(tools):
            wanted = tool.spec.parameters.get("properties", {})
            arguments = dict.fromkeys(wanted, 2)
            call = ToolCall(id=str(number), name=tool.name, arguments=json.dumps(arguments))
            result = await tool.call(call)
            print(tool.name, result.error, result.content)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
