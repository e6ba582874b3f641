"""An MCP server by HTTP with sessions, that refuses unknown ones with a status of one's choice.

    python session_server.py PORT STATUS

It speaks the protocol of 2025-06-18 and writes a line when it listens. The tool `hang` breaks the
connection off without an answer.
"""

from __future__ import annotations

import json
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SESSIONS: set[str] = set()
STATUS = int(sys.argv[2])
CALLS: list[str] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, message: Any = None, session: str = "") -> None:
        body = b"" if message is None else json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if session:
            self.send_header("mcp-session-id", session)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer(405)

    def do_DELETE(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        id, session = message.get("id"), self.headers.get("mcp-session-id")
        if message["method"] == "initialize":
            new = uuid.uuid4().hex
            SESSIONS.add(new)
            about = {"serverInfo": {"name": "sessions", "version": "1"}, "capabilities": {}}
            result = {"protocolVersion": "2025-06-18", **about}
            self.answer(200, {"id": id, "result": result}, new)
        elif session not in SESSIONS:
            error = {"code": -32000, "message": "Bad Request: No valid session ID provided"}
            self.answer(STATUS, {"id": None, "error": error})
        elif id is None:
            self.answer(202)
        elif message["method"] == "tools/list":
            names = ("calls", "hang", "refuses")
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
            self.answer(200, {"id": id, "result": {"tools": tools}})
        elif message["params"]["name"] == "hang":
            CALLS.append("hang")
            self.close_connection = True
            self.connection.close()
        elif message["params"]["name"] == "refuses":
            CALLS.append("refuses")
            self.answer(400, {"id": id, "error": {"code": -32602, "message": "not like that"}})
        else:
            content = [{"type": "text", "text": " ".join(["calls:", *CALLS])}]
            self.answer(200, {"id": id, "result": {"content": content}})


if __name__ == "__main__":
    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        print("listening", flush=True)
        server.serve_forever()
