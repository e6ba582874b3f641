"""An MCP server with everything that can be odd about one, on JSON lines alone; run as a program.

    python odd_server.py [FOLDER] [--deaf] [--children] [--silent] [--broken]

It speaks the protocol of 2025-06-18, as most servers do. It writes its process ids into FOLDER, and
a file `stopped` when it is told that a call was cancelled.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
ENCODED = base64.b64encode(PNG).decode()
ANY: dict[str, Any] = {"type": "object"}
ECHO = {**ANY, "properties": {"text": {"type": "string"}}, "required": ["text"]}
ELSEWHERE = {**ANY, "properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}}
NONSENSE = {**ANY, "properties": {"a": {"type": 7}}}
EVERYTHING = [
    {"type": "text", "text": "a picture:"},
    {"type": "image", "data": ENCODED, "mimeType": "image/png"},
    {"type": "audio", "data": ENCODED, "mimeType": "audio/wav"},
    {"type": "image", "data": "!not base64!", "mimeType": "image/png"},
    {"type": "resource_link", "uri": "file:///a.txt", "name": "a"},
    {"type": "resource", "resource": {"uri": "note://b", "text": "noted"}},
    {"type": "resource", "resource": {"uri": "file:///../../c.bin", "blob": ENCODED}},
]


def listed(name: str, schema: dict[str, Any] = ANY) -> dict[str, Any]:
    return {"name": name, "description": f"The tool {name[:20]}", "inputSchema": schema}


TOOLS = [
    listed("echo", ECHO),
    listed("odd name/with.dots"),
    listed("odd_name_with_dots"),
    listed("x" * 100),
    *map(listed, ("environment", "everything", "structured", "fails", "raises", "forever")),
    *map(listed, ("dies", "grows", "garbage", "progress")),
    listed("refers", ELSEWHERE),
    listed("nonsense", NONSENSE),
]


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(id: Any, *content: Any, **more: Any) -> None:
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    send(id=id, result={"content": parts, **more})


def call(id: Any, name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> None:
    match name:
        case "echo":
            answer(id, arguments["text"])
        case "environment":
            answer(id, json.dumps(dict(os.environ)))
        case "everything":
            answer(id, *EVERYTHING)
        case "structured":
            answer(id, structuredContent={"answer": 42})
        case "fails":
            answer(id, "no such thing", isError=True)
        case "raises":
            send(id=id, error={"code": -32603, "message": "a bug in\nthe server"})
        case "forever":
            pass
        case "dies":
            os._exit(3)
        case "grows":
            TOOLS.append(listed("late"))
            send(method="notifications/tools/list_changed")
            answer(id, "grown")
        case "garbage":
            print("not JSON at all", flush=True)
            send(id=id, result=7)
        case "progress":
            token = meta.get("progressToken")
            told = {"progressToken": token, "progress": 1, "total": 2, "message": "half-way"}
            send(method="notifications/progress", params=told)
            answer(id, "done")
        case other:
            answer(id, f"called {other}")


def handle(message: dict[str, Any], folder: Path | None) -> None:
    id, params = message.get("id"), message.get("params", {})
    match message.get("method"):
        case "initialize":
            info = {"name": "odd", "version": "1.0"}
            tools = {"tools": {"listChanged": True}}
            result = {"protocolVersion": "2025-06-18", "capabilities": tools, "serverInfo": info}
            send(id=id, result=result)
        case "tools/list":  # in two pages, as long lists come
            if params.get("cursor") == "second":
                send(id=id, result={"tools": TOOLS[3:]})
            else:
                send(id=id, result={"tools": TOOLS[:3], "nextCursor": "second"})
        case "tools/call":
            call(id, params["name"], params.get("arguments", {}), params.get("_meta", {}))
        case "notifications/cancelled":
            if folder is not None:
                (folder / "stopped").touch()
        case _:
            if id is not None:
                send(id=id, error={"code": -32601, "message": "Method not found"})


def main(arguments: list[str]) -> None:
    folder = next((Path(one) for one in arguments if not one.startswith("--")), None)
    pids = [os.getpid()]
    if "--deaf" in arguments:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--children" in arguments:
        pids.append(subprocess.Popen(["sleep", "1000"]).pid)
    if folder is not None:
        (folder / "pids").write_text(" ".join(map(str, pids)))
    if "--broken" in arguments:
        sys.exit("Traceback: the database is not there")
    while "--silent" in arguments:
        signal.pause()
    for line in sys.stdin:
        handle(json.loads(line), folder)
    while "--deaf" in arguments:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
