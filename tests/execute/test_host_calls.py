"""Code in a sandbox asks its host by files, and is answered in order."""

from __future__ import annotations

import pytest

from agentlab.errors import ToolError
from agentlab_tools.execute import Sandbox, SandboxLimits, printed_by
from agentlab_tools.execute.host_calls import HostCalls

LIMITS = SandboxLimits(timeout=20)


async def test_questions_of_several_programs_are_answered_in_order():
    heard: list[bytes] = []

    async def answer(data: bytes) -> bytes:
        heard.append(data)
        return data.upper() + bytes([len(heard)])

    async with Sandbox.open(limits=LIMITS, spare=False) as sandbox:
        calls = HostCalls(sandbox, answer)
        asks = "print([call_host(one) for one in (b'a', b'', b'\\x00z')])"
        first = await calls.during(lambda: printed_by(sandbox, calls.inside + asks))
        second = await calls.during(lambda: printed_by(sandbox, "print(call_host(b'again'))"))
        await sandbox.restart()
        third = await calls.during(
            lambda: printed_by(sandbox, f"{calls.inside}print(call_host(b'anew'))")
        )
    assert first.strip() == r"[b'A\x01', b'\x02', b'\x00Z\x03']"
    assert second.strip() == r"b'AGAIN\x04'"
    assert third.strip() == r"b'ANEW\x05'"
    assert heard == [b"a", b"", b"\x00z", b"again", b"anew"]
    assert calls.served == 5


async def test_an_error_of_the_host_ends_it_and_so_does_one_of_the_code():
    async def refuse(data: bytes) -> bytes:
        raise LookupError(data.decode())

    async with Sandbox.open(limits=LIMITS, spare=False) as sandbox:
        calls = HostCalls(sandbox, refuse, ending=".json")
        code = calls.inside
        with pytest.raises(ToolError, match="ZeroDivisionError"):
            await calls.during(lambda: printed_by(sandbox, f"{code}1 / 0"))
        with pytest.raises(LookupError, match="this"):
            await calls.during(lambda: printed_by(sandbox, "call_host(b'this')"))


async def test_a_question_that_is_too_large_is_refused_at_once_where_it_is_asked():
    async def answer(data: bytes) -> bytes:
        return data[-1:]

    async with Sandbox.open(limits=LIMITS, spare=False) as sandbox:
        calls = HostCalls(sandbox, answer, largest=1000)
        largest = f"{calls.inside}print(call_host(b'x' * 1000))"
        assert await calls.during(lambda: printed_by(sandbox, largest)) == "b'x'\n"
        with pytest.raises(ToolError, match="1,001 bytes are too many to ask with: at most 1,000"):
            await calls.during(lambda: printed_by(sandbox, "call_host(b'x' * 1001)"))
    assert calls.served == 1


async def test_what_is_written_by_oneself_is_no_answer_of_the_hosts():
    async def answer(data: bytes) -> bytes:
        return b"from the host"

    forged = "open('answer-1.npz', 'wb').write(b'forged')\nprint(call_host(b'?'))"
    async with Sandbox.open(limits=LIMITS, spare=False) as sandbox:
        calls = HostCalls(sandbox, answer)
        await calls.during(lambda: printed_by(sandbox, f"{calls.inside}{forged}"))
        said = await calls.during(lambda: printed_by(sandbox, "print(call_host(b'?'))"))
    assert said.strip() == "b'from the host'"
