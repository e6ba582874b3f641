"""From conversations to tokens, exactly as they are read when the model is served.

    reader = Reader(tokenizer)
    examples = reader.chat(chat)        tokens, and which of them to learn
    rows = pack(examples, 512)          rows full of examples, each seeing only itself

A model learns the very tokens it will read: the same template, the same tool section, the same
words kept apart from control tokens, by the same code as `connect`. Only what the assistant says is
learnt; the rest is there to be understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agentlab.backends.llamacpp.prompt import Prompts
from agentlab.backends.llamacpp.template import PLAIN, Template
from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import pieces, vocabulary
from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.recipes.data import Chat

_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "</s>")


@dataclass(frozen=True)
class Example:
    """Tokens, and for each the token to learn at its place, or `UNSCORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def learnt(self) -> int:
        """How many tokens are learnt."""
        return sum(label != UNSCORED for label in self.labels[1:])


@dataclass
class Row:
    """Examples end to end. Positions begin at 0 with each, which keeps them from seeing another.

    Examples with one beginning may share it (see `pack`). Then `owners` says for each token which
    piece it belongs to, and `roots` which other piece it sees: its own beginning.
    """

    ids: list[int] = field(default_factory=list[int])
    labels: list[int] = field(default_factory=list[int])
    positions: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    roots: list[int] = field(default_factory=list[int])
    shares: bool = False

    def add(self, bunch: Sequence[Example], shared: int = 0) -> None:
        """Put examples at the end; their first `shared` tokens are the same, and stand once."""
        root = self._piece(bunch[0], 0, shared, None) if shared else None
        for example in bunch:
            self._piece(example, shared, len(example.ids), root)
        self.shares = self.shares or shared > 0

    def _piece(self, example: Example, start: int, end: int, root: int | None) -> int:
        owner = self.owners[-1] + 1 if self.owners else 0
        self.ids += example.ids[start:end]
        # what a piece begins with is not foretold by the one before
        self.labels += [UNSCORED, *example.labels[start + 1 : end]]
        self.positions += range(start, end)
        self.owners += [owner] * (end - start)
        self.roots += [owner if root is None else root] * (end - start)
        return owner


class Reader:
    """Makes tokens of conversations and texts.

    Args:
        tokenizer: a `PreTrainedTokenizerFast`, with the chat template, where the model has one.
    """

    def __init__(self, tokenizer: Any) -> None:
        words = Words(tokenizer)
        self._words = words
        self._prompts = Prompts(words)
        names = [words.piece(t).decode() if t >= 0 else "" for t in (words.bos, words.eos)]
        self._template = Template(tokenizer.chat_template or PLAIN, bos=names[0], eos=names[1])

    def prompt(self, chat: Chat) -> list[int]:
        """A conversation, up to where the assistant's next turn begins."""
        rendered = self._template.render(chat.messages, chat.tools, self._prompts.guard)
        return self._prompts.tokens(rendered, ())

    def chat(self, chat: Chat) -> list[Example]:
        """A conversation as examples: one, or more where the template forgets earlier turns.

        Raises:
            ConfigError: the template can't render it.
        """
        done: list[Example] = []
        ids: list[int] = []
        labels: list[int] = []
        for index, message in enumerate(chat.messages):
            if message.role != "assistant":
                continue
            before = self._template.render(chat.messages[:index], chat.tools, self._prompts.guard)
            prompt = self._prompts.tokens(before, ids)
            if prompt[: len(ids)] != ids:
                done.append(Example(tuple(ids), tuple(labels)))
                prompt, labels = self._prompts.tokens(before, ()), []
            reply = self._reply(chat, index, before)
            learnt = index in chat.learnt
            labels += [UNSCORED] * (len(prompt) - len(labels))
            labels += reply if learnt else [UNSCORED] * len(reply)
            ids = prompt + reply
        done.append(Example(tuple(ids), tuple(labels)))
        return [example for example in done if example.learnt]

    @property
    def ends(self) -> list[int]:
        """The tokens that end a turn."""
        return [self._words.controls[text] for text in self._words.ends]

    def text(self, text: str) -> list[int]:
        """A text as tokens; what looks like a control token stays text."""
        return self._words.tokens(text)

    def _reply(self, chat: Chat, index: int, before: str) -> list[int]:
        """What the model writes for a message, up to and with the token that ends its turn."""
        messages = chat.messages[: index + 1]
        after = self._template.render(messages, chat.tools, self._prompts.guard)
        if not after.startswith(before):
            raise ConfigError("this model's chat template can't be learnt: it rewrites its prompt")
        rest = after[len(before) :]
        ends = [(at, text) for text in self._words.ends if (at := rest.find(text)) >= 0]
        if not ends:
            return [*self._prompts.tokens(rest, ()), self._words.eos]
        at, text = min(ends)
        words = self._prompts.tokens(rest[:at], ())
        if self._words.adds_bos:
            words = words[1:]
        return [*words, self._words.controls[text]]


class Words:
    """A tokenizer of the library `tokenizers` as serving's `Vocabulary`."""

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers import Tokenizer

        plan = pieces.as_served(vocabulary.plan_of(tokenizer))
        self._cutter: Any = Tokenizer.from_str(json.dumps(plan))
        self._cutter.encode_special_tokens = True  # text that looks like a control token is text
        self._texts: list[str] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        added: list[dict[str, Any]] = json.loads(self._cutter.to_str())["added_tokens"]
        self.controls: Mapping[str, int] = {t["content"]: t["id"] for t in added if t["special"]}
        """Control tokens by their text."""
        self._control_ids = frozenset(self.controls.values())
        self.bos: int = -1 if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        self.eos: int = -1 if tokenizer.eos_token_id is None else tokenizer.eos_token_id
        first: list[int] = tokenizer("a")["input_ids"]
        self.adds_bos: bool = self.bos >= 0 and first[0] == self.bos
        eos = [] if self.eos < 0 else [self._texts[self.eos]]
        self.ends = tuple(dict.fromkeys(t for t in (*eos, *_ENDS) if t in self.controls))
        """Texts of the tokens that end a turn."""
        self._bytes = {char: byte for byte, char in enumerate(_byte_characters())}

    def is_control(self, token: int) -> bool:
        """Whether a token marks structure and is not text."""
        return token in self._control_ids

    def piece(self, token: int) -> bytes:
        """A token's bytes; a control token's are its text."""
        text = self._texts[token]
        if self.is_control(token) or any(char not in self._bytes for char in text):
            return text.encode()
        return bytes(self._bytes[char] for char in text)

    def tokens(self, text: str) -> list[int]:
        """Text to tokens; text that looks like a control token stays text."""
        return list(self._cutter.encode(text, add_special_tokens=False).ids)


def _byte_characters() -> list[str]:
    """The character that byte-level BPE writes each byte as (Radford et al., 2019, GPT-2)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(byte if byte in printable else next(rest)) for byte in range(256)]


def pack(examples: Iterable[Example], size: int) -> list[Row]:
    """Rows of at most `size` tokens, filled in order; longer examples are left out.

    Without packing a short example would be padded to the longest, and most of the work wasted.
    Neighbours that begin alike, such as questions about the same tools, share their beginning: it
    is read once, and each goes on from there without seeing the others. Each learns exactly what
    it would learn alone.
    """
    rows: list[Row] = []
    open_rows: list[Row] = []
    for bunch, shared in _bunches(examples, size):
        length = shared + sum(len(example.ids) - shared for example in bunch)
        fit = next((r for r in open_rows if len(r.ids) + length <= size), None)
        if fit is None:
            fit = Row()
            rows.append(fit)
            open_rows = [*open_rows[-_OPEN + 1 :], fit]
        fit.add(bunch, shared)
    return rows


def _bunches(examples: Iterable[Example], size: int) -> Iterator[tuple[list[Example], int]]:
    """Neighbours that share a beginning worth sharing, and its length; 0 for one alone."""
    bunch: list[Example] = []
    shared = 0
    for example in examples:
        if len(example.ids) > size:
            continue
        common = _common(bunch[0], example) if bunch else 0
        if shared:
            common = min(common, shared)
        whole = common + sum(len(one.ids) - common for one in (*bunch, example))
        # a shorter beginning for one more must not cost the others more than it saves
        gains = common * len(bunch) > shared * (len(bunch) - 1)
        if bunch and common >= _WORTH_SHARING and gains and whole <= size:
            bunch.append(example)
            shared = common
            continue
        if bunch:
            yield bunch, shared
        bunch, shared = [example], 0
    if bunch:
        yield bunch, shared


def _common(one: Example, other: Example) -> int:
    """How many tokens two examples begin with that are the same and not learnt."""
    count = 0
    for a, b, mine, yours in zip(one.ids, other.ids, one.labels, other.labels, strict=False):
        if a != b or mine != UNSCORED or yours != UNSCORED:
            break
        count += 1
    # the first token learnt is foretold by one of the example's own
    return max(0, count - 1)


_OPEN = 16
"""How many rows are tried before a new one is begun."""

_WORTH_SHARING = 32
"""Tokens in common from which on examples share them."""


T = TypeVar("T")


def hold_out(examples: Sequence[T], share: float, most: int = 64) -> tuple[list[T], list[T]]:
    """(what to learn from, what to measure on): every so many-th is set aside, at most `most`."""
    count = min(max(1, round(len(examples) * share)), most) if share and len(examples) > 1 else 0
    aside = {index * len(examples) // count for index in range(count)}
    return (
        [example for index, example in enumerate(examples) if index not in aside],
        [example for index, example in enumerate(examples) if index in aside],
    )


def cut(ids: Sequence[int], size: int) -> list[Row]:
    """A long text as rows of `size` tokens, every one of them learnt; a short tail is dropped."""
    return [
        Row(list(ids[at : at + size]), list(ids[at : at + size]), list(range(size)))
        for at in range(0, len(ids) - size + 1, size)
    ]
