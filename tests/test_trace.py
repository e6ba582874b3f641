"""A trace holds everything that was shown, loads whatever happened to it, and trusts nothing."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from pathlib import Path

import pytest
import strategies
from conversation import call, calls, kinds, load, whole
from hypothesis import given
from hypothesis import strategies as st

from agentlab import Agent, ToolContext, tool
from agentlab.backend import BackendIdentity
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError, TraceVersionError
from agentlab.events import ModelReplied, RunFinished, RunStarted, UnknownEvent
from agentlab.messages import Artifact, Blob, Image, Message
from agentlab.trace import (
    BlobFolder,
    TraceHeader,
    find_run,
    new_run_id,
    read_header,
    runs_in,
    trace_path,
)
from agentlab.trace.query import query
from agentlab.trace.writing import TraceWriter

IDENTITY = BackendIdentity(name="scripted", model="scripted")


def header(run: str = "r1", **options) -> TraceHeader:
    return TraceHeader(run=run, created=1.5, backend=IDENTITY, **options)


def write(folder: Path, *events, run: str = "r1") -> Path:
    writer = TraceWriter(folder, header(run))
    for event in events:
        writer.append(event)
    writer.close()
    return writer.path


STARTED = RunStarted(messages=(Message.user("Grüße 😀\x00"),))
FINISHED = RunFinished(outcome="completed", output="ok")


# Writers one after another


def test_the_first_record_behind_a_header_alone_has_the_number_0(tmp_path):
    write(tmp_path)
    path = write(tmp_path, STARTED, FINISHED)
    assert [record.seq for record in load(path).records] == [0, 1]
    write(tmp_path, FINISHED)
    assert [record.seq for record in load(path).records] == [0, 1, 2]


def test_a_second_writer_is_told_which_trace_is_being_written(tmp_path):
    writer = TraceWriter(tmp_path, header())
    with pytest.raises(TraceError, match="still being written") as refused:
        TraceWriter(tmp_path, header())
    assert str(writer.path) in str(refused.value)
    writer.close()


def test_a_header_without_the_end_of_its_line_is_no_trace_to_go_on_with(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with pytest.raises(TraceError, match="it has no whole line"):
        TraceWriter(tmp_path, header())


def test_what_is_wrong_with_a_header_is_said_with_the_file_and_the_place(tmp_path):
    path = write(tmp_path)
    fields = json.loads(path.read_text())
    fields["backend"]["name"] = 5
    path.write_text(json.dumps(fields) + "\n")
    for read in (load, read_header):
        with pytest.raises(TraceError, match=r"damaged header: 'backend\.name'") as damaged:
            read(path)
        assert str(damaged.value).startswith(f"{path} ")
        assert "pydantic.dev" not in str(damaged.value)


# Round trips


@given(events=st.lists(strategies.events, max_size=5))
def test_any_events_come_back_as_they_were(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("runs", numbered=True)
    path = write(folder, *events)
    trace = load(path)
    assert trace.events == tuple(events)
    assert trace.torn == 0
    assert trace.header == header() == read_header(path)
    for line in path.read_bytes().rstrip(b"\n").split(b"\n"):
        json.loads(line)
    for event in trace.events:
        if isinstance(event, RunStarted):
            for part in (p for m in event.messages for p in m.parts if isinstance(p, Image)):
                assert len(part.blob.read()) == part.blob.size


async def test_a_runs_file_grows_in_line_with_its_steps(runs):
    @tool
    def f() -> str:
        return "x"

    async def size(steps: int) -> int:
        from agentlab import Limits

        backend = Scripted([calls(call("f"))] * steps + ["ok"])
        agent = Agent(backend=backend, tools=[f], runs=runs, limits=Limits(steps=None))
        path = (await agent.run("?")).path
        assert path is not None
        return path.stat().st_size

    ten, hundred, thousand = [await size(n) for n in (10, 100, 1000)]
    assert (thousand - hundred) / 900 == pytest.approx((hundred - ten) / 90, rel=0.05)


async def test_files_of_tools_lie_beside_the_trace_by_hash_and_once(runs):
    @tool
    def plot(context: ToolContext) -> str:
        context.attach("plot.png", b"\x89PNG\x00", "image/png")
        return "plotted"

    backend = Scripted([calls(call("plot", id="a"), call("plot", id="b")), "ok"])
    result = await Agent(backend=backend, tools=[plot], runs=runs).run("?")
    loaded = [
        a
        for e in whole(result.path).events
        if e.kind == "tool_finished"
        for a in e.result.artifacts
    ]
    assert [a.blob.read() for a in loaded] == [b"\x89PNG\x00"] * 2
    assert [p.name for p in (runs / "blobs").iterdir()] == [loaded[0].blob.sha256]
    assert all(b"PNG" not in path.read_bytes() for path in runs.glob("*.jsonl"))


def test_many_threads_may_write_the_same_blob_at_once(tmp_path):
    store, blob, errors = BlobFolder(tmp_path), Blob.of(b"x" * 100_000), []

    def put() -> None:
        try:
            for _ in range(20):
                store.put(blob.sha256, b"x" * 100_000)
                store.path(blob.sha256).unlink(missing_ok=True)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [p for p in (tmp_path / "blobs").iterdir() if p.suffix == ".part"] == []


def test_surrogates_anywhere_are_written_as_marks(tmp_path):
    path = write(
        tmp_path, STARTED, RunFinished(outcome="completed", output={"\udcff": ["\ud800", 1]})
    )
    assert load(path).events[1].output == {"\ufffd": ["\ufffd", 1]}


def test_a_trace_is_its_owners_alone(tmp_path):
    assert write(tmp_path, STARTED).stat().st_mode & 0o777 == 0o600


# Torn


def test_a_tail_torn_at_any_byte_loses_only_the_record_it_is_in(tmp_path):
    path = write(tmp_path, STARTED, FINISHED, STARTED)
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for size in range(first, len(data) + 1):
        path.write_bytes(data[:size])
        trace = load(path)
        whole_lines = sum(end <= size for end in ends)
        assert len(trace.records) == whole_lines - 1
        assert (trace.torn > 0) == (size not in ends)


def test_a_writer_goes_on_behind_a_tail_torn_at_any_byte(tmp_path):
    path = write(tmp_path, STARTED, FINISHED)
    data = path.read_bytes()
    for size in range(data.index(b"\n") + 1, len(data) + 1):
        path.write_bytes(data[:size])
        kept = len(load(path).records)
        write(tmp_path, STARTED)
        trace = load(path)
        assert trace.torn == 0
        assert [record.seq for record in trace.records] == list(range(kept + 1))


def test_a_header_torn_at_any_byte_says_that_this_is_no_trace(tmp_path):
    path = write(tmp_path)
    data = path.read_bytes()
    for size in range(len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(TraceError, match="not a trace"):
            load(path)
        with pytest.raises(TraceError):
            TraceWriter(tmp_path, header())


@given(at=st.integers(0, 10**6), junk=st.binary(min_size=1, max_size=20))
def test_junk_in_the_middle_costs_the_records_it_touches_and_no_others(tmp_path_factory, at, junk):
    path = write(tmp_path_factory.mktemp("runs"), *[STARTED] * 10)
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    at = first + at % (len(data) - first)
    path.write_bytes(data[:at] + junk + data[at:])
    trace = load(path)
    assert sum(event == STARTED for event in trace.events) >= 9


# Things to come


def test_events_of_a_later_version_load_as_unknown_and_keep_their_data(tmp_path):
    path = write(tmp_path, STARTED)
    record = {"seq": 1, "at": 2.0, "event": {"kind": "dreamed", "of": ["sheep"]}, "mood": 1}
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    trace = load(path)
    assert trace.events[1] == UnknownEvent(data={"kind": "dreamed", "of": ["sheep"]})
    assert trace.torn == 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"version": 2, "agentlab": "9.1"}, TraceVersionError, "install agentlab-kit 9.1 or newer"),
        ({"version": 10**30, "agentlab": None}, TraceVersionError, "in its newest version"),
        ({"version": 2, "agentlab": "\x1b[2J; rm -rf /"}, TraceVersionError, "in its newest"),
        ({"version": 0}, TraceError, "damaged header: 'version'"),
        ({"version": "2"}, TraceError, "damaged header: 'version'"),
        ({"version": None}, TraceError, "damaged header: 'version'"),
        ({"format": "other"}, TraceError, "does not say 'agentlab-trace'"),
        ({"created": "soon"}, TraceError, "damaged header: 'created'"),
        ({"run": "../../etc/cron"}, TraceError, "damaged header: 'run'"),
        ({"run": "/etc/passwd"}, TraceError, "damaged header: 'run'"),
        ({"run": ".."}, TraceError, "damaged header: 'run'"),
        ({"run": "a\n"}, TraceError, "damaged header: 'run'"),
        ({"run": "a\x00b"}, TraceError, "damaged header: 'run'"),
        ({"run": "x" * 101}, TraceError, "damaged header: 'run'"),
        ({"labels": {"\x1b[2J": 1}}, TraceError, "damaged header"),
        ({"later": {"any": "thing"}}, None, None),
    ],
)
def test_a_header_is_not_trusted(tmp_path, changes, error, says):
    path = write(tmp_path, STARTED)
    first, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps({**json.loads(first), **changes}) + "\n" + rest)
    if error is None:
        assert load(path).events == (STARTED,)
        return
    with pytest.raises(error, match=says) as caught:
        load(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b"5", b"[" * 10_000, b"\xff\xfe", b'{"format":"', b"9" * 5000],
)
def test_a_file_that_is_no_trace_says_so(tmp_path, line):
    path = tmp_path / "x.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(TraceError, match="is not a trace"):
        load(path)


@pytest.mark.parametrize(
    "event",
    [
        "{}", "null", "[]", '{"kind": "run_finished"}', '{"kind": 5}', '{"kind": ["a"]}',
        '{"kind": "tool_started", "call": {"id": 1}}', "[" * 10_000, '{"kind": {"a": 1}}',
        '{"kind": "tool_finished", "result": {"call_id": "1", "content": "", "artifacts": [{'
        '"name": "x", "media_type": "y", "blob": {"sha256": "../../../etc/passwd", "size": 1}}]}}',
    ],
)  # fmt: skip
def test_a_damaged_record_is_left_out_and_counted(tmp_path, event):
    path = write(tmp_path, STARTED)
    with path.open("a") as file:
        file.write(f'{{"seq": 1, "at": 1.0, "event": {event}}}\n')
    write(tmp_path, FINISHED)
    trace = load(path)
    line = f'{{"seq": 1, "at": 1.0, "event": {event}}}'
    assert trace.events == (STARTED, FINISHED)
    assert trace.torn == len(line)


# Disks


class Disk:
    """A file system of a few pages, so that it is really full when it is."""

    def __init__(self, at: Path) -> None:
        self.at = at
        at.mkdir()
        libc = ctypes.CDLL(None, use_errno=True)
        self.mounted = (
            sys.platform == "linux"
            and libc.mount(b"tmpfs", os.fsencode(at), b"tmpfs", 0, b"size=64k") == 0
        )

    def unmount(self) -> None:
        if self.mounted:
            ctypes.CDLL(None).umount2(os.fsencode(self.at), 2)


@pytest.fixture
def small_disk(tmp_path):
    disk = Disk(tmp_path / "disk")
    if not disk.mounted:
        pytest.skip("needs the right to mount a small file system")
    yield disk.at
    disk.unmount()


async def test_a_full_disk_ends_the_run_and_loses_nothing_that_was_shown(small_disk):
    @tool
    def f() -> str:
        return "x" * 5000

    backend = Scripted([calls(call("f"))] * 50 + ["ok"])
    run = Agent(backend=backend, tools=[f], runs=small_disk).run("?")
    shown = [event async for event in run if "delta" not in event.kind]
    with pytest.raises(TraceError, match=r"No space left on device.*free some space"):
        run.result()
    assert shown[-1].kind == "run_failed"
    stored = load(run.path).events
    closing = 2  # what could not be written any more: the failure, and perhaps a result
    assert len(stored) >= len(shown) - closing
    assert list(stored) == shown[: len(stored)]


def test_a_writer_goes_on_when_there_is_room_again(small_disk):
    writer = TraceWriter(small_disk, header())
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 50_000)
    big = RunFinished(outcome="completed", output="y" * 30_000)
    writer.append(STARTED)
    with pytest.raises(TraceError, match="No space left"):
        writer.append(big)
    ballast.unlink()
    writer.append(FINISHED)
    writer.close()
    trace = load(writer.path)
    assert trace.events == (STARTED, FINISHED)
    assert trace.torn > 0


def test_no_room_for_the_header_leaves_nothing_behind(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 64 * 1024)
    with pytest.raises(TraceError, match="No space left"):
        TraceWriter(small_disk, header())
    assert [p.name for p in small_disk.iterdir()] == ["ballast"]


def test_a_blob_that_does_not_fit_is_an_error_of_the_trace(small_disk):
    from agentlab.events import ToolFinished
    from agentlab.messages import ToolResult

    writer = TraceWriter(small_disk, header())
    artifact = Artifact(name="a", media_type="b", blob=Blob.of(b"x" * 100_000))
    with pytest.raises(TraceError, match="No space left"):
        writer.append(
            ToolFinished(result=ToolResult(call_id="1", content="", artifacts=(artifact,)))
        )
    writer.append(FINISHED)
    writer.close()
    assert load(writer.path).events == (FINISHED,)
    assert list((small_disk / "blobs").iterdir()) == []


async def test_a_folder_is_made_if_it_is_missing(tmp_path):
    result = await Agent(backend=Scripted(["hi"]), runs=tmp_path / "a" / "b").run("?")
    whole(result.path)


async def test_a_file_in_the_folders_place_ends_the_run_before_the_model_is_asked(tmp_path):
    (tmp_path / "runs").write_text("")
    backend = Scripted(["hi"])
    run = Agent(backend=backend, runs=tmp_path / "runs").run("?")
    with pytest.raises(TraceError, match="the trace can't be written to"):
        await run
    assert backend.requests == []


@pytest.fixture
def plain_user(tmp_path):
    """Nobody in particular: for the root user no folder is read-only."""
    if os.getuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o001)
    os.seteuid(65534)
    yield
    os.seteuid(0)


async def test_a_read_only_folder_is_one_clear_line(tmp_path, plain_user):
    folder = tmp_path / "runs"
    backend = Scripted(["hi"])
    run = Agent(backend=backend, runs=folder).run("?")
    with pytest.raises(TraceError, match=r"can't be written to \S+: Permission denied") as caught:
        await run
    assert "\n" not in str(caught.value)
    assert backend.requests == []


async def test_a_trace_that_is_deleted_under_its_run_ends_it(runs):
    run = Agent(backend=Scripted(["one two"]), runs=runs).run("?")
    seen = []
    async for event in run:
        seen.append(event.kind)
        if event.kind == "run_started":
            trace_path(runs, run.id).unlink()
    assert seen[-1] == "run_failed"
    with pytest.raises(TraceError, match="was deleted while its run was writing it"):
        run.result()


def test_two_writers_of_one_trace_are_kept_apart(tmp_path):
    first = TraceWriter(tmp_path, header())
    first.append(STARTED)
    with pytest.raises(TraceError, match="still being written"):
        TraceWriter(tmp_path, header())
    first.append(FINISHED)
    first.close()
    first.close()
    write(tmp_path, STARTED)
    assert [r.seq for r in load(first.path).records] == [0, 1, 2]


def test_a_new_run_does_not_write_behind_another_of_the_same_name(tmp_path, monkeypatch):
    path = write(tmp_path, STARTED)
    before = path.read_bytes()
    other = header().model_copy(update={"created": 2.5})
    with pytest.raises(TraceError, match="of another run of that name"):
        TraceWriter(tmp_path, other)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # it appears a moment later
    with pytest.raises(TraceError, match="of another run of that name"):
        TraceWriter(tmp_path, other)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Finding


def test_runs_are_found_by_id_by_its_start_by_path_and_as_last(tmp_path):
    paths = [write(tmp_path, run=run) for run in ("2026-a1", "2026-a2", "2027-b")]
    (tmp_path / "notes.txt").write_text("")
    assert list(runs_in(tmp_path)) == paths[::-1]
    assert list(runs_in(tmp_path / "nowhere")) == []
    assert find_run(tmp_path, "last") == paths[2]
    assert find_run(tmp_path, "2027") == paths[2]
    assert find_run(tmp_path, "2026-a1") == paths[0]
    assert find_run(Path("elsewhere"), str(paths[1])) == paths[1]
    with pytest.raises(TraceError, match="names 2 runs: 2026-a1, 2026-a2"):
        find_run(tmp_path, "2026")
    with pytest.raises(TraceError, match="no run 'x'"):
        find_run(tmp_path, "x")


def test_ids_of_runs_do_not_collide_and_name_files():
    ids = {new_run_id() for _ in range(1000)}
    assert len(ids) == 1000
    for run in ids:
        header(run)
        assert trace_path(Path("runs"), run).parent == Path("runs")


def test_a_trace_that_is_not_there_says_so(tmp_path):
    for read in (load, read_header):
        with pytest.raises(TraceError, match="No such file"):
            read(tmp_path / "x.jsonl")


async def test_a_trace_can_be_read_while_it_is_written(runs):
    run = Agent(backend=Scripted(["one two three"]), runs=runs).run("?")
    async for event in run:
        if "delta" not in event.kind:
            assert load(run.path).events[-1] == event
    assert kinds(whole(run.path)) == ["run_started", "model_replied", "run_finished"]
    assert isinstance(load(run.path).events[1], ModelReplied)


def test_a_trace_that_calls_its_lab_a_scenario_reads_as_any_other(tmp_path: Path):
    TraceWriter(tmp_path, header(labels={"lab": "m5/tool-use", "step": "sums"})).close()
    path = trace_path(tmp_path, "r1")
    text = path.read_text(encoding="utf-8")
    assert '"lab":"m5/tool-use"' in text
    path.write_text(text.replace('"lab":', '"scenario":', 1), encoding="utf-8")
    assert load(path).header.labels == {"lab": "m5/tool-use", "step": "sums"}
    found = query(tmp_path, "SELECT labels->>'lab', labels->>'step', labels->>'scenario' FROM runs")
    assert found[1] == [("m5/tool-use", "sums", None)]
