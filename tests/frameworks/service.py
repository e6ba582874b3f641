"""A service on loopback that speaks OpenAI's protocol, and answers what fits the request.

It calls a tool where one is forced, or where tools are offered and none has answered yet, with
arguments made from the tool's schema; it writes JSON where a schema asks for
it; else it says hello.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class _Service(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for delta in _said(asked):
            self._event({"choices": [{"index": 0, "delta": delta}]})
        calls = any("tool_calls" in delta for delta in _said(asked))
        ended = "tool_calls" if calls else "stop"
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": ended}]})
        counted = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
        self._event({"choices": [], "usage": counted})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, data: Any) -> None:
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def _said(asked: Any) -> Iterator[dict[str, Any]]:
    last = asked["messages"][-1]
    words = last["content"] if isinstance(last["content"], str) else ""
    chosen = asked.get("tool_choice", "auto")
    if asked.get("tools") and (chosen != "auto" or last["role"] == "user"):
        named = chosen["function"]["name"] if isinstance(chosen, dict) else None
        tool = next(t["function"] for t in asked["tools"] if named in (None, t["function"]["name"]))
        call = {"index": 0, "id": "call_a", "type": "function"}
        yield {"tool_calls": [{**call, "function": {"name": tool["name"], "arguments": ""}}]}
        arguments = json.dumps(_made(tool["parameters"], words))
        for piece in (arguments[:5], arguments[5:]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        return
    form = asked.get("response_format")
    schema = form and form.get("json_schema", {}).get("schema")
    text = json.dumps(_made(schema, words)) if schema else "Hello to you."
    if form and (not schema or "properties" not in schema):
        text = json.dumps({"setup": "Why?", "punchline": "So."})  # what the suite's prompt asks for
    for piece in re.findall(r"\S+\s*", text):
        yield {"content": piece}


def _made(schema: Any, words: str) -> Any:
    """A value that fits a schema; texts are what the question quotes."""
    if "$ref" in schema:
        return {}
    for one in schema.get("anyOf", ()):
        return _made(one, words)
    match schema.get("type"):
        case "object":
            return {name: _made(one, words) for name, one in schema.get("properties", {}).items()}
        case "integer" | "number":
            return 3
        case "array":
            return []
        case "boolean":
            return True
        case "null":
            return None
        case _:
            quoted = re.search(r"'([^']+)'", words)
            return quoted[1] if quoted else "a word"


@contextmanager
def service() -> Generator[str]:
    """Serve it; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
