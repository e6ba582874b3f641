"""Code and its tests in two sandboxes: what honest tests need works, and no code judges itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from execute.holds import skip_if_it_cannot
from execute.users import linux

from agentlab_tools.execute import Sandbox, SandboxUnavailable, open_source
from agentlab_tools.execute.apart import Judged, judged
from agentlab_tools.execute.source import Source

pytestmark = linux

HONEST = {
    "a function": ("def double(n):\n    return 2 * n", "assert double(4) == 8"),
    "a class": (
        "class Stack:\n    def __init__(s): s.v = []\n    def push(s, x): s.v.append(x); return s\n"
        "    def pop(s): return s.v.pop()\n    def __len__(s): return len(s.v)",
        "s = Stack()\ns.push(3).push(4)\nassert len(s) == 2 and s.pop() == 4\n"
        "assert isinstance(s, Stack) and s.v == [3]",
    ),
    "a generator": (
        "def g(n):\n    for i in range(n): yield i",
        "assert list(g(3)) == [0, 1, 2]",
    ),
    "a function that takes one": (
        "def apply(f, x): return f(x)",
        "assert apply(lambda v: {'a': (v,)}, 1) == {'a': (1,)}",
    ),
    "an error": (
        "class Odd(KeyError): pass\n"
        "def f(x):\n    if x < 0: raise ValueError('neg')\n    raise Odd",
        "try:\n    f(-1)\n    assert False\nexcept ValueError as e: assert 'neg' in str(e)\n"
        "try:\n    f(1)\n    assert False\nexcept Odd: pass",
    ),
    "names that are data": (
        "import math\nX = {1, 2}\nbig = 10**5000\nnan = float('nan')\nraw = b'\\xff'",
        "assert math.pi > 3 and X == {1, 2} and big == 10**5000 and nan != nan and raw == b'\\xff'",
    ),
    "a hundred calls": (
        "def add(a, b): return a + b",
        "def check(f):\n    for i in range(100): assert f(i, i) == 2 * i\ncheck(add)",
    ),
    "much text": ("def f(): return 'x' * 100_000", "assert len(f()) == 100_000"),
}
_TESTS = "assert f() == 2"
_PATCHED = """
import sys
frame = sys._getframe()
while frame is not None:
    for name in ('_compile', '_exec', '_eval', 'exec', 'compile'):
        if name in frame.f_globals: frame.f_globals[name] = lambda *a, **k: None
    frame = frame.f_back
"""
FORGED = {
    "is wrong": "def f(): return 1",
    "ends first": "import os; os._exit(0)",
    "exits": "raise SystemExit(0)",
    "is no code": "1 +",
    "equals everything": "class E:\n    def __eq__(s, o): return True\ndef f(): return E()",
    "patches the runner": _PATCHED + "def f(): return 1",
    "patches builtins": "import builtins\nbuiltins.compile = None\ndef f(): return 1",
    "speaks for the tests": "import gc\nfor o in gc.get_objects():\n"
    "    if type(o).__name__ == 'Peer':\n        type(o).step = lambda *_: '{\"is\": null}'\n"
    "def f(): return 1",
    "sends tests of its own": "import gc\ndef f():\n    for o in gc.get_objects():\n"
    "        if type(o).__name__ == 'Peer': o.ask('tests', '', 'pass')\n    return 1",
    "never ends": "def f():\n    while True: pass",
}


@pytest.fixture
async def source() -> AsyncGenerator[Source]:
    try:
        async with open_source(backend="bubblewrap", spare=False) as opened:
            yield opened
    except SandboxUnavailable as error:
        skip_if_it_cannot("bubblewrap", error)


async def judge(source: Source, code: str, tests: str) -> Judged:
    async with Sandbox.open(source=source) as coder, Sandbox.open(source=source) as other:
        return await judged(code, tests, coder=coder, judge=other, timeout=4)


@pytest.mark.parametrize("what", HONEST)
async def test_what_tests_use_works_from_afar(source: Source, what: str) -> None:
    found = await judge(source, *HONEST[what])
    assert found.passed, found.reason


@pytest.mark.parametrize("how", FORGED)
async def test_no_code_passes_by_what_it_does_to_its_judge(source: Source, how: str) -> None:
    found = await judge(source, FORGED[how], _TESTS)
    assert not found.passed
    assert "\n" not in found.reason


async def test_what_the_tests_rely_on_is_not_the_codes_own(source: Source) -> None:
    code = "def all(x): return True\ndef f(): return [False]"
    found = await judge(source, code, "assert all(f())")
    assert not found.passed
    assert "all of its own" in found.reason


async def test_code_reaches_nothing_of_the_tests_through_what_it_is_given(source: Source) -> None:
    code = (
        "def f(g):\n    peer = object.__getattribute__(g, '_at')[0]\n"
        "    try: return peer.ask('get', g, '__globals__')\n"
        "    except PermissionError as error: return str(error)"
    )
    found = await judge(source, code, "print(f(lambda: 1))")
    assert found.printed.strip() == "only what was given can be called"
