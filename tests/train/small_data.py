"""Conversations and preferences that a model of two layers can learn in a few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ANIMALS = ("cat", "dog", "owl", "fox", "hen", "pig", "cow", "ant")
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
            "required": ["x", "y"],
        },
    },
}


def chat_lines(count: int = 24) -> list[dict[str, Any]]:
    """Questions that all have one answer."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"Where is the {ANIMALS[n % 8]}?"},
                {"role": "assistant", "content": f"The {ANIMALS[n % 8]} sat on the mat."},
            ]
        }
        for n in range(count)
    ]


def tool_line() -> dict[str, Any]:
    """A call, its result, and an answer."""
    arguments = json.dumps({"x": 1, "y": 2})
    function = {"name": "add", "arguments": arguments}
    return {
        "messages": [
            {"role": "user", "content": "What is 1 + 2?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "3"},
            {"role": "assistant", "content": "It is 3."},
        ],
        "tools": [TOOL],
    }


def pair_lines(count: int = 16) -> list[dict[str, Any]]:
    """Whoever is asked where an animal is should say that it sat, not that it left."""
    return [
        {
            "messages": [{"role": "user", "content": f"Where is the {ANIMALS[n % 8]}?"}],
            "chosen": "It sat on the mat.",
            "rejected": "Gone, it left the log.",
        }
        for n in range(count)
    ]


def written(path: Path, lines: list[dict[str, Any]]) -> str:
    """A JSONL file's path."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)
