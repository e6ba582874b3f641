"""Thoughts that a server leaves in the text of its answer: `<think>…</think>` at the beginning.

A model's own marks reach us where the server in between does not read them. Each family of models
has its own; pieces may be cut anywhere, also inside a mark.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

_THOUGHTS = {
    "<think>": "</think>",  # Qwen, DeepSeek, GLM, MiniMax, Nemotron and most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # EXAONE; Gemini's OpenAI-like address
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<longcat_think>": "</longcat_think>",
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss
    "<|channel>thought\n": "<channel|>",  # Gemma 4
    "<unused94>thought\n": "<unused95>",  # MedGemma
    "<|START_THINKING|>": "<|END_THINKING|>",  # Command A
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<|begin_of_thought|>": "<|end_of_thought|>",  # OpenThinker
}
_ANSWERS = {
    "<|channel|>final<|message|>": ("<|return|>", "<|end|>"),
    "<|START_RESPONSE|>": ("<|END_RESPONSE|>",),
    "<|begin_of_solution|>": ("<|end_of_solution|>",),
}
"""What some of them set around the answer. `<answer>` is not among them: a user may ask for it."""
_SPEAKER = "<|start|>assistant"
_MARKS = (*_THOUGHTS, *_ANSWERS)
_OPENINGS = (*_MARKS, *(_SPEAKER + mark for mark in _MARKS if mark.startswith("<|channel|>")))
_ENDS = {close: opening for opening, close in _THOUGHTS.items() if close != "<|end|>"}
_ALONE = re.compile(rf"(?:^|\n)[ \t]*({'|'.join(map(re.escape, _ENDS))})[ \t]*(?:\n|$)")

Piece: TypeAlias = tuple[Literal["text", "thought"], str]


class Thoughts:
    """Tells text from thoughts, as both come in.

    Only an answer that begins with a mark is taken to think: a mark further on is text about
    marks.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "thought", "after", "text"] = "start"
        self._held = ""
        self._ends: tuple[str, ...] = ()
        """What would end the thought, or the answer."""

    def feed(self, text: str) -> list[Piece]:
        """What more of the answer's text adds."""
        self._held += text
        pieces: list[Piece] = []
        while self._held and (piece := self._next()):
            pieces.append(piece)
        return [piece for piece in pieces if piece[1]]

    def _next(self) -> Piece | None:
        """What can be told of what is held; None where more must come first."""
        match self._state:
            case "start" | "after":
                begun = self._held.lstrip()
                mark = next((mark for mark in _OPENINGS if begun.startswith(mark)), None)
                if mark:
                    self._open(mark.removeprefix(_SPEAKER), begun[len(mark) :])
                elif any(mark.startswith(begun) for mark in _OPENINGS):
                    return None
                else:
                    # the blank lines between thought and answer are neither's
                    self._held = self._held if self._state == "start" else begun
                    self._state = "text"
                return "text", ""
            case "thought":
                return self._within("thought")
            case "text":
                return self._within("text")

    def _open(self, mark: str, rest: str) -> None:
        self._held = rest
        if mark in _ANSWERS:
            self._state, self._ends = "text", _ANSWERS[mark]
        else:
            self._state, self._ends = "thought", (_THOUGHTS[mark],)

    def _within(self, kind: Literal["text", "thought"]) -> Piece | None:
        if kind == "thought":
            words, mark, rest = self._held.partition(self._ends[0])
            if mark:
                self._held, self._state, self._ends = rest, "after", ()
                return kind, words
        keep = max((_overhang(self._held, end) for end in self._ends), default=0)
        words = self._held[: len(self._held) - keep]
        self._held = self._held[len(words) :]
        return (kind, words) if words else None

    def finish(self) -> list[Piece]:
        """What was held back in case more came."""
        held, self._held = self._held, ""
        kind: Literal["text", "thought"] = "thought" if self._state == "thought" else "text"
        if self._state == "after":
            held = held.lstrip()
        elif self._state == "text" and held in self._ends:
            held = ""
        self._state, self._ends = "text", ()
        return [(kind, held)] if held else []


def marks_in(template: str) -> tuple[str, str] | None:
    """The marks that a chat template writes thoughts in; None where it knows of none."""
    return next((marks for marks in _THOUGHTS.items() if marks[0].strip() in template), None)


def unopened(text: str) -> tuple[str, str] | None:
    """Thought and answer, where the opening mark stood in the prompt and so is missing here.

    The closing mark must have a line to itself, and be the only one.
    """
    end = _ALONE.search(text)
    if end is None or text.count(end[1]) != 1 or _ENDS[end[1]] in text:
        return None
    return text[: end.start()], text[end.end() :].lstrip()


def _overhang(text: str, mark: str) -> int:
    """How many characters at the end may be the beginning of a closing mark, or all of it."""
    for size in range(min(len(text), len(mark)), 0, -1):
        if text.endswith(mark[:size]):
            return size
    return 0
