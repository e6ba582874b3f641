"""OTLP/JSON, read: the spans in a file that a collector, or `agentlab export`, wrote.

A file holds one request (`{"resourceSpans": …}`) or one a line. The field names are those of
OpenTelemetry's protocol buffers in JSON; ids are hex digits, times nanoseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json

from agentlab.errors import TraceError
from agentlab.regular import read_regular

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ReadSpan:
    """A span, as far as runs are made from it. Times are seconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    start: float
    end: float
    attributes: Json = field(default_factory=dict[str, Any])
    error: str | None = None
    """What its status says, where that is an error."""
    name: str = ""

    @property
    def operation(self) -> str:
        """What it is a span of: `chat`, `execute_tool`, `invoke_agent` …, or nothing of ours."""
        return self.text("gen_ai.operation.name")

    def text(self, key: str) -> str:
        """An attribute that is a string; else nothing."""
        value = self.attributes.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """An attribute that is a whole number, not below 0; else 0."""
        value = self.attributes.get(key)
        return max(value, 0) if isinstance(value, int) else 0

    def data(self, key: str) -> object:
        """An attribute with a structure; most SDKs write these as JSON in a string."""
        value: object = self.attributes.get(key)
        if isinstance(value, str):
            try:
                return from_json(value)
            except ValueError:
                return None
        return value


def read_spans(path: Path) -> list[ReadSpan]:
    """All spans of a file.

    Raises:
        TraceError: it can't be read, or is no OTLP/JSON.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from error
    try:
        requests = [from_json(data)]
    except ValueError:
        requests = list(_lines(path, data))
    spans = [span for request in requests for span in _spans(request)]
    if not spans:
        raise TraceError(f"{path} has no spans: OTLP/JSON is needed, with `resourceSpans`")
    return spans


def _lines(path: Path, data: bytes) -> Iterator[object]:
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield from_json(line)
            except ValueError as error:
                raise TraceError(f"{path}, line {number}, is not JSON: {error}") from None


def _spans(request: object) -> Iterator[ReadSpan]:
    for resource in _items(request, "resourceSpans"):
        for scope in _items(resource, "scopeSpans"):
            for span in _items(scope, "spans"):
                yield _span(span)


def _span(raw: Json) -> ReadSpan:
    raw_status: object = raw.get("status")
    status: Json = cast(Json, raw_status) if isinstance(raw_status, dict) else {}
    failed = status.get("code") in (2, "STATUS_CODE_ERROR")
    return ReadSpan(
        trace_id=str(raw.get("traceId", "")),
        span_id=str(raw.get("spanId", "")),
        parent_id=str(raw.get("parentSpanId", "")),
        start=_seconds(raw.get("startTimeUnixNano")),
        end=_seconds(raw.get("endTimeUnixNano")),
        attributes=_attributes(raw),
        error=str(status.get("message", "")) if failed else None,
        name=str(raw.get("name", "")),
    )


def _attributes(raw: Json) -> dict[str, Any]:
    return {str(item.get("key")): _value(item.get("value")) for item in _items(raw, "attributes")}


def _value(raw: object) -> Any:
    """An `AnyValue`: one field, named after its type."""
    if not isinstance(raw, dict) or not raw:
        return None
    kind, value = next(iter(cast(dict[str, Any], raw).items()))
    match kind:
        case "intValue":
            return _whole(value)
        case "arrayValue":
            return [_value(item) for item in _items(value, "values")]
        case "kvlistValue":
            return {str(i.get("key")): _value(i.get("value")) for i in _items(value, "values")}
        case _:
            return value


def _items(raw: object, key: str) -> Iterator[Json]:
    """The objects in a list that a field holds; whatever else stands there is passed over."""
    fields: Json = cast(Json, raw) if isinstance(raw, dict) else {}
    listed: object = fields.get(key)
    for item in cast(list[object], listed) if isinstance(listed, list) else ():
        if isinstance(item, dict):
            yield cast(Json, item)


def _whole(value: object) -> int:
    """Whole numbers are strings in OTLP/JSON, though not everyone keeps to that."""
    try:
        return int(str(value))
    except ValueError:
        return 0


def _seconds(value: object) -> float:
    return min(max(_whole(value), 0) / 1e9, 253_000_000_000)
