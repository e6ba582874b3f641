"""Run code in one sandbox and its tests in another; carry what crosses, as text, between the two.

In one interpreter, code could patch whatever runs its tests, and pass them all. Here a verdict is
what the tests' own interpreter says, where no line of the code ever runs.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.sandbox import Sandbox
from agentlab_tools.execute.values import MB, CellResult

_MESSAGE = ".agentlab-message"
_LONGEST = 4 * MB


@dataclass(frozen=True)
class Judged:
    """Whether the tests ran to their end; else why they did not, in one line."""

    passed: bool
    reason: str
    printed: str = ""
    """What the tests printed, where they ran to their end."""


class _Stopped(Exception):
    """One side can't go on; the text says why, and which."""


async def judged(
    code: str, tests: str, *, coder: Sandbox, judge: Sandbox, timeout: float = 60.0
) -> Judged:
    """Run `tests` over what `code` defines.

    Functions, classes and other objects of the code are used from afar: what is done to them is
    done where the code runs, and only data comes back. Sizes and steps are bounded.

    Args:
        coder: a fresh sandbox, for the code alone.
        judge: another one, for the tests alone.
        timeout: seconds, for all of it.
    """
    ends = time.monotonic() + timeout
    printed: list[str] = []
    try:
        await _cell(coder, f"{_source()}\n_peer = Peer(trusts=True)", ends, "the code")
        await _cell(judge, f"{_source()}\n_peer = Peer(trusts=False)", ends, "the tests")
        message = json.dumps({"do": ["list", ["tests", code, tests]]})
        side, other, depth = judge, coder, 1
        ran = False
        while True:
            who = "the code" if side is coder else "a test"
            message, answer = await _step(side, message, ends, who)
            if side is judge:
                printed.append(answer)
            asks = message.startswith('{"do": ')
            depth += 1 if asks else -1
            if side is coder and not ran and not asks:
                ran = True
                if message.startswith('{"raised": '):
                    return Judged(False, f"the code fails: {_why(message)}")
            if depth == 0:
                break
            side, other = other, side
    except _Stopped as stopped:
        return Judged(False, str(stopped))
    if message == '{"is": null}':
        return Judged(True, "all tests ran to their end", "".join(printed))
    return Judged(False, f"a test fails: {_why(message)}")


async def _step(side: Sandbox, message: str, ends: float, who: str) -> tuple[str, str]:
    result = await _cell(side, f"told(_peer.step({message!r}))", ends, who)
    value = result.value or ""
    if not value:
        try:
            value = (await side.read_file(_MESSAGE, limit=_LONGEST)).decode("utf-8", "replace")
        except WorkspaceError as error:
            raise _Stopped(f"{who} fails: what crosses is too much ({error})") from None
    if not value.startswith(('{"do": ', '{"is": ', '{"raised": ')) or not value.isascii():
        raise _Stopped(f"{who} fails: it answered nonsense")
    return value, result.stdout


async def _cell(side: Sandbox, code: str, ends: float, who: str) -> CellResult:
    left = ends - time.monotonic()
    if left <= 0:
        raise _Stopped(f"{who} takes too long")
    result = await side.run_python(code, timeout=left)
    if result.outcome != "ok":
        lines = str(result.error or result.outcome).strip().splitlines()
        raise _Stopped(f"{who} fails: {lines[-1][:200]}")
    return result


def _why(message: str) -> str:
    """`Type: text` of an error, from its message."""
    try:
        name, _, words = json.loads(message)["raised"][1]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "an error that can't be read"
    last = (str(words).strip().splitlines() or [""])[-1]
    return f"{name}: {last}"[:200] if last else str(name)[:200]


@cache
def _source() -> str:
    return Path(__file__).with_name("peer.py").read_text("utf-8")
