"""One score in MusicXML, as music21's corpus has it, as four voices in sixteenths.

Of MusicXML 3 (W3C Music Notation Community Group) it reads what a score of four single voices has.
What has more, or is cut finer than sixteenths, is refused and left out by who asks.
"""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from agentlab_tools.chorales.values import VOICES, Chorale, Note, Voice

_LARGEST = 10_000_000
"""Bytes of a score that are read; the largest chorale has about a tenth of it."""
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class NoChorale(ValueError):
    """A score is not four voices in sixteenths; says why."""


def read_packed(name: str, data: bytes) -> Chorale:
    """The chorale in an .mxl file: a zip with the score and a note of where it is.

    Raises:
        NoChorale: it holds something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = [one for one in packed.infolist() if not one.filename.startswith("META-INF")]
            scores = [one for one in inside if one.filename.endswith((".xml", ".musicxml"))]
            if len(scores) != 1 or scores[0].file_size > _LARGEST:
                raise NoChorale("there is not one score in it")
            with packed.open(scores[0]) as file:
                text = file.read(_LARGEST).decode("utf-8")
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise NoChorale(f"it can't be unpacked: {error}") from error
    return read_score(name, text)


def read_score(name: str, text: str) -> Chorale:
    """The chorale in the text of a score.

    Raises:
        NoChorale: it holds something else, or is no XML; XML with entities of its own is not read,
            since a few lines of those can grow to gigabytes.
    """
    if "<!ENTITY" in text:
        raise NoChorale("it defines entities")
    try:
        score = ElementTree.fromstring(text)  # noqa: S314 - without entities, and from a package
    except ElementTree.ParseError as error:
        raise NoChorale(f"it is no XML: {error}") from error
    names = [(named.text or "").strip().lower() for named in score.iter("part-name")]
    found = score.findall("part")
    if len(found) != len(names) or any(names.count(voice) != 1 for voice in VOICES):
        raise NoChorale(f"its parts are {', '.join(names)}")
    parts = [_Part(found[names.index(voice)]) for voice in VOICES]
    soprano, alto, tenor, bass = (part.voice() for part in parts)
    lengths = {sum(length for _, length in voice) for voice in (soprano, alto, tenor, bass)}
    if len(lengths) != 1:
        raise NoChorale(f"its voices are not equally long: {sorted(lengths)}")
    if all(pitch is None for pitch, _ in bass):
        raise NoChorale("its bass is silent")
    first = parts[0]
    pickup = first.measures[0] if first.measures and first.measures[0] < first.bar else 0
    voices = (soprano, alto, tenor, bass)
    return Chorale(name, voices, first.sharps, first.bar, pickup, tuple(first.fermatas))


class _Part:
    """What one part holds, with tied notes joined."""

    def __init__(self, part: ElementTree.Element) -> None:
        self.notes: list[Note] = []
        self.measures: list[int] = []
        self.fermatas: list[int] = []
        self.sharps, self.bar = 0, 16
        self._divisions, self._at, self._begun = 1, 0, False
        for measure in part:
            before = self._at
            for element in measure:
                if element.tag == "attributes":
                    self._attributes(element)
                elif element.tag == "note":
                    self._note(element)
                elif element.tag == "forward":  # time that passes with nothing written
                    self._add(None, self._sixteenths(element))
                elif element.tag == "backup":
                    raise NoChorale("a part has more than one voice")
            self.measures.append(self._at - before)

    def voice(self) -> Voice:
        """Its notes."""
        return tuple(self.notes)

    def _attributes(self, element: ElementTree.Element) -> None:
        self._divisions = int(element.findtext("divisions") or self._divisions)
        if self._begun:
            return
        self.sharps = int(element.findtext("key/fifths") or 0)
        beats, kind = element.findtext("time/beats"), element.findtext("time/beat-type")
        if beats and kind:
            self.bar = 16 * int(beats) // int(kind)

    def _note(self, element: ElementTree.Element) -> None:
        if element.find("chord") is not None or element.find("grace") is not None:
            raise NoChorale("a part has chords or grace notes")
        if element.find("notations/fermata") is not None:
            self.fermatas.append(self._at)
        ties = {tie.get("type") for tie in element.findall("tie")}
        self._add(_pitch(element), self._sixteenths(element), tied="stop" in ties)

    def _add(self, pitch: int | None, length: int, *, tied: bool = False) -> None:
        self._begun = True
        self._at += length
        last = self.notes[-1] if self.notes else None
        if last and last[0] == pitch and (tied or pitch is None):
            self.notes[-1] = (pitch, last[1] + length)
        else:
            self.notes.append((pitch, length))

    def _sixteenths(self, element: ElementTree.Element) -> int:
        length, rest = divmod(4 * int(element.findtext("duration") or 0), self._divisions)
        if rest or not length:
            raise NoChorale("it is cut finer than sixteenths")
        return length


def _pitch(element: ElementTree.Element) -> int | None:
    pitch = element.find("pitch")
    if pitch is None:
        return None
    step, octave = pitch.findtext("step") or "", pitch.findtext("octave") or ""
    if step not in _STEPS or not octave.lstrip("-").isdigit():
        raise NoChorale("a pitch can't be read")
    return _STEPS[step] + round(float(pitch.findtext("alter") or 0)) + 12 * (int(octave) + 1)
