"""Run something as a user who is nobody, where the tests themselves run as root.

What root alone can reach (an interpreter or a checkout below a locked home) is shown to that user
in a mount namespace of its own: nothing on the machine changes.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

UID = 60321
linux = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and Landlock are Linux's")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become someone else")

_NEW_MOUNTS, _PRIVATE, _BIND = 0x00020000, 0x44000, 0x5000

_ENTER = """
import os, sys
sys.path.insert(0, {tests!r})
from users import show_and_become
show_and_become({paths!r}, {uid})
os.chdir({home!r})
os.execve({argv!r}[0], {argv!r}, {environment!r})
"""


def run_as_plain_user(
    argv: Sequence[str], *, timeout: float, python_path: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command as a plain user and return what it said; it is killed after `timeout` s."""
    paths = [Path(sys.base_prefix), Path(sys.prefix), *python_path]
    with tempfile.TemporaryDirectory(prefix="plain-user-") as home:
        os.chown(home, UID, UID)
        environment = {
            "HOME": home,
            "TMPDIR": home,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(map(str, python_path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        script = _ENTER.format(
            tests=str(Path(__file__).parent),
            paths=[str(path) for path in paths],
            uid=UID,
            home=home,
            argv=list(argv),
            environment=environment,
        )
        return subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
        )


def show_and_become(paths: Sequence[str], uid: int) -> None:
    """Make `paths` reachable for everyone in this process alone; then be `uid`, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    hidden = sorted({found for path in paths if (found := _locked(Path(path).resolve()))})
    if hidden:
        _check(libc.unshare(_NEW_MOUNTS), "unshare")
        _check(libc.mount(None, b"/", None, _PRIVATE, None), "private mounts")
        for folder in map(str, hidden):
            _reopen(libc, folder, [path for path in paths if Path(path).is_relative_to(folder)])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _reopen(libc: ctypes.CDLL, folder: str, inner: Sequence[str]) -> None:
    """Cover a locked folder by an open one that holds nothing but `inner`."""
    opened = [(path, os.open(path, os.O_PATH | os.O_DIRECTORY)) for path in inner]
    _check(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b"mode=755"), f"cover {folder}")
    for path, descriptor in opened:
        Path(path).mkdir(parents=True, exist_ok=True)
        source = f"/proc/self/fd/{descriptor}".encode()
        _check(libc.mount(source, path.encode(), None, _BIND, None), f"show {path}")


def _locked(path: Path) -> Path | None:
    """The outermost folder on the way that others can't pass."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
