"""What a step costs the processor, beside a loop over the bare `openai` client in the same run.

    python benchmarks/hosted_step_cost.py [--steps 21 201] [--repeats 3]

A stub server in another process answers every request with one tool call, so the history grows by
two messages a step, as an agent's does. Measured is this process's CPU time alone. Our side streams
(its answer comes in nine events); the bare client does not, which is the cheaper of its two ways.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from typing import Any

QUESTION = "What is 6 * 7 + 12? Use the calculator for every step, and check the result."
INSTRUCTIONS = "You are a careful assistant. Work step by step, and use the tools you have."
ARGUMENTS = '{"expression": "6 * 7 + 12"}'
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"expression": {"type": "string", "description": "What to compute"}},
    "required": ["expression"],
}
RESULT = "54"


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One event of a streamed answer."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event({"choices": [choice], "usage": None})


def event(fields: dict[str, Any]) -> bytes:
    """A chunk's bytes, with the fields every chunk has."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    return b"data: " + json.dumps({**head, **fields}).encode() + b"\n\n"


def answers() -> tuple[bytes, bytes]:
    """The same tool call as a stream, and as one JSON body."""
    call: dict[str, Any] = {"index": 0, "id": "call_1", "type": "function"}
    function = {"name": "calculator", "arguments": ""}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    stream = b"".join(
        (
            chunk({"role": "assistant", "content": None}),
            chunk({"tool_calls": [{**call, "function": function}]}),
            *(
                chunk(
                    {"tool_calls": [{"index": 0, "function": {"arguments": ARGUMENTS[i : i + 7]}}]}
                )
                for i in range(0, len(ARGUMENTS), 7)
            ),
            chunk({}, "tool_calls"),
            event({"choices": [], "usage": usage}),
            b"data: [DONE]\n\n",
        )
    )
    whole = {k: v for k, v in call.items() if k != "index"}
    whole["function"] = {"name": "calculator", "arguments": ARGUMENTS}
    message = {"role": "assistant", "content": None, "tool_calls": [whole]}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": usage,
    }
    return stream, json.dumps(body).encode()


async def serve() -> None:
    """The stub: prints its port, answers until it is killed."""
    stream, body = answers()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
    streamed = head % (b"text/event-stream", len(stream)) + stream
    whole = head % (b"application/json", len(body)) + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in request.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                sent = await reader.readexactly(length)
                writer.write(streamed if b'"stream":true' in sent.replace(b" ", b"") else whole)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def bare(url: str, steps: int) -> float:
    """CPU milliseconds a step of a plain loop over the SDK."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=url)
    function = {"name": "calculator", "description": "Compute.", "parameters": PARAMETERS}
    tools: Any = [{"type": "function", "function": function}]
    messages: list[Any] = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": QUESTION},
    ]
    await client.chat.completions.create(model="stub", messages=messages, tools=tools)
    begun = time.process_time()
    for _ in range(steps):
        answer = await client.chat.completions.create(model="stub", messages=messages, tools=tools)
        message = answer.choices[0].message
        messages.append(message)
        messages.extend(
            {"role": "tool", "tool_call_id": call.id, "content": RESULT}
            for call in message.tool_calls or ()
        )
    spent = time.process_time() - begun
    await client.close()
    return spent / steps * 1000


async def ours(url: str, steps: int) -> float:
    """CPU milliseconds a step of a plain loop over our backend's stream."""
    from agentlab.backend import Reply, ToolSpec
    from agentlab.backends import connect
    from agentlab.messages import Message, ToolResult

    backend = connect("openai:stub", base_url=url, api_key="none")
    tools = (ToolSpec(name="calculator", description="Compute.", parameters=PARAMETERS),)
    messages = [Message.system(INSTRUCTIONS), Message.user(QUESTION)]
    async for _ in backend.stream(messages, tools=tools):
        pass
    begun = time.process_time()
    for _ in range(steps):
        async for item in backend.stream(messages, tools=tools):
            if isinstance(item, Reply):
                messages.append(item.message)
                results = [
                    ToolResult(call_id=c.id, content=RESULT) for c in item.message.tool_calls
                ]
                messages.append(Message.results(results))
    spent = time.process_time() - begun
    await backend.aclose()
    return spent / steps * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[21, 201])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve())
        return
    stub = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    try:
        assert stub.stdout is not None
        url = f"http://127.0.0.1:{int(stub.stdout.readline())}/v1"
        print(
            f"{'steps':>6} {'bare ms':>9} {'ours ms':>9} {'ratio':>7}   (median of {args.repeats})"
        )
        for steps in args.steps:
            pairs = [
                (asyncio.run(bare(url, steps)), asyncio.run(ours(url, steps)))
                for _ in range(args.repeats)
            ]
            theirs, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{steps:>6} {theirs:>9.2f} {mine:>9.2f} {mine / theirs:>7.2f}")
    finally:
        stub.kill()
        stub.wait()


if __name__ == "__main__":
    main()
