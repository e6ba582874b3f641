"""Messages with pictures in them: fresh ones, in the formats and with the flaws that files have."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import emoji

from .wire import LONGEST_SIDE, Refused, Seen, received, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_TURNED = 6
"""By Exif: what is shown upright is kept lying on its side."""
_ORIENTATION = 0x0112
_FAR = 6.0
"""Shades that a point may differ by, on average: JPEG and another filter come to 4 at most."""


@dataclass(frozen=True)
class Shown:
    """A picture of a message.

    Attributes:
        data: the file.
        name: of the file, which may lie.
        alt: what it shows, in words; may be empty.
        flaw: what is wrong with it, for who reads the judgement.
    """

    data: bytes
    name: str
    alt: str
    flaw: str


Part: TypeAlias = "str | Shown"


def messages(seed: int) -> list[list[Part]]:
    """Four messages; every flaw is in one of them."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    ask = rng.sample(
        (
            "What is in this picture?",
            "Which of them is larger?",
            "Compare this one\nwith the next:",
            'Is there a "red" one?',
            "Count what you see.",
            "And now?",
        ),
        5,
    )
    png = _shown(rng, "PNG", (160, 120), "picture.png", "", "a plain PNG")
    lies = _shown(rng, "JPEG", (220, 140), "scan.png", "two things on a table", "a JPEG named .png")
    bare = _shown(rng, "WEBP", (96, 200), "IMG_0417", "", "a WebP without an ending")
    large = _shown(rng, "JPEG", (2000, 1250), "photo.jpg", "", "a large photo", turned=True)
    bmp = _shown(rng, "BMP", (150, 150), "old.bmp", "an old drawing", "a BMP")
    gif = _shown(rng, "GIF", (64, 64), "tiny.GIF", "", "a GIF")
    wide = _shown(rng, "PNG", (2400, 200), "strip.png", "a long strip", "a strip of 2,400 points")
    return [[png, ask[0]], [ask[1], lies, bare, ask[2]], [large, ask[3]], [bmp, gif, wide, ask[4]]]


def _shown(
    rng: Random,
    kind: str,
    size: tuple[int, int],
    name: str,
    alt: str,
    flaw: str,
    *,
    turned: bool = False,
) -> Shown:
    from PIL import Image

    picture = Image.fromarray(scene(rng, size))
    file = io.BytesIO()
    more: dict[str, Any] = {"quality": 90} if kind in ("JPEG", "WEBP") else {}
    if turned:
        exif = Image.Exif()
        exif[_ORIENTATION] = _TURNED
        more["exif"] = exif
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    picture.save(file, format=kind, **more)
    return Shown(file.getvalue(), name, alt, flaw)


def scene(rng: Random, size: tuple[int, int]) -> Array:
    """Some emoji, enlarged, on a floor and a wall: (tall, wide, 3)."""
    import numpy as np
    from PIL import Image

    wide, tall = size
    wall, floor = ([rng.randint(150, 235) for _ in range(3)] for _ in range(2))
    made = np.empty((tall, wide, 3), np.uint8)
    fade = np.linspace(1.05, 0.9, tall)[:, None]
    made[:] = (np.array(wall) * fade).clip(0, 255)[:, None]
    made[tall * 2 // 3 :] = floor
    side = min(wide, tall) * 2 // 3
    count = max(1, min(3, wide // side))
    for place in range(count):
        tile = emoji().pictures[rng.randrange(2), rng.randrange(len(emoji().names))]
        big = np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.BICUBIC))
        left = place * wide // count + (wide // count - side) // 2
        top = tall - side - tall // 12
        cut = made[top : top + side, left : left + side]
        ink = big.min(axis=2, keepdims=True) < 200  # the rest is paper, or an edge that fades
        mixed = np.where(ink, big, cut * (big / 255))
        made[top : top + side, left : left + side] = mixed.astype(np.uint8)
    return made


def told(message: Sequence[Part]) -> list[dict[str, str]]:
    """A message as the learner's program gets it; bytes as base64, since it comes as JSON."""
    return [
        {"text": one}
        if isinstance(one, str)
        else {"picture": base64.b64encode(one.data).decode(), "name": one.name, "alt": one.alt}
        for one in message
    ]


def wanted(message: Sequence[Part]) -> list[Part]:
    """What must arrive: the alternative text of a picture as a text of its own before it."""
    made: list[Part] = []
    for one in message:
        if isinstance(one, Shown) and one.alt:
            made.append(one.alt)
        made.append(one)
    return made


def complaint(message: Sequence[Part], request: Any, name: Any) -> tuple[str, str] | None:
    """What is wrong with a request, and with which check that is: "accepted", "order", "seen"."""
    try:
        came = received(name, request)
    except Refused as refused:
        return "accepted", str(refused)
    due = wanted(message)
    kinds = [["a text", "a picture"][isinstance(one, Seen)] for one in came]
    true = [["a text", "a picture"][isinstance(one, Shown)] for one in due]
    if kinds != true:
        return "order", f"{', '.join(true)} should have come, and {', '.join(kinds)} came"
    for one, other in zip(came, due, strict=True):
        if isinstance(one, str) and one != other:
            return "order", f"{other!r:.40} should have come, and {one!r:.40} came"
        if isinstance(one, Seen) and isinstance(other, Shown) and (why := _unlike(one, other)):
            return "seen", f"{other.flaw} {why}"
    return None


def _unlike(one: Seen, other: Shown) -> str | None:
    import numpy as np
    from PIL import Image

    true = upright(other.data)
    assert true is not None
    (tall, wide, _), (high, long, _) = true.shape, one.points.shape
    if (high > long) != (tall > wide) and abs(tall - wide) > 1:
        return "arrived on its side: its file says how it is turned, and the copy does not"
    scale = min(1.0, LONGEST_SIDE / max(tall, wide))
    if abs(high - tall * scale) > 1.01 or abs(long - wide * scale) > 1.01:
        due = f"{round(wide * scale)} × {round(tall * scale)}"
        return f"arrived as {long} × {high} points, not {due}"
    small = Image.fromarray(true).resize((long, high), Image.Resampling.BICUBIC)
    far = np.abs(np.asarray(small, dtype=float) - one.points).mean()
    return None if far <= _FAR else f"arrived as another picture: {far:.0f} shades off on average"


def thumbnail(data: bytes) -> bytes:
    """A picture as it is shown beside the run: upright, as PNG, 240 points at most."""
    from PIL import Image

    points = upright(data)
    assert points is not None
    picture, file = Image.fromarray(points), io.BytesIO()
    picture.thumbnail((240, 240))
    picture.save(file, format="PNG")
    return file.getvalue()
