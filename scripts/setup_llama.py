"""The llama.cpp runtime as a wheel compiled for this machine's CPU, built once and cached.

The package index carries llama-cpp-python as source only. The source is unpacked at a fixed place
in the user's cache and compiled in a build folder that is kept, so a build that was stopped at any
point, even by SIGKILL, goes on with the files that are not compiled yet. The finished wheel is kept
there too, for the next clone; the source, the build folder and the build tools are then removed.
Every folder appears under its final name only when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from setup_run import Screen, SetupFailed, locked, run

VERSION = "0.3.36"
_TOOLS = ("scikit-build-core>=0.10,<2", "cmake>=3.21,<5", "ninja>=1.11,<2")

# Included by CMake right after project(). The Python package forces LLAMA_BUILD_COMMON on in the
# cache; a normal variable of the same name wins over it (policy CMP0126). What it leaves out, the
# argument parser, downloader and HTTP library of llama.cpp's own programs, is half of the work.
_INCLUDE = "set(LLAMA_BUILD_COMMON OFF)\n"
_DEFINES = {
    "LLAVA_BUILD": "OFF",
    "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
    "LLAMA_CURL": "OFF",
    "CMAKE_INSTALL_LIBDIR": "llama_cpp/lib",
    "CMAKE_INSTALL_INCLUDEDIR": "llama_cpp/include",
}
_NEEDED_BYTES = 700_000_000
_STEP = re.compile(r"^\s*\[(\d+)/(\d+)\] ")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")


def wheel_key() -> str:
    """Name everything the compiled wheel depends on: version, options, system and CPU features."""
    parts = [VERSION, repr(_DEFINES), _INCLUDE, os.environ.get("CMAKE_ARGS", "")]
    parts += [sys.platform, platform.machine(), platform.libc_ver()[0], _cpu_features()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def build_wheel(cache: Path, screen: Screen) -> Path:
    """Return the wheel for this machine, building it, or the rest of it, if need be.

    Raises:
        SetupFailed: no compiler, no network, no space, or the build failed.
    """
    home = cache / f"llama-cpp-python-{VERSION}-{wheel_key()}"
    home.mkdir(parents=True, exist_ok=True)
    waiting = "waiting for another set-up that is building it"
    with locked(home, lambda: screen.detail(waiting)):
        if (wheel := _finished(home)) is not None:
            return wheel
        _check_machine(home)
        log = home / "build.log"
        _make_tools(home, log, screen)
        source = _fetch_source(home, log, screen)
        _compile(home, source, log, screen)
        for left in ("tools", "source", "build", "download"):
            shutil.rmtree(home / left, ignore_errors=True)
        if (wheel := _finished(home)) is None:
            raise SetupFailed(f"the build left no usable wheel (log: {log})")
        return wheel


def forget_wheel(cache: Path) -> None:
    """Drop the cached wheel, so that the next set-up builds it again."""
    shutil.rmtree(cache / f"llama-cpp-python-{VERSION}-{wheel_key()}", ignore_errors=True)


def _finished(home: Path) -> Path | None:
    return next((w for w in (home / "wheel").glob("*.whl") if zipfile.is_zipfile(w)), None)


def _check_machine(home: Path) -> None:
    compilers = {"C": ("CC", "cc", "gcc", "clang"), "C++": ("CXX", "c++", "g++", "clang++")}
    for language, (variable, *names) in compilers.items():
        wanted = os.environ.get(variable)
        if not any(shutil.which(name) for name in ([wanted.split()[0]] if wanted else names)):
            raise SetupFailed(
                f"no {language} compiler found, and the model runtime has to be compiled: install "
                "g++ (Debian, Ubuntu: sudo apt install g++; Fedora: sudo dnf install gcc-c++; "
                "macOS: xcode-select --install) and run it again"
            )
    if not (home / "source").exists() and shutil.disk_usage(home).free < _NEEDED_BYTES:
        raise SetupFailed(
            f"too little disk space in {home.parent}: building the model runtime takes "
            f"{_NEEDED_BYTES // 1_000_000} MB for a while; free some, or set AGENTLAB_CACHE to a "
            "folder on a larger disk"
        )


def _make_tools(home: Path, log: Path, screen: Screen) -> None:
    # A fixed place, not pip's throw-away build environment: CMake remembers its tools' paths.
    tools, marker = home / "tools", home / "tools" / "complete"
    if marker.exists():
        return
    screen.busy("getting the build tools")
    venv = [sys.executable, "-m", "venv", "--clear", tools]
    run(venv, log=log, on_line=_quiet, cwd=home)
    for packages in (("pip>=25.1",), _TOOLS):
        install = [tools / "bin/python", "-m", "pip", "install", "-q", "--retries", "2"]
        run([*install, *packages], log=log, on_line=_quiet, cwd=home)
    marker.touch()


def _fetch_source(home: Path, log: Path, screen: Screen) -> Path:
    source, download = home / "source", home / "download"
    if source.exists():
        return source

    def show(line: str) -> None:
        if match := _PROGRESS.match(line):
            done, total = int(match[1]), int(match[2])
            screen.detail(f"downloading the source, {total / 1e6:.0f} MB:", done / max(total, 1))

    pip = [home / "tools/bin/python", "-m", "pip", "download", "--retries", "2"]
    pip += ["--progress-bar", "raw", "--no-deps", "--no-build-isolation", "--dest", download]
    pip += ["--no-binary", "llama-cpp-python", f"llama-cpp-python=={VERSION}"]
    run(pip, log=log, on_line=show, cwd=home, env=_tool_path(home))
    screen.busy("unpacking the source")
    unpacked = home / "unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(next(download.glob("*.tar.gz"))) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(unpacked)
    next(unpacked.iterdir()).rename(source)
    shutil.rmtree(unpacked)
    return source


def _compile(home: Path, source: Path, log: Path, screen: Screen) -> None:
    include, packing = home / "include.cmake", home / "packing"
    include.write_text(_INCLUDE, encoding="utf-8")
    shutil.rmtree(packing, ignore_errors=True)
    defines = {**_DEFINES, "CMAKE_PROJECT_INCLUDE": str(include)}
    env = {
        **_tool_path(home),
        "CMAKE_ARGS": " ".join(
            [*(f"-D{k}={v}" for k, v in defines.items()), os.environ.get("CMAKE_ARGS", "")]
        ),
        "CMAKE_BUILD_PARALLEL_LEVEL": os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(_jobs())),
    }
    # ninja counts only what is left to do; the first run's count makes a resumed one honest.
    steps = home / "steps"
    known = int(steps.read_text()) if steps.exists() else 0

    def show(line: str) -> None:
        nonlocal known
        if match := _STEP.match(line):
            number, left = int(match[1]), int(match[2])
            if left > known:
                known = left
                steps.write_text(str(known))
            screen.detail("compiling:", (known - left + number) / known)

    screen.detail("compiling: going on where it stopped" if known else "compiling for this CPU")
    pip = [home / "tools/bin/python", "-m", "pip", "wheel", "--verbose", "--no-deps", source]
    pip += ["--no-build-isolation", "--config-settings", f"build-dir={home / 'build'}"]
    pip += ["--wheel-dir", packing]
    run(pip, log=log, on_line=show, cwd=home, env=env)
    shutil.rmtree(home / "wheel", ignore_errors=True)
    packing.rename(home / "wheel")


def _tool_path(home: Path) -> dict[str, str]:
    return {"PATH": f"{home / 'tools/bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _jobs() -> int:
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return max(1, min(cpus, gigabytes))  # the largest files take most of a gigabyte each


def _cpu_features() -> str:
    # A cache on a shared home may be read from another CPU, where these instructions would crash.
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return " ".join(sorted(match[1].split())) if match else ""


def _quiet(_: str) -> None:
    """Show nothing: the log has it."""
