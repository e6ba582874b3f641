"""The Python of a page, run block after block as a reader would, in one namespace.

A line that only names a value, with a comment after it, says what the value is:

    result.value, result.outcome        # 'np.int64(3)', 'ok'

`…` in it stands for whatever is there.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from doc_pages import Block

_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_SAYS = "_the_page_says"


def parsed(block: Block) -> ast.Module:
    """The block as a tree. It may await at its top, as a cell of a notebook may."""
    tree = compile(block.code, str(block), "exec", _FLAGS | ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    return tree


async def run(block: Block, names: dict[str, Any]) -> None:
    """Run a block, and see that every value it shows is what the page says it is."""
    tree = ast.fix_missing_locations(_Said(block).visit(parsed(block)))
    names[_SAYS] = _compare
    made = eval(compile(tree, str(block), "exec", _FLAGS), names)
    if inspect.isawaitable(made):
        await made


class _Said(ast.NodeTransformer):
    """Hands every value that is shown, with what is said of it, to `_compare`."""

    def __init__(self, block: Block) -> None:
        self._block, self._lines = block, block.code.splitlines()

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Await | ast.Call | ast.Constant | ast.Yield):
            return node
        _, mark, said = self._lines[(node.end_lineno or node.lineno) - 1].partition("  # ")
        assert mark, f"{self._block}: {ast.unparse(node)} shows nothing"
        told = ast.parse(f"{_SAYS}(None, {said.strip()!r}, {str(self._block)!r})", mode="eval").body
        assert isinstance(told, ast.Call)
        told.args[0] = node.value
        return ast.copy_location(ast.Expr(told), node)


def _compare(value: object, said: str, where: str) -> None:
    shown = repr(value)[1:-1] if isinstance(value, tuple) else repr(value)
    pattern = ".*".join(re.escape(part) for part in said.split("…"))
    assert re.fullmatch(pattern, shown, re.DOTALL), f"{where}: {shown} is not {said}"
