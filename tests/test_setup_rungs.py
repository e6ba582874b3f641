"""Which instructions set-up builds the runtime with, and what the compiler makes of them."""

from __future__ import annotations

import importlib
import platform
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

pytestmark = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="instructions of x86 processors"
)

# As ggml fills and loads the configuration of its tiles.
TILES = """
#include <stdint.h>
#ifdef __AMX_INT8__
#include <immintrin.h>
struct config { uint8_t palette, start, reserved[14]; uint16_t colsb[16]; uint8_t rows[16]; };
void configure(void) {
    _Alignas(64) struct config tc = {0};
    tc.palette = 1;
    for (int i = 0; i < 8; i++) {
        tc.rows[i] = i < 2 ? 8 : 16;
        tc.colsb[i] = i == 2 || i == 3 ? 32 : 64;
    }
    _tile_loadconfig(&tc);
}
#endif
"""
# bytes that a store writes, by the register it comes from or the suffix of its name
WIDTHS = {"zmm": 64, "ymm": 32, "xmm": 16, "r": 8}
SUFFIXES = {"b": 1, "w": 2, "l": 4, "q": 8}


@pytest.fixture
def rungs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_ARGS"):
        monkeypatch.delenv(name, raising=False)
    return importlib.import_module("setup_rungs")


def unset_tiles(code: str) -> list[str]:
    """Each `ldtilecfg` in a disassembly before which the rows of the first eight tiles aren't set.

    A configuration is 64 bytes: the tiles' widths from byte 16, their rows from byte 48.
    """
    found: list[str] = []
    lines = code.splitlines()
    for number, line in enumerate(lines):
        loaded = re.search(r"\bldtilecfg\s+(-?0x[0-9a-f]+)?\((%\w+)\)", line)
        if loaded is None or loaded[2] == "%rip":  # a constant in the file, whole by nature
            continue
        start, written = int(loaded[1] or "0", 16), dict[int, str]()
        for before in lines[max(0, number - 60) : number]:
            store = re.search(
                rf"\b(v?mov\w*)\s+(\$?[^,()]+),(-?0x[0-9a-f]+)?\({loaded[2]}\)", before
            )
            if store is None:
                continue
            name, source = store[1], store[2].lstrip("%")
            kinds = [width for kind, width in WIDTHS.items() if source.startswith(kind)]
            width = kinds[0] if kinds else SUFFIXES.get(name[-1], 4)
            offset = int(store[3] or "0", 16) - start
            written.update(dict.fromkeys(range(offset, offset + width), before))
        # that all was set to zero in one go before does not make it set
        zeroed = next((text for text in written.values() if "zmm" in text), None)
        if any(written.get(byte, zeroed) == zeroed for byte in (16, 48)):
            found.append(line.strip())
    return found


def disassembled(tmp_path: Path, *flags: str) -> str:
    source, made = tmp_path / "tiles.c", tmp_path / "tiles.o"
    source.write_text(TILES)
    subprocess.run(["cc", "-O3", *flags, "-c", source, "-o", made], check=True)
    return dump(made)


def dump(file: Path) -> str:
    command = ["objdump", "-d", "--no-show-raw-insn", file]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_installed_runtime_sets_its_tiles_or_has_none():
    pytest.importorskip("llama_cpp")
    import llama_cpp

    kernels = Path(llama_cpp.__file__).parent / "lib" / "libggml-cpu.so"
    code = dump(kernels)
    assert code.count("\n") > 50_000
    assert unset_tiles(code) == []


def test_with_our_header_the_tiles_are_set_whatever_the_compilers_own_says(
    rungs: ModuleType, tmp_path: Path
):
    header = SCRIPTS / "safe_tiles.h"
    code = disassembled(tmp_path, "-march=sapphirerapids", "-include", str(header))
    assert "ldtilecfg" in code
    assert unset_tiles(code) == []


def test_what_a_wrong_header_leaves_out_is_seen(tmp_path: Path):
    wrong = tmp_path / "wrong.h"
    wrong.write_text("""
        #include <immintrin.h>
        #undef _tile_loadconfig
        #define _tile_loadconfig(c) \\
            __asm__ volatile("ldtilecfg\\t%0" : : "m"(*(const long *)(c)))
    """)
    code = disassembled(tmp_path, "-march=sapphirerapids", "-include", str(wrong))
    assert len(unset_tiles(code)) == 1


@pytest.mark.parametrize("name", ["no-amx", "no-avx512", "avx2", "baseline"])
def test_from_where_set_up_starts_there_are_no_tiles(rungs: ModuleType, name: str, tmp_path: Path):
    (rung, *_) = rungs.ladder(name)
    flags = [flag if flag != "-march=native" else "-march=sapphirerapids" for flag in rung.flags]
    assert "ldtilecfg" not in disassembled(tmp_path, *flags)
    assert rungs.NAMES.index(rungs.FIRST) >= rungs.NAMES.index("no-amx")


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("no-amx", ["__AMX_INT8__", "__AMX_TILE__"]),
        ("no-avx512", ["__AMX_INT8__", "__AVX512F__", "__AVX512VNNI__"]),
        ("avx2", ["__AMX_INT8__", "__AVX512F__", "__AVXVNNI__"]),
        ("baseline", ["__AMX_INT8__", "__AVX512F__", "__AVX2__", "__AVX__", "__FMA__"]),
    ],
)
def test_a_rung_has_not_what_it_goes_without_even_if_the_environment_asks(
    rungs: ModuleType, name: str, absent: list[str]
):
    asked = ["-march=sapphirerapids"]
    (rung, *_) = rungs.ladder(name)
    flags = [flag for flag in rung.flags if flag != "-march=native"]
    command = ["cc", *asked, *flags, "-dM", "-E", "-x", "c", "/dev/null"]
    macros = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "__x86_64__" in macros
    assert [macro for macro in absent if f"{macro} " in macros] == []


def test_rungs_that_are_the_same_code_here_are_one(
    rungs: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    names = [rung.name for rung in rungs.ladder("all")]
    flags = Path("/proc/cpuinfo").read_text()
    assert names[-1] == "baseline"
    assert ("no-amx" in names) == ("amx_int8" in flags)
    # an environment that asks for what the processor has not makes them differ
    monkeypatch.setenv("CFLAGS", "-mavx512f -mamx-int8")
    assert [rung.name for rung in rungs.ladder("all")] == list(rungs.NAMES)


def test_another_compiler_or_other_flags_are_another_wheel(
    rungs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    llama = importlib.import_module("setup_llama")
    keys = {llama.wheel_key()}
    for name in ("CFLAGS", "CXXFLAGS", "CMAKE_ARGS"):
        monkeypatch.setenv(name, "-O2")
        keys.add(llama.wheel_key())
        monkeypatch.delenv(name)
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho another 1.0\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    keys.add(llama.wheel_key())
    assert len(keys) == 5


def test_an_unknown_rung_is_told_with_those_there_are(rungs: ModuleType):
    setup_run = importlib.import_module("setup_run")
    with pytest.raises(setup_run.SetupFailed, match="no RUNTIME=fast: there are all, no-amx"):
        rungs.ladder("fast")


def test_objdump_is_there():
    assert shutil.which("objdump"), "install binutils: the compiled code is looked at"


@pytest.fixture
def set_up(rungs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Set-up with a cache of its own, all rungs, and no wheel to install."""
    setup = importlib.import_module("setup")
    state = importlib.import_module("setup_state")
    monkeypatch.setenv("AGENTLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CFLAGS", "-mavx512f -mamx-int8")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(state, "STAMPS", tmp_path / ".venv" / "setup.json")
    monkeypatch.setattr(setup, "build_wheel", lambda cache, rung, screen: Path(rung.name))
    monkeypatch.setattr(setup, "_use", lambda screen, wheel, rung: state.stamp(rung=rung))
    return setup


def test_set_up_goes_down_until_the_runtime_works_and_begins_there_next_time(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    setup_run = importlib.import_module("setup_run")
    llama = importlib.import_module("setup_llama")
    faults = ["it dies (SIGILL)", "it computes wrongly", None]
    monkeypatch.setattr(set_up, "_fault", lambda: faults.pop(0))
    assert llama.start(set_up.cache()) == "no-amx"
    said = set_up._check_llama(setup_run.Screen(1))

    assert "(avx2)" in said
    assert llama.start(set_up.cache()) == "avx2"
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "it dies (SIGILL): building it with fewer instructions (no-avx512)",
        "it computes wrongly: building it with fewer instructions (avx2)",
    ]


def test_a_runtime_that_is_wrong_on_every_rung_is_told_in_one_line(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    setup_run = importlib.import_module("setup_run")
    monkeypatch.setattr(set_up, "_fault", lambda: "it hangs")
    with pytest.raises(setup_run.SetupFailed, match="it hangs, however it is built") as failure:
        set_up._check_llama(setup_run.Screen(1))
    assert "\n" not in str(failure.value)
    assert "check" not in importlib.import_module("setup_state").stamps()
