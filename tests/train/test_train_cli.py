"""`agentlab train` and `agentlab jobs` as their users meet them: in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from test_jobs import TINY

from agentlab_tools.train.curve import curve
from agentlab_tools.train.jobs import Jobs
from agentlab_tools.train.screen import duration, size_of

LONG = ("-s", "steps=20000", "-s", "pause=0.01")


@pytest.fixture
def home(tmp_path: Path):
    yield tmp_path / "home"
    jobs = Jobs(tmp_path / "home" / "jobs")
    for job in jobs.list():
        if job.active:
            jobs.cancel(job.id, grace=0)


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "AGENTLAB_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "80", **more}


def agentlab(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentlab", *args],
        capture_output=True,
        text=True,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


class Terminal:
    """The program on a terminal of 80 by 24, and what it shows there."""

    def __init__(self, *args: str, home: Path, **more: str) -> None:
        self.shown = ""
        self._master, slave = pty.openpty()
        env = environment(home, TERM="xterm-256color", LINES="24", **more)
        command = [sys.executable, "-m", "agentlab", *args]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until this was shown."""
        for _ in range(600):
            if found := re.search(pattern, self.shown):
                return found
            self._read(0.1)
        raise AssertionError(f"{pattern!r} was not shown: {self.shown[-3000:]!r}")

    def ends(self) -> int:
        """Read to the end; its exit code."""
        until = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < until:
            self._read(0.1)
        self._read(0.1)
        os.close(self._master)
        return self.process.wait(10)

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self._master, text.encode())

    def press_ctrl_c(self) -> None:
        self.shown = ""
        self.process.send_signal(signal.SIGINT)

    def _read(self, seconds: float) -> None:
        if select.select([self._master], [], [], seconds)[0]:
            with suppress(OSError):  # closed at the other end
                self.shown += os.read(self._master, 1 << 16).decode(errors="replace")


def test_in_a_pipe_a_job_is_told_in_lines_and_ends_with_0(home):
    done = agentlab("train", TINY, "--data", "dots", "-s", "steps=30", home=home)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"job \d{8}-\d{6}-[0-9a-f]{6}-tiny", lines[0])
    assert lines[1:3] == ["started", "training on dots"]
    assert any(
        re.match(r"step 30/30  loss 0\.\d{4}  .*  lr 0\.05  [\d,]+ tokens/s", x) for x in lines
    )
    assert lines[-2] == "completed"
    assert Path(lines[-1]).read_text()
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_job_that_fails_ends_with_1_and_says_what_to_do(home):
    done = agentlab("train", TINY, "-s", "raise_at=2", home=home)
    assert done.returncode == 1
    assert "failed: RuntimeError: a bug in the recipe (see `agentlab jobs logs" in done.stdout
    logged = agentlab("jobs", "logs", home=home)
    assert "RuntimeError: a bug in the recipe" in logged.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("train", "nope"), "no recipe 'nope'"),
        (("train", "gone.py"), "no recipe gone.py: there is no such file"),
        (("train", TINY, "-s", "stepz=1"), "no setting 'stepz'; there are: data, diverge"),
        (("train", TINY, "-s", "steps"), "write it as name=value"),
        (("train", TINY, "--memory", "lots"), "'lots' is no amount of memory: write e.g. 4GB"),
        (("train", TINY, "--on", "moon"), "can't run on 'moon': say local, ray"),
        (("train", TINY, "--on", "ray:"), "can't run on 'ray:': say local, ray"),
        (("jobs", "watch", "zzz"), "no job 'zzz'"),
        (("jobs", "resume", "last"), "no job 'last'"),
        (("jobs", "--sql", "SELEC"), "the query was refused"),
        (("jobs", "--sql", "SELECT * FROM '/etc/passwd'"), "the query was refused"),
    ],
)
def test_a_mistake_is_one_line_and_2(args, said, home):
    done = agentlab(*args, home=home)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_jobs_are_started_listed_stopped_and_resumed(home):
    assert agentlab("jobs", home=home).stderr.startswith("no jobs in ")
    started = agentlab("train", TINY, *LONG, "--detach", "--json", home=home)
    job = json.loads(started.stdout)
    assert (job["state"], job["settings"]["steps"]) == ("running", 20000)
    wait_for(home, "step", 3)
    listed = agentlab("jobs", home=home).stdout.splitlines()
    assert listed[0].split() == ["job", "state", "step", "loss", "took", "left"]
    assert listed[1].startswith(job["job"])
    assert all(len(line) <= 80 for line in listed)
    stopped = agentlab("jobs", "cancel", "last", home=home)
    assert stopped.returncode == 0
    assert "cancelled: somebody stopped it; `agentlab jobs resume" in stopped.stdout
    again = agentlab("jobs", "resume", job["job"].split("-")[2], "-d", "--json", home=home)
    assert json.loads(again.stdout)["state"] == "running"
    assert json.loads(again.stdout)["attempts"] == 2
    agentlab("jobs", "cancel", "last", home=home)
    watched = agentlab("jobs", "watch", home=home)
    assert watched.returncode == 1
    assert watched.stdout.splitlines()[-1] == "cancelled: somebody stopped it"


def wait_for(home: Path, what: str, least: int) -> None:
    for _ in range(100):
        (listed,) = agentlab("jobs", "--json", home=home).stdout.splitlines()
        if (json.loads(listed)[what] or 0) >= least:
            return
    raise AssertionError(f"no {what} of {least} ever came")


def test_json_is_one_event_a_line_and_the_job_at_last(home):
    done = agentlab("train", TINY, "-s", "steps=4", "--json", home=home)
    *events, job = map(json.loads, done.stdout.splitlines())
    kinds = [event["event"]["kind"] for event in events]
    assert kinds == ["started", "said", *["progress"] * 4, "checkpointed", "made", "ended"]
    assert job["state"] == "completed"
    assert Path(job["artifacts"][0]["path"]).is_file()


def test_the_job_table_answers_sql(home):
    agentlab("train", TINY, "-s", "steps=7", home=home)
    agentlab("train", TINY, "-s", "steps=3", home=home)
    sql = (
        "SELECT recipe.parse_filename() AS recipe, state, count(*) AS steps,"
        " min(metrics.loss) > 0 AS loss, any_value(a.name) AS made"
        " FROM jobs JOIN metrics USING (job) JOIN artifacts a USING (job)"
        " GROUP BY job, recipe, state ORDER BY steps"
    )
    done = agentlab("jobs", "--json", "--sql", sql, home=home)
    assert done.stderr == ""
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    same = {"recipe": "tiny.py", "state": "completed", "loss": True, "made": "line.txt"}
    assert rows == [{**same, "steps": 3}, {**same, "steps": 7}]
    events = "SELECT kind, count(*) AS n FROM events GROUP BY ALL ORDER BY kind"
    counted = agentlab("jobs", "--json", "--sql", events, home=home).stdout.splitlines()
    assert json.loads(counted[-2]) == {"kind": "said", "n": 2}


def test_settings_are_shown_with_their_defaults_and_meaning(home):
    shown = agentlab("train", TINY, "--settings", home=home).stdout
    assert re.search(r"pause +0\.0 +Seconds each step takes\.", shown)
    as_json = agentlab("train", TINY, "--settings", "--json", home=home).stdout.splitlines()
    assert json.loads(as_json[0])["setting"] == "seed"


def test_recipes_are_listed(home):
    listed = agentlab("train", home=home)
    assert listed.returncode == 0
    assert re.search(r"^lora +Tune a LoRA", listed.stdout, re.MULTILINE)


def test_a_terminal_shows_a_curve_as_it_trains(home):
    shown = Terminal("train", TINY, "-s", "steps=150", "-s", "pause=0.01", home=home)
    shown.until(r"running")
    shown.until(r"┤.*[⠁-⣿]")
    shown.until(r"Ctrl-C leaves it running, or cancels it")
    assert shown.ends() == 0
    assert "step 150/150" in shown.shown
    assert "made line.txt" in shown.shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.shown)
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 80
    assert not re.search(r"\x1b\[3\dm", shown.shown), "colours, though NO_COLOR is set"


def test_ctrl_c_leaves_the_job_running_or_cancels_it_as_asked(home):
    first = Terminal("train", TINY, *LONG, home=home)
    first.until(r"step \d+/2000")
    first.press_ctrl_c()
    first.until(r"\[l\]eave it running, \[c\]ancel it, or \[g\]o on watching\?")
    first.type("g\n")
    first.until(r"step \d+/2000")
    first.press_ctrl_c()
    first.until(r"\[l\] ")
    first.type("\n")
    first.until(r"it goes on: `agentlab jobs watch")
    assert first.ends() == 0
    (job,) = Jobs(home / "jobs").list()
    assert job.state == "running"

    second = Terminal("jobs", "watch", "last", home=home)
    second.until(r"step \d+/2000")
    second.press_ctrl_c()
    second.until(r"\[l\] ")
    second.type("c\n")
    second.until(r"stopping it, after a checkpoint")
    assert second.ends() == 1
    (job,) = Jobs(home / "jobs").list()
    assert job.state == "cancelled"
    assert job.checkpoint


def test_ctrl_c_in_a_pipe_leaves_the_job_running_and_says_so(home):
    command = [sys.executable, "-m", "agentlab", "train", TINY, *LONG]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        env=environment(home),
        text=True,
    ) as process:
        assert process.stdout is not None
        while "step" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.startswith("it goes on: `agentlab jobs watch ")
    assert Jobs(home / "jobs").get("last").state == "running"


@pytest.mark.parametrize("width", [24, 80, 200])
def test_a_curve_fits_its_width_and_shows_its_scale(width):
    lines = curve({step: 10 / step for step in range(1, 400)}, width, 8)
    assert len(lines) == 10
    assert max(map(len, lines)) <= width
    assert float(lines[0].partition("┤")[0]) > 2
    assert lines[7].strip().startswith("0.025")
    assert lines[-1].split() == ["step", "1", "399"]


def test_a_curve_falls_where_the_loss_does():
    dots = [line.partition("┤")[2] for line in curve({1: 3.0, 2: 2.0, 3: 1.0}, 40, 3)[:3]]
    starts = [len(line) - len(line.lstrip("\u2800")) for line in dots]
    assert starts == sorted(starts)
    assert starts[0] == 0 < starts[2]
    assert curve({}, 40, 3) == []
    assert len(curve({5: 1.0}, 40, 3)) == 5


def test_amounts_read_well():
    assert [duration(s) for s in (0.4, 59.4, 61, 3725)] == ["0 s", "59 s", "1:01", "1:02:05"]
    sizes = [size_of(n) for n in (12, 3400, 98_000_000, 2.5e12)]
    assert sizes == ["12 bytes", "3.4 kB", "98 MB", "2.5e+03 GB"]
