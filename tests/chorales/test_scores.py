"""Scores in MusicXML become four voices; real chorales begin with the notes they begin with."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from agentlab.errors import MissingExtra
from agentlab_tools.chorales import VOICES, Chorale, chorales, corpus, note_name
from agentlab_tools.chorales.scores import NoChorale, read_packed, read_score

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE score-partwise SYSTEM "http://x/partwise.dtd">\n'


def note(step: str, octave: int, duration: int, more: str = "") -> str:
    pitch = f"<pitch><step>{step[0]}</step>"
    pitch += f"<alter>{step.count('#') - step.count('b')}</alter><octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{duration}</duration>{more}</note>"


REST = "<note><rest/><duration>4</duration></note>"
FIRST = (
    "<attributes><divisions>2</divisions><key><fifths>-2</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
)


def score(*parts: str, names: Sequence[str] = VOICES) -> str:
    listed = "".join(
        f'<score-part id="P{n}"><part-name>{name.title()}</part-name></score-part>'
        for n, name in enumerate(names)
    )
    bodies = "".join(f'<part id="P{n}">{part}</part>' for n, part in enumerate(parts))
    return f"{HEAD}<score-partwise><part-list>{listed}</part-list>{bodies}</score-partwise>"


def bars(*measures: str) -> str:
    return "".join(f"<measure>{measure}</measure>" for measure in measures)


PLAIN = bars(FIRST + note("G", 3, 2), note("A", 3, 8))


def test_pitches_lengths_and_the_pickup_are_read_in_sixteenths():
    upper = bars(FIRST + note("Bb", 4, 1) + note("F#", 4, 1), note("G", 4, 8))
    read = read_score("one", score(upper, PLAIN, PLAIN, PLAIN))
    assert read.voices[0] == ((70, 2), (66, 2), (67, 16))
    assert (read.sharps, read.bar, read.pickup, read.length) == (-2, 16, 4, 20)


def test_tied_notes_are_one_and_notes_struck_again_are_two():
    stop = '<tie type="stop"/>'
    tied = bars(FIRST + note("G", 4, 2, '<tie type="start"/>'), note("G", 4, 8, stop))
    again = bars(FIRST + note("G", 4, 2), note("G", 4, 8))
    read = read_score("one", score(tied, again, PLAIN, PLAIN))
    assert read.voices[0] == ((67, 20),)
    assert read.voices[1] == ((67, 4), (67, 16))


def test_a_rest_is_a_rest_and_so_is_time_in_which_nothing_is_written():
    silent = bars(FIRST + "<forward><duration>2</duration></forward>", REST + note("D", 4, 4))
    read = read_score("one", score(silent, PLAIN, PLAIN, PLAIN))
    assert read.voices[0] == ((None, 12), (62, 8))


def test_instruments_beside_the_voices_are_left_out():
    read = read_score("one", score(PLAIN, *[PLAIN] * 4, names=("horn", *VOICES)))
    assert len(read.voices) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (score(PLAIN, PLAIN, PLAIN), "its parts are"),
        (score(*[PLAIN] * 4, names=("a", "b", "c", "d")), "its parts are a, b"),
        (score(bars(FIRST + note("G", 4, 1, "<chord/>")), PLAIN, PLAIN, PLAIN), "chords"),
        (score(bars(FIRST.replace("2<", "16<", 1) + note("G", 4, 1)), *[PLAIN] * 3), "finer"),
        (score(bars(FIRST + "<backup><duration>2</duration></backup>"), *[PLAIN] * 3), "voice"),
        (score(bars(FIRST + note("G", 4, 2)), PLAIN, PLAIN, PLAIN), "equally long"),
        (score(*[bars(FIRST + REST)] * 4), "silent"),
        (HEAD.replace("SYSTEM", "[<!ENTITY a 'b'>] SYSTEM") + "<x/>", "entities"),
        ("<score", "no XML"),
    ],
)
def test_what_is_no_chorale_says_why(text: str, why: str):
    with pytest.raises(NoChorale, match=why):
        read_score("one", text)


def test_a_file_that_is_not_packed_or_packs_no_score_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("notes.txt", "none")
    for data in (b"nothing", file.getvalue()):
        with pytest.raises(NoChorale):
            read_packed("one", data)


def test_a_tonic_and_its_third_are_told_from_the_end_and_the_signature():
    read = read_score("one", score(PLAIN, PLAIN, PLAIN, bars(FIRST + note("G", 2, 10))))
    assert (read.tonic, read.minor) == (7, True)
    assert read.moved(2).tonic == 9
    assert read.moved(2).sharps == 0
    assert (read.moved(3).tonic, read.moved(3).minor) == (10, True)


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Chorale]:
    """A few chorales of the corpus itself."""
    folder = corpus.corpus_folder()
    names = ("bwv269", "bwv253", "bwv66.6", "bwv244.15")
    return {name: read_packed(name, (folder / f"{name}.mxl").read_bytes()) for name in names}


def test_real_chorales_begin_as_the_hymns_that_they_set(real: dict[str, Chorale]):
    """Aus meines Herzens Grunde; O Haupt voll Blut und Wunden: sung for four hundred years."""
    heart, head = real["bwv269"], real["bwv244.15"]
    assert [note_name(p) for p, _ in heart.voices[0][:6] if p] == "G4 G4 D5 B4 A4 G4".split()
    assert (heart.bar, heart.pickup, heart.sharps, heart.minor) == (12, 4, 1, False)
    steps = [(p or 0) - (head.voices[0][0][0] or 0) for p, _ in head.voices[0][:8]]
    assert steps == [0, 5, 3, 1, 0, -2, 0, 7]
    assert [note_name(voice[0][0] or 0) for voice in heart.voices] == "G4 D4 B3 G2".split()


def test_all_voices_of_real_chorales_are_equally_long(real: dict[str, Chorale]):
    for one in real.values():
        assert len({sum(length for _, length in voice) for voice in one.voices}) == 1
        assert one.length % 4 == 0


def test_what_was_read_is_kept_and_read_again_as_it_was(
    real: dict[str, Chorale], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))
    monkeypatch.setattr(corpus, "read_folder", lambda _: tuple(real.values()))
    try:
        chorales.cache_clear()
        assert chorales() == tuple(real.values())
        monkeypatch.setattr(corpus, "read_folder", None)
        chorales.cache_clear()
        assert chorales() == tuple(real.values())
        (kept,) = (tmp_path / "cache").iterdir()
        kept.write_text("{", encoding="utf-8")
        monkeypatch.setattr(corpus, "read_folder", lambda _: ())
        chorales.cache_clear()
        assert chorales() == ()
    finally:
        chorales.cache_clear()


def test_without_music21_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"^music21 is not installed: .*course\S*$"):
        corpus.corpus_folder()
