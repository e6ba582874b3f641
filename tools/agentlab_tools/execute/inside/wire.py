"""JSON and signals, from the parts of the standard library that are written in C.

`json` and `signal` would do, but bring `re` and `enum` along, which cost every start 8 ms.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any
else:
    import _signal as signal

__all__ = ["decode", "encode", "signal"]


class _Rules:
    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


_scan: Any = make_scanner(_Rules())  # type: ignore[arg-type]


def decode(line: str) -> Any:
    """The value of one line of JSON, which comes from the host and is trusted."""
    return _scan(line, 0)[0]


def encode(answer: dict[str, Any]) -> bytes:
    """An object as one line of JSON. Its values: text, numbers, None, and lists of text."""
    fields = ",".join(f"{encode_basestring_ascii(k)}:{_value(v)}" for k, v in answer.items())
    return f"{{{fields}}}\n".encode()


def _value(value: str | list[str] | float | bool | None) -> str:
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, list):
        return f"[{','.join(map(_value, value))}]"
    if value is None:
        return "null"
    return str(value).lower()  # numbers, and true and false
