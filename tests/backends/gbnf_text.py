"""Writing random texts that a grammar admits: a second reading, independent of llama.cpp's."""

from __future__ import annotations

from random import Random

from agentlab.backends.llamacpp.gbnf import Alt, Chars, Grammar, Lit, Node, Ref, Rep, Seq


def depths(grammar: Grammar) -> dict[str, int]:
    """For every rule, how deep its shallowest text nests."""
    known: dict[str, int] = {}

    def depth(node: Node) -> float:
        match node:
            case Seq(items):
                return max(map(depth, items))
            case Alt(options):
                return min(map(depth, options))
            case Rep(item, least):
                return depth(item) if least else 0
            case Ref(name):
                return known[name] + 1 if name in known else float("inf")
            case _:
                return 0

    while True:
        found = {n: depth(node) for n, node in grammar.rules.items()}
        new = {n: int(d) for n, d in found.items() if d < float("inf")}
        if new == known:
            return known
        known = new


def sample(grammar: Grammar, random: Random, budget: int = 40) -> str:
    """A random text that the grammar admits; short ones once the budget is used up."""
    shallow = depths(grammar)
    left = [budget]

    def depth(node: Node) -> int:
        match node:
            case Seq(items):
                return max(map(depth, items))
            case Alt(options):
                return min(map(depth, options))
            case Rep(item, least):
                return depth(item) if least else 0
            case Ref(name):
                return shallow.get(name, 10**6) + 1
            case _:
                return 0

    def write(node: Node) -> str:
        left[0] -= 1
        tired = left[0] < 0
        match node:
            case Lit(text):
                return text
            case Chars(ranges):
                # ends of ranges are where mistakes hide
                low, high = random.choice(ranges)
                return chr(random.choice([low, high, random.randint(low, high)]))
            case Seq(items):
                return "".join(map(write, items))
            case Alt(options):
                return write(min(options, key=depth) if tired else random.choice(options))
            case Rep(item, least, most):
                longest = least if tired else min(least + 4, 10**9 if most is None else most)
                count = random.choice([least, random.randint(least, longest)])
                if most is not None and most - least < 40 and not tired and random.random() < 0.2:
                    count = most
                return "".join(write(item) for _ in range(count))
            case Ref(name):
                return write(grammar.rules[name])

    return write(grammar.rules[grammar.root])
