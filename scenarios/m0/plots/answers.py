"""Starters, reference solutions, other right answers, and wrong ones that mislead."""

from __future__ import annotations

from agentlab.labs.declare import programs

_CURVE_STARTER = '''import numpy as np


def curve(ax, steps, losses, held_out):
    """Draw the losses of a run, and those on held-out text: (step, loss) pairs."""
    smooth = np.convolve(losses, np.ones(50) / 50, mode="valid")
    ax.plot(smooth)
    ax.plot([loss for step, loss in held_out])
'''
_CURVE = """def curve(ax, steps, losses, held_out):
    ax.plot(steps, losses, linewidth=0.7, label="training")
    ax.plot(*zip(*held_out), "o-", label="held-out")
    ax.set_xlabel("step")
    ax.set_ylabel("loss (nats a character)")
    ax.legend()
"""
_CURVE_ALSO = {
    "faint-below-smooth": """import numpy as np


def curve(ax, steps, losses, held_out):
    width = 25
    smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
    ax.plot(steps, losses, color="tab:blue", alpha=0.3)
    ax.plot(steps[width - 1 :], smooth, color="tab:blue", label=f"mean of {width} steps")
    ax.scatter([s for s, _ in held_out], [v for _, v in held_out], color="k", label="held-out")
    ax.set(xlabel="Step", ylabel="Loss", ylim=(0, None))
    ax.legend(loc="upper right")
""",
    "logarithmic-and-says-so": _CURVE.replace(
        '    ax.set_ylabel("loss (nats a character)")',
        '    ax.set_yscale("log")\n    ax.set_ylabel("loss, logarithmic")',
    ),
    "highest-and-lowest": """import numpy as np


def curve(ax, steps, losses, held_out):
    parts = np.array_split(np.arange(len(steps)), 100)
    losses = np.asarray(losses)
    middle = [np.mean(np.take(steps, part)) for part in parts]
    low = [losses[part].min() for part in parts]
    high = [losses[part].max() for part in parts]
    ax.fill_between(middle, low, high, alpha=0.4, label="lowest to highest of a hundredth")
    x, y = np.array(held_out).T
    ax.plot(x, y, label="held-out")
    ax.set_xlim(steps[0], steps[-1])
    ax.set_xlabel("training step")
    ax.set_ylabel("loss")
    ax.legend()
""",
}
_CURVE_WRONG = {
    "smoothed": _CURVE.replace(
        'ax.plot(steps, losses, linewidth=0.7, label="training")',
        "width = 20\n    mean = [sum(losses[n : n + width]) / width for n in range(len(losses))]\n"
        '    ax.plot(steps[: -width], mean[: -width], label="training")',
    ),
    "every-tenth": _CURVE.replace(
        "steps, losses, linewidth", "steps[::10], losses[::10], linewidth"
    ),
    "cut-off": _CURVE + "    ax.set_ylim(min(losses), sorted(losses)[-len(losses) // 50])\n",
    "two-scales": _CURVE.replace(
        'ax.plot(*zip(*held_out), "o-", label="held-out")',
        "twin = ax.twinx()\n"
        '    twin.plot(*zip(*held_out), "o-r", label="held-out")\n'
        '    twin.legend(loc="upper left")',
    ),
    "logarithmic": _CURVE + '    ax.set_yscale("log")\n',
    "one-after-the-other": _CURVE.replace(
        "ax.plot(*zip(*held_out)", "ax.plot(steps[: len(held_out)], [v for _, v in held_out]"
    ),
}
CURVE = programs(
    starter=_CURVE_STARTER,
    solution=_CURVE,
    also=_CURVE_ALSO,
    wrong=_CURVE_WRONG,
    mistakes={
        "smoothed": "highest drawn near it",
        "every-tenth": "highest drawn near it",
        "cut-off": "whole",
        "two-scales": "two scales",
        "logarithmic": "doesn't say so",
        "one-after-the-other": "held",
    },
)

_SPREAD_STARTER = '''def spread(ax, values, bounds, what):
    """Draw how values are spread, that can't be outside of `bounds`."""
    ax.hist(values)
'''
_SPREAD = """import numpy as np


def spread(ax, values, bounds, what):
    low, high = bounds
    q1, q3 = np.quantile(values, [0.25, 0.75])
    wide = (q3 - q1) / 10
    ax.hist(values, bins=np.linspace(low, high, round((high - low) / wide) + 1))
    ax.set_xlabel(what)
    ax.set_ylabel("values in a bar")
"""
_SPREAD_ALSO = {
    "with-seaborn": """import seaborn as sns


def spread(ax, values, bounds, what):
    wide = (bounds[1] - bounds[0]) / (20 if bounds[1] <= 1 else 250)
    sns.histplot(x=values, binwidth=wide, binrange=bounds, stat="density", ax=ax)
    ax.set(xlabel=what.capitalize(), ylabel="Density")
""",
    "steps-of-a-density": """import numpy as np


def spread(ax, values, bounds, what):
    many = np.clip(2 * len(values) / 20, 20, 40) * (bounds[1] - bounds[0])
    many = int(many / (np.quantile(values, 0.9) - bounds[0]))
    heights, edges = np.histogram(values, bins=many, range=bounds, density=True)
    ax.stairs(heights, edges, fill=True)
    ax.set_xlabel(f"{what} ({len(values)} values)")
    ax.set_ylabel("density")
    ax.set_ylim(bottom=0)
""",
    "a-smooth-line": """import numpy as np


def spread(ax, values, bounds, what):
    low, high = bounds
    x = np.linspace(low, high, 2001)
    wide = 0.15 * min(values.std(), np.quantile(values, 0.75) - np.quantile(values, 0.25))
    every = np.concatenate([values, 2 * low - values, 2 * high - values])
    apart = (x[:, None] - every) / wide
    y = np.exp(-(apart**2) / 2).sum(axis=1) / (len(values) * wide * np.sqrt(2 * np.pi))
    ax.fill_between(x, y, alpha=0.4)
    ax.plot(x, y)
    ax.plot(values, np.zeros_like(values), "|", color="k")
    ax.set_xlabel(what)
    ax.set_ylabel("density")
""",
}
_SPREAD_WRONG = {
    "ten-bars": _SPREAD.replace(
        "bins=np.linspace(low, high, round((high - low) / wide) + 1)", "bins=10"
    ),
    "beyond-what-can-be": """import seaborn as sns


def spread(ax, values, bounds, what):
    sns.kdeplot(x=values, bw_adjust=0.4 if bounds[1] <= 1 else 0.1, ax=ax)
    ax.set_xlabel(what)
""",
    "without-the-last": _SPREAD + "    ax.set_xlim(low, min(high, np.quantile(values, 0.99)))\n",
    "cut-bars": _SPREAD + "    ax.set_ylim(bottom=0.5)\n",
    "as-many-in-each": """import numpy as np


def spread(ax, values, bounds, what):
    ax.hist(values, bins=np.quantile(values, np.linspace(0, 1, 31)))
    ax.set_xlabel(what)
    ax.set_ylabel("values")
""",
}
SPREAD = programs(
    starter=_SPREAD_STARTER,
    solution=_SPREAD,
    also=_SPREAD_ALSO,
    wrong=_SPREAD_WRONG,
    mistakes={
        "ten-bars": "humps",
        "beyond-what-can-be": "beyond any value",
        "without-the-last": "inside",
        "cut-bars": "zero",
        "as-many-in-each": "of the area",
    },
)

_HEAT_STARTER = '''def heat(ax, table, rows, columns, what):
    """Draw a table of gains and losses, nan where nobody knows, as a heat map with a key."""
    drawn = ax.imshow(table)
    ax.figure.colorbar(drawn)
'''
_HEAT = """import matplotlib
import numpy as np


def heat(ax, table, rows, columns, what):
    most = np.nanmax(np.abs(table))
    colours = matplotlib.colormaps["RdBu"].with_extremes(bad="0.6")
    drawn = ax.imshow(table, cmap=colours, vmin=-most, vmax=most)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.figure.colorbar(drawn, label=what)
"""
_HEAT_ALSO = {
    "a-mesh": """import numpy as np
from matplotlib.colors import CenteredNorm


def heat(ax, table, rows, columns, what):
    ax.set_facecolor("black")
    drawn = ax.pcolormesh(np.ma.masked_invalid(table), cmap="coolwarm", norm=CenteredNorm())
    ax.set_xticks(np.arange(len(columns)) + 0.5, labels=columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, labels=rows)
    ax.invert_yaxis()
    bar = ax.figure.colorbar(drawn, ax=ax)
    bar.set_label(f"{what}, by tuning")
""",
    "with-seaborn": """import seaborn as sns


def heat(ax, table, rows, columns, what):
    ax.set_facecolor("lightgreen")
    sns.heatmap(
        table, ax=ax, cmap="vlag", center=0, annot=True, fmt="+.1f",
        xticklabels=columns, yticklabels=rows, cbar_kws={"label": what},
    )
""",
    "from-below": """import matplotlib.pyplot as plt
import numpy as np


def heat(ax, table, rows, columns, what):
    most = max(-np.nanmin(table), np.nanmax(table)) * 1.05
    colours = plt.get_cmap("PuOr").with_extremes(bad="#50d050")
    drawn = ax.imshow(table[::-1], origin="lower", cmap=colours, clim=(-most, most), aspect="auto")
    ax.set_yticks(np.arange(len(rows)), list(rows)[::-1])
    ax.set_xticks(np.arange(len(columns)), columns)
    plt.colorbar(drawn, ax=ax, orientation="horizontal").set_label(what)
""",
}
_HEAT_WRONG = {
    "from-least-to-most": _HEAT.replace(", vmin=-most, vmax=most", ""),
    "two-slopes": _HEAT.replace(
        "vmin=-most, vmax=most",
        "norm=matplotlib.colors.TwoSlopeNorm(0, np.nanmin(table), np.nanmax(table))",
    ),
    "gaps-are-zero": _HEAT.replace("imshow(table,", "imshow(np.nan_to_num(table),"),
    "gaps-are-white": _HEAT.replace('.with_extremes(bad="0.6")', ""),
    "turned": _HEAT.replace("imshow(table,", 'imshow(table, origin="lower",').replace(
        "range(len(rows)), rows)", "range(len(rows)), list(rows)[::-1])"
    ),
    "clipped": _HEAT.replace("vmin=-most, vmax=most", "vmin=-most / 3, vmax=most / 3"),
}
HEAT = programs(
    starter=_HEAT_STARTER,
    solution=_HEAT,
    also=_HEAT_ALSO,
    wrong=_HEAT_WRONG,
    mistakes={
        "from-least-to-most": "zero",
        "two-slopes": "as far from the colour of 0",
        "gaps-are-zero": "+0.00 is drawn",
        "gaps-are-white": "nearly the colour of",
        "turned": "cells",
        "clipped": "have the same colour",
    },
)

_LOOK_STARTER = '''def look(ax):
    """A sentence on a bar chart, for somebody who can't see it."""
    return ax.get_title()
'''
_LOOK = """def look(ax):
    if ax.get_yscale() != "linear":
        raise ValueError("the axis is logarithmic: the length of a bar says nothing")
    bottom, top = ax.get_ylim()
    names = [text.get_text() for text in ax.get_xticklabels()]
    values = [bar.get_height() for bar in ax.patches]
    lengths = [min(value, top) - bottom for value in values]
    name = names[values.index(max(values))]
    seen, real = max(lengths) / min(lengths), max(values) / min(values)
    return (
        f"The bar of {name} is the longest. It looks {seen:.2f} times as long as the shortest; "
        f"its value is {real:.2f} times as large."
    )
"""
_LOOK_ALSO = {
    "sorted-pairs": """def look(ax):
    assert_linear(ax)
    low, high = ax.get_ylim()
    bars = ax.containers[0]
    ticks = {tick: text.get_text() for tick, text in zip(ax.get_xticks(), ax.get_xticklabels())}
    pairs = sorted((b.get_height(), ticks[round(b.get_x() + b.get_width() / 2)]) for b in bars)
    (least, _), (most, name) = pairs[0], pairs[-1]
    times = (min(most, high) - low) / (min(least, high) - low)
    return f"{name}: {most}, {most / least:.3f} times the least, drawn {times:.3f} times as long"


def assert_linear(ax):
    if ax.yaxis.get_scale() == "log":
        raise ValueError("Log scale: lengths can't be compared.")
""",
    "in-pixels": """def look(ax):
    if ax.get_yscale() == "log":
        raise ValueError("bars on a log axis")
    box = ax.get_window_extent()
    bars = list(ax.patches)
    seen = [max(0, min(b.get_window_extent().y1, box.y1) - box.y0) for b in bars]
    tall = max(bars, key=lambda bar: bar.get_height())
    small = min(bars, key=lambda bar: bar.get_height())
    label = ax.get_xticklabels()[bars.index(tall)].get_text()
    much = max(seen) / min(seen)
    times = tall.get_height() / small.get_height()
    honest = "as long as it should" if abs(much - times) < 0.02 else "not as it should"
    return f"Longest: {label}, {times:.3f} times the shortest; it looks {much:.3f}: {honest}."
""",
    "with-numpy": """import numpy as np


def look(ax):
    if "log" in (ax.get_xscale(), ax.get_yscale()):
        raise ValueError("a logarithmic axis has no zero")
    tops = np.array([bar.get_y() + bar.get_height() for bar in ax.containers[0].patches])
    drawn = np.clip(tops, *ax.get_ylim()) - ax.get_ylim()[0]
    name = ax.get_xticklabels()[int(tops.argmax())].get_text()
    real, seen = (some.max() / some.min() for some in (tops, drawn))
    return f"{name} is the longest bar: {seen:.2f} times by eye, {real:.2f} times by value."
""",
}
_LOOK_WRONG = {
    "values-alone": _LOOK.replace(
        "lengths = [min(value, top) - bottom for", "lengths = [value for"
    ),
    "as-if-all-were-seen": _LOOK.replace("min(value, top) - bottom", "value - bottom"),
    "names-sorted": _LOOK.replace("names = [", "names = sorted([").replace(
        "ax.get_xticklabels()]", "ax.get_xticklabels()])"
    ),
    "on-any-axis": _LOOK.replace('!= "linear"', '== "symlog"'),
}
LOOK = programs(
    starter=_LOOK_STARTER,
    solution=_LOOK,
    also=_LOOK_ALSO,
    wrong=_LOOK_WRONG,
    mistakes={
        "values-alone": "lengths",
        "as-if-all-were-seen": "cost",
        "names-sorted": "named",
        "on-any-axis": "logarithmic axis",
    },
)
