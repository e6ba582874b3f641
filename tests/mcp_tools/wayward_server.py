"""An MCP server that says exactly what a script has it say; run as a program.

    python wayward_server.py SCRIPT

SCRIPT is a JSON file. Its keys: `start` and `call` (text in Latin-1, written as it is to stdout at
the start and before each answer to a call), `list` and `answer` (results), `raw` (a line that is
the answer to a call, with %d for its id), `error` (an error that refuses the handshake), `stderr`
(written before it ends with status 1, at the start), `dies` (whether a call ends it), and `pages`
(how many pages of one tool each it lists).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SCRIPT: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
OUT = sys.stdout.buffer


def raw(text: str) -> None:
    OUT.write(text.encode("latin-1"))
    OUT.flush()


def send(id: Any, **message: Any) -> None:
    raw(json.dumps({"jsonrpc": "2.0", "id": id, **message}) + "\n")


def listed(params: dict[str, Any]) -> dict[str, Any]:
    pages = SCRIPT.get("pages", 0)
    if not pages:
        return SCRIPT.get("list", {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
    number = int(params.get("cursor") or 0)
    tool = {"name": f"echo{number}", "inputSchema": {"type": "object"}}
    return {"tools": [tool], **({"nextCursor": str(number + 1)} if number + 1 < pages else {})}


def main() -> None:
    raw(SCRIPT.get("start", ""))
    if "stderr" in SCRIPT:
        sys.stderr.write(SCRIPT["stderr"])
        sys.exit(1)
    for line in sys.stdin:
        message = json.loads(line)
        id, params = message.get("id"), message.get("params", {})
        match message.get("method"):
            case "initialize" if "error" in SCRIPT:
                send(id, error=SCRIPT["error"])
            case "initialize":
                about = {"serverInfo": {"name": "wayward", "version": "1"}}
                can = {"tools": {}, **({"resources": {}} if "resource" in SCRIPT else {})}
                version = SCRIPT.get("version", "2025-06-18")
                send(id, result={"protocolVersion": version, "capabilities": can, **about})
            case "tools/list":
                send(id, result=listed(params))
            case "tools/call":
                if SCRIPT.get("dies"):
                    sys.stderr.write("Error: the database went away\n    at Object.<anonymous>\n")
                    sys.exit(3)
                raw(SCRIPT.get("call", ""))
                if "raw" in SCRIPT:
                    raw(SCRIPT["raw"] % id + "\n")
                else:
                    said = {"content": [{"type": "text", "text": json.dumps(params["arguments"])}]}
                    send(id, result=SCRIPT.get("answer", said))
            case "resources/list":
                send(id, result={"resources": SCRIPT.get("resources", [])})
            case "resources/read":
                text = {"uri": params["uri"], "text": SCRIPT["resource"]}
                send(id, result={"contents": [text]})
            case _ if id is not None:
                send(id, error={"code": -32601, "message": "Method not found"})
            case _:
                pass


if __name__ == "__main__":
    main()
