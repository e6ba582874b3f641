"""What a string has to look like, as regular expressions: formats, patterns, names.

Patterns come in the spelling of JSON Schema (ECMA-262) and leave in that of the grammar library
(Rust's `regex`). Where engines disagree about a character class, only what ECMA-262 and Python
both take is admitted. Leap seconds, which Python cannot read, are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_DATE = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
)
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?"
_TIME = f"{_CLOCK}(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = f"{_OCTET}(?:\\.{_OCTET}){{3}}"
_H16 = "[0-9a-fA-F]{1,4}"
_LAST32 = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = (
    f"(?:(?:{_H16}:){{6}}{_LAST32}|::(?:{_H16}:){{5}}{_LAST32}"
    f"|(?:{_H16})?::(?:{_H16}:){{4}}{_LAST32}"
    f"|(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LAST32}"
    f"|(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LAST32}"
    f"|(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LAST32}"
    f"|(?:(?:{_H16}:){{0,4}}{_H16})?::{_LAST32}"
    f"|(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}|(?:(?:{_H16}:){{0,6}}{_H16})?::)"
)
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST = f"{_LABEL}(?:\\.{_LABEL})*"
_ATOM = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = '"(?:[ !#-\\[\\]-~]|\\\\[ -~])*"'
_PCT = "%[0-9a-fA-F]{2}"
_UNRESERVED = "a-zA-Z0-9._~\\-"
_SUB = "!$&'()*+,;="
_PCHAR = f"(?:[{_UNRESERVED}{_SUB}:@]|{_PCT})"
_PATH = f"(?:/{_PCHAR}*)*"
_AUTHORITY = (
    f"(?:(?:[{_UNRESERVED}{_SUB}:]|{_PCT})*@)?"
    f"(?:\\[(?:{_IPV6}|v[0-9a-fA-F]+\\.[{_UNRESERVED}{_SUB}:]+)\\]|(?:[{_UNRESERVED}{_SUB}]|{_PCT})*)"
    "(?::[0-9]*)?"
)
_QUERY = f"(?:\\?(?:{_PCHAR}|[/?])*)?"
_END = f"{_QUERY}(?:#(?:{_PCHAR}|[/?])*)?"
_URI = (
    f"[a-zA-Z][a-zA-Z0-9+.-]*:(?://{_AUTHORITY}{_PATH}|/(?:{_PCHAR}+{_PATH})?|{_PCHAR}+{_PATH}|)"
    f"{_END}"
)
_RELATIVE = (
    f"(?://{_AUTHORITY}{_PATH}|/(?:{_PCHAR}+{_PATH})?"
    f"|(?:[{_UNRESERVED}{_SUB}@]|{_PCT})+{_PATH}|){_END}"
)
_POINTER = "(?:/(?:[^~/]|~[01])*)*"
_SPAN = "(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_DAYS = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"

FORMATS: Mapping[str, str] = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}[tT]{_TIME}$",
    "duration": f"^P(?:{_DAYS}(?:T{_SPAN})?|T{_SPAN}|[0-9]+W)$",
    "uuid": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "ipv4": f"^{_IPV4}$",
    "ipv6": f"^{_IPV6}$",
    "hostname": f"^{_HOST}$",
    "email": f"^(?:{_ATOM}(?:\\.{_ATOM})*|{_QUOTED})@(?:{_HOST}|\\[{_IPV4}\\])$",
    "uri": f"^{_URI}$",
    "uri-reference": f"^(?:{_URI}|{_RELATIVE})$",
    "json-pointer": f"^{_POINTER}$",
    "relative-json-pointer": f"^(?:0|[1-9][0-9]*)(?:#|{_POINTER})$",
    "byte": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
"""The values of `format` that are enforced, as regular expressions."""

FREE_FORMATS = frozenset({"binary", "password"})
"""Values of `format` that any string has: pydantic's `bytes` are the text's own, in UTF-8."""

_BLANKS = "\\t\\n\\v\\f\\r \\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000"
_MORE_BLANKS = f"{_BLANKS}\\u001C-\\u001F\\u0085\\uFEFF"
_ANY = "[\\s\\S]"
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")
_ANYTHING = re.compile(r"\[(?:\\s\\S|\\S\\s|\\d\\D|\\D\\d|\\w\\W|\\W\\w|\^)\]")
_DIGITED = re.compile(r"\(\?!\^?\[([-+.,_ ]+)\]\*\$\)")


def parts_of(expression: str) -> tuple[str, ...]:
    """Expressions that have to be found all, in place of one that the library can't read.

    `^(?!^[-+.]*$)…`, as for decimal numbers: not of these characters alone, so another is there.
    """
    counted = _DIGITED.match(expression, 1) if expression.startswith("^") else None
    if counted is None:
        return (expression,)
    return ("^" + expression[counted.end() :], "[^" + re.escape(counted[1]) + "]")


@lru_cache(maxsize=2048)
def as_rust(expression: str) -> str:
    """An expression of JSON Schema in the spelling of Rust's `regex`."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(expression):
        char, pair = expression[at], expression[at : at + 2]
        at += 1
        if char == "\\":
            out.append(_escape(pair, in_class=in_class))
            at += 1
        elif in_class:
            if char == "]":
                in_class = False
            # set operations, which the other spelling does not have
            special = char == "[" or pair in ("&&", "--", "~~")
            out.append("\\" + char if special else char)
        elif char == "[" and (anything := _ANYTHING.match(expression, at - 1)):
            out.append("(?s:.)")
            at = anything.end()
        elif char == "[":
            in_class = True
            out.append(char)
            if expression.startswith("^", at):
                out.append("^")
                at += 1
        elif char == ".":
            out.append("[^\\n\\r\\u2028\\u2029]")
        elif char == "{" and not _COUNT.match(expression, at - 1):
            out.append("\\{")
        elif char == "}" and "{" not in expression[:at]:
            out.append("\\}")
        else:
            out.append(char)
    return "".join(out)


def _escape(pair: str, *, in_class: bool) -> str:
    match pair[1:]:
        case "s":
            return _BLANKS if in_class else f"[{_BLANKS}]"
        case "S" if not in_class:
            return f"[^{_MORE_BLANKS}]"
        case "/" | "<" | ">" | "'" | '"' | "@" | "_" | "!" | "," | ":" | ";" | "=" | "%" | "`":
            return pair[1:]
        case "b" if in_class:
            return "\\x08"
        case "0":
            return "\\x00"
        case _:
            return pair


def none_of(words: Iterable[str]) -> str:
    """The texts that are none of these, as an expression without look-around."""
    known = sorted(set(words))

    def follow(done: str) -> str:
        nexts = sorted({w[len(done)] for w in known if w.startswith(done) and w != done})
        if not nexts:
            return f"{_ANY}+"
        options = ["[^" + "".join(map(_literal, nexts)) + f"]{_ANY}*"]
        options += [f"{_literal(char)}(?:{follow(done + char)})" for char in nexts]
        return "|".join(options if done in known else [*options, ""])

    return f"^(?:{follow('')})$"


def _literal(char: str) -> str:
    return "\\" + char if char in "\\]^-[.*+?(){}|$/" else char
