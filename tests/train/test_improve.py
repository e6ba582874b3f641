"""An agent becomes better by its own good runs; what is claimed is what the interval shows."""

from __future__ import annotations
