"""What an MCP client can read of us: files that a person shares, and those that our tools made.

    agentlab:///files/sales.csv            shared with --file, and listed
    agentlab:///3f9a…/chart.svg            made by a tool, named in its answer

A file that a tool made is read again by the address that its answer gave; it is not listed, for
the answer was one client's, and others may be connected.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from agentlab.errors import ConfigError
from agentlab.messages import Artifact

if TYPE_CHECKING:
    from mcp import types

MAX_FILE = 64 << 20
"""Bytes of a file that are handed over at once."""
_MADE = 256
"""How many files that tools made are kept to be read again."""
_TEXT = re.compile(r"text/|application/(.*\+)?(json|xml|yaml|toml|javascript)$")


@dataclass(frozen=True)
class Shared:
    """Something to read. `read` raises OSError where it is gone.

    Attributes:
        mark: is another whenever what is read may be; None if it never changes.
    """

    uri: str
    name: str
    media_type: str
    read: Callable[[], bytes]
    mark: Callable[[], object] | None = None


@dataclass(frozen=True)
class Family:
    """Things to read whose addresses follow one template; `find` is None for what is not there."""

    template: str
    name: str
    find: Callable[[str], Shared | None]


class Shelf:
    """All that can be read.

    Args:
        shared: what is listed.
        families: what is read by an address of theirs, besides the files that tools made.
    """

    def __init__(self, shared: Sequence[Shared] = (), families: Sequence[Family] = ()) -> None:
        self._shared = {one.uri: one for one in shared}
        self._made: OrderedDict[str, Shared] = OrderedDict()
        # named to clients once there are some: a client may offer its model to read only then
        family = Family("agentlab:///{digest}/{name}", "files that tools made", self._made.get)
        self._families = (*families, family)

    @property
    def shared(self) -> tuple[Shared, ...]:
        """What is listed."""
        return tuple(self._shared.values())

    def put(self, artifact: Artifact) -> str:
        """The address under which a file that a tool made can be read again."""
        uri = f"agentlab:///{artifact.blob.sha256[:12]}/{quote(artifact.name)}"
        self._made[uri] = Shared(uri, artifact.name, artifact.media_type, artifact.blob.read)
        self._made.move_to_end(uri)
        if len(self._made) > _MADE:
            self._made.popitem(last=False)
        return uri

    async def listed(self, _context: Any, _page: Any) -> types.ListResourcesResult:
        """Answers `resources/list`."""
        from mcp import types

        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=one.uri, name=one.name, mime_type=one.media_type)
                for one in self._shared.values()
            ]
        )

    async def families(self, _context: Any, _page: Any) -> types.ListResourceTemplatesResult:
        """Answers `resources/templates/list`."""
        from mcp import types

        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(uri_template=family.template, name=family.name)
                for family in (self._families if self._made else self._families[:-1])
            ]
        )

    async def read(
        self, _context: Any, asked: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Answers `resources/read`."""
        from mcp import types

        return types.ReadResourceResult(contents=[contents(*self.taken(str(asked.uri)))])

    def found(self, uri: str) -> Shared:
        """What stands at an address.

        Raises:
            MCPError: nothing does.
        """
        from mcp import types
        from mcp.shared.exceptions import MCPError

        shared = self._shared.get(uri) or next(
            filter(None, (f.find(uri) for f in self._families)), None
        )
        if shared is None:
            raise MCPError(types.INVALID_PARAMS, f"There is nothing to read at {uri}")
        return shared

    def taken(self, uri: str) -> tuple[Shared, bytes]:
        """What stands at an address, and what it holds now.

        Raises:
            MCPError: nothing does, or it can't be read.
        """
        return self.taken_from(self.found(uri))

    def taken_from(self, shared: Shared) -> tuple[Shared, bytes]:
        """Something to read, and what it holds now.

        Raises:
            MCPError: it can't be read.
        """
        from mcp import types
        from mcp.shared.exceptions import MCPError

        try:
            data = shared.read()
        except OSError as error:
            complaint = f"{shared.name} can't be read: {error.strerror or error}"
            raise MCPError(types.INTERNAL_ERROR, complaint) from None
        if len(data) > MAX_FILE:
            complaint = f"{shared.name} is longer than {MAX_FILE >> 20} MB"
            raise MCPError(types.INTERNAL_ERROR, complaint)
        return shared, data


def contents(shared: Shared, data: bytes) -> Any:
    """What something holds, as an MCP answer says it: as text, if it is some."""
    from mcp import types

    kind = shared.media_type
    if _TEXT.match(kind):
        try:
            return types.TextResourceContents(
                uri=shared.uri, mime_type=kind, text=data.decode("utf-8")
            )
        except UnicodeDecodeError:
            pass
    blob = base64.b64encode(data).decode()
    return types.BlobResourceContents(uri=shared.uri, mime_type=kind, blob=blob)


def _mark(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def shared_files(paths: Sequence[str]) -> list[Shared]:
    """Files by their paths, as they are at the time they are read.

    Raises:
        ConfigError: one is no file, or two have one name.
    """
    shared: dict[str, Shared] = {}
    for root in paths:
        path = Path(root).expanduser().resolve()
        if not path.is_file():
            raise ConfigError(f"{root} can't be shared: it is no file")
        uri = f"agentlab:///files/{quote(path.name)}"
        if uri in shared:
            raise ConfigError(f"two files to share are called {path.name}: rename one of them")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        shared[uri] = Shared(uri, path.name, kind, path.read_bytes, partial(_mark, path))
    return list(shared.values())
