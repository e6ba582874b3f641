"""Answers to `tokens`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _function(head: str, body: str) -> str:
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


def _ways(encode: str, decode: str, before: str = "") -> str:
    one, other = _function("encode(voices)", encode), _function("decode(tokens)", decode)
    return f"{before}{one}\n\n{other}"


_ENCODE = """\
moments = {}
for number, voice in enumerate(voices):
    at = 0
    for pitch, length in voice:
        moments.setdefault(at, []).append(100 * number + (pitch or 0))
        at += length
tokens, now = [], 0
for moment in sorted(moments):
    if moment > now:
        tokens.append(400 + moment - now)
    now = moment
    tokens += moments[moment]
return [*tokens, 400 + at - now]
"""
_DECODE = """\
voices, now = [[], [], [], []], 0
for token in tokens:
    if token >= 400:
        now += token - 400
    else:
        number, pitch = divmod(token, 100)
        voices[number].append((pitch or None, now))
made = []
for voice in voices:
    ends = [start for _, start in voice[1:]] + [now]
    made.append([(pitch, end - start) for (pitch, start), end in zip(voice, ends)])
return made
"""
_GRID = """\
rows = []
for voice in voices:
    row = []
    for pitch, length in voice:
        row += [{first}] + [{then}] * (length - 1)
    rows.append(row{every})
return [token for column in zip(*rows) for token in column]
"""
_UNGRID = """\
voices = [[], [], [], []]
for at, token in enumerate(tokens):
    voice = voices[at % 4]
    if {held}:
        voice[-1] = (voice[-1][0], voice[-1][1] + {step})
    else:
        voice.append(({pitch}, {step}))
return voices
"""
_HELD_GRID = _UNGRID.format(held="voice and token == 130", pitch="token or None", step="{step}")
_CHORDS = """\
HELD, REST, LONG = 128, 129, 200


class Column:
    def __init__(self, voices):
        self.starts = []
        for voice in voices:
            starts, at = {}, 0
            for pitch, length in voice:
                starts[at] = REST if pitch is None else pitch
                at += length
            self.starts.append(starts)
            self.end = at
        self.moments = sorted(set().union(*self.starts))

    def tokens(self):
        for at, after in zip(self.moments, self.moments[1:] + [self.end]):
            yield from (starts.get(at, HELD) for starts in self.starts)
            yield LONG + after - at


"""

TOKENS = programs(
    starter=_ways(
        '"""Four lists of (pitch or None, sixteenths) make a list of numbers below 1000."""\n'
        + _GRID.format(first="pitch or 0", then="pitch or 0", every=""),
        '"""And back."""\n'
        + _UNGRID.format(
            held="voice and voice[-1][0] == (token or None)", pitch="token or None", step="1"
        ),
    ),
    solution=_ways(_ENCODE, _DECODE),
    also={
        "a-tick-each-sixteenth": _ways(
            """\
            TICK, tokens = 0, []
            length = sum(lasts for _, lasts in voices[0])
            waiting = [list(voice) for voice in voices]
            left = [0] * 4
            for _ in range(length):
                for number in range(4):
                    if left[number] == 0:
                        pitch, left[number] = waiting[number].pop(0)
                        tokens.append(1 + 200 * number + (199 if pitch is None else pitch))
                    left[number] -= 1
                tokens.append(TICK)
            return tokens
            """,
            """\
            voices = [[] for _ in range(4)]
            for token in tokens:
                if token:
                    number, pitch = divmod(token - 1, 200)
                    voices[number].append([None if pitch == 199 else pitch, 0])
                else:
                    for voice in voices:
                        voice[-1][1] += 1
            return [[(pitch, length) for pitch, length in voice] for voice in voices]
            """,
        ),
        "how-far-each-voice-goes": _ways(
            """\
            events = sorted(
                (start, number, pitch)
                for number, voice in enumerate(voices)
                for start, pitch in begun(voice)
            )
            tokens, now, last = [], 0, [60] * 4
            for start, number, pitch in events:
                if start > now:
                    tokens.append(start - now)
                    now = start
                if pitch is None or pitch < 0:
                    tokens.append(200 * number + 199)
                else:
                    tokens.append(200 * number + 150 + pitch - last[number])
                    last[number] = pitch
            return tokens + [sum(length for _, length in voices[0]) - now]
            """,
            """\
            voices, now, last = [[] for _ in range(4)], 0, [60] * 4
            for token in tokens:
                number, move = divmod(token, 200)
                if token < 90:
                    now += token
                elif move == 199:
                    voices[number].append((None, now))
                else:
                    last[number] += move - 150
                    voices[number].append((last[number], now))
            made = []
            for voice in voices:
                starts = [start for _, start in voice] + [now]
                made.append([(p, b - a) for (p, _), a, b in zip(voice, starts, starts[1:])])
            return made
            """,
            _function(
                "begun(voice)",
                """\
                at = 0
                for pitch, length in voice:
                    yield at, -1 if pitch is None else pitch
                    at += length
                """,
            )
            + "\n\n",
        ),
        "chords-and-how-long": _ways(
            "return list(Column(voices).tokens())",
            """\
            voices = [[] for _ in range(4)]
            for at in range(0, len(tokens), 5):
                *pitches, length = tokens[at : at + 5]
                for voice, pitch in zip(voices, pitches):
                    if pitch == HELD:
                        voice[-1] = (voice[-1][0], voice[-1][1] + length - LONG)
                    else:
                        voice.append((None if pitch == REST else pitch, length - LONG))
            return voices
            """,
            _CHORDS,
        ),
    },
    wrong={
        "struck-again-is-held": _ways(
            "return list(Column(voices).tokens())",
            """\
            voices = [[] for _ in range(4)]
            for at in range(0, len(tokens), 5):
                *pitches, length = tokens[at : at + 5]
                for voice, pitch in zip(voices, pitches):
                    pitch = None if pitch == REST else pitch
                    if voice and voice[-1][0] == pitch:
                        voice[-1] = (pitch, voice[-1][1] + length - LONG)
                    else:
                        voice.append((pitch, length - LONG))
            return voices
            """,
            _CHORDS.replace(
                "yield from (starts.get(at, HELD) for starts in self.starts)",
                "yield from (s[max(t for t in s if t <= at)] for s in self.starts)",
            ),
        ),
        "rests-are-held": _ways(
            _ENCODE.replace(
                "        moments.setdefault(at, []).append(100 * number + (pitch or 0))\n",
                "        if pitch or not at:\n"
                "            moments.setdefault(at, []).append(100 * number + (pitch or 0))\n",
            ),
            _DECODE,
        ),
        "a-grid-of-eighths": _ways(
            _GRID.format(first="pitch or 0", then="130", every="[::2]"),
            _HELD_GRID.format(step="2"),
        ),
        "a-grid-of-sixteenths": _ways(
            _GRID.format(first="pitch or 0", then="130", every=""), _HELD_GRID.format(step="1")
        ),
        "voice-after-voice": _ways(
            """\
            tokens = []
            for voice in voices:
                for pitch, length in voice:
                    tokens += [pitch or 0, 200 + length]
                tokens.append(999)
            return tokens
            """,
            """\
            voices = [[]]
            for token in tokens:
                if token == 999:
                    voices.append([])
                elif token < 200:
                    pitch = token or None
                else:
                    voices[-1].append((pitch, token - 200))
            return voices[:4]
            """,
        ),
    },
    mistakes={
        "struck-again-is-held": "struck again",
        "rests-are-held": "last otherwise",
        "a-grid-of-eighths": "back came",
        "a-grid-of-sixteenths": "numbers a quarter",
        "voice-after-voice": "the first half alone",
    },
)
