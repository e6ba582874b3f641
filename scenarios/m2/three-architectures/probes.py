"""Probes of what a net can't do: sentences that it gets wrong, and another one right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from . import training
from .sentences import WORDS, fault

Tell = Callable[[str], None]
_LONGEST = 5


def blind(value: object, tell: Tell) -> dict[str, Any]:
    """What stands before a gap, and two texts after it that need different words in between."""
    before, after, other = _parts(value, 3)
    left, turned = training.taught("left", tell), training.taught("gpt", tell)
    alone = training.go_on(left, [training.before_only(before)]).fills[0]
    pairs = ((before, after), (before, other))
    better = training.go_on(turned, [training.turned(*pair) for pair in pairs]).fills
    whole = [" ".join([*before, *alone, *end]) for end in (after, other)]
    mended = [" ".join([*b, *put, *a]) for (b, a), put in zip(pairs, better, strict=True)]
    wrong = [text for text in whole if fault(text.split())]
    still = [text for text in mended if fault(text.split())]
    both = [
        put for put in better if not any(fault([*before, *put, *end]) for end in (after, other))
    ]
    return {
        "both": " ".join(both[0]) if both else None,
        "shown": f"from the left {whole}; with the right side first {mended}",
        "wrong": wrong,
        "still": still,
        "same": after == other,
    }


def torn(value: object, tell: Tell) -> dict[str, Any]:
    """A gap that an encoder fills wrongly in one pass."""
    before, after = _parts(value, 2)
    net = training.taught("bert", tell)
    put = training.fill_in(net, [(before, after)], at_once=True).fills[0]
    other = training.answer(training.taught("t5", tell), [training.marked(before, after)]).fills[0]
    whole, mended = ([*before, *words, *after] for words in (put, other))
    return {
        "shown": f"in one pass {' '.join(whole)!r}; by t5 {' '.join(mended)!r}",
        "why": fault(whole),
        "still": fault(mended),
        "words": len(put),
    }


def _parts(value: object, count: int) -> list[list[str]]:
    from agentlab.errors import ToolError

    parts = cast(list[object], value) if isinstance(value, list) else []
    for part in parts:
        words = cast(list[object], part) if isinstance(part, list) else [None]
        if len(words) > _LONGEST or not all(word in WORDS[5:] for word in words):
            raise ToolError("a part of a probe is a list of at most five words that the nets know")
    if len(parts) != count:
        raise ToolError(f"this probe has {count} parts, each a list of words")
    return cast(list[list[str]], parts)
