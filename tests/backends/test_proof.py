"""A llama.cpp that does not work here is found out in a process of its own, in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stand_ins import REAL, stand_in

from agentlab.backends.llamacpp.proof import child, kept, specimen, verdict
from agentlab.backends.llamacpp.proof.installed import Installed, installed, packaged
from agentlab.backends.llamacpp.registry import find
from agentlab.errors import RuntimeBroken


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing that this machine knows already, and nothing left in its cache."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


@pytest.fixture
def real() -> Installed:
    found = installed()
    assert found is not None
    return found


def no_process(*_: object, **__: object) -> None:
    raise AssertionError("a process was started")


def test_the_installed_library_computes_as_was_computed_without_it(real: Installed):
    found = verdict.prove(real)
    assert found.fault is None, found.fault
    assert len(found.errors) == 4 * (child.SINGLE + 1)
    assert any("adapter" in name for name in found.errors)
    # the tolerance is not what lets it pass
    assert max(found.errors.values()) < max(child.ALLOWED.values()) / 2
    assert found.version


BREAKS = {
    "illegal": ("dies", "reading 384 tokens at once", "SIGILL"),
    "crash": ("dies", "reading 384 tokens at once", "SIGSEGV"),
    "aborts": ("dies", "loading the library", "SIGABRT"),
    "wrong": ("computes wrongly", "after 384 tokens"),
    "nan": ("computes wrongly", "after 384 tokens"),
    "missing": ("fails", "loading the library", "undefined symbol"),
    "hang": ("hangs", "reading 384 tokens at once"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_library_is_told_by_every_command_in_one_line(name: str, tmp_path: Path):
    folder = stand_in(tmp_path / "lib", name)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "agentlab", "chat", "-b", "local:smollm2", "Hello"],
        env={
            **os.environ,
            "LLAMA_CPP_LIB_PATH": str(folder),
            "AGENTLAB_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    seconds = time.monotonic() - began

    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert all(word in line for word in ("agentlab: llama.cpp in", str(folder), *BREAKS[name]))
    assert "make setup RUNTIME=avx2" in line
    assert seconds < 30


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_a_library_that_dies_takes_nothing_with_it_that_a_user_made(tmp_path: Path):
    """A talk and a half-written answer stay as they were, and go on once it is mended."""
    home = tmp_path / "home"
    answer = home / "progress" / "m5" / "tool-use" / "sums.toml"
    answer.parent.mkdir(parents=True)
    answer.write_text('instructions = "half a sen\n')

    def agentlab(*arguments: str, library: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "AGENTLAB_HOME": str(home)}
        if library is not None:
            environment["LLAMA_CPP_LIB_PATH"] = str(library)
        command = [sys.executable, "-m", "agentlab", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    begun = agentlab("chat", "-b", "local:smollm2", "My name is Ada.")
    assert begun.returncode == 0, begun.stderr
    before = _files(home)
    assert len(list((home / "runs").glob("*.jsonl"))) == 1
    broken = stand_in(tmp_path / "lib", "illegal")
    for command in (["chat", "--continue", "And I am 36."], ["run", "m5/tool-use"]):
        died = agentlab(*command, library=broken)
        assert died.returncode == 2
        assert "SIGILL" in died.stderr
        assert _files(home) == before
    mended = agentlab("chat", "--continue", "And I am 36.")
    assert mended.returncode == 0, mended.stderr
    after = _files(home)
    assert {name: after[name] for name in before} == before
    assert any(
        "My name is Ada." in text.decode() for name, text in after.items() if name not in before
    )


def test_what_was_found_is_not_found_out_again(real: Installed, monkeypatch: pytest.MonkeyPatch):
    verdict.prove(real)
    monkeypatch.setattr(subprocess, "Popen", no_process)
    verdict.require()
    times: list[float] = []
    for _ in range(20):
        began = time.thread_time()
        verdict.require()
        times.append(time.thread_time() - began)
    assert min(times) < 0.005, "what is remembered costs no time"


def test_a_fault_is_remembered_and_said_again_without_another_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(stand_in(tmp_path / "lib", "illegal")))
    with pytest.raises(RuntimeBroken, match="SIGILL"):
        verdict.require()
    monkeypatch.setattr(subprocess, "Popen", no_process)
    with pytest.raises(RuntimeBroken, match="SIGILL"):
        verdict.require()


def test_a_hang_is_no_lasting_verdict_for_the_machine_may_have_been_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(stand_in(tmp_path / "lib", "hang")))
    found = installed()
    assert found is not None
    assert "hangs" in (verdict.prove(found, patience=4).fault or "")
    assert verdict.known(found) is None


def test_silence_on_a_busy_machine_is_no_hang():
    patience = verdict.PATIENCE
    assert verdict._hangs(patience, worked=0.0, patience=patience), "asleep"
    assert verdict._hangs(patience, worked=2 * patience, patience=patience), "spinning, two threads"
    assert not verdict._hangs(patience, worked=1.5, patience=patience), "a twelfth of a processor"
    assert verdict._hangs(verdict._LONGEST, worked=10.0, patience=patience)


def test_the_same_library_elsewhere_is_known_and_another_is_not(
    real: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept.remember(real, {"fault": None, "version": "seen"})
    shutil.copytree(REAL, tmp_path / "copy")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path / "copy"))
    copy = installed()
    assert copy is not None
    assert copy.folder != real.folder
    known = verdict.known(copy)
    assert known is not None
    assert known.version == "seen"

    with (tmp_path / "copy" / "libggml-cpu.so").open("ab") as file:
        file.write(b"\0")
    changed = installed()
    assert changed is not None
    assert verdict.known(changed) is None


def test_a_home_shared_with_another_processor_says_nothing_of_this_one(real: Installed):
    kept.remember(real, {"fault": None})
    assert verdict.known(real) is not None
    assert verdict.known(replace(real, processor=f"{real.processor} amx_int8")) is None


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_home_that_cannot_be_written_to_is_no_hindrance(
    real: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    kept.remember(real, {"fault": None, "version": "kept"})
    known = verdict.known(real)
    assert known is not None
    assert known.version == "kept"

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    kept.remember(real, {"fault": None})
    assert verdict.known(real) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"what": 1}', '{"content": "../../x"}'])
def test_a_damaged_memory_is_as_none(real: Installed, own_cache: Path, text: str):
    kept.remember(real, {"fault": None})
    for file in (own_cache / "agentlab" / "runtime").iterdir():
        file.write_text(text)
    assert verdict.known(real) is None


def test_every_format_in_the_specimen_is_of_a_useful_size():
    gguf = pytest.importorskip("gguf")
    for name, shape, code, data in specimen.tensors():
        if not name.startswith("blk.") or "norm" in name:
            continue
        kind = gguf.GGMLQuantizationType(code)
        rows = np.frombuffer(data, np.uint8).reshape(shape[1], -1)
        numbers = gguf.dequantize(rows if code != 1 else rows.view(np.float16), kind)
        assert np.isfinite(numbers).all(), name
        assert 0.03 < numbers.std() < 0.15, f"{name} ({kind.name}): {numbers.std()}"


def test_the_reference_is_of_the_prompts_that_are_read():
    reference = json.loads(Path(child.__file__).with_name("reference.json").read_text())
    for case, prompt in child.PROMPTS.items():
        ends = [str(end) for end in range(prompt, prompt + child.SINGLE + 1)]
        assert list(reference[case]["after"]) == ends
        assert len(reference[case]["tokens"]) == int(ends[-1])
    assert reference["specimen"]["tokens"] == specimen.prompt(len(reference["specimen"]["tokens"]))


def test_the_packaged_model_is_found_without_its_registry():
    model, adapter = packaged()
    known = find("local:agent")
    assert (model, [adapter]) == (known.path, list(known.adapters.values()))
