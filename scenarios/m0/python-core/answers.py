"""Starters, reference solutions, other right answers, and answers that look right.

Long because it is the data of three steps: some thirty programs, and nothing else.
"""

from __future__ import annotations

from agentlab.labs.declare import programs

_SAFE = """import json


def events(text):
    for line in text.split("\\n"):
        try:
            event = json.loads(line).get("event")
        except ValueError:
            continue
        if event:
            yield event


def calls(text):
{body}"""
_BODY = """    found = {}
    for event in events(text):
        if event["kind"] == "tool_started":
            call = event["call"]
            found[call["id"]] = {
                "tool": call["name"],
                "arguments": json.loads(call["arguments"]),
                "result": None,
                "error": "unfinished",
            }
        elif event["kind"] == "tool_finished":
            result = event["result"]
            if result["call_id"] in found:
                found[result["call_id"]]["result"] = result["content"]
                found[result["call_id"]]["error"] = result["error"]
    return list(found.values())
"""
_CALLS = _SAFE.format(body=_BODY)
CALLS = programs(
    starter='''import json


def calls(text):
    """The calls begun in a run, in order: dicts with tool, arguments, result and error."""
    found = []
    for line in text.splitlines():
        event = json.loads(line).get("event", {})
        if event.get("kind") == "tool_started":
            call = event["call"]
            found.append({"tool": call["name"], "arguments": call["arguments"]})
    return found
''',
    solution=_CALLS,
    also={
        "two-passes": _SAFE.format(
            body="""    told = list(events(text))
    results = {
        event["result"]["call_id"]: (event["result"]["content"], event["result"]["error"])
        for event in told
        if event["kind"] == "tool_finished"
    }
    found = []
    for event in told:
        if event["kind"] == "tool_started":
            call = event["call"]
            result, error = results.get(call["id"], (None, "unfinished"))
            arguments = json.loads(call["arguments"])
            found.append(dict(tool=call["name"], arguments=arguments, result=result, error=error))
    return found
"""
        ),
        "a-class": """import io
import json
from dataclasses import asdict, dataclass


@dataclass
class Call:
    tool: str
    arguments: dict
    result: str | None = None
    error: str | None = "unfinished"


def calls(text):
    open_calls, begun = {}, []
    for line in io.StringIO(text, newline="\\n"):
        if not line.endswith("\\n"):
            break  # a torn line
        match json.loads(line):
            case {"event": {"kind": "tool_started", "call": call}}:
                begun.append(Call(call["name"], json.loads(call["arguments"])))
                open_calls[call["id"]] = begun[-1]
            case {"event": {"kind": "tool_finished", "result": result}}:
                call = open_calls.pop(result["call_id"], None)
                if call is not None:
                    call.result, call.error = result["content"], result["error"]
    return [asdict(call) for call in begun]
""",
        "whole-lines-only": """import json


def calls(text):
    *lines, _ = text.split("\\n")  # behind the last line end is nothing, or half a line
    events = [json.loads(line)["event"] for line in lines[1:]]
    started = [e["call"] for e in events if e["kind"] == "tool_started"]
    finished = [e["result"] for e in events if e["kind"] == "tool_finished"]

    def of(call):
        for result in finished:
            if result["call_id"] == call["id"]:
                return {"result": result["content"], "error": result["error"]}
        return {"result": None, "error": "unfinished"}

    return [{"tool": c["name"], "arguments": json.loads(c["arguments"]), **of(c)} for c in started]
""",
    },
    wrong={
        "any-line-end": _CALLS.replace('text.split("\\n")', "text.splitlines()"),
        "breaks-at-a-torn-line": """import json


def calls(text):
    found = {}
    for line in text.split("\\n"):
        event = json.loads(line).get("event", {}) if line else {}
        if event.get("kind") == "tool_started":
            call = event["call"]
            found[call["id"]] = {
                "tool": call["name"],
                "arguments": json.loads(call["arguments"]),
                "result": None,
                "error": "unfinished",
            }
        elif event.get("kind") == "tool_finished":
            result = event["result"]
            if result["call_id"] in found:
                found[result["call_id"]].update(result=result["content"], error=result["error"])
    return list(found.values())
""",
        "in-the-order-of-results": _SAFE.format(
            body="""    started = [e["call"] for e in events(text) if e["kind"] == "tool_started"]
    finished = [e["result"] for e in events(text) if e["kind"] == "tool_finished"]
    finished += [{"content": None, "error": "unfinished"}] * len(started)
    return [
        {
            "tool": call["name"],
            "arguments": json.loads(call["arguments"]),
            "result": result["content"],
            "error": result["error"],
        }
        for call, result in zip(started, finished)
    ]
"""
        ),
        "what-was-asked-for": _SAFE.format(
            body="""    found = {}
    for event in events(text):
        if event["kind"] == "model_replied":
            for part in event["reply"]["message"]["parts"]:
                if part["kind"] == "tool_call":
                    found[part["id"]] = {
                        "tool": part["name"],
                        "arguments": json.loads(part["arguments"]),
                        "result": None,
                        "error": "unfinished",
                    }
        elif event["kind"] == "tool_finished":
            result = event["result"]
            found[result["call_id"]].update(result=result["content"], error=result["error"])
    return list(found.values())
"""
        ),
        "arguments-as-text": _CALLS.replace('json.loads(call["arguments"])', 'call["arguments"]'),
        "only-the-finished": _CALLS.replace(
            "list(found.values())",
            '[call for call in found.values() if call["error"] != "unfinished"]',
        ),
        "last-line-thrown-away": _CALLS.replace(
            'text.split("\\n")', 'text.rstrip("\\n").split("\\n")[:-1]'
        ),
    },
    mistakes={
        "any-line-end": "a call that ended is unfinished",
        "breaks-at-a-torn-line": "JSONDecodeError",
        "in-the-order-of-results": "its result is",
        "what-was-asked-for": "calls, and there were",
        "arguments-as-text": "its arguments are text",
        "only-the-finished": "calls, and there were",
        "last-line-thrown-away": "calls, and there were",
    },
)

_LOOP = """    for call in calls:
        counts = new.setdefault(call["tool"], {"calls": 0, "failed": 0})
        counts["calls"] += 1
        counts["failed"] += call["error"] is not None
    return new
"""
TALLY = programs(
    starter='''def tally(calls, totals={}):
    """For each tool {"calls": …, "failed": …}, added to `totals`, which stays as it is."""
    for call in calls:
        counts = totals.setdefault(call["tool"], {"calls": 0, "failed": 0})
        counts["calls"] += 1
        if call["error"] is not None:
            counts["failed"] += 1
    return totals
''',
    solution="def tally(calls, totals=None):\n"
    "    new = {tool: dict(counts) for tool, counts in (totals or {}).items()}\n" + _LOOP,
    also={
        "copied-deep": "from copy import deepcopy\n\n\ndef tally(calls, totals=()):\n"
        "    new = deepcopy(dict(totals))\n" + _LOOP,
        "counted-first": """from collections import Counter


def tally(calls, totals=None):
    begun = Counter(call["tool"] for call in calls)
    failed = Counter(call["tool"] for call in calls if call["error"])
    before = totals if totals is not None else {}
    none = {"calls": 0, "failed": 0}
    return {
        tool: {
            "calls": before.get(tool, none)["calls"] + begun[tool],
            "failed": before.get(tool, none)["failed"] + failed[tool],
        }
        for tool in [*before, *(tool for tool in begun if tool not in before)]
    }
""",
        "never-changed": """from functools import reduce


def tally(calls, totals=None):
    def add(found, call):
        old = found.get(call["tool"], {"calls": 0, "failed": 0})
        failed = 0 if call["error"] is None else 1
        new = {"calls": old["calls"] + 1, "failed": old["failed"] + failed}
        return {**found, call["tool"]: new}

    start = {tool: {**counts} for tool, counts in (totals or {}).items()}
    return reduce(add, calls, start)
""",
        "by-json": "import json\n\n\ndef tally(calls, totals=None):\n"
        "    new = json.loads(json.dumps(totals or {}))\n" + _LOOP,
    },
    wrong={
        "one-default-for-all": "def tally(calls, new={}):\n" + _LOOP,
        "adds-to-the-argument": "def tally(calls, totals=None):\n"
        "    new = {} if totals is None else totals\n" + _LOOP,
        "copied-on-the-outside": "def tally(calls, totals=None):\n    new = dict(totals or {})\n"
        + _LOOP,
        "one-dict-for-all-tools": """def tally(calls, totals=None):
    tools = [call["tool"] for call in calls]
    new = dict.fromkeys(tools, {"calls": 0, "failed": 0})
    new.update({tool: dict(counts) for tool, counts in (totals or {}).items()})
"""
        + _LOOP,
        "shared-where-nothing-was-added": """def tally(calls, totals=None):
    new = dict(totals or {})
    for call in calls:
        old = new.get(call["tool"], {"calls": 0, "failed": 0})
        failed = old["failed"] + (call["error"] is not None)
        new[call["tool"]] = {"calls": old["calls"] + 1, "failed": failed}
    return new
""",
        "totals-forgotten": "def tally(calls, totals=None):\n    new = {}\n" + _LOOP,
        "sorts-what-it-was-given": "def tally(calls, totals=None):\n"
        '    calls.sort(key=lambda call: call["tool"])\n'
        "    new = {tool: dict(counts) for tool, counts in (totals or {}).items()}\n" + _LOOP,
    },
    mistakes={
        "one-default-for-all": "counted in the run before",
        "adds-to-the-argument": "the totals it was given are others",
        "copied-on-the-outside": "the totals it was given are others",
        "one-dict-for-all-tools": "counts",
        "shared-where-nothing-was-added": "changed with the sum",
        "totals-forgotten": "counts",
        "sorts-what-it-was-given": "the calls it was given are others",
    },
)

_STORE = '''class Store:
    def __init__(self):
        self.items = {}

    def put(self, item: str, count: int) -> str:
        """Put items into the store."""
        self.items[item] = self.items.get(item, 0) + count
        return f"{self.items[item]} {item}"

    def take(self, item: str, count: int) -> str:
        """Take items out of the store."""
        there = self.items.get(item, 0)
        if count > there:
            raise ValueError(f"there are only {there} {item}")
        self.items[item] = there - count
        return f"{self.items[item]} {item}"

    def count(self, item: str) -> int:
        """How many of an item are in the store."""
        return self.items.get(item, 0)
'''
STORE = programs(
    starter="""class Store:
    items = {}

    def put(self, item, count):
        self.items[item] = self.items.get(item, 0) + count
        return self.items[item]

    def take(self, item, count):
        self.items[item] -= count
        return self.items[item]

    def count(self, item):
        return self.items[item]
""",
    solution=_STORE,
    also={
        "a-counter": '''from collections import Counter


class Store:
    def __init__(self):
        self._there = Counter()

    def put(self, item: str, count: int) -> int:
        """Put items into the store."""
        self._there[item] += count
        return self._there[item]

    def take(self, item: str, count: int) -> int:
        """Take items out of the store."""
        if self._there[item] < count:
            raise RuntimeError(f"not enough {item}: {self._there[item]}")
        self._there.subtract({item: count})
        return self._there[item]

    def count(self, item: str) -> int:
        """How many of an item are in the store."""
        return self._there[item]
''',
        "a-list-of-what-happened": '''class Store:
    def __init__(self):
        self._moves = []

    def _left(self, item):
        return sum(count for what, count in self._moves if what == item)

    def put(self, item: str, count: int) -> str:
        """Put items into the store."""
        self._moves.append((item, count))
        return f"{self._left(item)} {item}"

    def take(self, item: str, count: int) -> str:
        """Take items out of the store."""
        assert count <= self._left(item), f"only {self._left(item)} {item} are there"
        self._moves.append((item, -count))
        return f"{self._left(item)} {item}"

    def count(self, item: str) -> str:
        """How many of an item are in the store."""
        return f"{self._left(item)} {item}"
''',
        "a-dataclass": '''from dataclasses import dataclass, field


class NotEnough(Exception):
    pass


@dataclass
class Store:
    items: dict[str, int] = field(default_factory=dict)

    def put(self, item: str, count: int) -> int:
        """Put items into the store."""
        self.items = {**self.items, item: self.count(item) + count}
        return self.items[item]

    def take(self, item: str, count: int) -> int:
        """Take items out of the store."""
        if self.count(item) - count < 0:
            raise NotEnough(f"{item}: {self.count(item)}")
        return self.put(item, -count)

    def count(self, item: str) -> int:
        """How many of an item are in the store."""
        try:
            return self.items[item]
        except KeyError:
            return 0
''',
    },
    wrong={
        "one-store-for-all": _STORE.replace(
            "    def __init__(self):\n        self.items = {}\n", "    items = {}\n"
        ),
        "numbers-as-text": _STORE.replace("count: int", "count").replace(
            "self.items.get(item, 0) + count", "self.items.get(item, type(count)()) + count"
        ),
        "below-nothing": _STORE.replace("if count > there:", "if there < 0:"),
        "what-never-was": _STORE.replace(
            "return self.items.get(item, 0)\n", "return self.items[item]\n"
        ),
        "says-no-and-takes": _STORE.replace(
            'raise ValueError(f"there are only {there} {item}")', 'return "Sorry."'
        ),
        "names-that-say-nothing": _STORE.replace("def put", "def a")
        .replace("def take", "def b")
        .replace("def count", "def c"),
    },
    mistakes={
        "one-store-for-all": "store 2",
        "numbers-as-text": "kept",
        "below-nothing": "refused",
        "what-never-was": "KeyError",
        "says-no-and-takes": "refused",
    },
)
