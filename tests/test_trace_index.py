"""An index of a folder changes what an answer takes, and never what it is."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentlab import Agent, ToolCall, tool
from agentlab.agent import sync
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message
from agentlab.replay import fork
from agentlab.trace import Trace, query, stamps
from agentlab.trace.query import queries
from agentlab.trace.results import ResultsHeader, ResultsWriter, RunResult, Score

VIEWS = ("runs", "events", "replies", "tool_calls", "results")
SQL = (
    *(f"SELECT * FROM {view}" for view in VIEWS),
    "SELECT run, event->>'$.reply.stop' FROM events WHERE kind = 'model_replied'",
    "SELECT agent, kind, count(*), sum(steps) FROM runs JOIN results USING (run) GROUP BY ALL",
    "SELECT content, arguments FROM tool_calls WHERE error IS NOT NULL",
)


@tool
async def add(a: int, b: int) -> str:
    """Add two numbers."""
    return f"{a} and {b} make “{a + b}”\n\u0000\u2028"


def recorded(folder: Path, *, steps: int = 2) -> Path:
    call = ToolCall(id="1", name="add", arguments='{"a": 2, "b": 3}')  # the same id each time
    wrong = ToolCall(id="2", name="add", arguments='{"a": "zwei"}')
    said = [Message.assistant("Ich rechne…", call, wrong)] * steps + ["5"]
    path = Agent(backend=Scripted(said), tools=[add], runs=folder).run_sync("2 + 3?").path
    assert path is not None
    return path


def judge(folder: Path, name: str, *runs: str, kind: str = "eval") -> Path:
    writer = ResultsWriter(folder, ResultsHeader(name=name, kind=kind))  # type: ignore[arg-type]
    for number, run in enumerate(runs):
        scores = {"right": Score.of(number % 2 == 0, "so"), "b'c\"": Score(value=0.5, passed=True)}
        writer.append(RunResult(run=run, sample=f"s{number % 3}", scores=scores))
    writer.append(RunResult(run=runs[-1], sample="again", error="no answer"))
    writer.close()
    return writer.path


STRANGE = {
    "header only": b'{"format":"agentlab-trace","run":"x","created":1}\n',
    "two headers": b'{"format":"agentlab-trace","created":1,"agent":"a"}\n' * 2,
    "no header": b'{"seq":0,"at":1.5,"event":{"kind":"model_replied"}}\n',
    "columns of other kinds": b'{"format":"agentlab-trace","created":"now","agent":7,"labels":[1],'
    b'"parent":{"run":3,"seq":"2"},"backend":"b"}\n{"seq":"4","at":9e99,"event":{"kind":1}}\n'
    b'{"seq":1.5,"at":null,"event":"text"}\n{"seq":2,"at":3,"event":[1,{"kind":"x"}]}\n',
    "a key twice": b'{"seq":1,"seq":2,"at":1,"event":{"kind":"a"},'
    b'"event":{"kind":"b","kind":"c"}}\n',
    "escapes": b'{"seq":1,"at":1,"event":{"kind":"\\u0061","x":"\\ud800 \\u0000 \\/ \\u00e9",'
    b'"n":1.50,"big":123456789012345678901234567890,"e":1E5}}\n',
    "spaces": b' { "seq" : 1 , "at" : 2 , "event" : { "kind" : "run_failed" , '
    b'"error" : "E" } } \r\n',
    "garbage": b"\xff\xfe\x00\n{\n[]\n7\n\n\n" + b'{"seq":3,"at":1,"event":{"kind":"k"}}\n',
    "broken utf-8": b'{"seq":1,"at":1,"event":{"kind":"k","t":"\xc3"}}\n',
    "torn": b'{"format":"agentlab-trace","created":1}\n{"seq":0,"at":1,"event":{"kind":"ki',
    "nothing": b"",
    "one line": b'{"seq":1,"at":1,"event":{"kind":"k"}}',
    "a result without its call": b'{"seq":1,"at":1,"event":{"kind":"tool_finished","result":'
    b'{"call_id":"1","content":"c"}}}\n{"seq":2,"at":1,"event":{"kind":"tool_started","call":'
    b'{"id":"1","name":"n","arguments":{"a":1}}}}\n',
    "o'brien": b'{"format":"agentlab-trace","created":1,"labels":{"scenario":"m1/x"}}\n',
    "": b'{"format":"agentlab-trace","created":2}\n',
}


def strange(folder: Path) -> None:
    """Runs and results as people have them, and as nobody should."""
    parent = recorded(folder)
    child = Agent(backend=Scripted(["7"]), tools=[add], runs=folder)
    sync(fork(Trace.load(parent), at=5, agent=child, tool_result="7"))
    for name, data in STRANGE.items():
        (folder / f"{name}.jsonl").write_bytes(data)
    (folder / "gone.jsonl").symlink_to("nowhere")
    (folder / "folder.jsonl").mkdir()
    runs = [parent.stem, "header only", "nowhere at all", parent.stem]
    judge(folder, "an-eval", *runs)
    judge(folder, "a-lab", *runs, kind="lab")
    (folder / "results" / "odd.jsonl").write_bytes(
        b'{"format":"agentlab-results","name":"odd","kind":7}\n{"run":3,"scores":[1]}\nnonsense\n'
        b'{"run":"x","epoch":"y","scores":{"s":{"value":"high","passed":"yes"}}}\n{"run":"torn'
    )
    (folder / "results" / "none.jsonl").write_bytes(b"")


def answers(folder: Path, *sql: str) -> list[list[str]]:
    tables = queries(folder, sql or SQL)
    return [[repr(columns), *sorted(map(repr, rows))] for columns, rows in tables]


@pytest.fixture
def by_files(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """What the files say, read whole."""

    def read(folder: Path, *sql: str) -> list[list[str]]:
        with monkeypatch.context() as patch:
            patch.setattr(query, "SMALL", 1 << 60)
            return answers(folder, *sql)

    return read


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder has an index, and files are taken in as soon as they are written."""
    monkeypatch.setattr(query, "SMALL", 0)
    monkeypatch.setattr(stamps, "QUIET", 0)


@pytest.fixture
def only_index(indexed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that the index can't give fails."""

    real = query._by_files  # pyright: ignore[reportPrivateUsage]

    def read(*args: Any) -> Any:
        assert query.SMALL, "the files were read whole"
        return real(*args)

    monkeypatch.setattr(query, "_by_files", read)


def index_in(folder: Path) -> Path:
    (path,) = (folder / ".index").glob("*.duckdb")
    return path


@pytest.mark.usefixtures("indexed")
def test_each_view_says_the_same_with_an_index_and_without(
    runs: Path, by_files: Callable[..., list[list[str]]]
) -> None:
    strange(runs)
    plain = by_files(runs)
    assert [len(rows) > 2 for rows in plain] == [True] * len(SQL)
    assert answers(runs) == plain  # as the index is written
    assert answers(runs) == plain  # and once it is there


@pytest.mark.usefixtures("only_index")
def test_the_index_alone_answers(runs: Path) -> None:
    strange(runs)
    answers(runs)
    before = index_in(runs).read_bytes()
    answers(runs)
    assert index_in(runs).read_bytes() == before


def grow(folder: Path, draw: random.Random) -> None:
    with draw.choice(traces(folder)).open("ab") as file:
        file.write(b'{"seq":99,"at":5,"event":{"kind":"later","n":%d}}\n' % draw.randrange(99))


def tear(folder: Path, draw: random.Random) -> None:
    path = draw.choice(traces(folder))
    os.truncate(path, draw.randrange(path.stat().st_size + 1))


def delete(folder: Path, draw: random.Random) -> None:
    if len(traces(folder)) > 3:
        draw.choice(traces(folder)).unlink()


def replace(folder: Path, draw: random.Random) -> None:
    """The same size and time of modification: an editor's work, or a thief's."""
    path = draw.choice(traces(folder))
    data, status = path.read_bytes(), path.stat()
    path.write_bytes(data.replace(b'"at":1', b'"at":2').replace(b"completed", b"cancelled"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def swap(folder: Path, draw: random.Random) -> None:
    a, b = draw.choice(traces(folder)), draw.choice(traces(folder))
    a.rename(folder / "between")
    if b != a:
        b.rename(a)
    (folder / "between").rename(b)


def add_run(folder: Path, draw: random.Random) -> None:
    recorded(folder, steps=draw.randrange(3))


def judge_more(folder: Path, draw: random.Random) -> None:
    judge(folder, f"e{draw.randrange(3)}", *(path.stem for path in traces(folder)[:3]))


def judge_less(folder: Path, draw: random.Random) -> None:
    draw.choice([*(folder / "results").iterdir(), folder / "nothing"]).unlink(missing_ok=True)


def traces(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.is_file())


CHANGES = (grow, tear, delete, replace, swap, add_run, judge_more, judge_less)


@pytest.mark.usefixtures("only_index")
@pytest.mark.parametrize("share", [0, 0.2, 99])
def test_whatever_happens_to_the_files_the_next_answer_knows(
    runs: Path,
    share: float,
    by_files: Callable[..., list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query, "SHARE", share)
    draw = random.Random(share)
    strange(runs)
    answers(runs)
    for change in draw.sample(CHANGES, len(CHANGES)):
        for _ in range(draw.randrange(1, 4)):
            change(runs, draw)
        assert answers(runs) == by_files(runs), change.__name__
