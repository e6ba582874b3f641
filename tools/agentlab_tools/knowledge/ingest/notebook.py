"""Jupyter notebooks: cells in order, code with what it printed.

The text is that of a script with a line `# %%` above each cell.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, cast

from agentlab_tools.knowledge.ingest.document import Builder, Document, Unreadable
from agentlab_tools.knowledge.ingest.load import text_of
from agentlab_tools.knowledge.ingest.markdown import Headings, blocks_of

_OUTPUT_CHARS = 2_000


def parse(data: bytes) -> Document:
    """A notebook of any version.

    Raises:
        Unreadable: it is not a notebook, or there is nothing in it.
    """
    text, note = text_of(data, longest_line=None)  # pictures stand on one line each
    nbformat: Any = import_module("nbformat")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old notebooks lack ids
            notebook = nbformat.reads(text, as_version=4)
            cells = [(str(c.cell_type), _lines(c.source), _printed(c)) for c in notebook.cells]
    except Exception as error:  # the library raises whatever its schema meets
        raise Unreadable("not a notebook that can be read") from error
    builder, headings, title = Builder(), Headings(), ""
    for kind, source, printed in cells:
        builder.write(f"# %% [{kind}]\n" if kind != "code" else "# %%\n")
        if kind == "markdown":
            blocks, first = blocks_of(source, headings)
            title = title or first
            builder.blocks_of(source, blocks)
        else:
            builder.block(source, "code", str(headings))
        if printed:
            builder.block(printed, "code", str(headings))
    if not builder.blocks:
        raise Unreadable("a notebook with nothing in it")
    blocks = tuple(builder.blocks)
    return Document(builder.text(), "notebook", blocks, title, (note,) if note else ())


def _printed(cell: Any) -> str:
    """What a cell wrote, as text, shortened."""
    printed: list[str] = []
    for output in cell.get("outputs", ()):
        text = output.get("text") or output.get("data", {}).get("text/plain") or ""
        printed.append("".join(cast(list[str], text)) if isinstance(text, list) else str(text))
    return _lines("\n".join(printed))[:_OUTPUT_CHARS].strip()


def _lines(text: object) -> str:
    return str(text).replace("\r\n", "\n").replace("\r", "\n")
