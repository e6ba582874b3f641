"""m4/audio: bands are Whisper's own, errors the fewest, and what is wrong is told by name."""

from __future__ import annotations

import importlib
import io
import json
import wave
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.errors import ConfigError, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

HALF = 8000
"""Hertz, at 16,000 samples a second."""


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/audio", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(f"{step.cases.__module__.rpartition('.')[0]}.{name}")


def tone(hertz: float, rate: int, seconds: float = 1.0) -> Any:
    at = np.arange(round(rate * seconds)) / rate
    return np.sin(np.pi * at / seconds) ** 2 * np.sin(2 * np.pi * hertz * at)


def test_bands_are_those_that_whisper_was_trained_on(lab: Lab):
    extractor: Any = importlib.import_module("transformers").WhisperFeatureExtractor()
    x = np.random.default_rng(0).normal(size=480_000) * np.linspace(0, 0.2, 480_000)
    x[:90_000] = 0
    wanted = extractor(x, sampling_rate=16_000, return_tensors="np")["input_features"][0]
    assert np.abs(part(lab, "spectra").logmel(x) - wanted).max() < 1e-3


def test_each_triangle_has_one_area_and_its_place(lab: Lab):
    spectra = part(lab, "spectra")
    bank = spectra.bank()
    areas = bank.sum(axis=1) * spectra.RATE / spectra.SIZE
    assert areas == pytest.approx(np.ones(80), abs=0.1)
    assert areas.mean() == pytest.approx(1, abs=0.01)
    assert spectra.hertz(spectra.mels([0, 440, 1000, 6400])) == pytest.approx([0, 440, 1000, 6400])
    assert spectra.mels(1000) == pytest.approx(15)
    assert spectra.mels(6400) == pytest.approx(42)


@pytest.mark.parametrize(("rate", "to"), [(22_050, 16_000), (48_000, 16_000), (8_000, 16_000)])
def test_a_tone_is_the_same_at_another_rate(lab: Lab, rate: int, to: int):
    resampled = part(lab, "spectra").resampled
    for hertz in (100, 0.4 * min(rate, to)):
        made = resampled(tone(hertz, rate), rate, to)
        assert np.abs(made - tone(hertz, to)).max() < 0.002


def test_what_is_too_high_does_not_fold(lab: Lab):
    resampled = part(lab, "spectra").resampled
    assert np.abs(resampled(tone(9_000, 48_000), 48_000, 16_000)).max() < 0.002


def test_sound_comes_back_of_its_spectrum(lab: Lab):
    spectra = part(lab, "spectra")
    x = np.random.default_rng(1).normal(size=16_000)
    assert spectra.sound(spectra.spectrum(x)) == pytest.approx(x, abs=1e-6)


def test_phases_are_found_for_bands(lab: Lab):
    spectra, judging = part(lab, "spectra"), part(lab, "judging")
    x = tone(300, 16_000) + 0.5 * tone(2000, 16_000)
    mel = spectra.logmel(x)
    far, level = judging.convergence(mel, spectra.vocoded(mel))
    assert far < judging.CLOSE
    assert abs(level) < judging.LEVEL
    assert judging.convergence(mel, x)[0] == pytest.approx(0, abs=1e-9)
    assert judging.convergence(mel, 2 * x)[1] == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The 7 cats, and 12 dogs.", "the seven cats and twelve dogs"),
        ("It cost 205,040.75!", "it cost two hundred five thousand forty point seven five"),
        ("-7.05 °C at night", "minus seven point zero five degrees celsius at night"),
        ("Pages 3-19, 5%", "pages three nineteen five percent"),
        ("Don’t, twenty-one; 0", "dont twenty one zero"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts_are_read_as_one_says_them(lab: Lab, text: str, words: str):
    assert part(lab, "wording").words(text) == words.split()


def test_errors_are_the_fewest_that_explain_what_was_heard(lab: Lab):
    edits = part(lab, "wording").edits

    @cache
    def least(a: tuple[int, ...], b: tuple[int, ...]) -> int:
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return least(a[1:], b[1:])
        return 1 + min(least(a[1:], b), least(a, b[1:]), least(a[1:], b[1:]))

    rng = Random(2)
    for _ in range(300):
        a, b = (tuple(rng.randrange(4) for _ in range(rng.randrange(7))) for _ in range(2))
        assert edits(a, b) == least(a, b)


def test_the_rate_is_of_all_words_together(lab: Lab):
    rate = part(lab, "wording").error_rate
    assert rate([("one two three four", "one two three"), ("five", "6")]) == pytest.approx(2 / 5)
    assert rate([("seven cats", "7 cats.")]) == 0


def test_the_voice_knows_every_word_that_may_be_drawn(lab: Lab):
    voice, wording = part(lab, "voice"), part(lab, "wording")
    drawn = part(lab, "sentences").sentences(Random(3), 400)
    texts = [*drawn, "What is the temperature in", "It is -234,567.89 °C, 5%"]
    said = {word for text in texts for word in wording.words(text)} | {
        *part(lab, "sentences").CITIES
    }
    assert said <= {*voice.sounds()}
    folder = voice.packaged(voice.PACKAGE) / "data"
    known = json.loads((folder / "en_US-joe-medium.onnx.json").read_text())["phoneme_id_map"]
    assert {sound for word in voice.sounds().values() for sound in word} <= {*known}


def test_what_is_said_is_heard_and_always_the_same(lab: Lab):
    cases, ear, wording = part(lab, "cases"), part(lab, "ear"), part(lab, "wording")
    text = "My brother sold seventeen yellow lamps near the station."
    x = cases.said(text)
    voice = part(lab, "voice")
    assert np.array_equal(voice.said("five cats"), voice.said("five cats"))
    assert np.abs(x).max() == pytest.approx(0.8)
    assert wording.error_rate([(text, ear.heard(x))]) <= 0.25
    assert wording.error_rate([(text, ear.heard(np.zeros(16_000)))]) > 0.8


def test_a_transcript_is_kept_by_all_that_was_given(lab: Lab):
    cases, ear, spectra = part(lab, "cases"), part(lab, "ear"), part(lab, "spectra")
    mel = spectra.logmel(np.pad(cases.said("five cats"), (0, 400_000))[: 30 * 16_000])
    mel = np.pad(mel, ((0, 0), (0, 3000 - mel.shape[1])), constant_values=mel.min())
    one = ear.transcript(mel)
    known = len(ear._heard)
    assert ear.transcript(mel.copy()) == one
    assert len(ear._heard) == known
    other = mel.copy()
    other[:, 40:60] = mel.max()
    ear.transcript(other)
    assert len(ear._heard) == known + 1


def test_the_recognisers_alphabet_is_bytes(lab: Lab):
    assert part(lab, "ear")._text("ĠcafÃ©ĠâĢĵ") == "café –"


def test_another_file_than_the_one_measured_is_refused(lab: Lab, tmp_path: Path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"other")
    with pytest.raises(ConfigError, match=r"model\.bin is not the file"):
        part(lab, "voice").checked(file, "0" * 64)


@pytest.mark.parametrize(("kind", "level"), [("whistles", -15), ("hum", 0), ("hiss", 10)])
def test_noise_is_as_loud_as_asked_for(lab: Lab, kind: str, level: int):
    noises = part(lab, "noises")
    x = 0.3 * np.sin(np.arange(32_000))
    noisy, clean = noises.over(x, kind, level, np.random.default_rng(0))
    assert np.abs(noisy).max() == pytest.approx(0.8)
    assert len(noisy) == len(x) + 2 * noises.LEAD
    assert not clean[: noises.LEAD].any()
    speech = clean[noises.LEAD : -noises.LEAD]
    noise = noisy - clean
    assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(level, abs=0.3)
    assert noises.ratio(clean, noisy) < level + 0.3


def test_a_sound_file_is_never_cut(lab: Lab):
    made = part(lab, "drawing").wav(np.array([0.0, 3.0, -3.0, np.nan]))
    with wave.open(io.BytesIO(made)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(file.readframes(4), "<i2")
    assert samples.tolist() == [0, 26214, -26214, 0]


def test_sounds_are_drawn(lab: Lab):
    drawing, spectra = part(lab, "drawing"), part(lab, "spectra")
    x = tone(440, 16_000)
    assert drawing.spectrograms([("one", x), ("two", 0 * x)]).startswith(b"\x89PNG")
    assert drawing.beside(x, spectra.logmel(x), "one").startswith(b"\x89PNG")


def complaints(found: dict[str, Any]) -> list[str]:
    return [name for name, why in found.items() if isinstance(why, str)]


def test_bands_that_are_wrong_are_told_by_what_is_wrong(lab: Lab):
    judging, spectra = part(lab, "judging"), part(lab, "spectra")
    tried = {"a low tone": 0.5 * tone(400, 16_000)}
    right = spectra.logmel(tried["a low tone"])
    assert not complaints(judging.unlike(tried, {"a low tone": right}))
    for made, wrong in (
        (right.T, ["shape", "scale", "bands", "exact"]),
        (right + 0.1, ["scale", "exact"]),
        (np.roll(right, 2, axis=0), ["bands", "exact"]),
        (right * np.nan, ["scale"]),
    ):
        assert complaints(judging.unlike(tried, {"a low tone": made})) == wrong


def test_tones_that_fold_or_change_are_told(lab: Lab):
    judging, cases = part(lab, "judging"), part(lab, "cases")
    tried = cases.bursts(5)
    right = [wanted for *_, wanted in tried]
    assert not complaints(judging.resounded(tried, right))
    assert complaints(judging.resounded(tried, [one[:-5] for one in right]))[0] == "length"
    assert complaints(judging.resounded(tried, [1.1 * one for one in right])) == ["kept"]
    folded = [
        x[::3] if (rate, to) == (48_000, 16_000) else wanted for _, rate, to, x, wanted in tried
    ]
    assert complaints(judging.resounded(tried, folded)) == ["folded"]


def test_sound_of_bands_is_measured(lab: Lab):
    judging, spectra = part(lab, "judging"), part(lab, "spectra")
    x = tone(500, 16_000)
    mel = spectra.logmel(x)
    assert not complaints(judging.rebuilt([mel], [x]))
    assert complaints(judging.rebuilt([mel], [2 * x])) == ["level", "close"]
    assert complaints(judging.rebuilt([mel], [x[:-1]])) == ["length", "level", "close"]
    noise = np.random.default_rng(0).normal(size=len(x))
    assert "close" in complaints(judging.rebuilt([mel], [x + 0.3 * noise]))


def test_what_is_cleaned_must_be_heard_better_and_nothing_lost(lab: Lab):
    cleaned = part(lab, "judging").cleaned
    noisy, half, fine = (
        ("one two three four", "one"),
        ("one two three four", "one two"),
        ("a b", "a b"),
    )
    assert not complaints(cleaned([noisy], [fine], 5, 25))
    assert complaints(cleaned([noisy], [half], 5, 25)) == ["heard"]
    assert complaints(cleaned([noisy], [fine], 1, 10)) == ["nearer", "quiet"]


def test_hearing_worse_than_the_labs_own_ear_is_told(lab: Lab):
    misheard = part(lab, "judging").misheard
    said = "one two three four five six seven eight nine ten"
    assert misheard("heard", [(said, said[:-4])], [(said, said)]) == {"heard": None}
    why = misheard("heard", [(said, "you")], [(said, said)])["heard"]
    assert "error rate 1.00, with the lab's own 0.00" in why


def test_words_and_errors_are_judged_apart(lab: Lab):
    talking, wording = part(lab, "talking"), part(lab, "wording")
    texts, dealt = talking.texts(Random(4)), talking.pairs(Random(9))
    said = [wording.words(text) for _, text in texts]
    counted = [wording.edits(wording.words(a), wording.words(b)) for a, b in dealt]
    assert not complaints(talking.misread(texts, said, counted, Random(9)))
    counted[-1] += 1
    assert complaints(talking.misread(texts, said, counted, Random(9))) == ["errors"]
    said[0] = ["we", "saw", "some"]
    assert complaints(talking.misread(texts, said, counted, Random(9))) == ["numbers", "errors"]
    with pytest.raises(ToolError, match="can't be read"):
        talking.misread(texts, said, None, Random(9))


@pytest.mark.parametrize(("call", "right"), [("oslo", True), ("rome", False)])
async def test_an_answer_counts_if_it_is_heard_and_of_the_right_city(
    lab: Lab, call: str, right: bool, monkeypatch: pytest.MonkeyPatch
):
    """The agent is played here; voice and ear are the real ones."""
    talking, agent, wording = part(lab, "talking"), part(lab, "agent"), part(lab, "wording")

    class Played:
        async def __aenter__(self) -> Any:
            async def ask(question: str, shows: str) -> tuple[str, str]:
                assert "temperature" in question
                return call.title(), f"The temperature is {shows}."

            return ask

        async def __aexit__(self, *_: object) -> None: ...

    class Shown:
        def __init__(self) -> None:
            self.names: list[str] = []

        def attach(self, name: str, data: bytes, kind: str) -> None:
            self.names.append(name)

    async def words(texts: list[str]) -> list[list[str]]:
        return [wording.words(text) for text in texts]

    monkeypatch.setattr(agent, "at_work", Played)
    monkeypatch.setattr(talking, "ANSWERED", 1)
    context: Any = Shown()
    lines, why = await talking.answered([("oslo", "25.5 °C")], words, context)
    assert (why is None) == right, lines
    assert context.names == ["question.wav", "answer.wav", "talk.png"]
