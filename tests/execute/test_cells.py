"""Cells: what they print and return, what stays between them, how they end."""

from __future__ import annotations

import asyncio

import pytest

from agentlab.errors import ToolError
from agentlab_tools.execute import Sandbox, SandboxLimits, printed_by
from agentlab_tools.execute.answers import is_png


async def test_variables_stay_and_the_last_expression_is_the_value(sandbox: Sandbox) -> None:
    first = await sandbox.run_python("x = 40\nprint('set')")
    assert (first.stdout, first.value, first.outcome) == ("set\n", None, "ok")
    second = await sandbox.run_python("y = x + 1\ny + 1")
    assert (second.stdout, second.value, second.state_lost) == ("", "42", False)
    assert (await sandbox.run_python("_")).value == "42"


async def test_an_error_comes_with_the_cells_own_traceback_alone(sandbox: Sandbox) -> None:
    await sandbox.run_python("def half(x):\n    return x / 0")
    result = await sandbox.run_python("print('before')\nhalf(1)")
    assert result.outcome == "error"
    assert result.stdout == "before\n"
    assert result.error is not None
    assert "return x / 0" in result.error
    assert "ZeroDivisionError" in result.error
    assert "cell.py" not in result.error
    assert (await sandbox.run_python("1")).value == "1"


async def test_a_warning_does_not_hide_the_error_of_a_program(sandbox: Sandbox) -> None:
    assert await printed_by(sandbox, "print(6 * 7)") == "42\n"
    with pytest.raises(ToolError, match="ZeroDivisionError"):
        await printed_by(sandbox, "import warnings; warnings.warn('old'); 1 / 0")


async def test_a_syntax_error_is_a_result(sandbox: Sandbox) -> None:
    result = await sandbox.run_python("def")
    assert result.outcome == "error"
    assert "SyntaxError" in (result.error or "")


async def test_output_streams_while_the_cell_runs(sandbox: Sandbox) -> None:
    seen: list[tuple[str, str]] = []
    arrived = asyncio.Event()

    def listen(stream: str, text: str) -> None:
        seen.append((stream, text))
        arrived.set()

    code = "import sys, time; print('first'); time.sleep(60)"
    cell = asyncio.create_task(sandbox.run_python(code, on_output=listen))
    await asyncio.wait_for(arrived.wait(), 10)
    assert ("stdout", "first\n") in seen
    assert not cell.done()
    sandbox.interrupt()
    assert (await cell).outcome == "interrupted"


async def test_stdout_and_stderr_are_kept_apart_and_cut_with_a_flag(sandbox: Sandbox) -> None:
    result = await sandbox.run_python(
        "import sys\nprint('e', file=sys.stderr)\nprint('x' * 100_000)"
    )
    assert result.stderr == "e\n"
    assert len(result.stdout) == 50_000
    assert (result.stdout_truncated, result.stderr_truncated, result.truncated) == (
        True,
        False,
        True,
    )
    again = await sandbox.run_python("print('short')")
    assert (again.stdout, again.truncated) == ("short\n", False)


async def test_text_split_over_reads_stays_whole(sandbox: Sandbox) -> None:
    code = (
        "import os, time\nfor b in 'é€😀'.encode():\n    os.write(1, bytes([b])); time.sleep(.01)"
    )
    assert (await sandbox.run_python(code)).stdout == "é€😀"


async def test_a_long_value_is_shortened_with_a_flag(sandbox: Sandbox) -> None:
    result = await sandbox.run_python("'y' * 1_000_000")
    assert result.value is not None
    assert len(result.value) < 30_000
    assert result.value_truncated


async def test_a_timeout_leaves_variables_where_the_code_can_be_interrupted(
    sandbox: Sandbox,
) -> None:
    await sandbox.run_python("x = 7")
    result = await sandbox.run_python("while True: pass", timeout=0.2)
    assert (result.outcome, result.state_lost) == ("timeout", False)
    assert "0.2 s" in (result.error or "")
    assert (await sandbox.run_python("x")).value == "7"


async def test_code_that_shrugs_off_the_first_interrupt_is_interrupted_again(
    sandbox: Sandbox,
) -> None:
    """One that comes at the wrong moment is not the last one: nothing is lost."""
    await sandbox.run_python("x = 7")
    code = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    time.sleep(60)"
    result = await sandbox.run_python(code, timeout=0.2)
    assert (result.outcome, result.state_lost) == ("timeout", False)
    assert (await sandbox.run_python("x")).value == "7"


async def test_code_that_resists_is_killed_and_the_loss_is_told(sandbox: Sandbox) -> None:
    await sandbox.run_python("x = 7\nopen('kept.txt', 'w').write('kept')")
    code = "import signal; signal.signal(2, signal.SIG_IGN)\nwhile True: pass"
    result = await sandbox.run_python(code, timeout=0.2)
    assert (result.outcome, result.state_lost) == ("timeout", True)
    after = await sandbox.run_python("'x' in globals(), open('kept.txt').read()")
    assert (after.value, after.state_lost) == ("(False, 'kept')", False)


async def test_kill_ends_a_cell_at_once(sandbox: Sandbox) -> None:
    started = asyncio.Event()
    code = "print('go'); import time; time.sleep(60)"
    cell = asyncio.create_task(sandbox.run_python(code, on_output=lambda *_: started.set()))
    await asyncio.wait_for(started.wait(), 10)
    sandbox.kill()
    result = await cell
    assert (result.outcome, result.state_lost) == ("killed", True)
    assert "killed on request" in (result.error or "")


async def test_the_death_of_the_interpreter_is_explained(sandbox: Sandbox) -> None:
    segfault = await sandbox.run_python("import ctypes; ctypes.string_at(0)")
    assert (segfault.outcome, segfault.state_lost) == ("killed", True)
    assert "SIGSEGV" in (segfault.error or "")
    left = await sandbox.run_python("import os; os._exit(3)")
    assert "status 3" in (left.error or "")


async def test_death_between_cells_is_told_with_the_next(sandbox: Sandbox) -> None:
    await sandbox.run_python("import os, threading; threading.Timer(0.05, os._exit, (1,)).start()")
    lost = False
    for _ in range(100):
        lost = (await sandbox.run_python("1 + 1")).state_lost
        if lost:
            break
        await asyncio.sleep(0.02)
    assert lost
    assert (await sandbox.run_python("2")).state_lost is False


_BREAKS = {
    "audit hook": "import sys\ndef hook(event, _):\n"
    "    if event == 'compile': raise ValueError('no')\nsys.addaudithook(hook)",
    "full": "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)",
    "print": "import builtins; builtins.print = lambda *_: None; 1 / 0",
    "import": "import builtins; builtins.__import__ = None; 1 / 0",
}


@pytest.mark.parametrize("how", _BREAKS)
async def test_a_cell_that_breaks_its_interpreter_is_told_and_the_next_runs(
    sandbox: Sandbox, how: str
) -> None:
    await sandbox.run_python("x = 7\nopen('kept.txt', 'w').write('kept')")
    broke = await sandbox.run_python(_BREAKS[how])
    assert (broke.outcome, broke.state_lost) == ("error", True)
    assert "interpreter was replaced" in (broke.error or "")
    after = await sandbox.run_python("print('seen'); 'x' in globals(), open('kept.txt').read()")
    assert (after.stdout, after.value) == ("seen\n", "(False, 'kept')")
    assert after.state_lost is False


async def test_a_replaced_builtin_is_not_the_interpreters_own(sandbox: Sandbox) -> None:
    code = "import builtins; builtins.compile = builtins.exec = builtins.eval = None"
    assert (await sandbox.run_python(code)).state_lost is False
    assert (await sandbox.run_python("print(1); 6 * 7")).value == "42"


async def test_a_closed_output_is_opened_again(sandbox: Sandbox) -> None:
    await sandbox.run_python("import sys; x = 7; sys.stdout.close(); sys.stderr.close()")
    after = await sandbox.run_python("print('é'); print('e', file=sys.stderr); x")
    assert (after.stdout, after.stderr, after.value) == ("é\n", "e\n", "7")


@pytest.mark.parametrize("code", ["print = 3; 1 / 0", "1 +", "import no_such", "exit(3)"])
async def test_a_cell_that_only_fails_loses_nothing(sandbox: Sandbox, code: str) -> None:
    await sandbox.run_python("x = 7")
    assert (await sandbox.run_python(code)).state_lost is False
    assert (await sandbox.run_python("x")).value == "7"


async def test_restart_forgets_variables_and_keeps_files(sandbox: Sandbox) -> None:
    await sandbox.run_python("x = 1; import os; os.makedirs('a/b'); open('a/b/c', 'w').write('c')")
    await sandbox.restart()
    result = await sandbox.run_python("'x' in globals(), open('a/b/c').read()")
    assert (result.value, result.state_lost) == ("(False, 'c')", False)


async def test_a_cancelled_cell_stops_and_the_next_is_served(sandbox: Sandbox) -> None:
    await sandbox.run_python("x = 1")
    started = asyncio.Event()
    cell = asyncio.create_task(
        sandbox.run_python(
            "print('go')\nwhile True: pass", on_output=lambda *_: started.set()
        )
    )  # fmt: skip
    await asyncio.wait_for(started.wait(), 10)
    cell.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cell
    after = await sandbox.run_python("print('after'); x")
    assert (after.stdout, after.value, after.state_lost) == ("after\n", "1", False)


async def test_cells_asked_for_at_once_run_one_by_one(sandbox: Sandbox) -> None:
    await sandbox.run_python("n = 0")
    code = "m = n\nimport time; time.sleep(0.01)\nn = m + 1\nn"
    results = await asyncio.gather(*(sandbox.run_python(code) for _ in range(5)))
    assert sorted(result.value or "" for result in results) == ["1", "2", "3", "4", "5"]


async def test_a_listener_that_fails_is_heard_of(sandbox: Sandbox) -> None:
    def listen(_stream: str, _text: str) -> None:
        raise RuntimeError("listener")

    with pytest.raises(RuntimeError, match="listener"):
        await sandbox.run_python("print(1)", on_output=listen)
    assert (await sandbox.run_python("2")).value == "2"


async def test_figures_come_as_png_and_none_is_left_open() -> None:
    limits = SandboxLimits(figures=2)
    async with Sandbox.open(packages=("matplotlib",), limits=limits, spare=False) as sandbox:
        code = """
        import matplotlib.pyplot as plt
        for n in range(3):
            plt.figure(); plt.plot([n, 1]); plt.show()
        """
        import textwrap

        result = await sandbox.run_python(textwrap.dedent(code))
        assert (len(result.figures), result.figures_dropped) == (2, 1)
        assert all(is_png(figure) for figure in result.figures)
        assert result.stderr == ""
        assert (await sandbox.run_python("plt.get_fignums()")).value == "[]"


async def test_figures_of_megabytes_come_whole() -> None:
    async with Sandbox.open(packages=("matplotlib",), spare=False) as sandbox:
        code = (
            "import numpy as np, matplotlib.pyplot as plt\nfor n in range(3):\n"
            "    plt.figure(figsize=(9, 9)); plt.axis('off')\n"
            "    plt.imshow(np.random.default_rng(n).random((600, 600, 3)))\nprint('drawn'); n"
        )
        result = await sandbox.run_python(code)
        assert (result.stdout, result.value, result.figures_dropped) == ("drawn\n", "2", 0)
        assert [len(figure) > 500_000 for figure in result.figures] == [True] * 3
        assert all(is_png(figure) for figure in result.figures)


async def test_the_shell_shares_files_and_boundary() -> None:
    async with Sandbox.open(spare=False) as sandbox:
        await sandbox.run_python("open('hello.txt', 'w').write('hello')")
        result = await sandbox.run_shell(
            "cat hello.txt && echo out >&2 && python3 -c 'print(6 * 7)' && exit 3"
        )
        assert (result.stdout, result.stderr) == ("hello42\n", "out\n")
        assert (result.outcome, result.error) == ("error", "exit status 3")
        stopped = await sandbox.run_shell("sleep 60 & sleep 60", timeout=0.3)
        assert (stopped.outcome, stopped.state_lost) == ("timeout", False)


async def test_git_works_in_the_shell() -> None:
    async with Sandbox.open(spare=False) as sandbox:
        result = await sandbox.run_shell(
            "git init -q . && touch f && git add f && git commit -qm first && git log --format=%s"
        )
        assert (result.stdout, result.outcome) == ("first\n", "ok"), result


async def test_a_spare_takes_over_with_packages_loaded() -> None:
    async with Sandbox.open(packages=("numpy",)) as sandbox:
        await sandbox.warm()
        sandbox.kill()
        result = await sandbox.run_python("import sys; 'numpy' in sys.modules")
        assert (result.value, result.state_lost) == ("True", True)


@pytest.mark.parametrize("threads", [1, 2])
async def test_numpy_has_the_threads_that_the_limits_give_it(threads: int) -> None:
    limits = SandboxLimits(threads=threads)
    async with Sandbox.open(limits=limits, spare=False) as opened:
        result = await opened.run_python("import os\nos.environ['OPENBLAS_NUM_THREADS']")
        waits = await opened.run_python("os.environ['OMP_WAIT_POLICY']")
    assert result.value == repr(str(threads))
    assert waits.value == "'passive'"  # and sleeps while it waits, so that others get on
