"""The numbers in the lesson, made again, by itself: `python measure.py [NAME …]` in this folder."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("agent", "cases", "ear", "judging", "noises", "sentences", "spectra", "wording")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
agent, cases, ear, judging, noises, sentences, spectra, wording = _modules
np: Any = importlib.import_module("numpy")
FEW, MANY = 12, 36


def clean() -> None:
    """What is heard of sentences as they are said."""
    some = _spoken(1, MANY)
    words = sum(len(wording.words(text)) for text, _ in some)
    print(f"{len(some)} sentences, {words} words: {_rate(some):.3f}")
    raw = [(text.lower().split(), ear.heard(x).lower().split()) for text, x in some]
    plain = sum(wording.edits(*pair) for pair in raw) / sum(len(said) for said, _ in raw)
    print(f"with neither numbers nor stops made equal: {plain:.3f}")


def bits() -> None:
    """Sentences in few bits a sample, rounded, and rounded with a little noise added before."""
    dice = np.random.default_rng(2)
    for count in (16, 8, 6, 5, 4, 3):
        steps = 2 ** (count - 1) - 1
        for name, noise in (("rounded", 0.0), ("dithered", 0.5)):
            over: list[float] = []
            made: list[tuple[str, Any]] = []
            for text, x in _spoken(2, FEW):
                shaken = x * steps + dice.uniform(-noise, noise, len(x))
                made.append((text, np.round(shaken) / steps))
                over.append(noises.ratio(x, made[-1][1]))
            print(f"{count} bits, {name}: {np.mean(over):.1f} dB, error rate {_rate(made):.3f}")


def folds() -> None:
    """Sentences under whistles, resampled by each answer."""
    some = cases.whistled(3, FEW)
    for name, space in _programs("resample", ("means-of-neighbours", "never-lowered")):
        made = [(t, space["resample"](x, cases.HIGH, spectra.RATE)) for t, x in some]
        print(f"{name}: error rate {_rate(made):.3f}")


def bands() -> None:
    """What is heard through wrong bands."""
    some = _spoken(4, FEW)
    wholes = [(t, np.pad(x, (0, ear.SECONDS * spectra.RATE - len(x)))) for t, x in some]
    names = ("another-mel-scale", "triangles-of-one-height", "no-square", "natural-logarithm")
    for name, space in _programs("mel", (*names, "no-window", "frames-not-centred")):
        pairs = [(t, ear.transcript(space["mel"](x))) for t, x in wholes]
        print(f"{name}: error rate {wording.error_rate(pairs):.3f}")


def phases() -> None:
    """Sound of bands by each answer."""
    sys.modules["ears"] = _ears()
    some = _spoken(5, FEW)
    mels = [spectra.logmel(x) for _, x in some]
    print(f"as said: error rate {_rate(some):.3f}")
    for name, space in _programs("wave", ("phases-of-chance", "phases-all-0", "five-rounds")):
        _made(name, some, mels, space["wave"])
    _made("the lab's own", some, mels, spectra.vocoded)


def _made(name: str, some: Sequence[Any], mels: Sequence[Any], wave: Callable[[Any], Any]) -> None:
    made = [wave(mel) for mel in mels]
    far = np.mean([judging.convergence(m, x)[0] for m, x in zip(mels, made, strict=True)])
    rate = _rate([(t, x) for (t, _), x in zip(some, made, strict=True)])
    print(f"{name}: spectral convergence {far:.3f}, error rate {rate:.3f}")


def hiss() -> None:
    """Hiss, cleaned in several ways."""
    _cleaned("hiss", 5, MANY)


def tones() -> None:
    """Whistles and hum, cleaned in the same ways."""
    _cleaned("whistles", -15, FEW)
    _cleaned("hum", -6, FEW)


def _cleaned(kind: str, level: float, count: int) -> None:
    sys.modules["ears"] = _ears()
    subtracted = dict(_programs("clean", ()))["solution"]["clean"]
    ways: dict[str, Callable[[Any], Any]] = {
        "as it is": lambda x: x,
        "subtracted": subtracted,
        "smoothed": smoothed,
        "subtracted, a third put back": lambda x: (2 * subtracted(x) + x) / 3,
        "smoothed, a third put back": lambda x: (2 * smoothed(x) + x) / 3,
    }
    dice = np.random.default_rng(6)
    some = [(t, *noises.over(x, kind, level, dice)) for t, x in _spoken(6, count)]
    for name, way in ways.items():
        made = [way(noisy) for _, noisy, _ in some]
        over = np.mean([noises.ratio(c, y) for (_, _, c), y in zip(some, made, strict=True)])
        rate = _rate([(t, y) for (t, _, _), y in zip(some, made, strict=True)])
        print(f"{kind} {level} dB, {name}: {over:.1f} dB, error rate {rate:.3f}", flush=True)


def smoothed(x: Any) -> Any:
    """Wiener's filter, led by the frame before (Ephraim and Malah, 1984)."""
    frames = spectra.spectrum(x)
    power = np.abs(frames) ** 2
    noise = power[:45].mean(axis=0) + 1e-12
    gain, before = np.empty_like(power), 0
    for n, now in enumerate(power):
        louder = 0.98 * before / noise + 0.02 * np.maximum(now / noise - 1, 0)
        gain[n] = np.maximum(louder / (1 + louder), 0.02)
        before = gain[n] ** 2 * now
    made = np.zeros(len(x))
    made[: spectra.HOP * len(frames)] = spectra.sound(frames * gain)
    return made


def cities() -> None:
    """Each city asked for aloud; and degrees below 0."""

    async def all() -> None:
        async with agent.at_work() as ask:
            for n, city in enumerate(sentences.CITIES):
                heard = ear.heard(cases.said(f"What is the temperature in {city}?"))
                print(heard, await ask(heard, f"{21 + n}.{1 + n % 9} °C"), flush=True)
            print(await ask("What is the temperature in Oslo?", "-7.5 °C"))

    asyncio.run(all())


def _spoken(seed: int, count: int) -> list[tuple[str, Any]]:
    return cases.spoken(Random(seed), count)  # noqa: S311


def _rate(some: Sequence[tuple[str, Any]]) -> float:
    return wording.error_rate([(text, ear.heard(x)) for text, x in some])


def _programs(step: str, wrong: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    known: Any = getattr(importlib.import_module(f"{_HERE.name}.answers_{step}"), step.upper())
    codes = {"solution": known.solution.code, "starter": known.starter.code}
    found: list[tuple[str, dict[str, Any]]] = []
    for name, code in (codes | {name: known.wrong[name].code for name in wrong}).items():
        space: dict[str, Any] = {}
        exec(code, space)  # noqa: S102 - the lab's own
        found.append((name, space))
    return found


def _ears() -> ModuleType:
    ears = ModuleType("ears")
    exec((_HERE / "ears.txt").read_text(encoding="utf-8"), ears.__dict__)  # noqa: S102
    return ears


if __name__ == "__main__":
    known = {one.__name__: one for one in (clean, bits, folds, bands, phases, hiss, tones, cities)}
    for name in sys.argv[1:] or known:
        print(f"== {name}", flush=True)
        known[name]()
