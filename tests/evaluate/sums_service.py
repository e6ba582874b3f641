"""A service on loopback that adds two numbers, takes its time, and notes who asked what.

It speaks OpenAI's protocol. "4 + 4" is answered by "It is 8."; every fourth sum is wrong.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


@dataclass
class Service:
    """What was asked, how often, and with which keys."""

    url: str
    asked: Counter[str] = field(default_factory=Counter[str])
    keys: set[str] = field(default_factory=set[str])
    pause: float = 0.0
    """Seconds that an answer takes."""


@contextmanager
def adding(pause: float = 0.0) -> Generator[Service]:
    """The service, for a while."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            question = body["messages"][-1]["content"]
            with lock:
                service.asked[question] += 1
                service.keys.add(self.headers.get("authorization", ""))
            time.sleep(service.pause)
            n = int(question.split()[0])
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self._event(
                {"choices": [{"index": 0, "delta": {"content": f"It is {2 * n + (n % 4 == 3)}."}}]}
            )
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            counted = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
            self._event({"choices": [], "usage": counted})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, data: Any) -> None:
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = Service(f"http://127.0.0.1:{server.server_address[1]}/v1#adder", pause=pause)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
