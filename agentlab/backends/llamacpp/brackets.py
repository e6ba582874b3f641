"""Arrays and objects as grammar: what stands between the brackets, and where the commas go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, cast

from agentlab.backends.llamacpp import gbnf
from agentlab.backends.llamacpp.gbnf import EMPTY, Lit, Node, Rep, alt, maybe, seq
from agentlab.backends.llamacpp.pattern import PLAIN

_COMMA = Lit(", ")


def listed(
    firsts: list[Node | None], rest: Node | None, least: int, most: int | None
) -> Node | None:
    """An array: these items first, then `rest` for each further one; None where none is allowed.

    A None among the items means that nothing can stand there, so that the array ends before it.
    """
    fixed = len(firsts) if most is None else min(len(firsts), most)
    if None in firsts[:fixed]:
        fixed, rest = firsts.index(None), None
    more = None if most is None else most - fixed
    node: Node = EMPTY
    if rest is None or more == 0:
        if least > fixed:
            return None
    elif fixed:
        node = Rep(seq(_COMMA, rest), max(0, least - fixed), more)
    else:
        left = None if more is None else more - 1
        node = seq(rest, Rep(seq(_COMMA, rest), max(0, least - 1), left))
        node = node if least else maybe(node)
    for index in reversed(range(fixed)):
        node = seq(_COMMA if index else EMPTY, cast(Node, firsts[index]), node)
        node = node if index < least else maybe(node)
    return seq(Lit("["), node, Lit("]"))


def pairs_of(
    pairs: Sequence[tuple[Node, bool]],
    extra: Node | None,
    least: int,
    most: int | None,
    rule: Callable[[Node], Node],
) -> Node:
    """The inside of an object.

    Args:
        pairs: names with their values, in order, and whether they must be there.
        extra: any further pair.
        least, most: how many further pairs, where there are no others.
        rule: makes a rule of a node, so that what follows a pair is written down once.
    """
    if not pairs:
        if extra is None or most == 0:
            return EMPTY
        left = None if most is None else most - 1
        many = seq(extra, Rep(seq(_COMMA, extra), 0, left))
        return many if least else maybe(many)
    tail: Node = EMPTY if extra is None else Rep(seq(_COMMA, extra), 0, None)
    start: Node = EMPTY if extra is None else maybe(seq(extra, tail))
    # `tail`: what may follow once something is written; `start`: the same at the beginning
    for pair, must in reversed(pairs):
        if tail != EMPTY:
            tail = rule(tail)
        here = seq(pair, tail)
        start = here if must else maybe(here) if start == EMPTY else alt([here, start])
        after = seq(_COMMA, pair)
        tail = seq(after if must else maybe(after), tail)
    return start


def key_but(names: Mapping[str, Any]) -> Node:
    """The inside of a property name that is none of these."""
    any_key = seq(gbnf.Chars(PLAIN), Rep(gbnf.Chars(PLAIN), 0, None))

    def follow(done: str) -> Node:
        following = sorted({n[len(done)] for n in names if n.startswith(done) and n != done})
        plain = [c for c in following if gbnf.intersection(gbnf.chars(c), PLAIN)]
        if not plain:
            return any_key
        taken = reduce(gbnf.union, (gbnf.chars(c) for c in plain))
        other = gbnf.Chars(gbnf.intersection(PLAIN, gbnf.complement(taken)))
        options: list[Node] = [seq(other, Rep(gbnf.Chars(PLAIN), 0, None))]
        for char in plain:
            after = follow(done + char)
            options.append(seq(Lit(char), after if done + char in names else maybe(after)))
        return alt(options)

    return follow("")
