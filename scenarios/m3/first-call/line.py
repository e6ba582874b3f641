"""The line between a learner's program and a service.

The program makes requests and reads answers as plain data, in a sandbox that reaches nothing; what
it made is sent from here, as it is. So what was really sent, and what was really answered, is on
record, and a key for a live service never enters the sandbox.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from agentlab.backends.hosted import find_key
from agentlab.backends.presets import PRESETS
from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment
from agentlab.tooling import Tool, ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits

from .protocols import PATHS, Name, Refused, admit
from .servers import LOCAL, MODEL, need_server

LIVE = "FIRST_CALL_LIVE"
"""The variable that names live models, e.g. `openai:gpt-5-mini anthropic:claude-haiku-4-5`."""

_SERVICES: Mapping[Name, str] = {"chat": "openai", "responses": "openai", "messages": "anthropic"}
_PATIENCE = 60.0
_LONGEST = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where requests of one protocol go."""

    model: str
    url: str = ""
    """Empty for the local server, which is started when the first request is sent."""
    key: str = field(default="", repr=False)

    @property
    def said(self) -> str:
        """The place in words."""
        return f"{self.model} at {self.url or 'a local server'}"


@dataclass
class Line:
    """What one run works with: a sandbox for the program, and where its requests go."""

    sandbox: Sandbox
    places: Mapping[Name, Place]
    key: str
    """Made up for this run; at a live service the real one takes its place."""
    program_read: bool = False


@asynccontextmanager
async def line() -> AsyncGenerator[Equipment]:
    """Opens a sandbox. Requests go to the local server, or to live models named in `LIVE`."""
    places = _places(os.environ)
    if not all(place.url for place in places.values()):
        need_server()
    async with Sandbox.open(limits=SandboxLimits(timeout=20), spare=False) as opened:
        info = opened.describe()
        labels = {name: place.said for name, place in places.items()}
        key = f"sk-first-call-{secrets.token_hex(8)}"
        yield Equipment(
            deps=Line(opened, places, key),
            labels={"sandbox": f"{info.level} ({info.backend})", **labels},
        )


def _places(env: Mapping[str, str]) -> dict[Name, Place]:
    named = (name.partition(":") for name in env.get(LIVE, "").split())
    live = {service: model for service, _, model in named}
    if unknown := set(live) - set(_SERVICES.values()):
        raise ConfigError(f"{LIVE} names {', '.join(sorted(unknown))}: only openai and anthropic")
    places: dict[Name, Place] = {}
    for protocol, service in _SERVICES.items():
        preset = PRESETS[service]
        places[protocol] = (
            Place(live[service], preset.base_url.removesuffix("/v1"), find_key(preset, None, env))
            if service in live
            else Place(MODEL)
        )
    return places


def line_for(name: Name, title: str) -> Tool[Any]:
    """The tool that tries a program on conversations over one protocol."""

    about = f"Try a program on a conversation over {title}."

    @tool(name=name, description=about, timeout=120, max_chars=4 * _LONGEST)
    async def converse(code: str, context: ToolContext) -> dict[str, Any] | str:
        deps: Line = context.deps
        if not deps.program_read:
            # The first code of a run is the learner's; what follows is a conversation to have
            await _run(deps.sandbox, code)
            deps.program_read = True
            return "the program is there"
        return await _converse(name, deps, json.loads(code))

    return converse


async def _converse(name: Name, deps: Line, conversation: Mapping[str, Any]) -> dict[str, Any]:
    place = deps.places[name]
    arguments = (place.model, deps.key, conversation)
    asked = await _call(deps.sandbox, "request", *arguments)
    record: dict[str, Any] = {"model": place.model, "request": asked, "status": 0, "answer": None}
    path, headers, body = _parts(asked)
    try:
        admit(name, path, headers, deps.key)
    except Refused as refused:
        return {**record, "status": refused.status, "answer": str(refused)}
    status, answer = await asyncio.to_thread(_send, name, place, deps.key, headers, body)
    record |= {"status": status, "answer": answer}
    if status == 200:
        record["understood"] = await _call(deps.sandbox, "read", answer)
    return record


def _parts(asked: object) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Path, headers and body of what a program made.

    Raises:
        ToolError: it is not a request.
    """
    made = cast(dict[str, Any], asked) if isinstance(asked, dict) else {}
    path, headers, body = made.get("path"), made.get("headers"), made.get("body")
    if not isinstance(path, str) or not isinstance(headers, dict) or not isinstance(body, dict):
        raise ToolError(
            'request(…) must return {"path": "/…", "headers": {…}, "body": {…}}, '
            f"not {json.dumps(asked)[:80]}"
        )
    texts = cast(dict[str, Any], headers)
    if not all(isinstance(value, str) for value in texts.values()):
        raise ToolError("request(…): every header must be text")
    return path, texts, cast(dict[str, Any], body)


def _send(
    name: Name, place: Place, key: str, headers: Mapping[str, str], body: Mapping[str, Any]
) -> tuple[int, Any]:
    """Post a request to the protocol's own path; status and body of the answer."""
    real = {"content-type": "application/json"}
    real |= {header: value.replace(key, place.key or key) for header, value in headers.items()}
    request = urllib.request.Request(  # noqa: S310 - the address is one of ours
        (place.url or LOCAL.url()) + PATHS[name], json.dumps(body).encode(), real, method="POST"
    )
    try:
        with _straight_on.open(request, timeout=_PATIENCE) as answer:
            status, said = answer.status, answer.read(_LONGEST)
    except urllib.error.HTTPError as error:
        with error:
            status, said = error.code, error.read(_LONGEST)
    except (OSError, ValueError, http.client.HTTPException) as error:
        said = str(error).replace(place.key or key, "…")
        raise ToolError(f"the request could not be sent: {said}") from None
    text = said.decode(errors="replace")
    if place.key:
        text = text.replace(place.key, "…")
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: object, fp: object, code: int, msg: str, headers: object, newurl: str
    ) -> None:
        """Nowhere: a key is for the address it was meant for."""


_straight_on = urllib.request.build_opener(_NoRedirect)


async def _call(sandbox: Sandbox, function: str, *arguments: object) -> Any:
    """Call a function of the program with plain data; what it returns, as plain data.

    Raises:
        ToolError: it fails, is not there, or returns what is no JSON.
    """
    # A mark that the program can't know: it may print what it likes
    mark = secrets.token_hex(16)
    sent = json.dumps(arguments)
    printed = await _run(
        sandbox,
        f"import json as _json\n"
        f"_out = _json.dumps({function}(*_json.loads({sent!r})))\n"
        f"print('\\n{mark}' + _out)",
    )
    _, _, returned = printed.rpartition(mark)
    try:
        return json.loads(returned.splitlines()[0])
    except (ValueError, IndexError):
        raise ToolError(f"{function}(…) returned more than can be read back") from None


async def _run(sandbox: Sandbox, code: str) -> str:
    result = await sandbox.run_python(code)
    if result.error is not None:
        raise ToolError(result.error.strip().splitlines()[-1])
    return result.stdout
