"""llguidance: which tokens a grammar admits next, for a model's own vocabulary.

    guide = Guide(pieces, controls, ends)
    walk = guide.walk(grammar)       the beginning of one text
    walk.admits(token); walk.take(token); walk.mask()

A walk only moves by `take`, and what it admits depends on nothing but the grammar and the tokens
taken, so the same request finds the same tokens admitted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from agentlab.errors import BackendError, MissingExtra

_MOST_GRAMMARS = 32
_BYTES = 256


def _library() -> Any:
    try:
        import llguidance
    except ImportError as error:
        raise MissingExtra("llguidance", "local") from error
    return llguidance


def _limits(library: Any) -> Any:
    # what one mask may cost is bounded by the library; so is what a grammar may come to
    return library.LLParserLimits(verbose_errors=False)


class _Vocabulary:
    """A vocabulary in the shape that the library takes."""

    def __init__(self, tokens: Sequence[bytes], controls: Collection[int], end: int) -> None:
        self.eos_token_id = end
        self.bos_token_id = None
        self.tokens = tokens
        self.special_token_ids = sorted(controls)

    def __call__(self, text: bytes | str) -> list[int]:
        return []  # only asked how text is usually cut, to force it: grammars here don't


class Guide:
    """A vocabulary, ready to walk along grammars.

    Args:
        pieces: the bytes of each token.
        controls: tokens that are structure; a grammar never admits them.
        ends: tokens that end a text; admitted where the text is complete.
    """

    def __init__(
        self, pieces: Sequence[bytes], controls: Collection[int], ends: Collection[int]
    ) -> None:
        self._library = library = _library()
        # the mark by which the library tells a control token from the text that spells it
        tokens = [b"\xff" + p if i in controls else p for i, p in enumerate(pieces)]
        vocabulary = _Vocabulary(tokens, controls, min(ends))
        wrapper = library.TokenizerWrapper(vocabulary)
        self.tokenizer = library.LLTokenizer(wrapper, eos_token=sorted(ends), slices=[])
        self._grammars: dict[str, Any] = {}
        self.size = len(pieces)

    def walk(self, grammar: str) -> Walk:
        """The beginning of a text of this grammar.

        Raises:
            BackendError: the library can't read the grammar.
        """
        if grammar not in self._grammars:
            if len(self._grammars) >= _MOST_GRAMMARS:
                self._grammars.clear()
            library = self._library
            matcher = library.LLMatcher(
                self.tokenizer, grammar, log_level=0, limits=_limits(library)
            )
            if matcher.is_error():
                raise BackendError(f"no grammar can be made: {_first_line(matcher.get_error())}")
            self._grammars[grammar] = matcher
        return Walk(self._grammars[grammar].deep_copy(), self.tokenizer, self.size)


class Walk:
    """A place in a text that a grammar admits."""

    def __init__(self, matcher: Any, tokenizer: Any, size: int) -> None:
        self._matcher = matcher
        self._tokenizer = tokenizer
        self._size = size

    @property
    def complete(self) -> bool:
        """Whether the text may end here."""
        return self._matcher.is_accepting()

    def admits(self, token: int) -> bool:
        """Whether the text may go on with this token."""
        return self._matcher.validate_tokens([token]) == 1

    def take(self, token: int) -> None:
        """Go on with this token.

        Raises:
            BackendError: the grammar does not admit it.
        """
        if not self._matcher.consume_token(token):
            raise BackendError(f"the grammar is lost: {_first_line(self._matcher.get_error())}")

    def take_text(self, text: str) -> bool:
        """Go on with this text; whether the grammar admits it. After a no, the walk is spent."""
        tokens: list[int] = self._tokenizer.greedy_tokenize(text) if text else []
        return self._matcher.try_consume_tokens(tokens) == len(tokens)

    def mask(self) -> Any:
        """Which tokens are admitted next, as an array of booleans.

        Raises:
            BackendError: the grammar has grown too large to tell.
        """
        import numpy as np

        words = np.zeros((self._size + 31) // 32, dtype=np.int32)
        self._matcher.unsafe_compute_mask_ptr(words.ctypes.data, words.nbytes)
        if self._matcher.is_error():
            raise BackendError(f"the grammar is lost: {_first_line(self._matcher.get_error())}")
        return np.unpackbits(words.view(np.uint8), bitorder="little")[: self._size].view(bool)


def version() -> str:
    """Of the library."""
    return str(_library().__version__)


def check(grammar: str) -> str | None:
    """What is wrong with a grammar, if anything."""
    library = _library()
    matcher = library.LLMatcher(bytes_only(), grammar, log_level=0, limits=_limits(library))
    return matcher.get_error() if matcher.is_error() else None


@lru_cache(maxsize=1)
def bytes_only() -> Any:
    """The smallest vocabulary: grammars are checked with it before any model is there."""
    pieces = [bytes([byte]) for byte in range(_BYTES)] + [b""]
    return Guide(pieces, (), (_BYTES,)).tokenizer


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
