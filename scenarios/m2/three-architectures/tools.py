"""The lab's sandbox, and its tools: wirings, prompts and routes from inside, judged outside."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import require, sandbox_with

from . import routing, wiring
from .sentences import Gapped, fault, gapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NETS = Path(__file__).with_name("nets.py")
GAPS = 200
"""Fresh ones, that each net is to fill."""
CALLS = 2
"""Requests that the agent gets."""
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 4_000_000
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with PyTorch, NumPy and `nets.py`.

    Raises:
        MissingExtra: torch is not installed.
    """
    from agentlab_tools.train.waiting import share_openmp

    require({"torch": "train"})
    share_openmp()
    opener = sandbox_with("torch", "numpy", timeout=_SECONDS, threads=1, files={"nets.py": NETS})
    async with opener() as opened:
        yield opened


@tool(timeout=600)
async def wire(code: str, context: ToolContext) -> str:
    """Take a program first; then have its nets score texts, and compare.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    seed = int(json.loads(code)["seed"])
    given = wiring.given(seed)
    await _give(opened, given)
    from .forward import BLOCKS

    glue = wiring.INSIDE.format(blocks=BLOCKS, seed=seed, words=wiring.WORDS)
    inner = wiring.inner_of(_json(await printed_by(opened, glue)).get("inner"))
    names = (*wiring.KINDS, "t5 same")
    made = await _made(opened, names)
    right = await asyncio.to_thread(wiring.wanted, seed, inner)
    found: dict[str, Any] = {"sizes": wiring.sizes(inner)}
    for kind in wiring.KINDS:
        found[kind] = wiring.complaint(kind, made, right, given["ids"])
    shown = [f"{kind}: {found[kind] or 'right'}" for kind in wiring.KINDS]
    return "\n".join([f"sizes {found['sizes']}", *shown, json.dumps(found)])


@tool(timeout=900)
async def fill(code: str, context: ToolContext) -> str:
    """Take a program first; then teach the nets by it, and let them fill fresh gaps.

    The last line of what is returned is for the grader.
    """
    from . import training

    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    rng = Random(int(json.loads(code)["seed"]))  # noqa: S311 - the seed is the point
    learnt, fresh = training.lessons(), [gapped(rng) for _ in range(GAPS)]
    pairs = sorted({(tuple(one[0]), tuple(one[2])) for one in (*learnt, *fresh)})
    await opened.write_file("gaps.json", json.dumps(pairs))
    await printed_by(opened, _ASKED)
    said = _json(await _left(opened, "asked.json"))
    found: dict[str, Any] = {}
    for name in ("gpt", "t5"):
        asked = dict(zip(pairs, _texts(name, said.get(name), len(pairs)), strict=True))
        found[name] = await asyncio.to_thread(
            _taught, name, learnt, fresh, lambda gap, asked=asked: asked[_key(gap)], context.emit
        )
    lines = [_line(name, one) for name, one in found.items()]
    return display_safe("\n".join(lines))[-_SHOWN:] + "\n" + json.dumps(found)


def _taught(
    name: str,
    learnt: Sequence[Gapped],
    fresh: Sequence[Gapped],
    asked: Callable[[Gapped], list[str]],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Teach a net by what it is given, and let it fill gaps."""
    from . import training

    try:
        if name == "gpt":
            given = [training.written(asked(gap), gap[1]) for gap in learnt]
            net = training.trained("gpt", given, tell)
            filled = training.go_on(net, [asked(gap) for gap in fresh])
        else:
            given = [training.answered(asked(gap), gap[1]) for gap in learnt]
            net = training.trained("t5", given, tell)
            filled = training.answer(net, [asked(gap) for gap in fresh])
    except KeyError as error:
        raise ToolError(f"{name}: {str(error)[:40]} is no word that the nets know") from None
    return judged(fresh, filled.fills, filled.rows)


def judged(fresh: Sequence[Gapped], fills: Sequence[Sequence[str]], rows: float) -> dict[str, Any]:
    """The share of gaps that were filled so that it is a sentence; the places; the first faults."""
    wrong: list[str] = []
    for (before, _, after), put in zip(fresh, fills, strict=True):
        why = fault([*before, *put, *after])
        if why is not None:
            wrong.append(f"{' '.join([*before, '[' + ' '.join(put) + ']', *after])}: {why}")
    return {
        "right": round(1 - len(wrong) / len(fresh), 3),
        "rows": round(rows, 1),
        "e.g.": wrong[:2],
    }


def _line(name: str, one: Mapping[str, Any]) -> str:
    examples = "".join(f"\n    {example}" for example in one["e.g."])
    return f"{name}: {one['right']:.1%} right, {one['rows']} places evaluated a gap{examples}"


def _texts(name: str, value: object, count: int) -> list[list[str]]:
    """What a function returned for each gap.

    Raises:
        ToolError: it is not a list of words for each.
    """
    rows = cast(list[object], value) if isinstance(value, list) else []
    good = len(rows) == count and all(map(_is_text, rows))
    if not good:
        raise ToolError(f"{name}(before, after) must return a list of words, with one at least")
    return cast(list[list[str]], rows)


def _is_text(row: object) -> bool:
    words = cast(list[object], row) if isinstance(row, list) else []
    return bool(words) and all(isinstance(word, str) for word in words)


def _key(gap: Gapped) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(gap[0]), tuple(gap[2])


@tool(timeout=900)
async def probe(code: str, context: ToolContext) -> str:
    """Take a program first; then try its probes on nets that were taught as they should be.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    said = _json(await printed_by(opened, _PROBES))
    found = await asyncio.to_thread(_probed, said, context.emit)
    lines = [f"{name}: {one['shown']}" for name, one in found.items()]
    return display_safe("\n".join(lines))[-_SHOWN:] + "\n" + json.dumps(found)


def _probed(said: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    from . import probes

    return {
        "blind": probes.blind(said.get("blind"), tell),
        "torn": probes.torn(said.get("torn"), tell),
    }


@tool(timeout=900)
async def route(code: str, context: ToolContext) -> str:
    """Take a program first; then route fresh requests by it, and let the agent call.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    drawn = routing.drawn(int(json.loads(code)["seed"]))
    known, fresh = await asyncio.to_thread(routing.vectors, drawn)
    labels = [number for _, number in drawn.known]
    await _give(opened, {"known": known, "labels": labels, "fresh": fresh})
    said = _json(await printed_by(opened, _ROUTED)).get("routes")
    routes = _numbers(said, len(drawn.fresh))
    right = [one == tool for one, (_, tool) in zip(routes, drawn.fresh, strict=True)]
    found: dict[str, Any] = {"right": round(sum(right) / len(right), 3)}
    found["read"] = round(sum(routing.tokens(text) for text, _ in drawn.fresh) / len(routes), 1)
    if found["right"] >= routing.ENOUGH:
        found["calls"] = await _called(drawn, routes, context.emit)
    lines = [f"{found['right']:.1%} of {len(routes)} requests to the right tool"]
    lines += [f"{one['asked']} → {one['said']}" for one in found.get("calls", [])]
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def _called(
    drawn: routing.Drawn, routes: Sequence[int], tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """What the agent calls, shown the tool alone that a request was routed to."""
    model = connect(routing.AGENT, threads=1, n_ctx=2048)
    calls: list[dict[str, Any]] = []
    try:
        for n in range(CALLS):
            text, number = drawn.fresh[n]
            tell(f"the agent is asked: {text}\n")
            made = await routing.called(model, text, [drawn.offers[routes[n]].spec])
            calls.append(
                {
                    "asked": text,
                    "said": f"{made.name} {made.arguments}",
                    "tool": made.name == drawn.names[number],
                    "read": made.read,
                    "written": made.written,
                }
            )
    finally:
        await model.aclose()
    return calls


def _numbers(said: object, count: int) -> list[int]:
    found = cast(list[object], said) if isinstance(said, list) else []
    if len(found) != count or not all(type(one) is int for one in found):
        raise ToolError(f"route must return a number of a tool for each of the {count} requests")
    return cast(list[int], found)


async def _began(opened: Sandbox, code: str) -> str:
    """Run the program itself."""
    _programs[opened] = True
    return display_safe((await printed_by(opened, code))[:_SHOWN]).rstrip() or "ready"


async def _give(opened: Sandbox, given: Mapping[str, Any]) -> None:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **given)
    await opened.write_file("given.npz", file.getvalue())


async def _made(opened: Sandbox, names: Sequence[str]) -> dict[str, Array]:
    """Arrays in a file that the program could have written as it liked.

    Raises:
        ToolError: they are none.
    """
    import numpy as np

    try:
        data = await opened.read_file("made.npz", limit=_LARGEST)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: np.asarray(file[name], dtype=float) for name in names}
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        raise ToolError(f"what it returned can't be read: {type(error).__name__}") from error


async def _left(opened: Sandbox, name: str) -> str:
    """A file that the program left, as text.

    Raises:
        ToolError: there is none, or it is too large.
    """
    try:
        data = await opened.read_file(name, limit=_LARGEST)
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    return data.decode("utf-8", errors="replace")


def _json(said: str) -> dict[str, Any]:
    try:
        found: object = json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], found)


_ASKED = """import json
with open('gaps.json') as _file:
    _gaps = json.load(_file)
with open('asked.json', 'w') as _file:
    json.dump({_name: [[str(_w) for _w in _ask(list(_b), list(_a))] for _b, _a in _gaps]
        for _name, _ask in (('gpt', gpt), ('t5', t5))}, _file)"""
_PROBES = """import json
print(json.dumps(dict(blind=[list(map(str, _part)) for _part in blind()],
    torn=[list(map(str, _part)) for _part in torn()])))"""
_ROUTED = """import json, numpy
with numpy.load('given.npz') as _kept:
    _known, _labels, _fresh = _kept['known'], _kept['labels'], _kept['fresh']
print(json.dumps(dict(routes=[int(_n) for _n in route(_known, _labels, _fresh)])))"""
