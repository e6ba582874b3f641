"""The checks: what was seen of a module, of a training and of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Found = Mapping[str, Any]

RIGHT = 0.8
"""Of fresh digits."""
SAME = 1e-4
LIKE = 0.98
OFF = 1e-4
"""How far a half's numbers may be off, of the most it adds to what comes to it."""


def misshapen(found: Found, _: Any) -> str | None:
    """There are not ten scores for each picture."""
    shape = found["shape"]
    return None if shape[1:] == [10] else f"16 pictures give a tensor of the shape {tuple(shape)}"


def unknown(found: Found, _: Any) -> str | None:
    """A weight that makes the scores is none of the module's own."""
    if found["strangers"]:
        whole = found["strangers"] + found["known"]
        return f"{found['strangers']:,} of its {whole:,} weights are not among its parameters"
    return None if found["known"] else "no weight that could learn makes the scores"


def forgotten(found: Found, _: Any) -> str | None:
    """What was saved makes another net when it is loaded."""
    if found["unknown"]:
        return f"loaded into another one, there is no place for {', '.join(found['unknown'])}"
    return _apart(found["saved"], "loaded into another one, it gives other scores")


def unmoved(found: Found, _: Any) -> str | None:
    """It does not go to another device as a whole."""
    return None if found["moved"] == "meta" else f"on another device: {found['moved']}"


def swayed(found: Found, _: Any) -> str | None:
    """The scores of a picture depend on those beside it."""
    return _apart(found["alone"], "a picture alone gets other scores than among 16")


def _apart(gap: float | None, says: str) -> str | None:
    if gap is None:
        return "there are scores that are no numbers (nan or inf)"
    return None if gap <= SAME else f"{says}, by up to {gap:.2g}"


def guesses(found: Found, _: Any) -> str | None:
    """Too few of the fresh digits are right."""
    right = found["right"]
    return None if right >= RIGHT else f"{right:.1%} of fresh digits are right, {RIGHT:.0%} needed"


def unpaired(found: Found, _: Any) -> str | None:
    """Pictures were blamed for the labels of others."""
    paired, rows = found["paired"], found["rows"]
    if not rows:
        return "no loss was led back to the scores"
    return None if paired == rows else f"{rows - paired} of {rows} rows met another row's label"


def leftover(found: Found, _: Any) -> str | None:
    """Slopes of an earlier batch were in a step."""
    left = found["left"]
    if left is None:
        return "no slope of a weight was found"
    return None if left < 1e-7 else "a step went by the slopes of earlier batches, too"


def softened(found: Found, _: Any) -> str | None:
    """The slope by the scores is not that of cross-entropy."""
    like = found["likeness"]
    if like is None:
        return "no loss was led back to the scores"
    if like >= LIKE:
        return None
    return f"the slope by the scores is like that of their surprise to {like:.2f}, not to 1"


def hoarded(found: Found, _: Any) -> str | None:
    """The returned losses keep the graphs that made them, or are not those of the steps."""
    if found["alive"]:
        return f"the graphs of {found['alive']} steps live on in what it returned"
    losses, passes = found["losses"], found["passes"]
    if losses != passes or not found["finite"]:
        return f"it returned {losses} losses of {passes} steps"
    return None


def confused(found: Found, _: Any) -> str | None:
    """It trained as if it were asked, or was asked as if it trained."""
    if found["asked_training"]:
        return f"asked twice, it changed its mind about {found['changed']} of 1,000 digits"
    if found["training"] != found["passes"]:
        return f"{found['passes'] - found['training']} of {found['passes']} steps were not training"
    return None if found["asked"] else "predict never asked the net"


def off(found: Found, _: Any) -> str | None:
    """A half makes something else than the model's."""
    for layer, gap in zip(found["layers"], found["off"], strict=True):
        if not gap <= OFF:
            return f"in layer {layer} it is off by {gap:.2g} of what the half adds"
    return None
