"""A matplotlib backend that draws in memory, where `plt.show()` leaves figures for the cell's end.

Named by `MPLBACKEND=module://agentlab_figures`.
"""

from matplotlib.backend_bases import FigureManagerBase as FigureManager
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

__all__ = ["FigureCanvas", "FigureManager", "show"]


def show(*_arguments: object, **_options: object) -> None:
    """Nothing: every open figure is saved when its cell ends."""
