"""What is wrong with what a program made, by the check it is for; None where nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from . import spectra, wording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Found: TypeAlias = dict[str, Any]

NOISY = (("whistles", -15), ("hum", -6), ("whistles", -15), ("hum", -6))
"""What is laid over each sentence that is to be cleaned, and how much louder the speech is."""
QUIET = ("hiss", 30)
OVER, STILL = 2.0, 20.0
"""Decibels by which speech must be above all that differs from it: of these, and of QUIET."""
HALF = 0.5
"""Of the error rate before, what may be left."""
OTHER = 0.02
"""Of a tone, what may be left where it is too high, or be another where it is not."""
NEAR = 0.02
"""How far a mel value may be from the reference; the values go from about -1 to 1.5."""
CLOSE = 0.1
"""How far the bands of a sound that was made may be from those it was made of, of their size."""
LEVEL = 1.0
"""Decibels that it may be louder or softer."""
WORSE = 0.25
"""By how much the error rate may be higher than with the lab's own ear."""


def noted(check: str) -> Callable[[Mapping[str, Any], Any], str | None]:
    """What was found wrong for a check; what was not tried says why."""
    return lambda found, _: cast("str | None", found.get(check, "it was not tried: see above"))


def resounded(tried: Sequence[tuple[str, int, int, Array, Array]], made: Sequence[Array]) -> Found:
    """Of tones at another rate."""
    import numpy as np

    found: Found = dict.fromkeys(("length", "kept", "folded"))
    for (name, _, _, before, wanted), got in zip(tried, made, strict=True):
        if got.ndim != 1 or abs(len(got) - len(wanted)) > 1 or not np.isfinite(got).all():
            found["length"] = f"{name}: {len(before)} samples became {got.shape}"
            return dict.fromkeys(found, "the length is wrong") | {"length": found["length"]}
        count = min(len(got), len(wanted))
        off, size = got[:count] - wanted[:count], np.linalg.norm(wanted)
        if size:
            share = float(np.linalg.norm(off) / size)
            if share > OTHER:
                found["kept"] = found["kept"] or f"{name}: {share:.1%} of it is another sound"
        else:
            left = float(np.abs(off).max() / np.abs(before).max())
            if left > OTHER:
                low = f"{name}: it folded, and {left:.1%} of it is heard as a lower tone"
                found["folded"] = found["folded"] or low
    return found


def unlike(sounds: Mapping[str, Array], made: Mapping[str, Array]) -> Found:
    """Of mel bands of some sounds."""
    import numpy as np

    found: Found = dict.fromkeys(("shape", "scale", "bands", "exact"))
    for name, x in sounds.items():
        wanted, got = spectra.logmel(x), made[name]
        if got.shape != wanted.shape:
            found["shape"] = f"{name}, {len(x)} samples: mel(x) is {got.shape}, not {wanted.shape}"
            return dict.fromkeys(found, "the shape is wrong") | {"shape": found["shape"]}
        if not np.isfinite(got).all():
            found["scale"] = found["scale"] or f"{name}: there are numbers that are not finite"
            continue
        far = abs(float(got.max()) - float(wanted.max()))
        if far > NEAR:
            found["scale"] = found["scale"] or (
                f"{name}: the largest number is {got.max():.2f}, not {wanted.max():.2f}"
            )
        one, other = (int(bands.mean(axis=1).argmax()) for bands in (wanted, got))
        if one != other and name in ("a low tone", "a high tone"):
            found["bands"] = found["bands"] or f"{name}: strongest in band {other}, not {one}"
        off = np.abs(got - wanted)
        if off.max() > NEAR:
            band, frame = (int(n) for n in np.unravel_index(off.argmax(), off.shape))
            found["exact"] = found["exact"] or (
                f"{name}: band {band} of frame {frame} is {got[band, frame]:.3f}, "
                f"not {wanted[band, frame]:.3f}"
            )
    return found


def misheard(
    name: str, pairs: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]
) -> Found:
    """Of what was heard through the learner's bands, and through the lab's own."""
    mine, own = wording.error_rate(pairs), wording.error_rate(other)
    if mine <= own + WORSE:
        return {name: None}
    said, heard = max(pairs, key=lambda pair: wording.error_rate([pair]))
    rates = f"error rate {mine:.2f}, with the lab's own {own:.2f}"
    return {name: f"{rates}: {said!r} was heard as {heard!r}"}


def rebuilt(bands: Sequence[Array], made: Sequence[Array]) -> Found:
    """Of samples made of mel bands."""
    import numpy as np

    found: Found = dict.fromkeys(("length", "level", "close"))
    far: list[float] = []
    for mel, x in zip(bands, made, strict=True):
        count = mel.shape[1] * spectra.HOP
        if x.shape != (count,) or not np.isfinite(x).all():
            found["length"] = f"of {mel.shape[1]} frames, wave(mel) is {x.shape}, not ({count},)"
            return dict.fromkeys(found, "there are not as many samples") | {
                "length": found["length"]
            }
        off, level = convergence(mel, x)
        far.append(off)
        if abs(level) > LEVEL:
            how = "loud" if level > 0 else "soft"
            found["level"] = found["level"] or f"it is {abs(level):.1f} decibels too {how}"
    mean = sum(far) / len(far)
    if mean > CLOSE:
        found["close"] = f"spectral convergence {mean:.3f}, {CLOSE} at most"
    return found | {"far": mean}


def convergence(mel: Array, x: Array) -> tuple[float, float]:
    """How far a sound's bands are from those it was made of, by their size; and decibels louder."""
    import numpy as np

    wanted, got = (np.sqrt(10 ** (4 * one - 4)) for one in (mel, spectra.logmel(x)))
    far = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
    return float(far), float(20 * np.log10(np.linalg.norm(got) / np.linalg.norm(wanted) + 1e-12))


def cleaned(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]], over: float, still: float
) -> Found:
    """Of noisy sentences, as they were heard and as they are.

    Args:
        over: decibels by which the speech is above what differs from it.
        still: the same, where there was hardly any noise.
    """
    found: Found = dict.fromkeys(("nearer", "quiet", "heard"))
    if over < OVER:
        found["nearer"] = (
            f"the speech is {over:.1f} decibels over what is not speech, {OVER} needed"
        )
    if still < STILL:
        found["quiet"] = (
            f"where it was quiet, the speech is {still:.1f} decibels over the rest, {STILL} needed"
        )
    was, is_now = wording.error_rate(before), wording.error_rate(after)
    if is_now > HALF * was:
        said, heard = max(after, key=lambda pair: wording.error_rate([pair]))
        found["heard"] = (
            f"error rate {is_now:.2f}, and {was:.2f} before: {said!r} was heard as {heard!r}"
        )
    return found
