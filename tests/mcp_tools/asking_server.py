"""An MCP server of before 2026 that asks in the middle of a call, on JSON lines alone.

python asking_server.py

Its tools hand what they are asked to the client (`elicitation/create`, `sampling/createMessage`,
`roots/list`) and answer with what came back; `able` answers with what the client said it can do.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from typing import Any

ANY = {"type": "object"}
ASKS = {"form": "elicitation/create", "write": "sampling/createMessage", "roots": "roots/list"}
numbers = count(1)
able: dict[str, Any] = {}
waiting: dict[str, Any] = {}


def send(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(to: Any, result: object) -> None:
    text = json.dumps(result)
    send({"id": to, "result": {"content": [{"type": "text", "text": text}]}})


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        method, to = message.get("method"), message.get("id")
        if method is None and to in waiting:
            answer(waiting.pop(to), message.get("result", message.get("error")))
        elif method == "initialize":
            able.update(message["params"]["capabilities"])
            told = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
            send({"id": to, "result": {**told, "serverInfo": {"name": "asking", "version": "1"}}})
        elif method == "tools/list":
            tools = [{"name": name, "inputSchema": ANY} for name in (*ASKS, "able", "unasked")]
            send({"id": to, "result": {"tools": tools}})
        elif method == "tools/call":
            name, given = message["params"]["name"], message["params"].get("arguments", {})
            if name == "able":
                answer(to, sorted(able))
                continue
            asked = f"question {next(numbers)}"
            if name == "unasked":  # the call is over before the question comes
                answer(to, "done")
                waiting[asked], name = None, "form"
            else:
                waiting[asked] = to
            send({"id": asked, "method": ASKS[name], "params": given})
        elif to is not None:
            send({"id": to, "error": {"code": -32601, "message": f"no method {method}"}})


if __name__ == "__main__":
    main()
