"""How much of JSON Schema the grammars hold, on suites that others wrote.

    python benchmarks/grammar.py --maskbench DIR --schemastore DIR --suite DIR [--every N]

    --maskbench     `maskbench/data` of guidance-ai/jsonschemabench
    --schemastore   `src` of SchemaStore/schemastore
    --suite         `tests/draft2020-12` of json-schema-org/JSON-Schema-Test-Suite
    --only NAME     one contestant: ours, ours-declared (what models are given unless they ask),
                    llguidance, llguidance-lenient or xgrammar
    --every N       each Nth schema

None of them comes along; they are read where you have them. For each suite and contestant one line:

    compiled    schemas that a grammar was made for
    valid       valid instances that can be written
    invalid     invalid instances that can't
    perfect     schemas of which both holds for every instance
    silent      schemas with an invalid instance that can be written and whose violated keyword is
                not listed as unenforced (only ours lists any)
    ms          processor time of compiling a schema: median, 99th percentile, longest

Instances are written with Python's `json.dumps`. A grammar fixes the order of properties, so a
valid instance that is refused is tried again with its properties in the order in which the schema
declares them; `as given` counts those that needed no second try.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from _schema_suites import Case, in_order, is_said, maskbench, schemastore, suite

from agentlab.backends.llamacpp.grammar import compile_schema
from agentlab.backends.llamacpp.guide import Guide

Accepts = Callable[[str], bool]
BYTES = [bytes([byte]) for byte in range(256)]


@dataclass
class Score:
    """What one contestant made of one suite."""

    schemas: int = 0
    compiled: int = 0
    perfect: int = 0
    valid: int = 0
    accepted: int = 0
    as_given: int = 0
    invalid: int = 0
    rejected: int = 0
    silent: list[str] = field(default_factory=list[str])
    imperfect: list[str] = field(default_factory=list[str])
    times: list[float] = field(default_factory=list[float])

    def line(self) -> str:
        """The row of the table."""
        times = sorted(self.times) or [0.0]
        return " | ".join(
            [
                f"{100 * self.compiled / self.schemas:.1f}",
                f"{100 * self.accepted / max(1, self.valid):.1f} "
                f"({100 * self.as_given / max(1, self.valid):.1f} as given)",
                f"{100 * self.rejected / max(1, self.invalid):.1f}",
                f"{100 * self.perfect / self.schemas:.1f}",
                str(len(self.silent)),
                f"{times[len(times) // 2]:.2f} / {times[int(len(times) * 0.99)]:.1f}"
                f" / {times[-1]:.0f}",
            ]
        )


# the contestants: each makes a schema into a test of texts, and a list of what it leaves out


def ours(schema: Any, *, undeclared: bool = True) -> tuple[Accepts, tuple[str, ...]]:
    """What local models write under, with what schemas leave open left open."""
    made = compile_schema(schema, undeclared=undeclared)
    guide = _guide()

    def accepts(text: str) -> bool:
        walk = guide.walk(made.grammar)
        return walk.take_text(text) and walk.complete

    return accepts, made.unenforced


_GUIDES: list[Guide] = []


def _guide() -> Guide:
    if not _GUIDES:
        _GUIDES.append(Guide([*BYTES, b""], (), (256,)))
    return _GUIDES[0]


def plain(*, lenient: bool) -> Callable[[Any], tuple[Accepts, tuple[str, ...]]]:
    """The library underneath, given the schema as it is."""
    import llguidance

    options: Any = {
        "item_separator": ", ",
        "key_separator": ": ",
        "whitespace_flexible": False,
        "lenient": lenient,
    }
    tokenizer = _guide().tokenizer

    def make(schema: Any) -> tuple[Accepts, tuple[str, ...]]:
        text = json.dumps({"allOf": [schema]} if isinstance(schema, bool) else schema)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(text, overrides=options)
        matcher = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise ValueError(matcher.get_error())

        def accepts(text: str) -> bool:
            walk = matcher.deep_copy()
            data = list(text.encode())
            return walk.try_consume_tokens(data) == len(data) and walk.is_accepting()

        return accepts, ()

    return make


def xgrammar() -> Callable[[Any], tuple[Accepts, tuple[str, ...]]]:
    """Another library, in its standard reading."""
    xgr: Any = importlib.import_module("xgrammar")
    info = xgr.TokenizerInfo([*BYTES, b"</s>"], stop_token_ids=[256])
    compiler = xgr.GrammarCompiler(info, max_threads=1, cache_enabled=False)

    def make(schema: Any) -> tuple[Accepts, tuple[str, ...]]:
        compiled = compiler.compile_json_schema(
            json.dumps(schema), any_whitespace=False, strict_mode=False
        )

        def accepts(text: str) -> bool:
            matcher = xgr.GrammarMatcher(compiled)
            return matcher.accept_string(text) and matcher.accept_token(256)

        return accepts, ()

    return make


# scoring


def score(cases: Iterator[Case], make: Callable[[Any], tuple[Accepts, tuple[str, ...]]]) -> Score:
    """What a contestant makes of a suite."""
    total = Score()
    for case in cases:
        total.schemas += 1
        start = time.process_time()
        try:
            accepts, unenforced = make(case.schema)
        except Exception as error:  # noqa: BLE001 whatever a contestant raises is a failure of its own
            total.times.append((time.process_time() - start) * 1000)
            never = all(not valid for _, valid in case.instances)
            if "no value can match" in str(error) and never:
                total.compiled += 1
                total.perfect += 1
                total.rejected += len(case.instances)
            else:
                total.imperfect.append(f"{case.name}: {str(error).splitlines()[0][:100]}")
                total.valid += sum(valid for _, valid in case.instances)
            total.invalid += sum(not valid for _, valid in case.instances)
            continue
        total.times.append((time.process_time() - start) * 1000)
        total.compiled += 1
        wrong: list[str] = []
        for value, valid in case.instances:
            written = accepts(json.dumps(value, ensure_ascii=False))
            if valid:
                total.valid += 1
                total.as_given += written
                if not written:
                    ordered = in_order(value, case.schema)
                    written = accepts(json.dumps(ordered, ensure_ascii=False))
                total.accepted += written
                wrong += [] if written else ["valid refused"]
            else:
                total.invalid += 1
                total.rejected += not written
                if written:
                    said = is_said(value, case.schema, unenforced)
                    wrong.append("invalid accepted" + ("" if said else ", silently"))
        total.perfect += not wrong
        if wrong:
            total.imperfect.append(f"{case.name}: {', '.join(sorted(set(wrong)))} {unenforced[:4]}")
        if any("silently" in one for one in wrong):
            total.silent.append(case.name)
    return total


def main() -> None:
    """Read the suites that were named, and print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("maskbench", "schemastore", "suite"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="name so many that were not perfect")
    arguments = parser.parse_args()
    contestants: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours,
        "ours-declared": lambda: partial(ours, undeclared=False),
        "llguidance": lambda: plain(lenient=False),
        "llguidance-lenient": lambda: plain(lenient=True),
        "xgrammar": xgrammar,
    }
    suites = (("maskbench", maskbench), ("schemastore", schemastore), ("suite", suite))
    if not any(getattr(arguments, name) for name, _ in suites):
        print("no suite was given: see --help for where they come from")
    for name, read in suites:
        folder: Path | None = getattr(arguments, name)
        if folder is None:
            continue
        print(f"\n{name}\n| | compiled | valid | invalid | perfect | silent | ms |")
        for contestant, open_ in contestants.items():
            if arguments.only not in (None, contestant):
                continue
            try:
                make = open_()
            except ImportError as error:
                print(f"| {contestant} | not installed: {error} |")
                continue
            cases = (
                case for place, case in enumerate(read(folder)) if place % arguments.every == 0
            )
            total = score(cases, make)
            print(f"| {contestant} | {total.line()} |", flush=True)
            for line in total.silent[: arguments.show]:
                print("   silent:", line)
            for line in total.imperfect[: arguments.show]:
                print("  ", line)


if __name__ == "__main__":
    main()
