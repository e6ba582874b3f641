"""Makes `emoji.npz`: pictures of emoji by two makers, what is said of them, and their features.

    for name in emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0 emojilib@4.0.3; do
        npm pack $name; done          # and unpack each in a folder of its own
    python tools/agentlab_tools/emoji/make_emoji.py google/package twitter/package lib/package

Needs `encoder.onnx` (make_encoder.py) and the extra `knowledge`. Left out are flags, letters,
signs, hours of the clock, a rude gesture, and the forms of a person that differ in sex alone.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np  # noqa: TID253 - a program of its own
from numpy.typing import NDArray  # noqa: TID253
from PIL import Image  # noqa: TID253

from agentlab_tools.emoji import MAKERS, SIDE, Encoder
from agentlab_tools.knowledge.embed import open_embedder

FILE = Path(__file__).with_name("emoji.npz")
COLOURS = 24
"""Of each picture, chosen for it."""
KEYWORDS = 8
"""Kept of each, the first there are."""
_CATEGORIES = ("Flags", "Component")
_KINDS = (
    *("family", "keycap", "alphanum", "time", "av-symbol", "arrow", "other-symbol", "zodiac"),
    *("religion", "math", "punctuation", "currency", "gender", "transport-sign", "person-symbol"),
)
_RUDE = ("middle finger",)
_MAN, _WOMAN, _MALE, _FEMALE = "1F468", "1F469", "2642", "2640"


@dataclass(frozen=True)
class Concept:
    """What is drawn: its name, other words for it, its kind, and its file."""

    name: str
    words: list[str]
    kind: str
    file: str


def chosen(google: Path, twitter: Path, lib: Path) -> list[Concept]:
    """In Unicode's order."""
    told: list[dict[str, Any]] = json.loads((google / "emoji.json").read_text(encoding="utf-8"))
    drawn = {one["unified"]: one["has_img_twitter"] for one in _read(twitter / "emoji.json")}
    words: dict[str, list[str]] = json.loads(
        (lib / "dist" / "emoji-en-US.json").read_text(encoding="utf-8")
    )
    found: list[Concept] = []
    for one in sorted(told, key=lambda one: one["sort_order"]):
        points = one["unified"].split("-")
        alike = len(points) > 1 and (
            points[0] in (_MAN, _WOMAN) or {_MALE, _FEMALE} & set(points[1:])
        )
        if one["category"] in _CATEGORIES or one["subcategory"] in _KINDS or alike:
            continue
        looks = "".join(chr(int(point, 16)) for point in points)
        said = words.get(looks) or words.get(looks.replace("\ufe0f", ""))
        if said and one["has_img_google"] and drawn.get(one["unified"]):
            name, *others = (word.replace("_", " ").replace(" s ", "'s ") for word in said)
            if name in _RUDE:
                continue
            found.append(Concept(name, others[:KEYWORDS], one["subcategory"], one["image"]))
    return found


def _read(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8"))


def picture(file: Path) -> Image.Image:
    """On white, made smaller, in few colours."""
    whole = Image.open(file).convert("RGBA")
    white = Image.new("RGBA", whole.size, "white")
    small = (
        Image.alpha_composite(white, whole)
        .convert("RGB")
        .resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    )
    return small.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def whole(rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Rows as whole numbers of eight bits, each column with a scale of its own."""
    scale = np.abs(rows).max(axis=0) / 127 + 1e-12
    return {"": (rows / scale).round().astype(np.int8), "_scale": scale.astype(np.float32)}


if __name__ == "__main__":
    google, twitter, lib = map(Path, sys.argv[1:4])
    concepts = chosen(google, twitter, lib)
    places, palettes = list[Any](), list[Any]()
    for maker, folder in zip(MAKERS, (google, twitter), strict=True):
        for one in concepts:
            made = picture(folder / "img" / maker / "64" / one.file)
            places.append(np.asarray(made, np.uint8))
            colours = np.array(made.getpalette(), np.uint8).reshape(-1, 3)[:COLOURS]
            palettes.append(np.pad(colours, ((0, COLOURS - len(colours)), (0, 0))))
    planes, colours = np.stack(places), np.stack(palettes)
    seen = colours[np.arange(len(planes))[:, None, None], planes]
    embed = open_embedder().embed
    kept = {
        "features": Encoder().features(seen),
        "of_names": embed([one.name for one in concepts]),
        "of_words": embed([", ".join(one.words) or one.name for one in concepts]),
    }
    arrays = {f"{name}{part}": a for name, rows in kept.items() for part, a in whole(rows).items()}
    arrays |= {"planes": planes, "colours": colours}
    told = {"names": [one.name for one in concepts], "kinds": [one.kind for one in concepts]}
    told["words"] = [", ".join(one.words) for one in concepts]
    arrays |= {name: np.array(some) for name, some in told.items()}
    np.savez_compressed(FILE, **cast(dict[str, Any], arrays))
    print(f"{len(concepts)} emoji, twice, {FILE.stat().st_size:,} bytes")
