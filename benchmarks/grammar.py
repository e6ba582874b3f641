"""How much of JSON Schema the grammars hold, on suites that others wrote.

    python benchmarks/grammar.py --maskbench DIR --schemastore DIR --suite DIR [--every N]

    --maskbench     `maskbench/data` of guidance-ai/jsonschemabench
    --schemastore   `src` of SchemaStore/schemastore
    --suite         `tests/draft2020-12` of json-schema-org/JSON-Schema-Test-Suite
    --only NAME     one contestant: ours, ours-declared (what models are given unless they ask),
                    llguidance, llguidance-lenient or xgrammar
    --every N       each Nth schema
    --journal DIR   keeps each schema's result there; a run that was stopped goes on where it was

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
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from _schema_suites import Case, in_order, is_said, maskbench, schemastore, suite

from agentlab.backends.llamacpp.grammar import compile_schema
from agentlab.backends.llamacpp.guide import Guide

Accepts = Callable[[str], bool]
Make = Callable[[Any], tuple[Accepts, tuple[str, ...]]]
BYTES = [bytes([byte]) for byte in range(256)]


@dataclass(frozen=True)
class Result:
    """What a contestant made of one schema; `fault` is empty where all of it was right."""

    name: str
    milliseconds: float
    compiled: bool = True
    valid: int = 0
    accepted: int = 0
    as_given: int = 0
    invalid: int = 0
    rejected: int = 0
    silent: bool = False
    fault: str = ""


def row(results: list[Result]) -> str:
    """The row of the table."""
    times = sorted(result.milliseconds for result in results) or [0.0]
    valid, invalid = sum(r.valid for r in results), sum(r.invalid for r in results)

    def share(count: int, of: int) -> str:
        return f"{100 * count / max(1, of):.1f}"

    return " | ".join(
        [
            share(sum(r.compiled for r in results), len(results)),
            f"{share(sum(r.accepted for r in results), valid)} "
            f"({share(sum(r.as_given for r in results), valid)} as given)",
            share(sum(r.rejected for r in results), invalid),
            share(sum(not r.fault for r in results), len(results)),
            str(sum(r.silent for r in results)),
            f"{times[len(times) // 2]:.2f} / {times[int(len(times) * 0.99)]:.1f} / {times[-1]:.0f}",
            str(len(results)),
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


def plain(*, lenient: bool) -> Make:
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


def xgrammar() -> Make:
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


def result_of(case: Case, make: Make) -> Result:
    """What a contestant makes of one schema and its instances."""
    valid = sum(valid for _, valid in case.instances)
    invalid = len(case.instances) - valid
    start = time.process_time()
    try:
        accepts, unenforced = make(case.schema)
    except Exception as error:  # noqa: BLE001 whatever a contestant raises is a failure of its own
        taken = (time.process_time() - start) * 1000
        if "no value can match" in str(error) and not valid:
            return Result(case.name, taken, invalid=invalid, rejected=invalid)
        fault = str(error).splitlines()[0][:100]
        return Result(
            case.name, taken, compiled=False, valid=valid, invalid=invalid, fault=fault or "failed"
        )
    taken = (time.process_time() - start) * 1000
    accepted = as_given = rejected = 0
    wrong: set[str] = set()
    for value, is_valid in case.instances:
        written = accepts(json.dumps(value, ensure_ascii=False))
        if is_valid:
            as_given += written
            if not written:
                ordered = in_order(value, case.schema)
                written = accepts(json.dumps(ordered, ensure_ascii=False))
            accepted += written
            wrong |= set() if written else {"valid refused"}
        else:
            rejected += not written
            if written:
                said = is_said(value, case.schema, unenforced)
                wrong.add("invalid accepted" + ("" if said else ", silently"))
    return Result(
        name=case.name,
        milliseconds=taken,
        valid=valid,
        accepted=accepted,
        as_given=as_given,
        invalid=invalid,
        rejected=rejected,
        silent="invalid accepted, silently" in wrong,
        fault=f"{', '.join(sorted(wrong))} {unenforced[:4]}" if wrong else "",
    )


def results_of(cases: Iterator[Case], make: Make, journal: Path | None) -> list[Result]:
    """What a contestant makes of a suite; what its journal already tells is not done again."""
    done: dict[str, Result] = {}
    if journal and journal.exists():
        read = [Result(**json.loads(line)) for line in journal.read_text("utf-8").splitlines()]
        done = {result.name: result for result in read}
    results: list[Result] = []
    for case in cases:
        result = done.get(case.name)
        if result is None:
            result = result_of(case, make)
            if journal:
                with journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
        results.append(result)
    return results


def main() -> None:
    """Read the suites that were named, and print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("maskbench", "schemastore", "suite"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--journal", type=Path, help="a folder; a run that was stopped goes on")
    parser.add_argument("--show", type=int, default=0, help="name so many that were not perfect")
    arguments = parser.parse_args()
    if arguments.journal:
        arguments.journal.mkdir(parents=True, exist_ok=True)
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
        print(f"\n{name}\n| | compiled | valid | invalid | perfect | silent | ms | schemas |")
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
            kept: Path | None = arguments.journal
            journal = kept / f"{name}-{contestant}.jsonl" if kept else None
            results = results_of(cases, make, journal)
            print(f"| {contestant} | {row(results)} |", flush=True)
            silent = [result for result in results if result.silent]
            for result in silent[: arguments.show]:
                print("   silent:", result.name)
            imperfect = [result for result in results if result.fault]
            for result in imperfect[: arguments.show]:
                print(f"   {result.name}: {result.fault}")
            slow = sorted(results, key=lambda result: -result.milliseconds)
            for result in slow[: arguments.show]:
                print(f"   {result.milliseconds:.0f} ms: {result.name}")


if __name__ == "__main__":
    main()
