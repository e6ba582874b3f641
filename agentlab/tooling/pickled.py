"""Tools in another process: made again there, of the function that they were made of here."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from inspect import isfunction
from pickle import PicklingError
from typing import Any, cast

Made = Callable[..., Any]
"""What makes a tool of a function and the keywords of `@tool`."""


def reference(function: Callable[..., Any], tool: str) -> Any:
    """What finds a function again: its module and name; itself where it can be pickled.

    Raises:
        PicklingError: it was made inside another function, where no other process finds it.
    """
    if not isfunction(function):  # a partial, a method: pickled by what they hold
        return function
    module, name = function.__module__, function.__qualname__
    if "<" in name:
        raise PicklingError(
            f"tool {tool} was made inside a function ({name}): define it at the top of a module "
            "to pickle it"
        )
    return module, name


def made_again(make: Made, where: Any, options: dict[str, Any]) -> Any:
    """The tool, from a `reference` and the keywords of `@tool`."""
    if not isinstance(where, tuple):
        return make(**options)(where)
    module, name = cast(tuple[str, str], where)
    function: Any = reduce(cast(Any, getattr), name.split("."), import_module(module))
    # under its own name stands what the decorator left there: the tool
    return make(**options)(getattr(function, "function", None) or function)
