"""Runs in the sandbox: what a drawn figure is made of, as plain numbers and words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

np: Any = import_module("numpy")
collections: Any = import_module("matplotlib.collections")
patches: Any = import_module("matplotlib.patches")
images: Any = import_module("matplotlib.image")
GIVEN: Any = json.loads(Path("given.json").read_text())
_ASKED: Any = GIVEN.get("asked", [])


def seen(figure: Any) -> list[Any]:
    """What each of its axes shows."""
    figure.draw_without_rendering()  # so that ticks and limits are what they will be
    found = [_axes(ax) for ax in figure.axes]
    for legend in figure.legends:
        found[0]["legend"] += [text.get_text() for text in legend.get_texts()]
    return found


def _axes(ax: Any) -> dict[str, Any]:
    legend: Any = ax.get_legend()
    named = legend.get_texts() if legend is not None and legend.get_visible() else ()
    return {
        "labels": [ax.get_xlabel(), ax.get_ylabel()],
        "scales": [ax.get_xscale(), ax.get_yscale()],
        "limits": [sorted(map(float, limit)) for limit in (ax.get_xlim(), ax.get_ylim())],
        "legend": [text.get_text() for text in named],
        "names": [_names(axis) for axis in (ax.xaxis, ax.yaxis)],
        "series": [_pairs(points) for points in _series(ax)],
        "bars": list(_bars(ax)),
        "cells": [cells for cells in map(_cells, _mapped(ax)) if cells],
    }


def _there(ax: Any, artist: Any) -> bool:
    """Visible, and placed by the data on both axes, as a line across the axes is not."""
    seen = artist.get_visible() and (artist.get_alpha() is None or artist.get_alpha() >= 0.1)
    return seen and all(artist.get_transform().contains_branch_seperately(ax.transData))


def _series(ax: Any) -> Iterator[Any]:
    for line in ax.lines:
        lined = line.get_linestyle() not in ("None", "", " ") and line.get_linewidth() > 0
        if _there(ax, line) and (lined or line.get_marker() not in ("None", "", " ", None)):
            yield line.get_xydata()
    for found in ax.collections:
        seen = found.get_visible() and (found.get_alpha() is None or found.get_alpha() >= 0.1)
        if seen and isinstance(found, collections.PathCollection):
            yield found.get_offsets()
        elif seen and isinstance(found, collections.PolyCollection) and found.get_array() is None:
            yield from (path.vertices for path in found.get_paths())
    for patch in ax.patches:
        if isinstance(patch, patches.Polygon) and _there(ax, patch):
            yield patch.get_xy()


def _pairs(points: Any) -> list[Any]:
    points = np.ma.filled(np.ma.asarray(points, dtype=float), np.nan)
    return [[x, y] for x, y in points.tolist() if math.isfinite(x) and math.isfinite(y)]


def _bars(ax: Any) -> Iterator[list[float]]:
    """[left, right, foot, top] of each."""
    for patch in ax.patches:
        if isinstance(patch, patches.Rectangle) and _there(ax, patch):
            x, y, wide, high = patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()
            yield [float(x), float(x + wide), float(y), float(y + high)]
        elif isinstance(patch, patches.StepPatch) and _there(ax, patch):
            heights, edges, foot = patch.get_data()
            feet = np.broadcast_to(0.0 if foot is None else foot, np.shape(heights))
            for left, right, low, high in zip(edges[:-1], edges[1:], feet, heights, strict=True):
                yield [float(left), float(right), float(low), float(high)]


def _names(axis: Any) -> list[Any]:
    pairs = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    return [[float(at), text.get_text()] for at, text in pairs if text.get_text()]


def _mapped(ax: Any) -> list[Any]:
    meshes = [one for one in ax.collections if hasattr(one, "get_coordinates")]
    return [*(one for one in ax.images if isinstance(one, images.AxesImage)), *meshes]


def _cells(mapped: Any) -> dict[str, Any] | None:
    """Where each cell's middle is, its value, and the colour that is seen there."""
    values = np.ma.masked_invalid(np.ma.asarray(mapped.get_array(), dtype=float))
    if values.ndim != 2 or not mapped.get_visible():
        return None
    high, wide = values.shape
    if isinstance(mapped, images.AxesImage):
        left, right, bottom, top = mapped.get_extent()
        down = mapped.origin == "upper"
        xs = left + (np.arange(wide) + 0.5) / wide * (right - left)
        ys = bottom + (np.arange(high) + 0.5) / high * (top - bottom)
        middles = [[(x, y) for x in xs] for y in (ys[::-1] if down else ys)]
    else:
        corners = np.asarray(mapped.get_coordinates(), dtype=float)
        middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    under = np.asarray(mapped.axes.get_facecolor() if mapped.axes.patch.get_visible() else [1] * 4)

    def colour(value: float | None) -> list[float]:
        value = math.nan if value is None else value
        red, green, blue, alpha = (
            float(c) for c in np.ravel(mapped.to_rgba(np.ma.masked_invalid([value])))
        )
        share = alpha if mapped.get_alpha() is None else alpha * float(mapped.get_alpha())
        return [
            share * c + (1 - share) * float(u)
            for c, u in zip((red, green, blue), under[:3], strict=True)
        ]

    told: list[Any] = []
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            x, y = middles[row][column]
            given = None if value is np.ma.masked else float(value)
            told.append({"x": float(x), "y": float(y), "value": given, "seen": colour(given)})
    bar = mapped.colorbar
    label = None if bar is None else bar.ax.get_ylabel() or bar.ax.get_xlabel()
    return {"cells": told, "bar": label, "scale": {str(v): colour(v) for v in _ASKED}}
