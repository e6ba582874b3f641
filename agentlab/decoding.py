"""Bytes that somebody's program wrote, as text: decoded or refused, with what was assumed.

    text, note = decode(data)              "" where nothing had to be assumed
    encoding = encoding_of(chunks)         the same for a file too large to hold
    for number, line in json_lines(text)   JSON Lines: a line ends at a line feed and nowhere else

What counts, in this order: a byte order mark; UTF-16 that shows by its zero bytes; UTF-8 that holds
throughout; what the file says of itself, by the names of the WHATWG's Encoding Standard (where
`iso-8859-1` means windows-1252); then windows-1252, where the text reads as a Western language; and
then what `charset_normalizer`, where it is installed, makes of it. UTF-8 in which few bytes are
wrong has those read as windows-1252. What is left is refused: no text is better than a wrong one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from agentlab.errors import ConfigError

WESTERN: Final = "agentlab-windows-1252"
"""Errors handler: a byte that is wrong is read as windows-1252."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# what text holds none of; but DOS ends it with \x1a, and \x1e and \x1f separate records and values
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b\x1e\x1f\0"))
_SAMPLE = 1 << 16

# Where the WHATWG's standard means another encoding by a name than Python does
_LABELS = {
    "gb18030": "gb18030 gbk gb2312 gb_2312 gb_2312-80 csgb2312 chinese x-gbk iso-ir-58",
    "cp949": "euc-kr cseuckr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji csshiftjis windows-31j ms932",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "windows-1252": "iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 latin-1 l1 ascii us-ascii "
    "ansi_x3.4-1968 cp1252 x-cp1252 windows-1252 cp819 ibm819 csisolatin1 iso-ir-100",
    "cp1254": "iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5 csisolatin5 x-cp1254",
    "cp874": "iso-8859-11 iso8859-11 iso885911 tis-620 dos-874 windows-874",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "cp1250": "x-cp1250",
    "cp1251": "x-cp1251",
    # who wrote this name in bytes that are no UTF-16 cannot have meant it
    "utf-8": "utf-16 utf-16le utf-16be ucs-2 unicode csunicode utf8 unicode-1-1-utf-8",
}
_MEANT = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}

_WRONG = re.compile("[\udc80-\udcff]")
_RIGHT = re.compile("[^\x00-\x7f\udc80-\udcff]")


class Undecodable(ConfigError):
    """Bytes that are no text, or in no encoding that can be told; the text says why."""


@dataclass(frozen=True)
class Encoding:
    """How bytes are read: for `open` and `bytes.decode`.

    Attributes:
        note: what was assumed, for people; empty where nothing was.
        zeros: how many NUL characters the text holds.
    """

    codec: str
    errors: str = "strict"
    note: str = ""
    zeros: int = 0


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text in bytes, its line ends as they are, and a note of what was assumed.

    Args:
        declared: the encoding that the file says it has.

    Raises:
        Undecodable: it is no text, or in no encoding that can be told.
    """
    encoding = encoding_of([data], declared)
    if encoding.zeros:
        raise Undecodable("binary, not text")
    try:
        return data.decode(encoding.codec, encoding.errors), encoding.note
    except UnicodeError:
        raise Undecodable(f"taken for {encoding.codec} text, which it is not throughout") from None


def encoding_of(chunks: Iterable[bytes], declared: str = "") -> Encoding:
    """The encoding of bytes that come in pieces; all of them are looked at.

    Raises:
        Undecodable: as `decode`; but zeros within text are left to the caller.
    """
    look = _Look()
    for chunk in chunks:
        look.at(chunk)
    return look.settled(declared)


def json_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of JSON Lines that are not blank, with their numbers from 1.

    Only a line feed ends one. U+2028 and its like may stand within a JSON text.
    """
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r\ufeff")  # files that were joined have marks within
        if stripped:
            yield number, stripped


class _Look:
    """What there is to know of bytes after one pass over them."""

    def __init__(self) -> None:
        self._start = b""
        self._size = 0
        self._zeros = [0, 0]  # at even and odd places
        self._controls = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._wrong = self._right = 0
        self._sample = b""  # of what is not ASCII

    def at(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if len(self._start) < _SAMPLE:
            self._start += chunk[: _SAMPLE - len(self._start)]
            first = self._start
            self._controls = len(first) - len(first.translate(None, _CONTROLS))
        if b"\0" in chunk:
            odd = self._size % 2
            for place in (0, 1):
                self._zeros[(place + odd) % 2] += chunk[place::2].count(b"\0")
        self._size += len(chunk)
        self._take(chunk, self._utf8.decode(chunk))

    def _take(self, chunk: bytes, text: str) -> None:
        if text.isascii():
            return
        wrong = len(_WRONG.findall(text))
        self._wrong += wrong
        self._right += len(_RIGHT.findall(text))
        if wrong and len(self._sample) < _SAMPLE:
            lines = (line for line in chunk.splitlines(keepends=True) if not line.isascii())
            self._sample += b"".join(lines)[:_SAMPLE]

    def settled(self, declared: str) -> Encoding:
        """What it comes to."""
        self._take(b"", self._utf8.decode(b"", final=True))
        marked = self._marked()
        if marked is not None:
            return marked
        zeros = sum(self._zeros)
        if self._controls > len(self._start) * 0.01 or zeros > self._size * 0.3:
            raise Undecodable("binary, not text")
        if not self._wrong:
            shifts = meant(declared)  # escapes into Japanese are all of ASCII
            if shifts.startswith("iso2022") and b"\x1b" in self._start:
                return Encoding(shifts, "strict", f"read as {shifts}", zeros)
            return Encoding("utf-8", zeros=zeros)
        sample = self._sample or self._start
        codec = meant(declared)
        if codec and codec != "utf-8" and _holds(sample, codec):
            errors = WESTERN if codec == "windows-1252" else "strict"
            return Encoding(codec, errors, f"read as {codec}", zeros)
        text = _as_western(sample)
        western = _is_western(text)
        if self._right and (western or self._wrong * 1000 < self._right):
            count = f"{self._wrong} byte{'s'[: self._wrong > 1]} of it"
            is_are = "is" if self._wrong == 1 else "are"
            note = f"{count} {is_are} not UTF-8: read as windows-1252"
            return Encoding("utf-8", WESTERN, note, zeros)
        codec = (_eastern_latin(text) or "windows-1252") if western else _guessed(sample)
        errors = WESTERN if codec == "windows-1252" else "strict"
        return Encoding(codec, errors, f"read as {codec}: it is not UTF-8", zeros)

    def _marked(self) -> Encoding | None:
        """By a mark at the beginning, or by zeros at every other place."""
        for mark, codec in _BOMS:
            if self._start.startswith(mark):
                if codec == "utf-8-sig" and self._wrong:
                    note = f"{self._wrong} bytes of it are not UTF-8: read as windows-1252"
                    return Encoding(codec, WESTERN, note, sum(self._zeros))
                if not _holds(self._start[: len(self._start) // 4 * 4], codec):
                    raise Undecodable(f"begins as {codec} text, but is not")
                return Encoding(codec, zeros=sum(self._zeros) if codec == "utf-8-sig" else 0)
        even, odd = self._zeros
        for codec, most, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            whole = self._start[: len(self._start) // 2 * 2]
            # in UTF-16, what a plain letter has for its other half; text has many of those
            if most > self._size * 0.2 and few <= most * 0.02 and _holds(whole, codec):
                return Encoding(codec, "strict", f"read as {codec}, by its zero bytes")
        return None


def meant(label: str) -> str:
    """Python's name of the encoding that a label means; empty where it means none."""
    plain = label.strip().lower()
    if plain in _MEANT:
        return _MEANT[plain]
    try:
        codec = codecs.lookup(plain)
    except (LookupError, ValueError):
        return ""
    return codec.name if getattr(codec, "_is_text_encoding", True) else ""


def _holds(sample: bytes, codec: str) -> bool:
    """Whether bytes are valid in an encoding; they may end within a character."""
    if codec == "windows-1252":
        return True
    try:
        codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeError:
        return False
    return True


# Marks that stand within words: quotes for apostrophes, dashes, soft hyphens, dots
_IN_WORDS = "’‘´–—…·\xad\xa0€ªº°"
_ACCENTED = "À-ÖØ-öø-ÿŠŽŸŒšžœƒ"
_MISPLACED = re.compile(
    f"(?<=[A-Za-z{_ACCENTED}])[^\x00-\x7f{_ACCENTED}{_IN_WORDS}](?=[A-Za-z{_ACCENTED}])|[\x80-\x9f]"
)
_CAPITAL_WITHIN = re.compile("[A-Za-z][À-ÖØ-ÞŠŽŸŒ](?=[a-z])|[a-z]§")
_RUN = re.compile(f"[{_ACCENTED}]{{4,}}")
_HIGH = re.compile("[^\x00-\x7f]")
_HIGH_LETTER = re.compile(f"[{_ACCENTED}]")
_LETTER = re.compile(f"[A-Za-z{_ACCENTED}]")
_OLD = ("cp850", "mac_roman")
_OTHERS: list[str] = [
    *(
        "cp932 euc_jp gb18030 big5 cp949 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 "
        "cp874 koi8_r koi8_u iso8859_2 iso8859_5 iso8859_6 iso8859_7 iso8859_8 cp852 cp866 "
        "mac_cyrillic"
    ).split()
]


def _as_western(sample: bytes) -> str:
    """As windows-1252, without the characters that are UTF-8."""
    text = sample.decode("utf-8", "surrogateescape")
    encoded = _RIGHT.sub("", text).encode("utf-8", "surrogateescape")
    return encoded.decode("windows-1252", WESTERN)


def _is_western(text: str) -> bool:
    """Whether a text that bytes were read as is one in a Western language.

    There, one letter in five at most has an accent, such letters rarely stand in a row, and marks
    do not stand within words: read in an encoding that is not their own, bytes do all of that.
    """
    high = len(_HIGH.findall(text))
    odd = len(_MISPLACED.findall(text)) + len(_CAPITAL_WITHIN.findall(text))
    odd += sum(len(run) - 1 for run in _RUN.findall(text))
    accented, letters = len(_HIGH_LETTER.findall(text)), len(_LETTER.findall(text))
    return odd <= high * 0.05 and accented <= max(letters * 0.45, 3)


def _eastern_latin(text: str) -> str:
    """A neighbour of windows-1252 whose letters show; empty where none do."""
    letters = set(text.lower())
    czech = letters & set("šž") and len(letters & set("ìøèùòï")) >= 2
    hungarian = {"õ", "û", "á"} <= letters and "ã" not in letters
    if czech or hungarian:
        return "cp1250"
    turkish = {"þ", "ý"} <= letters and letters & set("çüö") and not letters & set("æáó")
    return "cp1254" if turkish else ""


def _guessed(sample: bytes) -> str:
    for old in _OLD:
        text = sample.decode(old, "replace")
        if _is_western(text) and len(_HIGH_LETTER.findall(text)) > 0.9 * len(_HIGH.findall(text)):
            return old
    if find_spec("charset_normalizer") is not None:
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=_OTHERS).best()
        if best is not None and _holds(sample, best.encoding):
            return best.encoding
    raise Undecodable("text in an encoding that can't be told: save it as UTF-8")


def _western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    # the five bytes that windows-1252 leaves open are control characters in the WHATWG's standard
    letters = "".join(
        byte.decode("cp1252", "ignore") or chr(byte[0]) for byte in (bytes([b]) for b in wrong)
    )
    return letters, error.end


codecs.register_error(WESTERN, _western)
