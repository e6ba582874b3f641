"""Threads that evaluate spin on a quiet machine, and sleep where others want the processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlab.backends.llamacpp import waiting
from agentlab.backends.llamacpp.waiting import Delay, Follower, Team

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="only Linux tells what is loaded, and its load"
)


class FakeTeam(Team):
    def __init__(self) -> None:
        self._there = False

    @property
    def there(self) -> bool:
        return self._there

    def call(self) -> None:
        self._there = True

    def dismiss(self) -> None:
        self._there = False


class FakeDelay(Delay):
    def __init__(self, shares: list[float | Exception], age: float = 1.0) -> None:
        self._coming, self._age = shares, age

    @property
    def age(self) -> float:
        return self._age

    def share(self) -> float:
        coming = self._coming.pop(0)
        if isinstance(coming, Exception):
            raise coming
        return coming


def ways(shares: list[float | Exception], age: float = 1.0) -> list[bool]:
    """After each look, whether threads sleep."""
    team = FakeTeam()
    follower = Follower(team, FakeDelay(list(shares), age))
    found: list[bool] = []
    for _ in shares:
        follower.suit()
        found.append(team.there)
    return found


def test_the_way_follows_how_long_threads_wait_for_a_processor():
    assert ways([0.05, 0.3, 0.6, 0.3, 0.1, 0.3]) == [False, False, True, True, False, False]


def test_there_is_not_always_something_to_see():
    assert ways([0.9], age=0.01) == [False]


def test_a_system_that_stops_counting_ends_nothing():
    assert ways([0.9, OSError("gone"), 0.9]) == [True, True, True]


def test_waiting_is_counted_over_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = {"clock": 50.0}
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now["clock"])

    def counted(**waited: int) -> None:
        for thread, milliseconds in waited.items():
            (tmp_path / thread).mkdir(exist_ok=True)
            (tmp_path / thread / "schedstat").write_text(f"900 {milliseconds * 10**6} 7\n")

    counted(t1=100, t2=0)
    delay = Delay(tmp_path)
    now["clock"] = 52.0
    assert delay.age == 2.0
    counted(t1=400, t2=500, t3=200)
    assert delay.share() == pytest.approx(0.5)
    assert delay.age == 0
    (tmp_path / "t3" / "schedstat").unlink()  # listed, and then it ended
    now["clock"] = 53.0
    counted(t1=900)
    assert delay.share() == pytest.approx(0.3)


def test_a_thread_that_shares_a_processor_waits_for_it():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from agentlab.backends.llamacpp.waiting import Delay\n"
        "from threading import Thread; import hashlib, time\n"
        "delay, data = Delay(), bytes(10**8)\n"
        "two = [Thread(target=lambda: hashlib.sha256(data).digest()) for _ in range(2)]\n"
        "[one.start() for one in two]; [one.join(0.3) for one in two]\n"
        "print(delay.share())"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert float(told) > 0.3


_COUNTED = """
import resource
from agentlab.backends.llamacpp import waiting
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import locate
context = Context(Model(locate("smollm2")), size=64, batch=16, threads=2)
team = waiting.Team(waiting._library())
def slept():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for token in (1, 2, 3):
        context.append(token)
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
context.append(1)
spinning = slept()
team.call()
asleep = slept()
team.dismiss()
for thread in waiting.threading.enumerate():
    if thread.name == "team":
        thread.join()
again = slept()
team.call()  # and it is no hindrance at the end
print(spinning, asleep, again)
"""


def test_a_team_has_all_threads_sleep_until_it_is_dismissed():
    pytest.importorskip("llama_cpp")
    # a thread that spins never sleeps with this, however busy the machine is
    settings = {"GOMP_SPINCOUNT": "30000000000", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(
        [sys.executable, "-c", _COUNTED],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    spinning, asleep, again = map(int, done.stdout.split())
    assert asleep > 150
    assert spinning < asleep / 5
    assert again < asleep / 5


_AS_SET = """
import os
from agentlab.backends.llamacpp import waiting
with waiting.settled():
    within = [os.environ.get(name, "-") for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")]
after = [os.environ.get(name, "-") for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")]
from agentlab.backends.llamacpp.model import load
load()
print(*within, *after, waiting._follower() is not None)
"""


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ({}, "3000 passive - - True"),
        ({"GOMP_SPINCOUNT": "7"}, "7 - 7 - False"),
        ({"OMP_WAIT_POLICY": "active"}, "- active - active False"),
    ],
)
def test_what_the_user_has_set_stays(before: dict[str, str], says: str):
    pytest.importorskip("llama_cpp")
    clean = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    command = [sys.executable, "-c", _AS_SET]
    assert subprocess.check_output(command, text=True, env={**clean, **before}).strip() == says


def test_many_processors_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(waiting, "_library", lambda: Path("libc.so.6"))
    for count, followed in ((32, True), (33, False)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, n=count: set(range(n)))
        assert (waiting._follower() is not None) is followed


def test_where_there_is_no_such_openmp_nothing_is_done(monkeypatch: pytest.MonkeyPatch):
    def missing() -> Path:
        raise FileNotFoundError("libgomp")

    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(waiting, "_library", missing)
    monkeypatch.setattr(waiting, "_followers", [])
    waiting.suit()
    assert waiting._followers == [None]
