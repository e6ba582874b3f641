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
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema

from agentlab.backends.llamacpp.grammar import compile_schema
from agentlab.backends.llamacpp.guide import Guide
from agentlab.backends.llamacpp.references import References

Accepts = Callable[[str], bool]
BYTES = [bytes([byte]) for byte in range(256)]


@dataclass(frozen=True)
class Case:
    """A schema with instances, and whether each is valid."""

    name: str
    schema: Any
    instances: list[tuple[Any, bool]]


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
    silent: list[str] = field(default_factory=list)
    imperfect: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

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

    options: Any = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
    tokenizer = _guide().tokenizer

    def make(schema: Any) -> tuple[Accepts, tuple[str, ...]]:
        text = json.dumps({"allOf": [schema]} if isinstance(schema, bool) else schema)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            text, overrides={**options, "lenient": lenient}
        )
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
    import xgrammar as xgr  # type: ignore

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


# the suites


def maskbench(folder: Path) -> Iterator[Case]:
    """One file a schema."""
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        yield Case(path.name, data["schema"], [(t["data"], t["valid"]) for t in data["tests"]])


def schemastore(folder: Path) -> Iterator[Case]:
    """Schemas, and instances in folders of the same name; only JSON is read."""
    for path in sorted((folder / "schemas" / "json").glob("*.json")):
        schema = _lenient(path)
        if schema is None:
            continue
        instances: list[tuple[Any, bool]] = []
        for kind, valid in (("test", True), ("negative_test", False)):
            for file in sorted((folder / kind / path.stem).rglob("*.json")):
                if (data := _lenient(file)) is not None:
                    instances.append((data, valid))
        yield Case(path.name, schema, instances)


def _lenient(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError):
        return None


def suite(folder: Path) -> Iterator[Case]:
    """The standard's own tests, without those marked as optional."""
    for path in sorted(folder.glob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            name = f"{path.stem}: {group['description']}"
            yield Case(name, group["schema"], [(t["data"], t["valid"]) for t in group["tests"]])


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


def is_said(value: Any, schema: Any, unenforced: tuple[str, ...]) -> bool:
    """Whether a keyword that the value violates, or a place that holds it, is listed."""
    listed = {pointer.rsplit("/", 1)[-1] for pointer in unenforced}
    places = set(unenforced)
    try:
        checker = jsonschema.validators.validator_for(
            schema, default=jsonschema.Draft202012Validator
        )(schema)
        errors = list(checker.iter_errors(value))
    except Exception:  # noqa: BLE001 a reference that leads nowhere
        return bool(unenforced)

    def blamed(error: Any) -> bool:
        path = [str(step) for step in error.absolute_schema_path]
        if listed & set(path) or any("/" + "/".join(path[:n]) in places for n in range(len(path))):
            return True
        return "" in places or any(map(blamed, error.context))

    return all(map(blamed, errors)) if errors else bool(unenforced)


def in_order(value: Any, schema: Any) -> Any:
    """The value with its properties in the order in which the schema declares them."""
    references = References(schema)

    def near(parts: list[tuple[Any, str]]) -> list[tuple[dict[str, Any], str]]:
        found: list[tuple[dict[str, Any], str]] = []
        seen: set[int] = set()

        def visit(part: Any, at: str) -> None:
            if not isinstance(part, dict) or id(part) in seen or len(seen) > 400:
                return
            seen.add(id(part))
            found.append((part, at))
            for key, inner in part.items():
                where = f"{at}/{key}"
                if key in ("$ref", "$dynamicRef") and isinstance(inner, str):
                    if target := references.target(inner, at):
                        visit(*target)
                elif key in ("allOf", "anyOf", "oneOf") and isinstance(inner, list):
                    for index, option in enumerate(inner):
                        visit(option, f"{where}/{index}")
                elif key in ("if", "then", "else", "not"):
                    visit(inner, where)
                elif key in ("dependentSchemas", "dependencies") and isinstance(inner, dict):
                    for name, option in inner.items():
                        visit(option, f"{where}/{name}")

        for part, at in parts:
            visit(part, at)
        return found

    def order(value: Any, parts: list[tuple[Any, str]]) -> Any:
        all_parts = near(parts)
        if isinstance(value, list):
            inner: list[tuple[Any, str]] = []
            for part, at in all_parts:
                for key in ("items", "prefixItems", "additionalItems"):
                    held = part.get(key)
                    inner += [
                        (one, f"{at}/{key}") for one in (held if isinstance(held, list) else [held])
                    ]
            return [order(item, inner) for item in value]
        if not isinstance(value, dict):
            return value
        names: dict[str, None] = {}
        for part, _ in all_parts:
            if isinstance(part.get("properties"), dict):
                names |= dict.fromkeys(part["properties"])
        for part, _ in all_parts:
            if isinstance(part.get("required"), list):
                names |= dict.fromkeys(name for name in part["required"] if isinstance(name, str))
        sorted_names = [name for name in names if name in value]
        sorted_names += [name for name in value if name not in names]
        result: dict[str, Any] = {}
        for name in sorted_names:
            inner = []
            for part, at in all_parts:
                declared = part.get("properties")
                if isinstance(declared, dict) and name in declared:
                    inner.append((declared[name], f"{at}/properties/{name}"))
                patterns = part.get("patternProperties")
                for expression, held in patterns.items() if isinstance(patterns, dict) else ():
                    if _found(expression, name):
                        inner.append((held, f"{at}/patternProperties"))
                inner.append((part.get("additionalProperties"), f"{at}/additionalProperties"))
            result[name] = order(value[name], inner)
        return result

    return order(value, [(schema, "")])


def _found(expression: str, name: str) -> bool:
    try:
        return re.search(expression, name) is not None
    except re.error:
        return False


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
