"""m4/music: what is lost is told by what it is, parallels are those of the books, nobody leaks."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Iterator
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.chorales import Chorale, data, heard, notes, rules
from agentlab_tools.chorales.given import source

HYMN: Any = (
    ((67, 4), (67, 4), (None, 4), (69, 2), (71, 2), (72, 16)),
    ((64, 4), (64, 4), (64, 4), (65, 4), (64, 16)),
    ((60, 32),),
    ((48, 8), (53, 4), (None, 4), (48, 16)),
)


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/music", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


@pytest.fixture
def few(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Chorale]]:
    """Chorales of our own, in place of Bach's: scales up and down, in three keys."""
    rng = Random(5)
    made: list[Chorale] = []
    for number in range(40):
        steps = [rng.choice((-2, -1, 1, 2, 4)) for _ in range(31)]
        tune = [67]
        for step in steps:
            tune.append(min(79, max(60, tune[-1] + step)))
        upper = tuple((pitch, 4) for pitch in tune)
        low = (*((pitch - 24, 4) for pitch in tune[:-1]), (48, 4))
        held = ((60, 128),)
        made.append(Chorale(f"own{number}", (upper, held, held, low), 0, 16, 0, ()))
    for name in ("common", "at_home", "numbered", "families"):
        getattr(data, name).cache_clear()
    monkeypatch.setattr(data, "chorales", lambda: tuple(made))
    yield made
    for name in ("common", "at_home", "numbered", "families"):
        getattr(data, name).cache_clear()


def test_voices_come_back_from_the_labs_own_numbers(lab: Lab):
    tokens = notes.written(HYMN, False, 12)
    assert notes.read(tokens) == [list(voice) for voice in HYMN]
    assert (tokens[0], tokens[-1]) == (notes.MAJOR, notes.END)
    assert notes.clock(tokens)[:3] == [0, 0, 12]
    assert notes.clock(tokens)[-1] == 44
    assert max(tokens) < notes.SIZE


def test_numbers_that_make_no_sense_are_read_all_the_same(lab: Lab):
    rng = Random(1)
    for _ in range(50):
        voices = notes.read([rng.randrange(1, notes.SIZE) for _ in range(80)])
        assert len({sum(length for _, length in voice) for voice in voices}) == 1


@pytest.mark.parametrize(
    ("spoil", "check", "why"),
    [
        (lambda v: [((67, 8), *v[0][2:]), *v[1:]], "again", "the soprano's note at 4"),
        (lambda v: [*v[:3], ((48, 8), (53, 8), (48, 16))], "rests", "last otherwise"),
        (lambda v: [((67, 4), (67, 4), (None, 4), (69, 4), (72, 16)), *v[1:]], "notes", "B4 at 14"),
        (lambda v: [*v[:2], ((61, 32),), v[3]], "notes", "begins C4 at 0; back came: Db"),
        (lambda v: v, None, ""),
    ],
)
def test_what_is_lost_is_told_by_what_it_is(lab: Lab, spoil: Any, check: str | None, why: str):
    back = [[list(note) for note in voice] for voice in spoil(HYMN)]
    found = part(lab, "judging").rewritten(
        [HYMN], [{"tokens": list(range(40)), "back": back, "begun": None}]
    )
    assert [name for name, said in found.items() if said] == ([check] if check else [])
    assert why.replace("Db", "C#") in (found[check] or "") if check else True


def test_too_many_numbers_and_numbers_in_another_order_are_seen(lab: Lab):
    rewritten = part(lab, "judging").rewritten
    back = [[list(note) for note in voice] for voice in HYMN]
    long = rewritten([HYMN], [{"tokens": [1] * 90, "back": back, "begun": None}])
    assert "11.2 numbers a quarter" in long["short"]
    begun = [1, 2, 3, *[9] * 20]
    other = rewritten([HYMN], [{"tokens": [1, 2, 3, *[8] * 30], "back": back, "begun": begun}])
    assert "of which the first 3" in other["order"]
    closed = rewritten(
        [HYMN], [{"tokens": [*[9] * 20, 7, 7], "back": back, "begun": [9] * 17 + [4]}]
    )
    assert closed["order"] is None


@pytest.mark.parametrize(
    "said", [None, [[1]], [[[60, 4]]] * 4 + [[]], [[[60, 0]]] * 4, [[[60.5, 4]]] * 4]
)
def test_what_are_no_four_voices_is_refused(lab: Lab, said: object):
    with pytest.raises(ToolError):
        part(lab, "judging").four_voices(said, "it")


def test_each_trap_is_what_its_name_says(lab: Lab):
    traps = part(lab, "traps")
    wanted = {
        "a fifth, then a fifth": [5],
        "an octave, then an octave, downwards": [8],
        "a twelfth, then a twelfth": [5],
        "a fifth, then a twelfth, both upwards": [5],
        "a unison, then a unison": [8],
        "two octaves, then one, both downwards": [8],
        "a fifth, the voices crossed": [5],
        "fifths between the beats": [5],
        "a fifth, then a fifth after a long note": [5],
        "three fifths": [5, 5],
    }
    for seed in range(20):
        for piece in traps.drawn(Random(seed)):
            kinds = [kind for *_, kind in rules.parallels(piece["voices"])]
            assert kinds == wanted.get(piece["name"], []), piece["name"]


def test_parallels_are_said_with_their_voices_and_time(lab: Lab):
    judging = part(lab, "judging")
    piece = {
        "name": "one",
        "voices": [[(67, 4), (69, 4)], [(None, 8)], [(None, 8)], [(48, 4), (50, 4)]],
    }
    assert judging.miscounted([piece], [[[4, 3, 0, 5]]]) == {"found": None, "none": None}
    missed = judging.miscounted([piece], [[]])
    assert missed["found"] == "one: fifths of soprano and bass at 4 not found"
    made_up = judging.miscounted([piece], [[[4, 0, 3, 5], [4, 0, 1, 8]]])
    assert made_up["none"] == "one: octaves of soprano and alto at 4 found, and none is there"
    with pytest.raises(ToolError):
        judging.miscounted([piece], [[[4, 0, 3]]])


def test_a_twin_in_another_key_is_seen_and_sizes_are(lab: Lab):
    judging = part(lab, "judging")
    rng = Random(2)
    tunes = [[rng.randrange(60, 80) for _ in range(30)] for _ in range(20)]
    tunes[7] = [pitch + 3 for pitch in tunes[2][4:24]]
    parted = {"learn": [n for n in range(20) if n not in (7, 8, 9)], "held": [7, 8, 9]}
    assert "1 of 3 held back share 12 steps" in judging.unparted(tunes, parted)["apart"]
    assert "in another key" in judging.unparted(tunes, parted)["apart"]
    parted["learn"].remove(2)
    assert judging.unparted(tunes, parted) == {"sizes": None, "apart": None}
    assert "5% are held back" in judging.unparted(tunes, {**parted, "held": [7]})["sizes"]
    assert "in both" in judging.unparted(tunes, {**parted, "held": [7, 8, 0]})["apart"]
    assert "at least" in judging.unparted(tunes, {"learn": [0], "held": [7, 8]})["sizes"]


def test_relations_reach_over_others_and_no_family_is_torn(lab: Lab):
    rng = Random(3)
    one, two = ([rng.randrange(60, 80) for _ in range(26)] for _ in range(2))
    middle = [*one[10:], *(pitch + 2 for pitch in two[:16])]
    assert sorted(map(len, data.related([one, middle, two, [60] * 5]))) == [1, 3]


def test_beginnings_grow_and_never_show_what_is_asked_later(lab: Lab, few: list[Chorale]):
    learning = part(lab, "learning")
    trial = learning.Trial.of(3, range(30), range(30, 40))
    for number, (round, then) in enumerate(zip(trial.rounds, trial.then, strict=True)):
        for n, (beginning, token) in enumerate(zip(round, then, strict=True)):
            whole = data.numbered()[30 + n]
            assert list(whole[: len(beginning) + 1]) == [*beginning, token]
            assert all(len(before[n]) < len(beginning) for before in trial.rounds[:number])


def test_chances_are_judged_by_what_came(lab: Lab, few: list[Chorale]):
    learning = part(lab, "learning")
    trial = learning.Trial.of(3, range(30), range(30, 40))
    flat = np.full((10, notes.SIZE), -math.log(notes.SIZE))
    judged = trial.judged([flat.tolist()] * len(trial.rounds))
    assert abs(judged["nats"] - math.log(notes.SIZE)) < 1e-3
    assert "are needed" in judged["better"]
    sure: list[Any] = []
    for thens in trial.then:
        rows = np.full((10, notes.SIZE), -20.0)
        rows[range(10), thens] = 0
        sure.append(rows.tolist())
    assert trial.judged(sure)["better"] is None
    assert "sum up to" in trial.judged([(flat + 1).tolist()] * len(trial.rounds))["chances"]
    assert "returned" in trial.judged([[[0.0]]] * len(trial.rounds))["chances"]


def test_counting_is_a_distribution_and_knows_what_it_saw(lab: Lab):
    counted = part(lab, "counting").Counted([[0, 1, 2, 3, 1, 2, 3]] * 3, 5)
    for beginning in ([0], [0, 1], [1, 2], [4, 4, 4]):
        chances = [math.exp(-counted.nats(beginning, then)) for then in range(5)]
        assert abs(sum(chances) - 1) < 1e-9
    assert counted.nats([0, 1], 2) < 0.3 < 3 < counted.nats([0, 1], 4)


def test_keys_by_name_and_notes_in_them(lab: Lab):
    keys = part(lab, "keys")
    assert keys.named("B flat major") == keys.named("Bb major") == (10, False)
    assert keys.named("F# minor") == (6, True)
    assert keys.named("A-flat major") == (8, False)
    assert heard.in_key(HYMN, 0, False) == 1
    assert heard.in_key(HYMN, 1, False) < 0.5
    assert keys.last_bass(HYMN) == 0
    assert len(keys.drawn(Random(0), 3)) == 6


def test_a_piece_is_judged_by_its_length_its_range_and_its_key(lab: Lab):
    composing = part(lab, "composing")
    voices: Any = [[(67 - 7 * n, 4)] * 8 for n in range(4)]
    assert composing.misshapen("C major", 2, voices) is None
    assert "lasts 32" in composing.misshapen("C major", 3, voices)
    assert composing.strained("C major", voices) is None
    high: Any = [[(95, 4)] * 8, *voices[1:]]
    assert "the soprano sings B6" in composing.strained("C major", high)
    assert "of its notes are in F# minor" in composing.misfit("F# minor", 2, voices)


def test_each_measure_has_pieces_that_fail_it(lab: Lab, few: list[Chorale]):
    composing = part(lab, "composing")
    composing.known.cache_clear()
    try:
        good = {
            "in key": 0.98,
            "ends on the tonic": 1,
            "by step": 0.7,
            "parallels": 0,
            "parallels in 100 bars": 0,
            "stands still": 0.1,
            "said before": 0,
            "copied": 0,
        }
        assert not any(composing.wrong(good).values())
        for name, value, check in (
            ("in key", 0.7, "key"),
            ("ends on the tonic", 0.3, "key"),
            ("by step", 0.4, "alive"),
            ("stands still", 0.9, "alive"),
            ("parallels", 9, "parallels"),
            ("copied", 0.9, "own"),
            ("said before", 0.9, "own"),
        ):
            assert [c for c, why in composing.wrong({**good, name: value}).items() if why] == [
                check
            ]
        copied = composing.measures([("C major", few[0].voices)])
        assert copied["copied"] == 1
        assert copied["parallels"] > 10
        still: Any = [[(60, 64)]] * 4
        assert composing.measures([("C major", still)])["stands still"] == 1
    finally:
        composing.known.cache_clear()


async def test_the_agent_makes_its_call_again_and_is_not_asked_twice(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    agent = part(lab, "agent")
    monkeypatch.setattr(agent, "calls", {"Write?": ("G minor", 4)})
    monkeypatch.setattr(agent, "said", {("Write?", "ready"): "It is ready."})
    called: list[Any] = []

    async def compose(key: str, bars: int) -> str:
        called.append((key, bars))
        return "ready"

    async with agent.at_work() as ask:
        assert await ask("Write?", compose) == (("G minor", 4), "It is ready.")
    assert called == [("G minor", 4)]


async def test_what_the_agent_gets_is_told_by_its_notes(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    composing, agent = part(lab, "composing"), part(lab, "agent")
    questions = {f"Write 2 bars of a chorale in {key}.": (key, 2) for key in ("C major", "E major")}
    monkeypatch.setattr(agent, "calls", questions)
    monkeypatch.setattr(agent, "connect", lambda *_, **__: Scripted(["never", "never"]))
    voices = [[[pitch, 4]] * 8 for pitch in (67, 60, 55, 48)]

    async def composed(asked: list[tuple[str, int]], _: int) -> list[Any]:
        return [voices if key != "F major" else "ValueError: no" for key, _ in asked]

    some = [("C major", 2), ("E major", 2)]
    found, (title, heard) = await composing._asked(some, composed, 0, ("none", []))
    assert [one["right"] for one in found] == [True, False]
    assert "of its notes are in E major" in found[1]["why"]
    assert (title, len(heard)) == ("2 bars in C major", 4)


def test_the_writer_says_what_the_net_says(
    lab: Lab, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    torch: Any = pytest.importorskip("torch")
    folder = find_folder("m4/music", lab_roots())
    writer = (folder / "writer.txt").read_text("utf-8")
    given = {"notes": source("notes.py"), "parts": source("layer.py"), "writer": writer}
    for name, text in given.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    step = lab.step("learn")
    assert isinstance(step, CodeStep)
    space: dict[str, Any] = {}
    exec(step.solution.code, space)
    torch.manual_seed(1)
    net = space["Net"]().eval()
    kept = {name: one.numpy() for name, one in net.state_dict().items()}
    np.savez(tmp_path / "net.npz", **kept)
    tokens = notes.written(HYMN, True, 4)
    with torch.no_grad():
        times = torch.tensor([space["clock"](tokens)])
        wanted = net(torch.tensor([tokens]), times).log_softmax(-1)[0].numpy()
    writer = importlib.import_module("writer").Writer(2)
    said = np.stack([writer.after([token, 5])[0] for token in tokens])
    np.testing.assert_allclose(said, wanted, atol=1e-4)


@pytest.mark.parametrize(("package", "extra"), [("torch", "train"), ("music21", "course")])
async def test_without_a_package_one_line_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )
    with pytest.raises(MissingExtra, match=rf"^{package} is not installed: .*{extra}\S*$"):
        async with lab.equip():
            pass
