"""Spans, handed to the official OpenTelemetry SDK: sent to a collector, or written as OTLP/JSON."""

from __future__ import annotations

import base64
import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

from pydantic_core import to_json

from agentlab.backends.address import keep_out_of_logs, secrets_in, shown_address
from agentlab.errors import MissingExtra, TraceError
from agentlab.export.otel import SpanData
from agentlab.trace.redaction import Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_IDS = ("traceId", "spanId", "parentSpanId")


def send(
    spans: Iterable[SpanData],
    endpoint: str,
    *,
    service: str = "agentlab",
    batch: int = 256,
    timeout: float = 5.0,
) -> int:
    """Send spans to a collector by OTLP/HTTP; how many were sent.

    Headers, certificates and compression are those of the SDK's own `OTEL_EXPORTER_OTLP_…`
    variables.

    Args:
        endpoint: of the collector, e.g. `http://localhost:4318`; `/v1/traces` is added.
        batch: spans in one request.
        timeout: seconds for each request, tries again included.

    Raises:
        TraceError: the collector does not take them.
        MissingExtra: the SDK is not installed.
    """
    with _sdk():
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import SpanExportResult
    url = _traces_of(endpoint)
    keep_out_of_logs(endpoint)
    ready = [_readable(span, service) for span in spans]
    exporter = OTLPSpanExporter(endpoint=url, timeout=timeout)
    try:
        for start in range(0, len(ready), batch):
            with _overheard() as warnings:
                result = exporter.export(ready[start : start + batch])
            if result is not SpanExportResult.SUCCESS:
                hidden = Redactor(secrets_in(endpoint))
                why = f" ({hidden.data(warnings[-1].encode()).decode()})" if warnings else ""
                raise TraceError(
                    f"the spans were not taken at {shown_address(url)}{why}: is a collector "
                    "listening there? Give another with --endpoint, or write them to a file with -o"
                )
    finally:
        exporter.shutdown()
    return len(ready)


def _traces_of(endpoint: str) -> str:
    """Where traces are sent to; a query, in which a key may stand, stays behind the path."""
    parts = urlsplit(endpoint)
    path = parts.path.rstrip("/").removesuffix("/v1/traces")
    return urlunsplit(parts._replace(path=f"{path}/v1/traces"))


def otlp_json(spans: Iterable[SpanData], *, service: str = "agentlab") -> str:
    """The spans as one OTLP/JSON request, a line as the collector's file receiver reads it.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    with _sdk():
        from google.protobuf.json_format import MessageToDict
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import (
            encode_spans,
        )
    request = encode_spans([_readable(span, service) for span in spans])
    plain: Any = MessageToDict(request, use_integers_for_enums=True)
    return to_json(_with_hex_ids(plain)).decode()


def _with_hex_ids(value: Any) -> Any:
    """OTLP/JSON writes ids in hex, where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        return {
            key: base64.b64decode(item).hex() if key in _IDS else _with_hex_ids(item)
            for key, item in fields.items()
        }
    return value


def _readable(span: SpanData, service: str) -> ReadableSpan:
    """A span as the SDK has it, finished."""
    with _sdk():
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import (
            Link,
            SpanContext,
            SpanKind,
            Status,
            StatusCode,
            TraceFlags,
        )

    def context(trace: str, span_id: str) -> SpanContext:
        sampled = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(trace, 16), int(span_id, 16), is_remote=False, trace_flags=sampled)

    return ReadableSpan(
        name=span.name,
        context=context(span.trace_id, span.span_id),
        parent=context(span.trace_id, span.parent_id) if span.parent_id else None,
        resource=Resource({"service.name": service}),
        attributes=span.attributes,
        links=[Link(context(*link)) for link in span.links],
        kind=SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope("agentlab"),
    )


@contextmanager
def _sdk() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra("the OpenTelemetry SDK", "otel") from error


@contextmanager
def _overheard() -> Generator[list[str]]:
    """What the SDK logs of a failure, kept for the error instead of shown beside it."""
    warnings: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.append(" ".join(record.getMessage().split())[:200])

    logger, ear = logging.getLogger("opentelemetry"), Ear(logging.WARNING)
    before = logger.propagate
    logger.addHandler(ear)
    logger.propagate = False
    try:
        yield warnings
    finally:
        logger.removeHandler(ear)
        logger.propagate = before
