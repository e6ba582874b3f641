"""The numbers in the lesson, made again, by itself: `python measure.py [NAME …]` in this folder."""

from __future__ import annotations

import importlib
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # see `desk`

from agentlab_tools.chorales import chorales, data, heard, notes, rules
from agentlab_tools.chorales.given import source

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("cases", "keys", "learning", "composing")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
cases, keys, learning, composing = _modules
answers: dict[str, Any] = {
    name: getattr(importlib.import_module(f"{_HERE.name}.answers_{name}"), name.upper())
    for name in ("tokens", "learn", "compose")
}


def corpus() -> None:
    """How many there are, and the parallels in them, and in them with their notes mixed."""
    some = data.common()
    print(f"{len(chorales())} read, {len(some)} in common time")
    print(f"numbers a quarter: {sum(map(len, data.numbered())) / _quarters(some):.2f}")
    counts = [len(rules.parallels(one.voices)) for one in some]
    print(f"{sum(counts)} parallels in {_quarters(some) / 4:.0f} bars; {counts.count(0)} have none")
    rng = Random(0)  # noqa: S311
    mixed = [cases.mixed(rng, cases.opening(one.voices, one.length)) for one in some]
    for name, pieces in (("Bach", [one.voices for one in some]), ("mixed", mixed)):
        pairs = zip(pieces, some, strict=True)
        told = [(heard.by_step(v), heard.in_key(v, o.tonic, o.minor)) for v, o in pairs]
        step, key = (sum(part) / len(told) for part in zip(*told, strict=True))
        print(f"{name}: {_rate(pieces):.1f} in 100 bars, by step {step:.2f}, in key {key:.2f}")
    repeats = [a == b for one in some for v in one.voices for a, b in pairwise(data.melody(v))]
    print(f"struck again: {sum(repeats) / len(repeats):.1%} of all notes")


def twins() -> None:
    """Who hangs together, by how long a run must be."""
    sung = [data.melody(one.voices[0]) for one in data.common()]
    for length in (8, 10, 12, 16):
        groups = sorted(map(len, data.related(sung, length)), reverse=True)
        print(
            f"runs of {length}: {sum(n for n in groups if n > 1)} have a twin, largest {groups[:3]}"
        )
    exact: dict[tuple[int, ...], set[int]] = {}
    for number, one in enumerate(sung):
        for at in range(len(one) - data.RUN):
            exact.setdefault(tuple(one[at : at + data.RUN + 1]), set()).add(number)
    same = {number for some in exact.values() if len(some) > 1 for number in some}
    print(f"in the same key: {len(same)}")


def leak() -> None:
    """What those that have a twin cost, with it among what is learnt, and without."""
    rng = Random(0)  # noqa: S311
    order = rng.sample(range(len(data.common())), len(data.common()))
    kin = {n: {*family} for family in data.families() for n in family}
    learn = order[learning.HELD :]
    held = [n for n in order[: learning.HELD] if kin[n] & {*learn}]
    related = {other for n in held for other in kin[n]}
    without = [n for n in learn if n not in related]
    strangers = rng.sample(without, len(without) - len(learn) + len(without))
    fewer = [n for n in learn if n in related or n in strangers]
    print(f"{len(held)} of {learning.HELD} have a twin among those to learn from")
    for name, some in (("all", learn), ("less their kin", without), ("less strangers", fewer)):
        trial = learning.Trial.of(0, sorted(some), held)
        nats = _nats(_solution(), trial)
        print(f"{name}: {len(some)} learnt, counting {trial.counted():.3f}, net {nats:.3f}")


def nets() -> None:
    """What each answer to `learn` costs on chorales held back."""
    known = answers["learn"]
    every = {"starter": known.starter, "solution": known.solution, **known.also, **known.wrong}
    trial = learning.Trial.drawn(0)
    print(f"counting: {trial.counted():.3f}")
    for name, answer in every.items():
        if name != "scores-are-no-chances":
            print(f"{name}: {_nats(answer.code, trial):.3f}")
    beats = _solution().replace(" + self.beats(times % 16)", "")
    print(f"without beats: {_nats(beats, trial):.3f}")


def moved() -> None:
    """In one key, as written, and as written and moved by up to three semitones."""
    learn, held = data.parted(0, learning.HELD)
    own = [data.written(one) for one in data.common()]
    for name, by in (("as written", (0,)), ("moved, too", range(-3, 4))):
        pieces = [data.written(data.common()[n].moved(up)) for n in learn for up in by]
        trial = learning.Trial.of(0, learn, held, own)
        print(f"{name}: {_nats(_solution(), trial, pieces):.3f}")


def rounds() -> None:
    """Loss and parallels, as training goes on."""
    for count in (40, 160, 400, 900):
        trial = learning.Trial.drawn(0)
        net, space = _learnt(_solution(), trial.learn, count)
        nats = trial.judged(_said(space, net, trial))["nats"]
        with _desk(net):
            space = _program(answers["compose"].wrong["no-rule"].code)
            pieces = _drawn(space, 1.0)
        print(f"{count} rounds: {nats:.3f} nats, {_told(pieces)}")


def rule() -> None:
    """What chances a net gives to what would make a parallel, and what they cost it."""
    trial = learning.Trial.drawn(0)
    net, space = _learnt(_solution(), trial.learn, 400)
    said = _said(space, net, trial)
    with _desk(net):
        piece = _program(answers["compose"].solution.code)["Piece"]
    given: list[float] = []
    sung = 0
    for rows, beginnings, thens in zip(said, trial.rounds, trial.then, strict=True):
        for row, beginning, then in zip(rows, beginnings, thens, strict=True):
            one = piece()
            for token in beginning[1:]:
                one.add(token)
            banned = {*one.forbidden()}
            sung += then in banned
            given.append(sum(math.exp(row[token]) for token in banned))
    cost = sum(-math.log(1 - chance) for chance in given) / len(given)
    print(f"{sum(given) / len(given):.4f} of its chances, {cost:.4f} nats a number; Bach: {sung}")


def heats() -> None:
    """Pieces by heat, with and without the rule; and what is chosen of forty by the rule alone."""
    with _desk():
        for name in ("no-rule", "solution"):
            known = answers["compose"]
            code = known.solution.code if name == "solution" else known.wrong[name].code
            for heat in (0.2, 0.6, 0.8, 1.0, 1.6):
                print(f"{name}, heat {heat}: {_told(_drawn(_program(code), heat))}")
        space = _program(answers["compose"].wrong["no-rule"].code)
        for count in (1, 8, 40, 200):
            chosen = [min(_some(space, count, seed), key=_parallels) for seed in range(5)]
            voiced = sum(len(voice) for piece in chosen for voice in piece) / 20
            left = sum(map(_parallels, chosen)) / 5
            print(f"fewest of {count}: {left:.1f} parallels, {voiced:.1f} notes a bar")


def _drawn(space: dict[str, Any], heat: float) -> list[Any]:
    np: Any = importlib.import_module("numpy")
    made: list[Any] = []
    for minor in (False, True):
        dice = np.random.default_rng(0)
        made += space["sampled"](minor, 64, 40, dice, heat)
    return [(minor, [cases.until(voice, 64) for voice in one]) for one, minor in _moded(made)]


def _moded(made: Sequence[Any]) -> list[tuple[Any, bool]]:
    return [(one, number >= len(made) / 2) for number, one in enumerate(made)]


def _some(space: dict[str, Any], count: int, seed: int) -> list[Any]:
    np: Any = importlib.import_module("numpy")
    made = space["sampled"](True, 64, count, np.random.default_rng(seed))
    return [[cases.until(voice, 64) for voice in one] for one in made]


def _parallels(piece: Any) -> int:
    return len(rules.parallels(piece))


def _told(pieces: Sequence[tuple[bool, Any]]) -> str:
    voices = [one for _, one in pieces]
    in_key = [heard.in_key(one, 9 if minor else 0, minor) for minor, one in pieces]
    step = sum(map(heard.by_step, voices)) / len(voices)
    windows = [window for minor, one in pieces for window in keys.stretches(one, 9 if minor else 0)]
    copied = sum(window in composing.known() for window in windows) / len(windows)
    return (
        f"{_rate(voices):.1f} parallels in 100 bars, by step {step:.2f}, in key "
        f"{sum(in_key) / len(in_key):.2f}, said before {1 - len({*windows}) / len(windows):.2f}, "
        f"copied {copied:.2f}"
    )


def _rate(pieces: Sequence[Any]) -> float:
    bars = sum(length for one in pieces for _, length in one[0]) / data.BAR
    return 100 * sum(len(rules.parallels(one)) for one in pieces) / bars


def _quarters(some: Sequence[Any]) -> float:
    return sum(one.length for one in some) / 4


def _solution() -> str:
    return answers["learn"].solution.code


def _program(text: str) -> dict[str, Any]:
    sys.modules["notes"], sys.modules["rules"] = notes, rules
    parts = ModuleType("parts")
    exec(source("layer.py"), parts.__dict__)  # noqa: S102
    sys.modules["parts"] = parts
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def _learnt(text: str, pieces: Sequence[Any], count: int | None) -> tuple[Any, dict[str, Any]]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    space = _program(text)
    return space["learn"](pieces, *([count] if count else [])), space


def _said(space: dict[str, Any], net: Any, trial: Any) -> list[Any]:
    torch: Any = importlib.import_module("torch")
    with torch.no_grad():
        return [space["foretell"](net, one).double().tolist() for one in trial.rounds]


def _nats(text: str, trial: Any, pieces: Sequence[Any] | None = None) -> float:
    net, space = _learnt(text, trial.learn if pieces is None else pieces, None)
    return float(trial.judged(_said(space, net, trial))["nats"])


class _desk:
    """A folder in which `writer` finds a net, while it is needed."""

    def __init__(self, net: Any = None) -> None:
        self.net, self.folder = net, tempfile.TemporaryDirectory()

    def __enter__(self) -> None:
        np: Any = importlib.import_module("numpy")
        path = Path(self.folder.name)
        if self.net is None:
            asyncio: Any = importlib.import_module("asyncio")
            (path / "net.npz").write_bytes(asyncio.run(learning.weights()))
        else:
            parts = {name: part.numpy() for name, part in self.net.state_dict().items()}
            np.savez(path / "net.npz", **parts)
        (path / "writer.py").write_text((_HERE / "writer.txt").read_text("utf-8"), "utf-8")
        sys.path.insert(0, self.folder.name)
        sys.modules.pop("writer", None)
        _program("import notes")
        self.back = Path.cwd()
        os.chdir(path)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.back)
        sys.path.remove(self.folder.name)
        self.folder.cleanup()


if __name__ == "__main__":
    known = {
        "corpus": corpus,
        "twins": twins,
        "leak": leak,
        "nets": nets,
        "moved": moved,
        "rounds": rounds,
        "heats": heats,
        "rule": rule,
    }
    for name in sys.argv[1:] or known:
        print(f"== {name}")
        known[name]()
