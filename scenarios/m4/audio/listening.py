"""What a program is tried on, task by task: what it makes of sounds is measured, and heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext

from . import cases, drawing, ear, judging, noises, spectra, wording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, "Array"], str], Awaitable[Mapping[str, "Array"]]]
Task: TypeAlias = Callable[[Run, int, ToolContext], Awaitable[tuple[str, dict[str, Any]]]]
"""What a task says and found, by a seed."""
HEARD = 2
"""Sentences that are heard as the learner's program leaves them."""


async def resample(run: Run, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    """Tones at other rates; and sentences, under whistles that must not fold into them."""
    import numpy as np

    tried = cases.bursts(seed)
    spoken = await asyncio.to_thread(cases.whistled, seed, HEARD)
    given = {f"{n}_{rate}_{to}": x for n, (_, rate, to, x, _) in enumerate(tried)}
    whole = {f"s{n}_{cases.HIGH}_{spectra.RATE}": x for n, (_, x) in enumerate(spoken)}
    found = await run(given | whole, _RATES)
    judged = judging.resounded(tried, [found[name] for name in given])
    if judged["length"]:
        return judged["length"], judged
    made = [found[name] for name in whole]
    for (_, x), one in zip(spoken, made, strict=True):
        count = len(x) * spectra.RATE // cases.HIGH
        if one.ndim != 1 or abs(len(one) - count) > 1 or not np.isfinite(one).all():
            why = f"{len(x)} samples of speech became {one.shape}, not {count}"
            return why, dict.fromkeys(judged, why)
    own = [spectra.resampled(x, cases.HIGH, spectra.RATE) for _, x in spoken]
    texts = [text for text, _ in spoken]
    pairs = await _heard([*zip(texts, made, strict=True)])
    first = await _heard([*zip(texts, own, strict=True)])
    judged |= judging.misheard("heard", pairs, first)
    third = spoken[0][1][:: cases.HIGH // spectra.RATE]
    parts = [("every third sample", third), (f"heard: {pairs[0][1]:.60}", made[0])]
    await _show(context, "resampled", made[0], parts)
    return "\n".join(f"said:  {said}\nheard: {heard}" for said, heard in pairs), judged


async def mel(run: Run, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    """The learner's bands of made sounds, and of sentences, which the recogniser then hears."""
    import numpy as np

    tried = cases.sounds(seed)
    spoken = await asyncio.to_thread(cases.spoken, Random(seed), HEARD)  # noqa: S311
    whole = {
        f"s{n}": np.pad(x, (0, ear.SECONDS * spectra.RATE - len(x)))
        for n, (_, x) in enumerate(spoken)
    }
    names = [*tried]
    given = {f"{n}": tried[name] for n, name in enumerate(names)} | whole
    made = await run(given, _EACH.format(name="mel"))
    found = judging.unlike(tried, {name: made[str(n)] for n, name in enumerate(names)})
    if found["shape"]:
        return found["shape"], found
    bands = [made[f"s{n}"] for n in range(HEARD)]
    if any(one.shape != (spectra.BANDS, ear.FRAMES) for one in bands):
        raise ToolError(f"of 30 seconds, mel(x) is {bands[0].shape}")
    pairs = [
        (text, await asyncio.to_thread(ear.transcript, np.clip(np.nan_to_num(one), -10, 10)))
        for (text, _), one in zip(spoken, bands, strict=True)
    ]
    own = await _heard(spoken)
    found |= judging.misheard("heard", pairs, own)
    x = spoken[0][1]
    context.attach("said.wav", await asyncio.to_thread(drawing.wav, x), "audio/wav")
    picture = await asyncio.to_thread(
        drawing.beside, x, bands[0][:, : len(x) // spectra.HOP], f"heard: {pairs[0][1]}"
    )
    context.attach("mel.png", picture, "image/png")
    lines = [f"said:  {said}\nheard: {heard}" for said, heard in pairs]
    rate = f"error rate {wording.error_rate(pairs):.2f}, of the lab's own bands "
    return "\n".join([*lines, f"{rate}{wording.error_rate(own):.2f}"]), found


async def wave(run: Run, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    """Sound that the learner makes of bands, measured, and heard by the recogniser."""
    spoken = await asyncio.to_thread(cases.spoken, Random(seed), HEARD)  # noqa: S311
    bands = {str(n): spectra.logmel(x) for n, (_, x) in enumerate(spoken)}
    found = dict(await run(bands, _EACH.format(name="wave")))
    made = [found[name] for name in bands]
    judged = judging.rebuilt([*bands.values()], made)
    if judged["length"]:
        return judged["length"], judged
    own = [await asyncio.to_thread(spectra.vocoded, mel) for mel in bands.values()]
    best = judging.rebuilt([*bands.values()], own)["far"]
    pairs = await _heard([(text, x) for (text, _), x in zip(spoken, made, strict=True)])
    first = await _heard(spoken)
    judged |= judging.misheard("heard", pairs, first)
    await _show(context, "made", made[0], [("said", spoken[0][1]), ("made of its bands", made[0])])
    return (
        f"spectral convergence {judged['far']:.3f}, the lab's own {best:.3f}; error rate "
        f"{wording.error_rate(pairs):.2f}, of what was said {wording.error_rate(first):.2f}"
    ), judged


async def clean(run: Run, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    """Noisy sentences that the learner cleans, heard before and after."""
    import numpy as np

    plan = [*judging.NOISY, judging.QUIET]
    spoken = await asyncio.to_thread(cases.spoken, Random(seed), len(plan))  # noqa: S311
    dice = np.random.default_rng(seed)
    laid = [noises.over(x, *how, dice) for (_, x), how in zip(spoken, plan, strict=True)]
    given = {str(n): noisy for n, (noisy, _) in enumerate(laid)}
    found = await run(given, _EACH.format(name="clean"))
    for name, noisy in given.items():
        if found[name].shape != noisy.shape or not np.isfinite(found[name]).all():
            why = f"of {len(noisy)} samples, clean(x) makes {found[name].shape}, not as many"
            return why, {"length": why}
    over = [noises.ratio(x, found[str(n)]) for n, (_, x) in enumerate(laid)]
    texts = [text for text, _ in spoken[:-1]]
    before = await _heard([(text, given[str(n)]) for n, text in enumerate(texts)])
    after = await _heard([(text, found[str(n)]) for n, text in enumerate(texts)])
    judged = judging.cleaned(before, after, float(np.mean(over[:-1])), over[-1])
    parts = [(f"{plan[1][0]}, heard: {before[1][1]:.60}", given["1"])]
    parts += [(f"cleaned, heard: {after[1][1]:.60}", found["1"])]
    await _show(context, "cleaned", found["1"], parts)
    context.attach("noisy.wav", await asyncio.to_thread(drawing.wav, given["1"]), "audio/wav")
    lines = [f"{one[1]!r} → {other[1]!r}" for one, other in zip(before, after, strict=True)]
    rates = [f"{wording.error_rate(some):.2f}" for some in (before, after)]
    return "\n".join([*lines, f"error rate {rates[0]} before, {rates[1]} after"]), {
        "length": None,
        **judged,
    }


async def _heard(spoken: Sequence[tuple[str, Array]]) -> list[tuple[str, str]]:
    """Sentences, and what the recogniser makes of their samples."""
    return [(text, await asyncio.to_thread(ear.heard, x)) for text, x in spoken]


async def _show(
    context: ToolContext, name: str, x: Array, parts: Sequence[tuple[str, Array]]
) -> None:
    """A sound to hear, and several drawn, one below the other."""
    context.attach(f"{name}.wav", await asyncio.to_thread(drawing.wav, x), "audio/wav")
    picture = await asyncio.to_thread(drawing.spectrograms, parts)
    context.attach(f"{name}.png", picture, "image/png")


_RATES = """for _name, _x in _given.items():
    _rates = [int(_part) for _part in _name.split("_")[1:]]
    _made[_name] = numpy.asarray(resample(_x, *_rates))"""
_EACH = "_made = {{_name: numpy.asarray({name}(_x)) for _name, _x in _given.items()}}"
