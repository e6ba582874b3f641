"""How to reach an MCP server, as a value; and the file in which a user names servers.

[servers.time]
command = "mcp-server-time --local-timezone UTC"

[servers.wiki]
url = "https://wiki.example.com/mcp"
key_env = "WIKI_TOKEN"          # sent as a bearer token
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agentlab.errors import ConfigError
from agentlab.values import tables


class McpServer(BaseModel):
    """A program to start, or an address to call.

    Attributes:
        name: what people call it; only for messages and clashing names.
        command: the program and its arguments, as a list or as one would type them (no shell).
        env: variables it gets besides PATH, HOME, USER, LOGNAME, SHELL and TERM.
        pass_env: variables it gets with the values they have here; nothing else of the environment.
        cwd: the folder it is started in.
        url: the address of a server that speaks streamable HTTP.
        headers: sent with every request.
        key_env: the variable that holds its bearer token.
        tools: only these, by the server's own names; empty means all.
        prefix: put before every tool's name.
        model: the model that may write for the server, where it asks for that; none if empty.
        roots: the folders that it is told to work in.
        timeout: seconds one call may take.
        start_timeout: seconds it may take to start and list its tools.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "mcp"
    command: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    pass_env: tuple[str, ...] = ()
    cwd: Path | None = None
    url: str = ""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    key_env: str = ""
    tools: tuple[str, ...] = ()
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,32}$")
    model: str = ""
    roots: tuple[Path, ...] = ()
    timeout: float = Field(default=120.0, gt=0)
    start_timeout: float = Field(default=60.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _split_command(cls, told: Any) -> Any:
        if isinstance(told, dict) and isinstance(cast(dict[str, Any], told).get("command"), str):
            fields = cast(dict[str, Any], told)
            return {**fields, "command": tuple(shlex.split(fields["command"]))}
        return cast(object, told)

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either a command or a url")
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError("a url begins with http:// or https://")
        return self

    @classmethod
    def parse(cls, text: str) -> McpServer:
        """A server from an address, or from a command as one would type it.

        Raises:
            ConfigError: it is neither.
        """
        try:
            if text.lower().startswith(("http://", "https://")):
                return cls(name=urlsplit(text).hostname or "mcp", url=text)
            command = tuple(shlex.split(text))
        except ValueError as error:
            raise ConfigError(f"{text[:80]!r} is no MCP server: {error}") from None
        if not command:
            raise ConfigError("an MCP server is a command or a URL; none was given")
        return cls(name=Path(command[0]).name, command=command)


def load_servers(path: Path) -> dict[str, McpServer]:
    """The servers described in a TOML file, by name; none where there is no file.

    Raises:
        ConfigError: the file can't be read, or a server in it is not described as it should be.
    """
    if not path.is_file():
        return {}
    servers: dict[str, McpServer] = {}
    for name, fields in tables(path, "servers").items():
        where = f"{path}, [servers.{name}]"
        if not isinstance(fields, dict):
            raise ConfigError(f"{where}: must be a table")
        try:
            servers[name] = McpServer.model_validate({**cast(dict[str, Any], fields), "name": name})
        except (ValidationError, ValueError) as error:
            raise ConfigError(f"{where}: {_first(error)}") from None
    return servers


def find_server(text: str, servers: Mapping[str, McpServer]) -> McpServer:
    """A server by its name, its address, or the command that starts it.

    Raises:
        ConfigError: it is none of these.
    """
    if text in servers:
        return servers[text]
    server = McpServer.parse(text)
    if server.command and shutil.which(server.command[0]) is None:
        names = ", ".join(servers) or "none yet"
        raise ConfigError(
            f"no MCP server {text[:80]!r}: name one of mcp.toml ({names}), a URL, or a command"
        )
    return server


def _first(error: ValidationError | ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
