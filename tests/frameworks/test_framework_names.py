"""What is imported by name stays what it was, whatever was imported before."""

from importlib import import_module
from importlib.util import find_spec

import pytest


@pytest.mark.parametrize("name", ["langchain", "llamaindex"])
def test_no_function_shares_its_name_with_a_module(name: str) -> None:
    """Python would put the module in the function's place once something imports it."""
    package = import_module(f"agentlab.frameworks.{name}")
    assert package.__all__
    for public in package.__all__:
        assert find_spec(f"{package.__name__}.{public}") is None
