"""The fixture tools that the official conformance suite calls, served as `agentlab mcp` does.

python server.py        prints its address
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

from agentlab.approval import Form
from agentlab.errors import ToolError
from agentlab.plugins.equipment import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.mcp.convert import arguments_from
from agentlab_tools.mcp.prompts import Prompts
from agentlab_tools.mcp.serve import serve_http, server_of
from agentlab_tools.mcp.shelf import Family, Shared, Shelf

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
WAV = base64.b64decode("UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=")
USER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}
DEFAULTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
}
THREE = ["option1", "option2", "option3"]
TITLED = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
CHOICES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": THREE},
        "titledSingle": {"type": "string", "oneOf": TITLED},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": THREE}},
        "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
    },
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


@tool
def test_simple_text() -> str:
    """Say something."""
    return "This is a simple text response for testing."


@tool
def test_image_content(context: ToolContext) -> str:
    """Draw something."""
    context.attach("red.png", PNG, "image/png")
    return "an image"


@tool
def test_audio_content(context: ToolContext) -> str:
    """Play something."""
    context.attach("tone.wav", WAV, "audio/wav")
    return "a sound"


@tool
def test_embedded_resource(context: ToolContext) -> str:
    """Hand over a file."""
    context.attach("text.txt", b"This is an embedded resource content.", "text/plain")
    return "a file"


@tool
def test_multiple_content_types(context: ToolContext) -> str:
    """Hand over several things."""
    context.attach("red.png", PNG, "image/png")
    context.attach("data.json", json.dumps({"test": "data"}).encode(), "application/json")
    return "Multiple content types test:"


@tool
async def test_tool_with_logging(context: ToolContext) -> str:
    """Tell what happens."""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        context.emit(said)
        await asyncio.sleep(0.05)
    return "logged"


@tool
async def test_tool_with_progress(context: ToolContext) -> str:
    """Take a while."""
    for share in (0, 50, 100):
        context.emit(f"{share} of 100")
        await asyncio.sleep(0.05)
    return "done"


@tool
def test_error_handling() -> str:
    """Fail."""
    raise ToolError("This tool intentionally returns an error for testing")


@tool(name="json_schema_2020_12_tool")
def with_a_schema() -> str:
    """Tool with JSON Schema 2020-12 features."""
    return "never called"


@tool
async def test_elicitation(message: str, context: ToolContext) -> str:
    """Ask who it is."""
    return await asked(context, message, USER)


@tool(name="test_elicitation_sep1034_defaults")
async def with_defaults(context: ToolContext) -> str:
    """Ask, with an answer to every question."""
    return await asked(context, "Is this right?", DEFAULTS)


@tool(name="test_elicitation_sep1330_enums")
async def with_choices(context: ToolContext) -> str:
    """Ask for a choice, in every way there is."""
    return await asked(context, "Which one?", CHOICES)


async def asked(context: ToolContext, message: str, fields: dict[str, Any]) -> str:
    assert context.fill is not None
    filled = await context.fill(Form(message=message, fields=fields))
    action = "decline" if filled is None else "accept"
    return f"Elicitation completed: action={action}, content={json.dumps(filled)}"


def words(schema: dict[str, Any]) -> Any:
    """A model that shows a schema as it stands, as a tool made elsewhere may have one."""
    model, _ = arguments_from(schema)

    class Shown(model):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return schema

    return Shown


TOOLS = (
    test_elicitation,
    with_defaults,
    with_choices,
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_tool_with_logging,
    test_tool_with_progress,
    test_error_handling,
    with_a_schema.with_(arguments=words(SCHEMA)),
)

TEXT = b"This is the content of the static text resource."
EXAMPLE = b"Embedded resource content for testing."
PROMPTS = Path(__file__).parent / "prompts"


def numbered(uri: str) -> Shared | None:
    """Data by a number, as a template names it."""
    found = re.fullmatch(r"test://template/(\w+)/data", uri)
    if found is None:
        return None
    data = {"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"}
    return Shared(uri, found[1], "application/json", lambda: json.dumps(data).encode())


SHELF = Shelf(
    (
        Shared("test://static-text", "static text", "text/plain", lambda: TEXT),
        Shared("test://example-resource", "example", "text/plain", lambda: EXAMPLE),
        Shared("test://watched-resource", "watched", "text/plain", lambda: TEXT),
        Shared("test://static-binary", "static binary", "image/png", lambda: PNG),
    ),
    (Family("test://template/{id}/data", "data by number", numbered),),
)

if __name__ == "__main__":
    server = server_of(TOOLS, Equipment(), SHELF, Prompts([str(PROMPTS)], SHELF))
    asyncio.run(
        serve_http(server, port=0, token=None, told=lambda address: print(address, flush=True))
    )
