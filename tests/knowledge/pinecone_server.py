"""A small HTTP server that speaks Pinecone's protocol, as its published reference has it.

It holds what it is sent in memory, ranks by exact cosine similarity, evaluates filters made of
`$and` and `$eq`, pages its lists, and refuses what the service would refuse.
"""

from __future__ import annotations

import json
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import numpy as np

Json: TypeAlias = dict[str, Any]

KEY = "pc-test"
PAGE = 7


class PineconeServer:
    """An account with one index."""

    def __init__(self, dimension: int, metric: str = "cosine", index: str = "docs") -> None:
        self.dimension, self.metric, self.index = dimension, metric, index
        self.namespaces: dict[str, dict[str, Json]] = defaultdict(Json)
        self.requests: list[tuple[str, Json]] = []
        self.fail: list[int] = []
        """Statuses to answer the next requests with."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer({k: v if k == "ids" else v[0] for k, v in self.query().items()})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                if len(raw) > 2 << 20:
                    self.send(413, {"message": "request larger than 2 MB"})
                    return
                self.answer(json.loads(raw or b"{}"))

            def query(self) -> dict[str, list[str]]:
                return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

            def answer(self, body: Json) -> None:
                path = urlsplit(self.path).path
                outer.requests.append((path, body))
                if outer.fail:
                    self.send(outer.fail.pop(0), {"message": "not now"})
                elif self.headers.get("api-key") != KEY:
                    self.send(401, {"error": {"code": "UNAUTHENTICATED", "message": "Bad key"}})
                else:
                    self.send(*outer.handle(path, body))

            def send(self, status: int, body: Json) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, path: str, body: Json) -> tuple[int, Json]:
        if path == f"/indexes/{self.index}":
            status = {"ready": True, "state": "Ready"}
            vector = {"type": "dense_vector", "dimension": self.dimension, "metric": self.metric}
            place = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"}
            about = {"name": self.index, "host": self.url, "deployment": place, "status": status}
            schema = {"fields": {"_values": vector}}
            return 200, {**about, "schema": schema, "deletion_protection": "disabled"}
        if path.startswith("/indexes/"):
            return 404, {"error": {"code": "NOT_FOUND", "message": "Resource not found"}}
        records = self.namespaces[body.get("namespace", "")]
        match path:
            case "/vectors/upsert":
                return self.upsert(records, body["vectors"])
            case "/vectors/delete":
                if len(body["ids"]) > 1000:
                    return 400, {"code": 3, "message": "too many ids"}
                for id in body["ids"]:
                    records.pop(id, None)
                return 200, {}
            case "/vectors/fetch":
                found = {id: records[id] for id in body.get("ids", []) if id in records}
                return 200, {"vectors": found, "namespace": body.get("namespace", "")}
            case "/vectors/list":
                page, after = self.page(sorted(records), body.get("paginationToken"))
                return 200, {"vectors": [{"id": id} for id in page], **after}
            case "/vectors/fetch_by_metadata":
                chosen = sorted(
                    id for id, r in records.items() if holds(body["filter"], r["metadata"])
                )
                page, after = self.page(chosen, body.get("paginationToken"))
                return 200, {"vectors": {id: records[id] for id in page}, **after}
            case "/query":
                return 200, {"matches": self.ranked(records, body), "namespace": ""}
            case "/describe_index_stats":
                counted = {
                    n: {"vectorCount": len(found)} for n, found in self.namespaces.items() if found
                }
                total = sum(map(len, self.namespaces.values()))
                stats = {"dimension": self.dimension, "totalVectorCount": total}
                return 200, {"namespaces": counted, "indexFullness": 0, **stats}
            case _:
                return 404, {"message": path}

    def upsert(self, records: dict[str, Json], vectors: list[Json]) -> tuple[int, Json]:
        for vector in vectors:
            if len(vector["values"]) != self.dimension:
                return 400, {"code": 3, "message": "Vector dimension does not match"}
            if not vector["id"].isascii() or not 0 < len(vector["id"]) <= 512:
                return 400, {"code": 3, "message": "Vector ID must be ASCII"}
            if len(json.dumps(vector["metadata"], ensure_ascii=False).encode()) > 45_000:
                return 400, {"code": 3, "message": "Metadata size exceeds the limit"}
            for value in vector["metadata"].values():
                if not isinstance(value, str | int | float | bool):
                    return 400, {"code": 3, "message": "Metadata value must be a scalar"}
        if len(vectors) > 1000:
            return 400, {"code": 3, "message": "too many vectors"}
        for vector in vectors:
            # All numbers become float64 there
            numbers = {
                name: float(value) if type(value) is int else value
                for name, value in vector["metadata"].items()
            }
            records[vector["id"]] = {**vector, "metadata": numbers}
        return 200, {"upsertedCount": len(vectors)}

    def page(self, ids: list[str], token: str | None) -> tuple[list[str], Json]:
        begin = int(token or 0)
        more = begin + PAGE < len(ids)
        return ids[begin : begin + PAGE], {
            "pagination": {"next": str(begin + PAGE)}
        } if more else {}

    def ranked(self, records: dict[str, Json], body: Json) -> list[Json]:
        query = np.array(body["vector"], np.float32)
        chosen = [r for r in records.values() if holds(body.get("filter"), r["metadata"])]
        scored = [(float(np.dot(query, np.array(r["values"], np.float32))), r) for r in chosen]
        scored.sort(key=lambda pair: -pair[0])
        return [
            {"id": r["id"], "score": score, "metadata": r["metadata"]}
            for score, r in scored[: body["topK"]]
        ]


def holds(filter: Json | None, metadata: Json) -> bool:
    """Whether a filter, made of `$and` and `$eq`, is true of a record's metadata."""
    for name, wanted in (filter or {}).items():
        if name == "$and":
            if not all(holds(one, metadata) for one in wanted):
                return False
            continue
        value, other = metadata.get(name), wanted["$eq"]
        if value is None or isinstance(value, bool) != isinstance(other, bool) or value != other:
            return False
    return True
