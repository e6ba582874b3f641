"""Arithmetic as people and models write it, worked out by a parser, not `eval`.

As a program it answers each line of stdin, a JSON text, with one on stdout: `{"value": "42"}` or
`{"error": "division by zero"}`. It imports nothing of ours, so that it starts quickly.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from simpleeval import InvalidExpression, SimpleEval


class Unworkable(ValueError):
    """There is no value; the text is one line that says why."""


MAX_LENGTH = 200
MAX_DIGITS = 30
"""Integers longer than this are answered in scientific notation."""

_WRITTEN = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "π": "pi", "√": "sqrt"}
_TIMES = re.compile(r"(?<=[\d)])\s*[xX]\s*(?=[\d(])")
_FACTORIAL = re.compile(r"(\d+)!(?!=)")
_PERCENT_OF = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*of\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\w.,(])(\d{1,3}(?:,\d{3})+)(?![\d,])")


_MOST_BITS = 10_000
"""Of a whole number, given or worked out: some 3,000 digits."""


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for numbers of bounded size alone: no text, and nothing that grows for long.

    Work on whole numbers is done in C, where neither a timeout nor Ctrl-C can stop it, so nothing
    may begin whose end is far away.
    """

    def bounded(*arguments: Any) -> Any:
        for argument in arguments:
            _check(argument)
        return _check(function(*arguments))

    return bounded


def _check(value: Any) -> Any:
    if not isinstance(value, int | float | complex) or isinstance(value, bool):
        raise Unworkable(f"{str(value)[:20]!r} is not a number")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise Unworkable("a number on the way has more than 3,000 digits")
    return value


def _factorial(n: int) -> int:
    if n > 1000:
        raise Unworkable("factorials are worked out up to 1000!")
    return math.factorial(n)


def _round(number: Any, digits: Any = None) -> Any:
    if digits is None:
        return round(number)
    if abs(digits) > _MOST_PLACES:
        raise Unworkable(f"numbers are rounded to at most {_MOST_PLACES} places")
    return round(number, digits)


_MOST_PLACES = 400
_PLAIN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": math.sqrt,
    "abs": abs,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "min": min,
    "max": max,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "factorial": _factorial,
    "gcd": math.gcd,
}
FUNCTIONS = {name: _bounded(function) for name, function in _PLAIN_FUNCTIONS.items()}
"""What an expression may call."""
_NAMES = {"pi": math.pi, "e": math.e}


def _power(base: Any, exponent: Any) -> Any:
    # The number of digits is known before the work is done
    if abs(base) > 1 and abs(exponent) * math.log10(abs(base)) > 400:
        raise Unworkable("that power has more than 400 digits")
    return base**exponent


_op = cast(Any, operator)
_PLAIN_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _op.add,
    ast.Sub: _op.sub,
    ast.Mult: _op.mul,
    ast.Div: _op.truediv,
    ast.FloorDiv: _op.floordiv,
    ast.Mod: _op.mod,
    ast.Pow: _power,
    ast.USub: _op.neg,
    ast.UAdd: _op.pos,
}
_OPERATORS = {node: _bounded(operation) for node, operation in _PLAIN_OPERATORS.items()}
_NOT_ARITHMETIC = (ast.Attribute, ast.Subscript, ast.JoinedStr, ast.FormattedValue, ast.IfExp)


def evaluate(expression: str) -> int | float:
    """The value of an arithmetic expression.

    Takes + - * / // % ** and parentheses, `^ × x ÷ −`, `5!` and `15% of 80` as people write them,
    thousands separators, the functions sqrt, abs, round, floor, ceil, min, max, log, log2, log10,
    exp, sin, cos, tan, factorial, gcd, and the numbers pi and e.

    Raises:
        Unworkable: it is not such an expression, or has no finite real value.
    """
    text = expression.strip().rstrip("=").strip()
    if not text:
        raise Unworkable("the expression is empty")
    if len(text) > MAX_LENGTH:
        raise Unworkable(f"the expression has {len(text)} characters; {MAX_LENGTH} are allowed")
    for written, meant in _WRITTEN.items():
        text = text.replace(written, meant)
    text = _TIMES.sub("*", text)
    text = _FACTORIAL.sub(r"factorial(\1)", text)
    text = _PERCENT_OF.sub(r"(\1/100)*", text)
    text = _THOUSANDS.sub(lambda found: found[1].replace(",", ""), text)
    parser = cast(Any, SimpleEval)(operators=_OPERATORS, functions=FUNCTIONS, names=_NAMES)
    for node in _NOT_ARITHMETIC:
        parser.nodes.pop(node, None)
    try:
        value = cast(object, parser.eval(text))
    except Unworkable:
        raise
    except ZeroDivisionError:
        raise Unworkable("division by zero") from None
    except OverflowError:
        raise Unworkable("the result is too large") from None
    except (InvalidExpression, SyntaxError, TypeError, ValueError, KeyError, RecursionError) as why:
        said = str(why).split("(<", 1)[0].strip() or type(why).__name__
        raise Unworkable(f"can't work out {expression!r}: {said}") from None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unworkable(f"{expression!r} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unworkable("the result is not a finite number")
    return value


def written_out(value: float) -> str:
    """A number as people write it: whole where it is whole, else twelve significant digits."""
    if isinstance(value, int):
        text = str(value)
        return text if len(text.lstrip("-")) <= MAX_DIGITS else f"{Decimal(value):.12e}"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}"


def _serve() -> None:
    """Answer line by line, until there are no more."""
    limited = _limits()
    for line in sys.stdin:
        limited()
        try:
            said = {"value": written_out(evaluate(json.loads(line)))}
        except Unworkable as why:
            said = {"error": str(why)}
        print(json.dumps(said), flush=True)


def _limits() -> Callable[[], None]:
    """Limit this process's memory now, and its processor time before each job.

    Past its time it dies in the middle of whatever C does, even if nobody is left to kill it.
    """
    if sys.platform == "win32":
        return lambda: None
    import resource

    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]

    def before_each() -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + _MOST_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))

    return before_each


_MOST_MEMORY = 512 << 20
_MOST_SECONDS = 6

if __name__ == "__main__":
    _serve()
