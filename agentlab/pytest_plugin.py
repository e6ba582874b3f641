"""A recorded run as a regression test.

    def test_the_agent_still_adds(agentlab_trace):
        agentlab_trace("runs/adds.jsonl", agent=my_agent)

The model's replies come from the log; everything else is the agent's own: its instructions,
examples, tools, limits and code. The test fails where anything comes out differently than in the
log, and shows both sides. Without `agent`, it is made from the trace, which tests the tools alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from agentlab.agent import Agent
    from agentlab.replay import Difference, Verification


class TraceTest(Protocol):
    """What the fixture `agentlab_trace` is."""

    def __call__(
        self,
        path: str | Path,
        *,
        agent: Agent[Any] | None = None,
        deps: Any = None,
        workspace: Path | None = None,
    ) -> Verification:
        """Replay a run, and fail the test where it differs.

        Args:
            path: of the trace; a relative one is looked for from the test's own folder, then from
                pytest's root folder.
            agent: whose code is tested; made from the trace where not given.
            deps, workspace: handed to the tools.
        """
        ...


@pytest.fixture
def agentlab_trace(request: pytest.FixtureRequest) -> TraceTest:
    """Replays a recorded run with this test's agent; see `agentlab.pytest_plugin`."""

    def check(
        path: str | Path,
        *,
        agent: Agent[Any] | None = None,
        deps: Any = None,
        workspace: Path | None = None,
    ) -> Verification:
        __tracebackhide__ = True
        from agentlab.replay import verify
        from agentlab.trace import Trace

        trace = Trace.load(_find(Path(path), request))

        def work() -> Verification:
            return asyncio.run(verify(trace, agent, model="log", deps=deps, workspace=workspace))

        found = _off_the_loop(work)
        if found.difference is not None:
            pytest.fail(told(found, found.difference), pytrace=False)
        return found

    return check


def told(found: Verification, difference: Difference) -> str:
    """A difference as the message of a failed test: a diff of both sides."""
    import difflib

    from agentlab.display import safe

    place = "" if difference.seq is None else f" at event {difference.seq}"
    head = f"run {found.run} came out differently{place}: {difference.what}"
    lines = difflib.ndiff(list(difference.then), list(difference.now))
    sides = "\n".join(safe(line) for line in lines if not line.startswith("?"))
    return f"{head}\n  (- the log, + now; {found.checked} events before were the same)\n{sides}"


def _find(path: Path, request: pytest.FixtureRequest) -> Path:
    beside = request.path.parent / path
    return beside if beside.exists() else request.config.rootpath / path


def _off_the_loop(work: Callable[[], Verification]) -> Verification:
    """Run it here, or beside the event loop that an async test runs on."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    done: list[Verification | BaseException] = []

    def keep() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            done.append(error)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    if isinstance(done[0], BaseException):
        raise done[0]
    return done[0]
