"""What takes a while is made once, for this process and for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentlab_tools import made_once as module
from agentlab_tools.made_once import made_once


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a process that remembers nothing."""
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_made", {})
    return tmp_path / "cache"


class Maker:
    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> bytes:
        self.times += 1
        await asyncio.sleep(0)
        return b"made %d" % self.times


def asked(told: str, make: Callable[[], Awaitable[bytes]], times: int = 1) -> list[bytes]:
    """What all get who ask at once."""

    async def ask() -> list[bytes]:
        return await asyncio.gather(*(made_once("x-y.npz", told, make) for _ in range(times)))

    return asyncio.run(ask())


def test_it_is_made_once_for_all_who_ask_and_kept_under_what_decides_it(cache: Path):
    make = Maker()
    assert asked("one", make, times=3) == [b"made 1"] * 3
    (file,) = cache.iterdir()
    assert file.name.startswith("x-y-")
    assert file.suffix == ".npz"
    assert file.read_bytes() == b"made 1"
    assert asked("other", make, times=3) == [b"made 2"] * 3
    assert len(list(cache.iterdir())) == 2


def test_the_next_process_finds_it(monkeypatch: pytest.MonkeyPatch):
    make = Maker()
    asked("one", make)
    monkeypatch.setattr(module, "_made", {})
    assert asked("one", make) == [b"made 1"]
    assert make.times == 1


def test_where_nothing_can_be_kept_it_is_kept_in_memory(cache: Path):
    cache.write_text("in the way")
    make = Maker()
    assert asked("one", make) == [b"made 1"]
    assert asked("one", make) == [b"made 1"]
    assert cache.read_text() == "in the way"


def test_what_fails_is_tried_again():
    async def fail() -> bytes:
        raise LookupError("not today")

    with pytest.raises(LookupError):
        asked("one", fail)
    assert asked("one", Maker()) == [b"made 1"]
