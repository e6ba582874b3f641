"""OpenTelemetry: spans after the GenAI conventions, taken by a real collector's door."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from exported import CLOCKS, MENDED, call, ran, trace_of
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from strategies import events as any_event

from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError
from agentlab.export.otel import SpanData, spans_of
from agentlab.export.otel_ids import span_id
from agentlab.export.otel_sdk import otlp_json, send
from agentlab.messages import Message
from agentlab.trace import ParentRun, Trace, runs_in


class Collector:
    """A collector's OTLP/HTTP door: decodes what comes, and answers as one does."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        collector = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def attributes(span: Span) -> dict[str, Any]:
    """Of a span, as Python values."""

    def plain(value: Any) -> Any:
        kind = value.WhichOneof("value")
        if kind == "array_value":
            return [plain(item) for item in value.array_value.values]
        return getattr(value, kind)

    return {item.key: plain(item.value) for item in span.attributes}


def test_a_collector_gets_the_run_as_spans(runs: Path, collector: Collector):
    trace = ran(runs, *MENDED)
    assert send(spans_of(trace), collector.url) == 6
    names = sorted(span.name for span in collector.spans)
    assert names == sorted(
        ["invoke_agent divider", *["chat scripted"] * 3, *["execute_tool divide"] * 2]
    )
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    others = [span for span in collector.spans if span is not root]
    assert root.name == "invoke_agent divider"
    assert {span.parent_span_id for span in others} == {root.span_id}
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    for span in others:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    resource = collector.requests[0].resource_spans[0].resource
    assert [item.value.string_value for item in resource.attributes] == ["agentlab"]


def test_spans_say_what_the_conventions_ask_for(runs: Path, collector: Collector):
    send(spans_of(ran(runs, *MENDED)), collector.url)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for span in collector.spans:
        by_name.setdefault(span.name.split()[0], []).append(attributes(span))
    (run,) = by_name["invoke_agent"]
    assert run["gen_ai.operation.name"] == "invoke_agent"
    assert run["gen_ai.agent.name"] == "divider"
    assert run["gen_ai.usage.input_tokens"] == 300
    assert run["gen_ai.usage.output_tokens"] == 21
    assert run["agentlab.run.outcome"] == "completed"
    assert run["agentlab.label.step"] == "first"
    first, _, last = by_name["chat"]
    assert first["gen_ai.operation.name"] == "chat"
    assert first["gen_ai.request.model"] == "scripted"
    assert first["gen_ai.usage.cache_read.input_tokens"] == 40
    assert first["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert last["gen_ai.response.finish_reasons"] == ["stop"]
    failed, worked = by_name["execute_tool"]
    assert failed["error.type"] == "tool_error"
    assert "error.type" not in worked
    assert worked["gen_ai.tool.name"] == "divide"
    assert worked["gen_ai.tool.call.id"] == "call_1"
    assert worked["gen_ai.tool.type"] == "function"
    statuses = {s.name: s.status.code for s in collector.spans if s.name == "chat scripted"}
    assert set(statuses.values()) == {Status.STATUS_CODE_UNSET}


def test_what_was_said_goes_along_only_when_asked_for(runs: Path, collector: Collector):
    trace = ran(runs, *MENDED)
    send(spans_of(trace), collector.url)
    assert "6 / 2" not in str(collector.requests)
    send(spans_of(trace, content=True), collector.url)
    chats = [attributes(s) for s in collector.spans[6:] if s.name.startswith("chat")]
    asked = json.loads(chats[1]["gen_ai.input.messages"])
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[0]["parts"] == [{"type": "text", "content": "What is 6 / 2?"}]
    assert asked[1]["parts"][0] == {"type": "reasoning", "content": "Let me see."}
    made, answered = asked[1]["parts"][2], asked[2]["parts"][0]
    assert made["arguments"] == {"a": 6, "b": 0}
    assert answered["type"] == "tool_call_response"
    assert answered["id"] == made["id"]
    (output,) = json.loads(chats[2]["gen_ai.output.messages"])
    assert output["finish_reason"] == "stop"
    assert json.loads(chats[0]["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Divide."}
    ]
    assert "gen_ai.tool.definitions" in attributes(collector.spans[6])


def test_the_same_run_gives_the_same_spans(runs: Path):
    trace = ran(runs, *MENDED)
    assert spans_of(trace) == spans_of(Trace.load(trace.path))
    ids = [span.span_id for span in spans_of(trace)]
    assert len(set(ids)) == len(ids)


def test_an_agent_called_as_a_tool_hangs_below_the_call(runs: Path):
    helper = Agent(name="helper", backend=Scripted(["42"]), runs=runs)
    asks = Message.assistant(call("c1", name="ask_helper", request="?"))
    boss = Agent(
        name="boss", backend=Scripted([asks, "It is 42."]), tools=[helper.as_tool()], runs=runs
    )
    boss.run_sync("Find out.")
    by_agent = {t.header.agent: t for t in map(Trace.load, runs_in(runs))}
    above, below = spans_of(by_agent["boss"]), spans_of(by_agent["helper"])
    (tool_span,) = [span for span in above if span.name.startswith("execute_tool")]
    assert below[0].parent_id == tool_span.span_id
    assert {span.trace_id for span in below} == {above[0].trace_id}


def test_a_fork_links_to_the_run_it_came_from(runs: Path):
    trace = ran(runs, *MENDED)
    agent = Agent(backend=Scripted(["hi"]), runs=runs)
    path = agent.run_sync("x", parent=ParentRun(run=trace.header.run, seq=2)).path
    assert path is not None
    (child, *_), (parent, *_) = spans_of(Trace.load(path)), spans_of(trace)
    assert child.links == ((parent.trace_id, parent.span_id),)
    assert child.trace_id != parent.trace_id


def test_a_run_that_failed_or_broke_off_is_an_error(runs: Path):
    trace = ran(runs, *MENDED)
    cut = Trace(path=trace.path, header=trace.header, records=trace.records[:3])
    root, *rest = spans_of(cut)
    assert root.attributes["error.type"] == "broken_off"
    assert rest[-1].attributes["error.type"] == "broken_off"
    assert rest[-1].error


def test_a_collector_that_is_not_there_is_one_line(tmp_path: Path):
    spans = spans_of(trace_of([], tmp_path))
    with pytest.raises(TraceError, match="is a collector listening there"):
        send(spans, "http://127.0.0.1:9", timeout=0.2)


def test_a_collector_that_refuses_is_an_error(tmp_path: Path):
    collector = Collector(status=400)
    try:
        with pytest.raises(TraceError, match="400"):
            send(spans_of(trace_of([], tmp_path)), collector.url)
    finally:
        collector.close()


def test_otlp_json_reads_back_as_the_same_request(runs: Path, collector: Collector):
    from google.protobuf.json_format import ParseDict

    spans = spans_of(ran(runs, *MENDED), content=True)
    send(spans, collector.url)
    plain = json.loads(otlp_json(spans))
    written = plain["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [item["spanId"] for item in written] == [span.span_id for span in spans]
    assert {item["traceId"] for item in written} == {spans[0].trace_id}
    for item in written:
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in item:
                item[key] = base64.b64encode(bytes.fromhex(item[key])).decode()
    assert ParseDict(plain, ExportTraceServiceRequest()) == collector.requests[0]


def test_the_names_are_those_of_the_conventions():
    conventions = import_module("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    known = {
        v for k, v in vars(conventions).items() if k.startswith("GEN_AI_") and isinstance(v, str)
    }
    source = Path(spans_of.__code__.co_filename).read_text()
    used = set(re.findall(r'"(gen_ai\.[a-z_.]+)"', source))
    assert used
    assert used <= known


@given(
    st.lists(any_event, max_size=6),
    CLOCKS,
)
def test_any_trace_makes_spans_that_can_be_sent(events: list[Any], clocks: list[float]):
    spans = spans_of(trace_of(events, Path("nowhere"), clocks), content=True)
    assert all(isinstance(span, SpanData) and 0 <= span.start <= span.end for span in spans)
    json.loads(otlp_json(spans))
    assert len({span.span_id for span in spans}) == len(spans)
    assert spans[0].parent_id == span_id("../../etc/passwd", "tool", "<u>")
