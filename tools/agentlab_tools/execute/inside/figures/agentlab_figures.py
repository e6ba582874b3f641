"""A matplotlib backend that draws in memory, where `plt.show()` leaves figures for the cell's end.

Named by `MPLBACKEND=module://agentlab_figures`.
"""

from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from matplotlib.backends.backend_agg import FigureManagerBase as FigureManager

__all__ = ["FigureCanvas", "FigureManager", "show"]


def show(*_arguments: object, **_options: object) -> None:
    """Nothing: every open figure is saved when its cell ends."""
