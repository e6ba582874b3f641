"""Run one cell and say what came of it."""

from __future__ import annotations

import _ast
import os
import sys
import time

from .wire import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_SOURCES_KEPT = 500
# a cell may replace the builtins
_compile, _exec, _eval, _repr, _open = compile, exec, eval, repr, open


class Runner:
    """Runs cells over one dictionary of variables.

    Args:
        variables: the globals of every cell.
        caps: `text` (characters of a value or a traceback), `figures`, `figure_bytes`.
        interrupts: whose `running` says whether SIGINT may interrupt.
    """

    def __init__(self, variables: dict[str, Any], caps: dict[str, int], interrupts: Any) -> None:
        self._variables = variables
        self._caps = caps
        self._interrupts = interrupts
        self._count = 0
        self._sources: dict[str, str] = {}
        self._out, self._err = sys.stdout, sys.stderr
        for stream in (self._out, self._err):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
        self._pipes = [_pipe(stream) for stream in (1, 2)]

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run what the request asks for. Never raises, whatever the cell did."""
        answer: dict[str, Any] = {"outcome": "ok"}
        work = {"shell": self._shell, "probe": self._probe}.get(request["op"], self._python)
        if self._out.closed:
            self._out = _stream(1)
        if self._err.closed:
            self._err = _stream(2)
        sys.stdout, sys.stderr = self._out, self._err
        self._interrupts.listen()
        try:
            try:
                self._interrupts.running = True
                work(request["code"], answer)
            finally:
                self._interrupts.running = False
        except KeyboardInterrupt:
            answer |= {"outcome": "interrupted", "error": "KeyboardInterrupt"}
        except BaseException as error:  # noqa: BLE001 - the cell's error is its result
            answer |= {"outcome": "error", "error": self._explain(error)}
        for stream in (self._out, self._err):
            try:  # noqa: SIM105 - contextlib costs a start 2 ms
                stream.flush()
            except BaseException:  # noqa: BLE001, S110 - the cell closed it: its own loss
                pass
        broken = self._broken()
        if broken is not None:
            answer["broken"] = broken
        return answer

    def _broken(self) -> str | None:
        """What the cell did away with that every later cell needs, if it did."""
        if [_pipe(stream) for stream in (1, 2)] != self._pipes:
            return "what is printed no longer arrives"
        try:
            _compile("0", "<check>", "exec", dont_inherit=True)
        except MemoryError:
            return None  # the cells' own variables fill it, and can be deleted
        except BaseException as error:  # noqa: BLE001 - an audit hook, most likely
            return f"no code can be compiled any more: {type(error).__name__}"
        return None

    def _probe(self, code: str, _answer: dict[str, Any]) -> None:
        """Run code of the host's own, away from the cells' variables."""
        builtins: Any = sys.modules["builtins"]
        names = {"__name__": "__probe__", "__builtins__": builtins}
        _exec(_compile(code, "<probe>", "exec", dont_inherit=True), names)

    def _python(self, code: str, answer: dict[str, Any]) -> None:
        self._count += 1
        name = f"<cell {self._count}>"
        self._remember(name, code)
        tree: Any = _compile(code, name, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], _ast.Expr) else None
        if tree.body:
            _exec(_compile(tree, name, "exec", dont_inherit=True), self._variables)
        if last is not None:
            expression: Any = _ast.Expression(last.value)
            value = _eval(_compile(expression, name, "eval", dont_inherit=True), self._variables)
            if value is not None:
                self._variables["_"] = value
                answer["value"], answer["value_truncated"] = self._shorten(_repr(value))
        if "matplotlib.pyplot" in sys.modules:
            answer["figures"], answer["figures_dropped"] = self._figures()

    def _shell(self, command: str, answer: dict[str, Any]) -> None:
        shell = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"  # noqa: PTH110
        child = os.posix_spawn(
            shell,
            [shell, "-c", command],
            os.environ,
            setpgroup=0,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGPIPE],
        )
        try:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except BaseException:
            self._interrupts.running = False  # one more must not spare what the shell started
            _end_group(child)
            raise
        if code:
            what = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
            answer |= {"outcome": "error", "error": what}

    def _figures(self) -> tuple[list[str], int]:
        import io
        from binascii import b2a_base64

        pyplot = sys.modules["matplotlib.pyplot"]
        names: list[str] = []
        dropped = 0
        for number in pyplot.get_fignums():
            file = io.BytesIO()
            if len(names) < self._caps["figures"]:
                pyplot.figure(number).savefig(file, format="png", bbox_inches="tight")
            data = file.getvalue()
            if data and len(data) <= self._caps["figure_bytes"]:
                names.append(b2a_base64(data, newline=False).decode())
            else:
                dropped += 1
        pyplot.close("all")
        return names, dropped

    def _shorten(self, text: str) -> tuple[str, bool]:
        cap = self._caps["text"]
        if len(text) <= cap:
            return text, False
        return f"{text[: cap * 3 // 4]}\n[…]\n{text[-(cap // 4) :]}", True

    def _remember(self, name: str, code: str) -> None:
        self._sources[name] = code
        while len(self._sources) > _SOURCES_KEPT:
            oldest = next(iter(self._sources))
            del self._sources[oldest]
            if "linecache" in sys.modules:
                sys.modules["linecache"].cache.pop(oldest, None)

    def _explain(self, error: BaseException) -> str:
        """The traceback, from the cell's own first frame on."""
        try:
            import linecache  # costs a start 6 ms
            import traceback

            for name, code in self._sources.items():
                linecache.cache[name] = (len(code), None, code.splitlines(True), name)
            frame = error.__traceback__
            while frame is not None and frame.tb_frame.f_code.co_filename == __file__:
                frame = frame.tb_next
            lines = traceback.format_exception(type(error), error, frame)
            return self._shorten("".join(lines))[0]
        except BaseException:  # noqa: BLE001 - no memory, or a hostile __str__
            return type(error).__name__


def _stream(descriptor: int) -> TextIO:
    return _open(descriptor, "w", 1, "utf-8", "backslashreplace", closefd=False)


def _pipe(descriptor: int) -> tuple[int, int] | None:
    """What a descriptor leads to; None where it is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _end_group(child: int) -> None:
    """Ask a shell and all it started to stop; make it, if it has not within half a second."""
    for attempt in range(50):
        try:
            os.killpg(child, signal.SIGINT if attempt == 0 else 0)
            os.waitpid(child, os.WNOHANG)
        except OSError:
            return
        time.sleep(0.01)
    try:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except OSError:
        return


def warm_figures() -> None:
    """Draw one throw-away figure, so that the first real one finds fonts and caches ready."""
    import io

    pyplot = sys.modules["matplotlib.pyplot"]
    pyplot.plot([0, 1])
    pyplot.title("x")
    pyplot.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    pyplot.close("all")
