"""Values of many kinds, as people write them and as a call must hold them.

Kind.parse("int(1,14)").draw(rng, "train")  ->  Value("three", 3)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agentlab_tools.train.toolcalling.pools import Split, pools

_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_SOON = ("today", "tomorrow", "next Monday", "this Friday", "next week", "Saturday")
_SOON_HELD_OUT = ("the day after tomorrow", "next Thursday", "Sunday")


@dataclass(frozen=True)
class Value:
    """What a person writes, and what belongs into the call."""

    text: str
    json: Any


@dataclass(frozen=True)
class Kind:
    """A kind of value: its name and what stands in its brackets."""

    name: str
    of: str = ""

    @classmethod
    def parse(cls, text: str) -> Kind:
        """From `name` or `name(inside)`."""
        name, _, rest = text.strip().partition("(")
        return cls(name, rest.removesuffix(")"))

    @property
    def options(self) -> list[Any]:
        """Of an enumeration; empty for others."""
        if self.name == "enum":
            return self.of.split(",")
        return [int(n) for n in self.of.split(",")] if self.name == "enumint" else []

    @property
    def fields(self) -> Mapping[str, Kind]:
        """Of an object; empty for others."""
        if self.name != "object":
            return {}
        pairs = re.findall(r"(\w+)=(\w+(?:\([^)]*\))?)", self.of)
        return {name: Kind.parse(kind) for name, kind in pairs}

    @property
    def switch(self) -> tuple[Sequence[str], Sequence[str]]:
        """How a boolean is said: (when true, when false)."""
        yes, _, no = self.of.partition("/")
        return yes.split(";"), no.split(";")

    def schema(self, rng: Random) -> dict[str, Any]:
        """The JSON Schema of its values."""
        match self.name:
            case "enum":
                return {"type": "string", "enum": self.options}
            case "enumint":
                return {"type": "integer", "enum": self.options}
            case "int" | "year" | "percent":
                return {"type": "integer"}
            case "num" | "float" | "money" | "rate" | "coord":
                return {"type": rng.choices(("number", "float"), (9, 1))[0]}
            case "bool":
                return {"type": "boolean"}
            case "list":
                return {"type": "array", "items": {"type": "string"}}
            case "numbers" | "pair":
                return {"type": "array", "items": {"type": "number"}}
            case "object":
                fields = {name: kind.schema(rng) for name, kind in self.fields.items()}
                return {"type": "object", "properties": fields, "required": list(fields)}
            case _:
                return {"type": "string"}

    def draw(self, rng: Random, split: Split) -> Value:
        """A value."""
        of, words = self.of, pools(split)
        match self.name:
            case "pool":
                return _same(rng.choice(words[of]))
            case "words" | "enum":
                return _same(rng.choice(of.split(",")))
            case "enumint":
                number = rng.choice(self.options)
                return Value(str(number), number)
            case "quoted":
                return _quoted(rng, rng.choice(words[of]), of)
            case "list":
                return _list(rng, rng.sample(words[of], min(rng.randint(2, 4), len(words[of]))))
            case "object":
                return self._object(rng, split)
            case "int" | "num" | "float":
                low, high = (int(n) for n in of.split(","))
                return _NUMBERS[self.name](rng, low, high)
            case _:
                return _DRAWS[self.name](rng, split)

    def _object(self, rng: Random, split: Split) -> Value:
        drawn = {name: kind.draw(rng, split) for name, kind in self.fields.items()}
        value = {name: one.json for name, one in drawn.items()}
        texts = [one.text for one in drawn.values()]
        named = ", ".join(f"{name} {one.text}" for name, one in drawn.items())
        joined = " and ".join(texts) if set(drawn) == {"start", "end"} else ", ".join(texts)
        return Value(
            rng.choice((joined, joined, named, f"{texts[0]} ({', '.join(texts[1:])})")), value
        )


def _same(text: str) -> Value:
    return Value(text, text)


def _quoted(rng: Random, text: str, pool: str) -> Value:
    bare = {"task": 0.6, "title": 0.5, "food": 0.9, "word": 0.3}.get(pool, 0.15)
    if rng.random() < bare:
        return Value(text, text)
    mark = '"' if "'" in text else rng.choice("\"'")
    return Value(f"{mark}{text}{mark}", text)


def _list(rng: Random, items: Sequence[Any]) -> Value:
    texts = [str(item) for item in items]
    forms = (
        f"{', '.join(texts[:-1])} and {texts[-1]}",
        f"{', '.join(texts[:-1])} and {texts[-1]}",
        ", ".join(texts),
        f"[{', '.join(texts)}]",
    )
    return Value(rng.choice(forms), list(items))


def _int(rng: Random, low: int, high: int) -> Value:
    number = rng.randint(low, high)
    if 0 <= number < len(_WORDS) and rng.random() < 0.12:
        return Value(_WORDS[number], number)
    return Value(str(number), number)


def _num(rng: Random, low: int, high: int) -> Value:
    if rng.random() < 0.65:
        number = rng.randint(low, high)
        return Value(str(number), number)
    decimal = round(rng.uniform(low, high), rng.choice((1, 1, 2)))
    return Value(str(decimal), decimal)


def _float(rng: Random, low: int, high: int) -> Value:
    number = round(rng.uniform(low, high), rng.choice((1, 2, 2, 3))) or 0.5
    return Value(str(number), number)


def _money(rng: Random, _: Split) -> Value:
    number: float = rng.choice(
        (rng.randint(5, 99), rng.randint(1, 90) * 50, rng.randint(2, 600) * 500)
    )
    if number < 100 and rng.random() < 0.3:
        number = round(number + rng.choice((0.5, 0.99, 0.25, 0.95)), 2)
    grouped = f"{number:,}"
    forms = (str(number), grouped, f"${number}", f"${grouped}", f"{number} dollars", f"€{number}")
    return Value(rng.choice(forms), number)


def _percent(rng: Random, _: Split) -> Value:
    number = rng.randint(1, 95)
    return Value(rng.choice((f"{number}%", f"{number} percent", str(number))), number)


def _rate(rng: Random, _: Split) -> Value:
    percent = rng.choice((rng.randint(1, 15), rng.randint(5, 120) / 10))
    share = round(percent / 100, 4)
    return Value(rng.choice((f"{percent}%", f"{percent} percent", str(share), str(share))), share)


def _year(rng: Random, _: Split) -> Value:
    number = rng.randint(1950, 2026)
    return Value(str(number), number)


def _date(rng: Random, split: Split) -> Value:
    year, month, day = rng.randint(2022, 2027), rng.randint(1, 12), rng.randint(1, 28)
    chance = rng.random()
    if chance < 0.6:
        return _same(f"{year}-{month:02}-{day:02}")
    if chance < 0.8:
        name = _MONTHS[month - 1]
        return _same(rng.choice((f"{name} {day}, {year}", f"{day} {name} {year}", f"{name} {day}")))
    return _same(rng.choice(_SOON_HELD_OUT if split == "heldout" else _SOON))


def _time(rng: Random, _: Split) -> Value:
    hour, minute = rng.randint(0, 23), rng.choice((0, 15, 30, 45))
    half = f"{hour % 12 or 12}{f':{minute}' if minute else ''}"
    noon = "am" if hour < 12 else "pm"
    return _same(rng.choice((f"{hour:02}:{minute:02}", f"{half}{noon}", f"{half} {noon.upper()}")))


def _person(rng: Random, split: Split) -> Value:
    words = pools(split)
    return _same(f"{rng.choice(words['first'])} {rng.choice(words['last'])}")


def _email(rng: Random, split: Split) -> Value:
    words = pools(split)
    first, last = rng.choice(words["first"]).lower(), rng.choice(words["last"]).lower()
    name = rng.choice(
        (f"{first}.{last}", first, f"{first[0]}{last}", f"{first}{rng.randint(1, 99)}")
    )
    return _same(f"{name}@{rng.choice(words['mailhost'])}")


def _phone(rng: Random, _: Split) -> Value:
    a, b = rng.randint(200, 989), rng.randint(1000, 9999)
    forms = (f"555-{b}", f"+1-{a}-555-{b}", f"({a}) 555-{b}", f"+44 20 7946 {b}")
    return _same(rng.choice(forms))


def _url(rng: Random, split: Split) -> Value:
    words = pools(split)
    tail = rng.choice(
        ("", "/" + rng.choice(words["word"]), f"/{rng.choice(words['tag'])}/{rng.randint(1, 99)}")
    )
    return _same(f"https://{rng.choice(('', 'www.'))}{rng.choice(words['domain'])}{tail}")


def _letters(rng: Random, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(count))


def _id(rng: Random, _: Split) -> Value:
    number = rng.randint(100, 99999)
    forms = (
        f"{_letters(rng, rng.randint(1, 3))}-{number}",
        f"{_letters(rng, 2)}{number}",
        f"{rng.getrandbits(24):06x}",
        str(number),
    )
    return _same(rng.choice(forms))


def _code_id(rng: Random, _: Split) -> Value:
    mixed = f"{_letters(rng, 2)}{rng.randint(10, 99)}{_letters(rng, rng.randint(0, 2))}"
    return _same(rng.choice((f"{_letters(rng, 2)}{rng.randint(100, 9999)}", mixed)))


def _coord(rng: Random, _: Split) -> Value:
    number = round(rng.uniform(-85, 85), rng.choice((1, 2, 4)))
    return Value(str(number), number)


def _numbers(rng: Random, _: Split) -> Value:
    count = rng.randint(3, 6)
    if rng.random() < 0.7:
        return _list(rng, [rng.randint(1, 120) for _ in range(count)])
    return _list(rng, [round(rng.uniform(0, 50), 1) for _ in range(count)])


def _pair(rng: Random, _: Split) -> Value:
    items = [rng.randint(-9, 20), rng.randint(-9, 20)]
    return Value(f"({items[0]}, {items[1]})", items)


def _dna(rng: Random, _: Split) -> Value:
    return _same("".join(rng.choice("ACGT") for _ in range(rng.randint(6, 14))))


_NUMBERS: Mapping[str, Callable[[Random, int, int], Value]] = {
    "int": _int,
    "num": _num,
    "float": _float,
}
_DRAWS: Mapping[str, Callable[[Random, Split], Value]] = {
    "money": _money,
    "percent": _percent,
    "rate": _rate,
    "year": _year,
    "date": _date,
    "time": _time,
    "person": _person,
    "email": _email,
    "phone": _phone,
    "url": _url,
    "id": _id,
    "code_id": _code_id,
    "coord": _coord,
    "numbers": _numbers,
    "pair": _pair,
    "dna": _dna,
}
