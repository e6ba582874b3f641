"""Choosing the next token, under the sampler settings and a grammar.

The order is llama.cpp's: repetition penalty, top-k, top-p, min-p, temperature, one draw.
Temperature 0 takes the most likely token.

Under a grammar a token is drawn first and then checked: only where it is refused is the grammar
applied to the whole vocabulary and a second token drawn. Without top-k, top-p and min-p the tokens
are distributed exactly as if the grammar came first: with A the admitted set, q(t) + (1 - q(A))
q(t)/q(A) = q(t)/q(A). With them the cut is made before the grammar for the first draw, and after
it for the second, so a token that only gets into the cut because the grammar thinned it out is
drawn less often than if the grammar had been first. Greedy choice is the same either way.

In a typed answer what is refused is heard all the same: see `Sampler._instead`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, cast

from agentlab.backend import Settings, TokenInfo
from agentlab.backends.llamacpp.calls import overhang
from agentlab.backends.llamacpp.constraint import Constraint
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.guide import Walk
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.parser import PYTHON_TAG
from agentlab.errors import BackendError

_RANDOM_SEED = 0xFFFFFFFF  # which to llama.cpp means "any"
PENALTY_WINDOW = 64
"""How many of the reply's last tokens `repeat_penalty` looks at."""


class Sampler:
    """Chooses the tokens of one reply. `close` frees it.

    Args:
        model: whose vocabulary.
        settings: complete: temperature, top_p, top_k, min_p, repeat_penalty and seed are set.
        constraint: what the reply may look like; None leaves it free.
        penalise_calls: whether `repeat_penalty` holds under a grammar too.
        answers: where there may be calls or an answer, whether it is the answer unless the model
            itself begins a call. Of two beginnings that it would not write, the likelier one says
            nothing about what it wants; and what it would write after a result is mostly words.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings,
        constraint: Constraint | None,
        *,
        penalise_calls: bool = True,
        answers: bool = False,
    ) -> None:
        import numpy as np

        self._np = np
        self._model = model
        self._lib = lib = model.lib
        self._top = settings.logprobs
        self._chain = _chain(lib, model.size, settings)
        # under a grammar: the same, or without the penalty
        plain = settings.model_copy(update={"repeat_penalty": 1.0})
        self._bound_chain = self._chain if penalise_calls else _chain(lib, model.size, plain)
        self._walk: Walk | None = None
        self._grammar: str | None = None
        self._trigger = b""
        self._at_start = False
        self._tail: list[bytes] = []
        dtype = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        self._ids = np.arange(model.size, dtype=np.int32)
        self._all: Any = np.zeros(model.size, dtype=dtype)
        self._marks: tuple[str, ...] = ()
        self._typed = False
        self._answer: Constraint | None = None
        if constraint is not None:
            self._constrain(constraint)
            self._answer = constraint if answers and constraint.answer else None

    def next(self, context: Context) -> tuple[int, TokenInfo | None]:
        """The next token after what `context` has read, and, if asked for, its surroundings."""
        if self._walk is None and not self._trigger:
            token = self._lib.llama_sampler_sample(self._chain, context.handle, -1)
            return token, self._info(context, token, None) if self._top else None
        logits = self._logits(context)
        walk = self._walk
        masked = self._masked(logits, walk) if self._top and walk is not None else None
        token = self.choose(logits)
        return token, self._info(context, token, masked) if self._top else None

    def choose(self, logits: Any) -> int:
        """The next token by these logits, one for each token of the vocabulary."""
        if self._answer is not None:
            self._decide(self._answer, self._draw(logits, []))
        walk = self._walk
        token = self._watched(logits) if walk is None else self._bound(logits, walk)
        self._lib.llama_sampler_accept(self._chain, token)
        return token

    def close(self) -> None:
        """Free the samplers."""
        if self._bound_chain is not self._chain:
            self._lib.llama_sampler_free(self._bound_chain)
        if self._chain is not None:
            self._lib.llama_sampler_free(self._chain)
        self._chain = self._bound_chain = self._walk = None

    def _constrain(self, constraint: Constraint) -> None:
        self._grammar, self._marks = constraint.grammar, constraint.marks
        self._typed = constraint.typed
        if constraint.trigger is not None:
            self._trigger = constraint.trigger.encode()
            self._at_start = constraint.at_start
        elif constraint.grammar is not None:
            self._walk = self._begin(constraint.grammar)

    def _begin(self, grammar: str) -> Walk:
        return self._model.guide(self._marks).walk(grammar)

    def _decide(self, either: Constraint, first: int) -> None:
        """Leave only the answer, unless the token that the model would write begins a call."""
        self._answer = None
        piece, call = self._model.piece(first), either.call.encode()
        begins = call.startswith(piece) or piece.startswith(call)
        if either.answer is not None and (first in self._model.ends or not begins):
            self._walk = self._begin(either.answer)

    # free text in which a call may be opened

    def _watched(self, logits: Any) -> int:
        refused: list[int] = []
        while True:
            token = self._draw(logits, refused)
            piece = b"" if token in self._model.ends else self._model.piece(token)
            text = b"".join(self._tail) + piece
            place = text.find(self._trigger)
            if self._at_start and place >= 0:
                before = text[:place].replace(PYTHON_TAG.encode(), b"").strip()
                place = -1 if before else place
            if place < 0:
                self._remember(text, piece)
                return token
            if self._opens(text[place + len(self._trigger) :]):
                return token
            refused.append(token)

    def _remember(self, text: bytes, piece: bytes) -> None:
        if self._at_start:
            self._tail.append(piece)
            rest = text.replace(PYTHON_TAG.encode(), b"").strip()
            if rest and not PYTHON_TAG.encode().startswith(rest):
                self._trigger = b""
            return
        keep = overhang(text.decode("latin-1"), self._trigger.decode("latin-1"))
        self._tail = [text[len(text) - keep :]] if keep else []

    def _opens(self, overflow: bytes) -> bool:
        """Put the grammar in force, unless what the token wrote past the trigger breaks it."""
        if self._grammar is None:
            return False
        walk = self._begin(self._grammar)
        try:
            fits = walk.take_text(overflow.decode())
        except UnicodeDecodeError:
            return False
        if fits:
            self._walk, self._trigger = walk, b""
        return fits

    # under the grammar

    def _bound(self, logits: Any, walk: Walk) -> int:
        token = self._draw(logits, [])
        if not walk.admits(token):
            token = self._instead(logits, walk, token)
        walk.take(token)
        return token

    def _allowed(self, logits: Any, walk: Walk) -> Any:
        """The logits, with those the grammar refuses at minus infinity."""
        allowed = self._np.where(walk.mask(), logits, self._np.float32("-inf"))
        if not self._np.isfinite(allowed).any():
            raise BackendError("the grammar leaves no token to choose")
        return allowed

    def _instead(self, logits: Any, walk: Walk, wish: int) -> int:
        """What to write where the grammar refuses what the model would write.

        In a typed answer the likeliest of what is left says little: a model that is held to JSON
        means "27 chairs" by 27, and begins a list by the name that it would write. So what is
        whole ends; what could be written in quotes gets them; and what the grammar leaves no
        choice in decides nothing beyond that (`[`, not `[]`).
        """
        if self._typed and walk.complete:
            return max(self._model.ends or {self._model.eos}, key=lambda end: logits[end])
        if self._typed and self._in_quotes(walk, wish):
            return cast(int, self._model.quote)
        allowed = self._allowed(logits, walk)
        return self._draw(self._forced(allowed, walk) if self._typed else allowed, [])

    def _in_quotes(self, walk: Walk, wish: int) -> bool:
        quote, text = self._model.quote, self._model.piece(wish)
        # a word that begins with a space belongs to what is written already
        return quote is not None and not text[:1].isspace() and walk.admits_both(quote, wish)

    def _forced(self, allowed: Any, walk: Walk) -> Any:
        """Of the allowed logits those that write no more than any text has to have here."""
        forced, np = walk.forced, self._np
        if not forced:
            return allowed
        narrow = np.full_like(allowed, np.float32("-inf"))
        for token in np.flatnonzero(np.isfinite(allowed)):
            if forced.startswith(self._model.piece(int(token))):
                narrow[token] = allowed[token]
        return narrow if np.isfinite(narrow).any() else allowed

    def _masked(self, logits: Any, walk: Walk) -> float:
        weights = self._np.exp(logits - logits.max())
        return max(0.0, 1.0 - float(weights[walk.mask()].sum() / weights.sum()))

    # drawing

    def _logits(self, context: Context) -> Any:
        pointer = self._lib.llama_get_logits_ith(context.handle, -1)
        address = ctypes.addressof(pointer.contents)
        floats: Any = (ctypes.c_float * self._model.size).from_address(address)
        return self._np.frombuffer(floats, dtype=self._np.float32)

    def _fill(self, logits: Any) -> Any:
        self._all["id"] = self._ids
        self._all["logit"] = logits
        data = ctypes.cast(self._all.ctypes.data, self._lib.llama_token_data_p)
        return self._lib.llama_token_data_array(
            data=data, size=self._model.size, selected=-1, sorted=False
        )

    def _draw(self, logits: Any, refused: Sequence[int]) -> int:
        array = self._fill(logits)
        for token in refused:
            self._all["logit"][token] = -self._np.inf
        chain = self._chain if self._walk is None else self._bound_chain
        self._lib.llama_sampler_apply(chain, ctypes.byref(array))
        chosen = array.data[array.selected]
        if chosen.logit == float("-inf"):
            raise BackendError("no token is left to choose")
        return int(chosen.id)

    def _info(self, context: Context, token: int, masked: float | None) -> TokenInfo:
        np = self._np
        logits = self._logits(context).astype(np.float64)
        highest = logits.max()
        logits -= highest + np.log(np.exp(logits - highest).sum())
        best = np.argpartition(-logits, self._top)[: self._top]
        best = best[np.argsort(-logits[best], kind="stable")]
        return TokenInfo(
            id=token,
            text=self._text(token),
            logprob=float(logits[token]),
            top=tuple((self._text(int(other)), float(logits[other])) for other in best),
            masked=masked,
        )

    def _text(self, token: int) -> str:
        return self._model.piece(token).decode("utf-8", "replace")


def _chain(lib: Any, vocabulary: int, settings: Settings) -> Any:
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())

    def add(sampler: Any) -> None:
        lib.llama_sampler_chain_add(chain, sampler)

    penalty = settings.repeat_penalty
    if penalty is not None and penalty != 1.0:
        add(lib.llama_sampler_init_penalties(vocabulary, PENALTY_WINDOW, penalty, 0.0, 0.0))
    if not settings.temperature:
        add(lib.llama_sampler_init_greedy())
        return chain
    if settings.top_k:
        add(lib.llama_sampler_init_top_k(settings.top_k))
    if settings.top_p is not None and settings.top_p < 1:
        add(lib.llama_sampler_init_top_p(settings.top_p, 1))
    if settings.min_p:
        add(lib.llama_sampler_init_min_p(settings.min_p, 1))
    add(lib.llama_sampler_init_temp(settings.temperature))
    add(lib.llama_sampler_init_dist((settings.seed or 0) % _RANDOM_SEED))
    return chain
