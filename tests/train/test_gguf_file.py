"""A GGUF file read fast says what gguf's own reader says."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from gguf import GGUFReader

from agentlab.backends.llamacpp.registry import locate
from agentlab.errors import MissingExtra
from agentlab_tools.train.bridge.gguf_file import open_gguf


def test_fields_and_tensors_are_those_of_the_packages_own_reader():
    path = locate("smollm2")
    ours, theirs = open_gguf(path), GGUFReader(path)
    assert {name: field.contents() for name, field in ours.fields.items()} == {
        name: field.contents() for name, field in theirs.fields.items()
    }
    for mine, other in zip(ours.tensors, theirs.tensors, strict=True):
        assert (mine.name, mine.tensor_type) == (other.name, other.tensor_type)
        assert mine.shape.tolist() == other.shape.tolist()
        assert np.array_equal(mine.data, other.data)


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingExtra, match="gguf"):
        open_gguf(locate("smollm2"))
