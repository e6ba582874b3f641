"""What the references inside one JSON Schema document point to.

    References({"$ref": "#/$defs/a", "$defs": {"a": {…}}}).target("#/$defs/a", "")
    → ({…}, "/$defs/a")

Understood: pointers (`#/…`), anchors (`#name`) and embedded resources (`$id`), each relative to the
resource that the reference stands in. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, cast
from urllib.parse import unquote, urldefrag, urljoin

Schema: TypeAlias = dict[str, Any] | bool

_DATA = ("enum", "const", "default", "examples", "example")
"""Keywords whose values are data, in which nothing is a schema."""
_NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose values map names to schemas, so that a `$id` in there is only a name."""


class References:
    """Those of one document."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._resources: dict[str, tuple[Any, str]] = {"": (root, "")}
        self._anchors: dict[tuple[str, str], tuple[Any, str]] = {}
        self._bases: dict[str, str] = {"": ""}
        self._found: dict[tuple[str, str], tuple[Schema, str] | None] = {}
        self._indexed = False

    def target(self, ref: str, at: str) -> tuple[Schema, str] | None:
        """What `ref`, standing at the pointer `at`, means, and its own pointer; None if nothing."""
        if not self._indexed:
            self._index()
        base = self._base(at)
        if (ref, base) not in self._found:
            self._found[ref, base] = self._find(ref, base)
        return self._found[ref, base]

    def _find(self, ref: str, base: str) -> tuple[Schema, str] | None:
        uri, fragment = urldefrag(urljoin(base, ref))
        resource = self._resources.get(uri)
        if resource is None:
            return None
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            resource = self._anchors.get((uri, fragment))
        elif fragment:
            resource = _follow(resource, fragment)
        return resource if resource is not None and isinstance(resource[0], (dict, bool)) else None

    def _index(self) -> None:
        self._indexed = True
        for node, at in _nodes(self._root, "", names=False):
            ids = [node.get(key) for key in ("$id", "id")]
            base = self._base(at)
            for id in ids:
                if not isinstance(id, str) or ("$ref" in node and id.startswith("#")):
                    continue
                uri, fragment = urldefrag(urljoin(base, id))
                if fragment and not id.partition("#")[0]:  # an anchor, as older drafts write it
                    self._anchors.setdefault((base, fragment), (node, at))
                    continue
                base = uri
                self._resources.setdefault(uri, (node, at))
                self._bases[at] = uri
                break
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(name := node.get(key), str):
                    self._anchors.setdefault((base, name), (node, at))

    def _base(self, at: str) -> str:
        """The address of the resource that a place belongs to."""
        if len(self._bases) == 1:
            return self._bases[""]
        while at not in self._bases:
            at = at.rpartition("/")[0]
        return self._bases[at]


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _follow(resource: tuple[Any, str], pointer: str) -> tuple[Any, str] | None:
    here, at = resource
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(key) if isinstance(here, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
        at = f"{at}/{escaped(key)}"
    return here, at


def _nodes(root: Any, at: str, *, names: bool) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object of a document that may be a schema, outer ones first."""
    stack: list[tuple[Any, str, bool]] = [(root, at, names)]
    while stack:
        node, at, names = stack.pop()
        if isinstance(node, list):
            items = enumerate(cast(list[Any], node))
            stack += [(item, f"{at}/{index}", False) for index, item in items]
        elif isinstance(node, dict):
            mapping = cast(dict[str, Any], node)
            if not names:
                yield mapping, at
            stack += [
                (value, f"{at}/{escaped(str(key))}", key in _NAMES and not names)
                for key, value in mapping.items()
                if names or key not in _DATA
            ]
