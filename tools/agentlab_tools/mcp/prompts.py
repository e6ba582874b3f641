"""Prompts for MCP clients, from Markdown files: what a person picks from a menu, filled in.

    # Review a chapter                        its title; not part of what is sent
    Review the chapter below for {reader}. Be {tone:kind|strict|brief}.
    ![](style-guide.md)
    ![](agentlab:///files/{file})

Here `reader`, `tone` and `file` are the prompt's arguments. One with values to choose from may be
left out, and is its first value then; clients are offered the values while one types. A line that
holds a picture in Markdown's spelling is that file, sent along: a path beside the prompt, or the
address of something that clients can read of us. What a client fills in never becomes a path.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from agentlab.errors import ConfigError
from agentlab_tools.mcp.shelf import MAX_FILE, Shared, Shelf, contents

if TYPE_CHECKING:
    from mcp import types

_BLANK = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}\n]*))?\}")
_FILE = re.compile(r"[ \t]*!\[[^\]\n]*\]\(([^()\n]+)\)[ \t]*")
_TITLE = re.compile(r"#[ \t]+(.+)")
_MOST_OFFERED = 100


@dataclass(frozen=True)
class Blank:
    """Something to fill in; one without `values` has to be."""

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A prompt, as its file has it now."""

    name: str
    title: str
    body: str
    folder: Path

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """What is to be filled in, in the order in which it is met."""
        named: dict[str, tuple[str, ...]] = {}
        for name, values in _BLANK.findall(self.body):
            names = (value.strip() for value in str(values).split("|"))
            named[name] = named.get(name) or tuple(value for value in names if value)
        return tuple(Blank(name, values) for name, values in named.items())


class Prompts:
    """The prompts in these files and folders (of `.md` files), as they are when asked for.

    Args:
        shelf: where the addresses in them are looked up.

    Raises:
        ConfigError: one can't be read, two have one name, or a file beside one is not there.
    """

    def __init__(self, paths: Sequence[str] = (), shelf: Shelf | None = None) -> None:
        self._paths = [Path(folder).expanduser().resolve() for folder in paths]
        self._shelf = shelf or Shelf()
        names: dict[str, Path] = {}
        for path in self._files():
            if path.stem in names:
                raise ConfigError(f"two prompts are called {path.stem}: rename one of them")
            names[path.stem] = path
            prompt = _prompt(path)
            for file in _files_in(prompt):
                if not file.is_file():
                    raise ConfigError(f"{path.name} names the file {file.name}, which is not there")
        if self._paths and not names:
            raise ConfigError(f"there are no prompts (.md) in {self._paths[0]}")

    def _files(self) -> list[Path]:
        return [
            file
            for path in self._paths
            for file in (sorted(path.glob("*.md")) if path.is_dir() else [path])
        ]

    def _named(self, name: str) -> Prompt:
        from mcp import types
        from mcp.shared.exceptions import MCPError

        path = next((path for path in self._files() if path.stem == name), None)
        if path is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name!r}")
        try:
            return _prompt(path)
        except ConfigError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None

    async def listed(self, _context: Any, _page: Any) -> types.ListPromptsResult:
        """Answers `prompts/list`."""
        from mcp import types

        prompts: list[Prompt] = []
        for path in self._files():
            with suppress(ConfigError):  # it was there at the start; the others are still offered
                prompts.append(_prompt(path))
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=prompt.name,
                    description=prompt.title,
                    arguments=[
                        types.PromptArgument(
                            name=blank.name,
                            description=" or ".join(blank.values) or None,
                            required=not blank.values,
                        )
                        for blank in prompt.blanks
                    ],
                )
                for prompt in prompts
            ]
        )

    async def got(
        self, _context: Any, asked: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """Answers `prompts/get`."""
        from mcp import types
        from mcp.shared.exceptions import MCPError

        prompt, arguments = self._named(asked.name), dict(asked.arguments or {})
        values = {
            blank.name: blank.values[0] for blank in prompt.blanks if blank.values
        } | arguments
        missing = [blank.name for blank in prompt.blanks if blank.name not in values]
        if missing:
            complaint = f"The prompt {prompt.name} needs {', '.join(missing)}"
            raise MCPError(types.INVALID_PARAMS, complaint)

        def filled(text: str) -> str:
            return _BLANK.sub(lambda found: values[found[1]], text)

        parts: list[Any] = []
        for text, file in _pieces(prompt.body):
            if text := filled(text).strip():
                parts.append(types.TextContent(type="text", text=text))
            if file:
                parts.append(_part(self._file(prompt, file, filled(file))))
        messages = [types.PromptMessage(role="user", content=part) for part in parts]
        return types.GetPromptResult(description=prompt.title, messages=messages)

    def _file(self, prompt: Prompt, written: str, filled: str) -> tuple[Shared, bytes]:
        """What such a line names: a path as the file has it, or an address on the shelf."""
        if "://" in written or _BLANK.search(written):
            return self._shelf.taken(filled)
        path = prompt.folder / written
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        uri = f"agentlab:///prompts/{quote(prompt.name)}/{quote(path.name)}"
        return self._shelf.taken_from(Shared(uri, path.name, kind, path.read_bytes))

    async def completed(
        self, _context: Any, asked: types.CompleteRequestParams
    ) -> types.CompleteResult:
        """Answers `completion/complete`: the values a prompt has for an argument, or addresses."""
        from mcp import types

        choices: list[str] = []
        if asked.ref.type == "ref/prompt":
            blanks = {blank.name: blank for blank in self._named(asked.ref.name).blanks}
            if blank := blanks.get(asked.argument.name):
                choices = list(blank.values)
        begun = asked.argument.value.casefold()
        matches = [value for value in choices if value.casefold().startswith(begun)]
        return types.CompleteResult(
            completion=types.Completion(
                values=matches[:_MOST_OFFERED],
                total=len(matches),
                has_more=len(matches) > _MOST_OFFERED,
            )
        )


def _prompt(path: Path) -> Prompt:
    """What a file holds.

    Raises:
        ConfigError: it can't be read as text.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigError(f"{path} can't be a prompt: it is longer than {MAX_FILE >> 20} MB")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} can't be a prompt: it is no UTF-8 text") from None
    first, _, rest = text.lstrip().partition("\n")
    if title := _TITLE.fullmatch(first.rstrip()):
        return Prompt(path.stem, title[1].strip(), rest, path.parent)
    return Prompt(path.stem, path.stem, text, path.parent)


def _pieces(body: str) -> list[tuple[str, str]]:
    """The text up to each file, and the file; the last has none."""
    pieces: list[tuple[str, str]] = []
    lines: list[str] = []
    for line in body.splitlines(keepends=True):
        if reference := _FILE.fullmatch(line.rstrip("\r\n")):
            pieces.append(("".join(lines), reference[1].strip()))
            lines = []
        else:
            lines.append(line)
    return [*pieces, ("".join(lines), "")]


def _files_in(prompt: Prompt) -> list[Path]:
    named = [file for _, file in _pieces(prompt.body) if file]
    return [prompt.folder / f for f in named if "://" not in f and not _BLANK.search(f)]


def _part(read: tuple[Shared, bytes]) -> Any:
    from mcp import types

    kind, data = read
    if kind.media_type.startswith("image/"):
        encoded = base64.b64encode(data).decode()
        return types.ImageContent(type="image", data=encoded, mime_type=kind.media_type)
    return types.EmbeddedResource(type="resource", resource=contents(kind, data))
