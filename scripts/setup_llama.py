"""The llama.cpp runtime as a wheel compiled for this machine's CPU, built once and cached.

The package index carries llama-cpp-python as source only. The source is unpacked at a fixed place
in the user's cache and compiled in a build folder that is kept, so a build that was stopped at any
point, even by SIGKILL, goes on with the files that are not compiled yet. The finished wheel is kept
there too, for the next clone. Whether it works is for the caller to see: where it does not, another
rung of the ladder (`setup_rungs`) is built in the same folder, which compiles only what differs;
`settle` then removes the source, the build folder and the build tools, and remembers the rung.
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
from setup_rungs import FIRST, NAMES, Rung, compilers, ladder

VERSION = "0.3.36"
_TOOLS = ("scikit-build-core>=0.10,<2", "cmake>=3.21,<5", "ninja>=1.11,<2")

# Included by CMake right after each project(). The Python package forces LLAMA_BUILD_COMMON on in
# the cache; a normal variable of the same name wins over it (policy CMP0126). What it leaves out,
# the argument parser, downloader and HTTP library of llama.cpp's own programs, is half of the work.
# What is said of targets is said when all are there, and comes after what they say themselves.
_INCLUDE = """set(LLAMA_BUILD_COMMON OFF)
if(PROJECT_NAME STREQUAL "llama_cpp")
  cmake_language(DEFER CALL include "@HERE@/targets.cmake")
endif()
"""
_TARGETS = """if(TARGET ggml-cpu)
  target_compile_options(ggml-cpu PRIVATE @FLAGS@)
  if(NOT MSVC)
    target_compile_options(ggml-cpu PRIVATE "SHELL:-include \\"@HERE@/safe_tiles.h\\"")
  endif()
endif()
foreach(target ggml-base ggml llama)
  if(TARGET ${target})
    target_compile_options(${target} PRIVATE @WITHOUT@)
  endif()
endforeach()
if(TARGET llama AND NOT MSVC)
  # The time of a token goes to the kernels in ggml. Here are a hundred architectures' plans of
  # what to compute, each used once a prompt, if at all: -O3 on them is a third of all compiling.
  target_compile_options(llama PRIVATE -O1)
  get_target_property(sources llama SOURCES)
  list(FILTER sources EXCLUDE REGEX "models/")
  set_source_files_properties(${sources} TARGET_DIRECTORY llama PROPERTIES COMPILE_OPTIONS -O2)
endif()
"""
_TILES = Path(__file__).with_name("safe_tiles.h")
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
    """Name all that compiled wheels depend on: version, options, compiler, system, processor."""
    parts = [VERSION, repr(_DEFINES), _INCLUDE, _TARGETS, _cmake_args()]
    parts += [_TILES.read_text(encoding="utf-8")]
    parts += [*compilers(), sys.platform, platform.machine(), platform.libc_ver()[0]]
    parts += [_cpu_features()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def start(cache: Path) -> str:
    """The rung to begin with: what is known to work on this processor, or where all begin."""
    try:
        return (_home(cache) / "rung").read_text(encoding="utf-8").strip() or FIRST
    except OSError:
        return FIRST


def build_wheel(cache: Path, rung: Rung, screen: Screen) -> Path:
    """Return the wheel for this machine on this rung, building it, or the rest of it, if need be.

    Raises:
        SetupFailed: no compiler, no network, no space, or the build failed.
    """
    home = _home(cache)
    home.mkdir(parents=True, exist_ok=True)
    waiting = "waiting for another set-up that is building it"
    with locked(home, lambda: screen.detail(waiting)):
        if (wheel := _finished(home, rung)) is not None:
            return wheel
        _check_machine(home)
        log = home / "build.log"
        _make_tools(home, log, screen)
        source = _fetch_source(home, log, screen)
        _compile(home, source, rung, log, screen)
        if (wheel := _finished(home, rung)) is None:
            raise SetupFailed(f"the build left no usable wheel (log: {log})")
        return wheel


def cached_wheel(cache: Path) -> Path | None:
    """The wheel that was seen to work here, if there is one."""
    return _finished(_home(cache), Rung(start(cache)))


def cached_wheels(cache: Path) -> dict[str, Path]:
    """Every wheel built for this machine, by rung."""
    wheels = {name: _finished(_home(cache), Rung(name)) for name in NAMES}
    return {name: wheel for name, wheel in wheels.items() if wheel is not None}


def settle(cache: Path, rung: str) -> None:
    """Remember the rung that works, and remove what only building needs."""
    home = _home(cache)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home, lambda: None):
        (home / "rung").write_text(f"{rung}\n", encoding="utf-8")
        for left in ("tools", "source", "build", "download", "steps"):
            path = home / left
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(True)


def forget_wheels(cache: Path) -> None:
    """Drop the cached wheels, so that the next set-up builds them again."""
    shutil.rmtree(_home(cache), ignore_errors=True)


def rungs(first: str) -> list[Rung]:
    """The ladder from there down; where the user chose the instructions, theirs and no other."""
    if re.search(r"-DGGML_(NATIVE|AVX|AMX|CPU_ALL_VARIANTS|BACKEND_DL)", _cmake_args()):
        return [Rung("yours")]
    return ladder(first if first != "yours" else FIRST)


def _cmake_args() -> str:
    return os.environ.get("CMAKE_ARGS", "")


def _home(cache: Path) -> Path:
    return cache / f"llama-cpp-python-{VERSION}-{wheel_key()}"


def _finished(home: Path, rung: Rung) -> Path | None:
    wheels = (home / "wheels" / rung.name).glob("*.whl")
    return next((wheel for wheel in wheels if zipfile.is_zipfile(wheel)), None)


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


def _compile(home: Path, source: Path, rung: Rung, log: Path, screen: Screen) -> None:
    include, packing = home / "include.cmake", home / "packing"
    include.write_text(_INCLUDE.replace("@HERE@", str(home)), encoding="utf-8")
    # Only where the environment's flags are about instructions do the rest of the files have any.
    asked = f"{os.environ.get('CFLAGS', '')} {os.environ.get('CXXFLAGS', '')}"
    without = rung.without if re.search(r"(^|\s)-m(?!tune)", asked) else ()
    targets = _TARGETS.replace("@HERE@", str(home))
    targets = targets.replace("@FLAGS@", " ".join(rung.flags))
    targets = targets.replace("@WITHOUT@", " ".join(without))
    (home / "targets.cmake").write_text(targets, encoding="utf-8")
    shutil.copyfile(_TILES, home / _TILES.name)
    shutil.rmtree(packing, ignore_errors=True)
    defines = {**_DEFINES, **rung.defines, "CMAKE_PROJECT_INCLUDE": str(include)}
    env = {
        **_tool_path(home),
        "CMAKE_ARGS": " ".join([*(f"-D{k}={v}" for k, v in defines.items()), _cmake_args()]),
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

    how = "continuing where it stopped" if known else f"for this processor ({rung.name})"
    screen.detail(f"compiling: {how}")
    pip = [home / "tools/bin/python", "-m", "pip", "wheel", "--verbose", "--no-deps", source]
    pip += ["--no-build-isolation", "--config-settings", f"build-dir={home / 'build'}"]
    pip += ["--wheel-dir", packing]
    run(pip, log=log, on_line=show, cwd=home, env=env)
    finished = home / "wheels" / rung.name
    shutil.rmtree(finished, ignore_errors=True)
    finished.parent.mkdir(exist_ok=True)
    packing.rename(finished)
    steps.unlink(missing_ok=True)  # the next rung has its own count


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
